//! Whether clients will believe that the server is the server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Certificate, Finding, Plan};
use crate::certificates::Certificates;
use crate::{clock, lan};

const DAY: u64 = 86_400;
/// Renewals are tried a month before; who has two weeks left has missed some.
const SOON: u64 = 14 * DAY;

const CHECK: &str = "certificate";

pub fn examine(plan: &Plan) -> Vec<Finding> {
    match &plan.certificate {
        None => Vec::new(),
        Some(Certificate::Own(path)) => vec![own(path)],
        Some(Certificate::Files { cert, key, name }) => match Certificates::read(cert, key) {
            Ok(certificates) => of_files(&certificates, name.as_deref()),
            Err(error) => vec![Finding::problem(
                CHECK,
                format!("There will be no HTTPS or TLS: {error}"),
                "mend the files, or give others with --cert and --key",
            )],
        },
    }
}

fn own(path: &Path) -> Finding {
    if !path.exists() {
        let text = "The authority of --lan is not there; the first start makes it";
        return Finding::good(CHECK, text);
    }
    match lan::read(path, clock::now().unix) {
        Ok(authority) => Finding::good(
            CHECK,
            format!(
                "The authority of --lan is {} (SHA-256 {})",
                authority.title(),
                authority.fingerprint()
            ),
        ),
        Err(error) => Finding::problem(CHECK, error.to_string(), "see docs/https.md"),
    }
}

fn of_files(certificates: &Certificates, name: Option<&str>) -> Vec<Finding> {
    let chain = certificates.chain();
    let now = clock::now().unix;
    let mut findings = Vec::new();
    if let Ok((_, leaf)) = X509Certificate::from_der(&chain[0]) {
        let validity = leaf.validity();
        let [first, last] = [validity.not_before, validity.not_after].map(|it| it.timestamp());
        findings.push(time(now.as_secs() as i64, first, last));
    }
    let names = certificates.names();
    let host = match name {
        Some(name) => Some(name.to_owned()),
        None => {
            let hosts = names.hosts.iter().filter(|it| !it.starts_with('*'));
            let addresses = names.addresses.iter().map(ToString::to_string);
            hosts.cloned().chain(addresses).next()
        }
    };
    match host.as_deref() {
        Some(host) if names.cover(host) => {
            findings.push(Finding::good(
                "certificate_name",
                format!("The certificate speaks for {names}"),
            ));
            findings.extend(trust(&chain, host, now));
        }
        Some(host) => findings.push(Finding::problem(
            "certificate_name",
            format!(
                "The certificate does not speak for {host}, but for {names}: clients refuse it"
            ),
            "get one with that name in subjectAltName, or give with --name one that it has",
        )),
        None => findings.push(Finding::problem(
            "certificate_name",
            format!("The certificate names no single host (it speaks for {names})"),
            "get one with the server's name in subjectAltName",
        )),
    }
    findings
}

/// How long it is good; all in seconds since 1970.
fn time(now: i64, first: i64, last: i64) -> Finding {
    let left = last - now;
    let days = left / DAY as i64;
    if left < 0 {
        Finding::problem(
            CHECK,
            format!(
                "The certificate expired {} days ago: clients refuse it",
                -days
            ),
            "renew it; a running relay takes it over on SIGHUP",
        )
    } else if first > now {
        Finding::problem(
            CHECK,
            "The certificate begins in the future: clients refuse it until then",
            "look at the clock of this machine first, and at the certificate then",
        )
    } else if left < SOON as i64 {
        Finding::warning(
            CHECK,
            format!("The certificate is good for another {days} days"),
            "renew it, and find out why nobody did; a running relay takes it over on SIGHUP",
        )
    } else {
        Finding::good(
            CHECK,
            format!("The certificate is good for another {days} days"),
        )
    }
}

/// Whether a client that knows the authorities of this system takes the chain.
fn trust(chain: &[CertificateDer<'static>], host: &str, now: Duration) -> Option<Finding> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
    let Ok(verifier) = verifier else {
        return Some(Finding::warning(
            "certificate_trust",
            "This system knows no authorities, so whether clients trust the certificate is not known",
            "install its package of authorities (ca-certificates), or try with a browser",
        ));
    };
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let now = UnixTime::since_unix_epoch(now);
    let taken = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now);
    Some(match taken {
        Ok(_) => Finding::good(
            "certificate_trust",
            "An authority that this system knows vouches for the certificate",
        ),
        Err(rustls::Error::InvalidCertificate(
            rustls::CertificateError::Expired
            | rustls::CertificateError::ExpiredContext { .. }
            | rustls::CertificateError::NotValidYet
            | rustls::CertificateError::NotValidYetContext { .. },
        )) => return None, // Said already.
        Err(error) => Finding::warning(
            "certificate_trust",
            format!("This system would refuse the certificate ({error}), and so do most clients"),
            "put the certificates between it and its authority behind it in the file of --cert (the \
             \"full chain\"); if the authority is your own, its root has to be on every device",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn the_time_that_is_left_is_judged() {
        let now = 1_800_000_000;
        let day = DAY as i64;
        for (first, last, level) in [
            (now - day, now + 60 * day, Level::Good),
            (now - day, now + 10 * day, Level::Warning),
            (now - 90 * day, now - 2 * day, Level::Problem),
            (now + day, now + 90 * day, Level::Problem),
        ] {
            assert_eq!(time(now, first, last).level, level, "{first} {last}");
        }
        assert!(time(now, 0, now + 10 * day).message.contains("10 days"));
    }
}
