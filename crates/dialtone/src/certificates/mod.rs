//! The certificate that TLS clients are shown: read from files, checked, and replaceable while
//! connections live.

mod files;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use files::{CertificateError, Part};

/// The names of STUN and TURN in TLS (RFC 7443).
const ALPN_TURN: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// A certificate and its key. A handshake shows whatever certificate is current when it begins;
/// connections that exist are not touched.
#[derive(Debug)]
pub struct Certificates {
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Reads both files. A certificate that is out of its time is taken, with a warning: clients
    /// refuse it, and say so, but what does not need it can run.
    pub fn read(chain: &Path, key: &Path) -> Result<Arc<Certificates>, CertificateError> {
        let current = files::read(chain, key)?;
        Ok(Arc::new(Certificates {
            current: RwLock::new(current),
        }))
    }

    /// From now on shows what another one shows.
    pub fn replace_with(&self, other: &Certificates) {
        let new = other.current();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// How a listener does its handshakes: TLS 1.2 and 1.3, sessions resumed by tickets that only
    /// this process can read, no early data (it could be replayed).
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        config.alpn_protocols = ALPN_TURN.map(Vec::from).to_vec();
        Ok(config)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificates {
    /// There is one certificate, whatever name the client has asked for: what does not fit is for
    /// the client to refuse.
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// Tells TLS for which cryptography it is built. To be called once, before anything else.
pub fn install_cryptography() {
    // An error means that it was done before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
