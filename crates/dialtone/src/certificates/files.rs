//! Reading a certificate and its key from PEM files, and saying what is wrong with them.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::clock;

/// Bytes a file may have. A chain has a few thousand.
const MAX_FILE: u64 = 1 << 20;

const ENCRYPTED_KEY: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Why a certificate cannot be used, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct CertificateError {
    /// The file that is at fault.
    pub part: Part,
    /// In one sentence.
    pub text: String,
}

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate and those that lead to a known authority.
    Certificate,
    /// The private key.
    Key,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Certificate => "certificate",
            Part::Key => "private key",
        }
    }

    fn error(self, text: String) -> CertificateError {
        CertificateError { part: self, text }
    }
}

/// Reads both files, and warns of a certificate that is out of its time.
pub fn read(chain_path: &Path, key_path: &Path) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain = read_chain(chain_path)?;
    let key = read_key(key_path)?;
    let leaf = X509Certificate::from_der(&chain[0]);
    let (_, leaf) = leaf.map_err(|error| broken(Part::Certificate, chain_path, &error))?;
    warn_if_out_of_time(&leaf, chain_path);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Part::Key.error(format!(
            "the key in {} does not belong to the first certificate in {}, which has to be the \
             server's own; give the files that were made together",
            key_path.display(),
            chain_path.display()
        )),
        other => broken(Part::Key, key_path, &other),
    })?;
    Ok(Arc::new(certified))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let bytes = read_file(Part::Certificate, path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| broken(Part::Certificate, path, &error))?;
    if chain.is_empty() {
        let is_key = PrivateKeyDer::from_pem_slice(&bytes).is_ok();
        return Err(nothing_inside(
            Part::Certificate,
            path,
            "CERTIFICATE",
            is_key,
        ));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let bytes = read_file(Part::Key, path)?;
    if bytes
        .windows(ENCRYPTED_KEY.len())
        .any(|it| it == ENCRYPTED_KEY)
    {
        let path = path.display();
        return Err(Part::Key.error(format!(
            "the key in {path} is encrypted, and nobody types its passphrase at every start; write \
             it out with `openssl pkey -in {path} -out PLAIN.pem`"
        )));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let is_certificate = CertificateDer::from_pem_slice(&bytes).is_ok();
            nothing_inside(Part::Key, path, "PRIVATE KEY", is_certificate)
        }
        other => broken(Part::Key, path, &other),
    })
}

fn read_file(part: Part, path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    let outcome = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    let (name, path) = (part.name(), path.display());
    let text = match outcome {
        Ok(_) if bytes.len() as u64 <= MAX_FILE => return Ok(bytes),
        Ok(_) => format!("{path} is larger than {MAX_FILE} bytes and cannot hold only a {name}"),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => {
                format!("there is no file {path}; give the one that holds the {name}")
            }
            ErrorKind::PermissionDenied => format!(
                "this user may not read {path}; let it (`setfacl -m u:USER:r {path}`, and x on the \
                 folders above it), or run as one who may"
            ),
            _ => format!("{path}, which should hold the {name}, cannot be read: {error}"),
        },
    };
    Err(part.error(text))
}

fn nothing_inside(part: Part, path: &Path, label: &str, is_other: bool) -> CertificateError {
    let hint = if is_other {
        "; it holds the other of the two, so the files may be exchanged"
    } else {
        ""
    };
    part.error(format!(
        "{} holds no {}; it should be PEM, with a line `-----BEGIN {label}-----`{hint}",
        path.display(),
        part.name()
    ))
}

fn broken(part: Part, path: &Path, error: &dyn std::fmt::Display) -> CertificateError {
    part.error(format!(
        "the {} in {} is broken or of a kind that is not supported ({error}); get it anew",
        part.name(),
        path.display()
    ))
}

fn warn_if_out_of_time(certificate: &X509Certificate<'_>, path: &Path) {
    let path = path.display();
    let validity = certificate.validity();
    let now = i64::try_from(clock::now().unix.as_secs()).unwrap_or(i64::MAX);
    let (first, last) = (&validity.not_before, &validity.not_after);
    if last.timestamp() < now {
        tracing::warn!("The certificate in {path} expired on {last}: clients refuse it. Renew it.");
    } else if first.timestamp() > now {
        tracing::warn!(
            "The certificate in {path} begins on {first}: clients refuse it until then. Is the \
             clock of this machine right?"
        );
    }
}
