//! What an authority of ours may vouch for, in its certificates (RFC 5280 section 4.2.1.10).

use rcgen::{CidrSubnet, GeneralSubtree};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

use super::authority::Unusable;
use super::networks::NETWORKS;

/// The name of the machine itself, which is never another's (RFC 6761 section 6.3).
pub const LOCALHOST: &str = "localhost";

/// All it may vouch for. Kinds of names that are not in the list at all would be free: for TLS, names
/// and addresses are all there are.
pub fn permitted(name: &str) -> Vec<GeneralSubtree> {
    let names = [LOCALHOST, name].map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let networks = NETWORKS
        .map(|(ip, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, bits)));
    names.into_iter().chain(networks).collect()
}

/// That a certificate of the authority allows what we allow and nothing else; its own name, then.
pub fn check(der: &CertificateDer<'_>) -> Result<String, Unusable> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|_| Unusable::Altered("one of its certificates is broken"))?;
    let free = Unusable::Altered("it may vouch for other names than it should");
    let constraints =
        certificate
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::NameConstraints(constraints) if extension.critical => {
                    Some(constraints)
                }
                _ => None,
            });
    let Some(found) = constraints.and_then(|it| it.permitted_subtrees.as_ref()) else {
        return Err(free);
    };
    let names = found.iter().filter_map(|subtree| match subtree.base {
        GeneralName::DNSName(name) => Some(name),
        _ => None,
    });
    let Some(name) = names.into_iter().find(|name| *name != LOCALHOST) else {
        return Err(free);
    };
    let expected = permitted(name);
    let is_ours = name.starts_with("dialtone-") && name.ends_with(".local");
    let is_same = found.len() == expected.len()
        && found
            .iter()
            .zip(&expected)
            .all(|(found, expected)| is_subtree(&found.base, expected));
    match is_ours && is_same && certificate.is_ca() {
        true => Ok(name.to_owned()),
        false => Err(free),
    }
}

fn is_subtree(found: &GeneralName<'_>, expected: &GeneralSubtree) -> bool {
    match (found, expected) {
        (GeneralName::DNSName(found), GeneralSubtree::DnsName(expected)) => found == expected,
        (GeneralName::IPAddress(found), GeneralSubtree::IpAddress(CidrSubnet::V4(ip, mask))) => {
            *found == [*ip, *mask].concat()
        }
        (GeneralName::IPAddress(found), GeneralSubtree::IpAddress(CidrSubnet::V6(ip, mask))) => {
            *found == [*ip, *mask].concat()
        }
        _ => false,
    }
}
