//! For whom a certificate speaks.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The names in a certificate (RFC 5280 section 4.2.1.6). The common name is not one of them:
/// browsers have long stopped to look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Host names, in lower case; `*.` in front stands for one label.
    pub hosts: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

impl Names {
    /// Those of this certificate; none if it cannot be read.
    pub fn of(certificate: &CertificateDer<'_>) -> Names {
        let mut names = Names::default();
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return names;
        };
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        for name in alternatives.iter().flat_map(|it| &it.value.general_names) {
            match name {
                GeneralName::DNSName(name) => names.hosts.push(name.to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        names
    }

    /// Whether the certificate speaks for a host, given by name or by address.
    pub fn cover(&self, host: &str) -> bool {
        match host.parse() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.cover_name(&host.to_ascii_lowercase()),
        }
    }

    fn cover_name(&self, host: &str) -> bool {
        let above = host.split_once('.').map(|(_, above)| above);
        self.hosts.iter().any(|name| match name.strip_prefix("*.") {
            Some(name) => Some(name) == above,
            None => name == host,
        })
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses.iter().map(IpAddr::to_string);
        let all: Vec<String> = self.hosts.iter().cloned().chain(addresses).collect();
        match &all[..] {
            [] => f.write_str("nobody"),
            all => f.write_str(&all.join(", ")),
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Names {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = rcgen::generate_simple_self_signed(names).unwrap();
        Names::of(certificate.cert.der())
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        let names = names(&[
            "Turn.Example.org",
            "192.0.2.1",
            "2001:db8::1",
            "*.example.net",
        ]);
        assert_eq!(names.hosts, ["turn.example.org", "*.example.net"]);
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|it| it.parse::<IpAddr>().unwrap());
        assert_eq!(names.addresses, addresses);
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let names = names(&["turn.example.org", "*.example.net", "192.0.2.1"]);
        for covered in ["TURN.example.org", "a.example.net", "192.0.2.1"] {
            assert!(names.cover(covered), "{covered}");
        }
        for other in [
            "example.org",
            "a.b.example.net",
            "example.net",
            "192.0.2.2",
            "",
            "org",
        ] {
            assert!(!names.cover(other), "{other}");
        }
    }
}
