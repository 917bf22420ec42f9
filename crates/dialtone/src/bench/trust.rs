//! Whom TLS clients believe that the server is the server.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::stream::Trust;

/// Where Debian and its relatives keep the authorities of the system.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why nobody can be trusted, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum NoTrust {
    /// The file cannot be used.
    #[error("no certificates in {0}: {1}; name those that vouch for the server with --tls-ca FILE")]
    File(PathBuf, String),
    /// Certificates are for names and addresses.
    #[error("no certificate is for {0:?}; give the server's name or address")]
    Name(String),
}

impl Trust {
    /// Believes that a server has this name or address if one of the certificates in a PEM file
    /// vouches for it; without a file those of the system.
    pub fn of(host: &str, file: Option<&Path>) -> Result<Trust, NoTrust> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = match host.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => {
                ServerName::try_from(host.to_owned()).map_err(|_| NoTrust::Name(host.to_owned()))?
            }
        };
        let roots = read(file.unwrap_or(Path::new(SYSTEM)))?;
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust {
            config: Arc::new(config),
            name,
        })
    }
}

fn read(file: &Path) -> Result<RootCertStore, NoTrust> {
    let failed = |error: String| NoTrust::File(file.to_owned(), error);
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
    let (added, _) = roots.add_parsable_certificates(certificates.flatten());
    match added {
        0 => Err(failed("none can be read".to_owned())),
        _ => Ok(roots),
    }
}
