//! The certificate that TLS clients are shown: read from files, checked, and replaceable while
//! connections live.

mod files;
mod names;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use files::{CertificateError, Part};
pub use names::Names;

/// The names of STUN and TURN in TLS (RFC 7443).
const ALPN_TURN: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];
/// The name of what browsers speak with the web side.
const ALPN_WEB: &[u8] = b"http/1.1";

/// What a client may be after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The web app, the API, the WebSocket.
    Web,
    /// STUN and TURN.
    Turn,
}

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
        files::read(chain, key).map(Certificates::showing)
    }

    /// One that was not read from files.
    pub fn showing(current: Arc<CertifiedKey>) -> Arc<Certificates> {
        Arc::new(Certificates {
            current: RwLock::new(current),
        })
    }

    /// From now on shows this one.
    pub fn show(&self, new: Arc<CertifiedKey>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// From now on shows what another one shows.
    pub fn replace_with(&self, other: &Certificates) {
        self.show(other.current());
    }

    /// The server's own certificate.
    pub fn leaf(&self) -> CertificateDer<'static> {
        self.current().cert[0].clone()
    }

    /// It, and behind it those that lead to an authority.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.current().cert.clone()
    }

    /// For whom the certificate speaks.
    pub fn names(&self) -> Names {
        Names::of(&self.leaf())
    }

    /// How a listener for these services does its handshakes: TLS 1.2 and 1.3, sessions resumed by
    /// tickets that only this process can read, no early data (it could be replayed).
    pub fn config(self: &Arc<Self>, services: &[Service]) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        let names = services.iter().flat_map(|service| service.alpn());
        config.alpn_protocols = names.map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service {
    /// The service that a client named in its handshake.
    pub fn of_alpn(name: &[u8]) -> Option<Service> {
        let services = [Service::Web, Service::Turn];
        services.into_iter().find(|it| it.alpn().contains(&name))
    }

    fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Service::Web => &[ALPN_WEB],
            Service::Turn => &ALPN_TURN,
        }
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
