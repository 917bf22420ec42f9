//! `dialtone dev --https`: the flags, and the name under which people come.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;

use crate::certificates::{Certificates, Names};
use crate::http::Hosts;

/// Serving others than this machine: browsers give camera and microphone to them only by HTTPS.
#[derive(Debug, clap::Args)]
pub struct HttpsArguments {
    /// Where the web app listens for HTTPS as well, and on the same port TURN over TLS
    #[arg(long, value_name = "ADDR:PORT", requires_all = ["cert", "key"])]
    https: Option<SocketAddr>,

    /// The certificate for HTTPS, and behind it those that lead to a known authority (PEM)
    #[arg(long, value_name = "FILE", requires = "https")]
    cert: Option<PathBuf>,

    /// The private key of the certificate (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", requires = "https")]
    key: Option<PathBuf>,

    /// The name or address people use, one in the certificate [default: the first name in it, or an
    /// address]
    #[arg(long, value_name = "HOST", requires = "https")]
    name: Option<String>,
}

/// How to serve by HTTPS.
#[derive(Debug)]
pub struct Https {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// What clients are shown.
    pub certificates: Arc<Certificates>,
    /// The host that people type, and that clients find in the certificate.
    host: String,
}

impl HttpsArguments {
    /// What the flags say, with the certificate read; `announced` are the addresses others are
    /// told.
    pub fn read(&self, announced: &[IpAddr]) -> anyhow::Result<Option<Https>> {
        let (Some(listen), Some(cert), Some(key)) = (self.https, &self.cert, &self.key) else {
            return Ok(None);
        };
        let certificates = Certificates::read(cert, key)?;
        let host = choose(&certificates.names(), self.name.as_deref(), announced)?;
        Ok(Some(Https {
            listen,
            certificates,
            host,
        }))
    }
}

impl Https {
    /// What a person types.
    pub fn url(&self, bound: SocketAddr) -> String {
        match bound.port() {
            443 => format!("https://{}", self.bracketed()),
            port => format!("https://{}:{port}", self.bracketed()),
        }
    }

    /// Where clients find TURN over TLS (RFC 7065).
    pub fn turn_url(&self, bound: SocketAddr) -> String {
        let port = bound.port();
        format!("turns:{}:{port}?transport=tcp", self.bracketed())
    }

    /// The hosts that requests may be for. A name with a star is none: who else has names below it
    /// is not known.
    pub fn hosts(&self) -> Hosts {
        let mut hosts = self.certificates.names().hosts;
        hosts.retain(|host| !host.starts_with('*'));
        hosts.push(self.host.clone());
        Hosts(hosts)
    }

    fn bracketed(&self) -> String {
        match self.host.parse() {
            Ok(IpAddr::V6(v6)) => format!("[{v6}]"),
            _ => self.host.clone(),
        }
    }
}

/// The host that browsers will find in the certificate: they check it for pages and for TURN.
fn choose(names: &Names, given: Option<&str>, announced: &[IpAddr]) -> anyhow::Result<String> {
    if let Some(given) = given {
        if !names.cover(given) {
            bail!(
                "The certificate does not speak for {given:?}, and browsers would refuse it; it \
                 speaks for {names}"
            );
        }
        return Ok(given.to_owned());
    }
    let host = names.hosts.iter().find(|host| !host.starts_with('*'));
    if let Some(host) = host {
        return Ok(host.clone());
    }
    let addresses = &names.addresses;
    let address = announced.iter().find(|ip| addresses.contains(ip));
    match address.or(addresses.first()) {
        Some(address) => Ok(address.to_string()),
        None => bail!(
            "The certificate names no single host (it speaks for {names}); say with --name HOST \
             which one people use, or get one with subjectAltName"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(hosts: &[&str], addresses: &[&str], given: Option<&str>) -> Result<String, String> {
        let names = Names {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        };
        let announced = ["192.0.2.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        choose(&names, given, &announced).map_err(|error| error.to_string())
    }

    #[test]
    fn the_host_is_one_that_the_certificate_speaks_for() {
        let both = ["*.example.org", "a.example.org", "b.example.org"];
        assert_eq!(chosen(&both, &[], None).unwrap(), "a.example.org");
        assert_eq!(
            chosen(&both, &[], Some("c.example.org")).unwrap(),
            "c.example.org"
        );
        let addresses = ["192.0.2.1", "2001:db8::2", "192.0.2.2"];
        assert_eq!(chosen(&[], &addresses, None).unwrap(), "192.0.2.2");
        assert_eq!(chosen(&[], &addresses[..1], None).unwrap(), "192.0.2.1");
        assert_eq!(
            chosen(&[], &addresses, Some("2001:db8::2")).unwrap(),
            "2001:db8::2"
        );
    }

    #[test]
    fn without_such_a_host_it_says_what_helps() {
        let star = chosen(&["*.example.org"], &[], None).unwrap_err();
        assert!(
            star.contains("--name HOST") && star.contains("*.example.org"),
            "{star}"
        );
        let other = chosen(&["a.example.org"], &["192.0.2.1"], Some("b.example.org")).unwrap_err();
        assert!(other.contains("b.example.org"), "{other}");
        assert!(other.contains("a.example.org, 192.0.2.1"), "{other}");
        assert!(chosen(&[], &[], None).unwrap_err().contains("nobody"));
    }
}
