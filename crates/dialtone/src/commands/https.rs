//! `dialtone dev --https` and `--lan`: the flags, and the name under which people come.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use axum::Router;

use crate::addresses::{self, Address};
use crate::certificates::{Certificates, Names};
use crate::data::DataFolder;
use crate::doctor::Certificate;
use crate::http::{Hosts, trust};
use crate::lan::{self, Lan};

/// Serving others than this machine: browsers give camera and microphone to them only by HTTPS.
#[derive(Debug, clap::Args)]
pub struct HttpsArguments {
    /// Where the web app listens for HTTPS as well, and on the same port TURN over TLS
    #[arg(long, value_name = "ADDR:PORT", requires = "voucher")]
    https: Option<SocketAddr>,

    /// Serve everybody in your own network by HTTPS (port 8443), vouched for by an authority of your
    /// own, which each device has to trust once: http://ADDRESS:8080/trust says how
    #[arg(long, group = "voucher", conflicts_with = "proxy_from")]
    lan: bool,

    /// The certificate for HTTPS, and behind it those that lead to a known authority (PEM)
    #[arg(long, value_name = "FILE", group = "voucher", requires_all = ["https", "key"])]
    cert: Option<PathBuf>,

    /// The private key of the certificate (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// The name or address people use, one in the certificate [default: the first name in it, or an
    /// address]
    #[arg(long, value_name = "HOST", requires = "cert")]
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
    /// Who vouches for it, if that is us.
    lan: Option<Lan>,
}

/// What HTTPS would rest on.
#[derive(Debug)]
pub struct HttpsPlan {
    /// Where to listen, and the host that people use, if there is to be HTTPS.
    pub place: anyhow::Result<Option<(SocketAddr, String)>>,
    /// Who vouches.
    pub certificate: Option<Certificate>,
    /// Files that nobody else should read.
    pub secrets: Vec<PathBuf>,
}

impl Default for HttpsPlan {
    fn default() -> HttpsPlan {
        HttpsPlan {
            place: Ok(None),
            certificate: None,
            secrets: Vec::new(),
        }
    }
}

/// Trusting us: where it is described, and what to compare.
#[derive(Debug)]
pub struct FirstStep {
    /// The page.
    pub url: String,
    /// SHA-256 of the certificate to be trusted.
    pub fingerprint: String,
}

impl HttpsArguments {
    /// Whether the own network is served.
    pub fn is_lan(&self) -> bool {
        self.lan
    }

    /// What the flags say, with the certificate read; `found` are the addresses of this machine, and
    /// `announced` those that others are told.
    pub fn read(
        &self,
        data: &DataFolder,
        found: &[Address],
        announced: &[IpAddr],
    ) -> anyhow::Result<Option<Https>> {
        if self.lan {
            return self.in_lan(data, found).map(Some);
        }
        let (Some(listen), Some(cert), Some(key)) = (self.https, &self.cert, &self.key) else {
            return Ok(None);
        };
        let certificates = Certificates::read(cert, key)?;
        let host = choose(&certificates.names(), self.name.as_deref(), announced)?;
        Ok(Some(Https {
            listen,
            certificates,
            host,
            lan: None,
        }))
    }

    /// What [`HttpsArguments::read`] would use; nothing is made.
    pub fn plan(&self, data: &Path, found: &[Address], announced: &[IpAddr]) -> HttpsPlan {
        if self.lan {
            let place = self.place_in_lan(found);
            return HttpsPlan {
                place: place.map(|(listen, address)| Some((listen, address.to_string()))),
                certificate: Some(Certificate::Own(lan::path(data))),
                secrets: Vec::new(),
            };
        }
        let (Some(listen), Some(cert), Some(key)) = (self.https, &self.cert, &self.key) else {
            return HttpsPlan::default();
        };
        // What is wrong with them is found when they are looked at.
        let names = Certificates::read(cert, key).map(|it| it.names());
        let chosen = names.map(|names| choose(&names, self.name.as_deref(), announced));
        let host = chosen.ok().and_then(Result::ok).or(self.name.clone());
        let host = host.unwrap_or_else(|| listen.ip().to_string());
        HttpsPlan {
            place: Ok(Some((listen, host))),
            certificate: Some(Certificate::Files {
                cert: cert.clone(),
                key: key.clone(),
                name: self.name.clone(),
            }),
            secrets: vec![key.clone()],
        }
    }

    fn in_lan(&self, data: &DataFolder, found: &[Address]) -> anyhow::Result<Https> {
        let (listen, address) = self.place_in_lan(found)?;
        let lan = Lan::open(data)?;
        Ok(Https {
            listen,
            certificates: lan.certificates().clone(),
            host: address.to_string(),
            lan: Some(lan),
        })
    }

    /// Where to listen, and the address that people use.
    fn place_in_lan(&self, found: &[Address]) -> anyhow::Result<(SocketAddr, IpAddr)> {
        let listen = self.https;
        let listen = listen.unwrap_or_else(|| addresses::any(lan::HTTPS_PORT));
        let address = match listen.ip() {
            ip if ip.is_unspecified() => lan::address(found)?,
            ip if lan::is_private(ip) => ip,
            ip => bail!(
                "--lan vouches for private addresses only, and {ip} is none; leave --https out, or \
                 give a certificate for it with --cert and --key instead of --lan"
            ),
        };
        Ok((listen, address))
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
        Hosts {
            names: hosts,
            ..Hosts::default()
        }
    }

    /// What plain HTTP gives instead of the app where devices have to trust us first.
    pub fn front(&self, bound: SocketAddr) -> Option<Router> {
        let lan = self.lan.as_ref()?;
        let certificates = self.certificates.clone();
        Some(trust::router(lan.root(), certificates, bound.port()))
    }

    /// What a person has to do before anything else, if they have to; `plain` is where plain HTTP is.
    pub fn first_step(&self, plain: SocketAddr) -> Option<FirstStep> {
        let lan = self.lan.as_ref()?;
        let (host, port) = (self.bracketed(), plain.port());
        Some(FirstStep {
            url: format!("http://{host}:{port}{}", trust::PATH),
            fingerprint: lan.root().fingerprint,
        })
    }

    /// Looks whether another certificate is needed.
    pub fn follow(&mut self) {
        self.lan.iter_mut().for_each(Lan::follow);
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
