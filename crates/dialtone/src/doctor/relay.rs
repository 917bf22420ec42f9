//! Asks the relay as a client does: at the addresses that clients are told. Where none runs, one is
//! started for as long as it is asked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use super::ask::{self, Expected};
use super::ports::{Ports, Taken};
use super::{Certificate, Finding, Plan};
use crate::certificates::Certificates;
use crate::net::relay::Relay;
use crate::{addresses, clock, lan};

/// How a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Udp,
    Tcp,
    Tls,
}

impl By {
    fn check(self) -> &'static str {
        match self {
            By::Udp => "relay_udp",
            By::Tcp => "relay_tcp",
            By::Tls => "relay_tls",
        }
    }

    fn name(self) -> &'static str {
        match self {
            By::Udp => "UDP",
            By::Tcp => "TCP",
            By::Tls => "TLS",
        }
    }
}

pub fn examine(plan: &Plan, ports: &Ports) -> Vec<Finding> {
    let mut findings = Vec::new();
    match ports.relay {
        Taken::Not => findings.push(unasked("its ports are not to be had")),
        Taken::Free => match Relay::start(plan.relay.clone()) {
            Ok(relay) => {
                let tls = relay.tls_addresses().first().map(SocketAddr::port);
                findings.extend(ask_all(plan, relay.port(), tls));
                relay.shutdown();
            }
            Err(error) => findings.push(Finding::problem(
                "relay",
                format!("The relay does not start: {error}"),
                "until it does, people who need it cannot call",
            )),
        },
        Taken::Ours => {
            let port = plan.relay.listen.first().map_or(0, SocketAddr::port);
            let tls = plan.relay.tls.iter().flat_map(|tls| &tls.listen);
            let tls = tls.map(SocketAddr::port).next();
            findings.extend(ask_all(plan, port, tls));
        }
    }
    if let (Some((at, host)), Taken::Ours) = (&plan.https, ports.https) {
        let ip = match at.ip().is_unspecified() {
            true => host.parse().unwrap_or(Ipv4Addr::LOCALHOST.into()),
            false => at.ip(),
        };
        findings.push(ask_by_tls(plan, SocketAddr::new(ip, at.port()), host));
    }
    findings
}

fn unasked(why: &str) -> Finding {
    Finding::warning(
        "relay",
        format!("The relay was not asked, because {why}"),
        "mend that first, and ask again",
    )
}

fn ask_all(plan: &Plan, port: u16, tls: Option<u16>) -> Vec<Finding> {
    let local = addresses::local();
    let mut findings = Vec::new();
    for relay in &plan.relay.relays {
        let is_here = local.contains(&relay.announced);
        let at = SocketAddr::new(relay.announced, port);
        findings.push(judge(By::Udp, at, is_here, ask_by_udp(at)));
        findings.push(judge(By::Tcp, at, is_here, ask::by_tcp(at)));
        if let Some(port) = tls {
            let at = SocketAddr::new(relay.announced, port);
            findings.push(ask_by_tls(plan, at, &relay.announced.to_string()));
        }
    }
    findings
}

fn ask_by_udp(at: SocketAddr) -> io::Result<SocketAddr> {
    let any: IpAddr = match at {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    ask::by_udp(&UdpSocket::bind((any, 0))?, at)
}

fn ask_by_tls(plan: &Plan, at: SocketAddr, host: &str) -> Finding {
    let is_here = addresses::local().contains(&at.ip());
    let expected = match &plan.certificate {
        Some(Certificate::Files { cert, key, .. }) => leaf(cert, key),
        Some(Certificate::Own(path)) => root(path),
        None => None,
    };
    match expected {
        Some(expected) => judge(By::Tls, at, is_here, ask::by_tls(at, host, expected)),
        None => Finding::warning(
            By::Tls.check(),
            "TURN over TLS was not asked for want of a certificate",
            "mend what is said about that first",
        ),
    }
}

fn leaf(cert: &Path, key: &Path) -> Option<Expected> {
    let certificates = Certificates::read(cert, key).ok()?;
    Some(Expected::Leaf(certificates.leaf()))
}

fn root(path: &Path) -> Option<Expected> {
    let authority = lan::read(path, clock::now().unix).ok()?;
    Some(Expected::Root(authority.root().clone()))
}

/// What an answer, or none, means; `is_here` says whether the address is one of this machine.
fn judge(by: By, at: SocketAddr, is_here: bool, answer: io::Result<SocketAddr>) -> Finding {
    let name = by.name();
    let error = match answer {
        Ok(_) => {
            return Finding::good(
                by.check(),
                format!("STUN and TURN answer at {at} by {name}"),
            );
        }
        Err(error) => error,
    };
    let text = format!("STUN and TURN do not answer at {at} by {name} ({error})");
    let is_certificate = error.get_ref().is_some_and(|it| {
        matches!(
            it.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    });
    if is_certificate {
        return Finding::problem(
            by.check(),
            format!("At {at}, another certificate is shown than the one that was given ({error})"),
            "reload the server (SIGHUP to `dialtone turn`) or start it again; if something else does \
             TLS in front of it, that needs the certificate",
        );
    }
    match is_here {
        true => Finding::problem(
            by.check(),
            text,
            "look at the packet filter of this machine (`nft list ruleset`), and at what the server \
             logs",
        ),
        false => Finding::warning(
            by.check(),
            text,
            "either the router or a firewall does not let it in, or the router does not send back \
             in what comes from inside (no hairpinning): try from another network to know which",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn silence_means_something_else_here_than_behind_a_router() {
        let at = "198.51.100.5:3478".parse().unwrap();
        let silence = || Err(io::ErrorKind::TimedOut.into());
        let here = judge(By::Udp, at, true, silence());
        assert_eq!(here.level, Level::Problem);
        let behind = judge(By::Tcp, at, false, silence());
        assert_eq!(behind.level, Level::Warning);
        assert!(behind.remedy.unwrap().contains("hairpinning"));
        assert_eq!(judge(By::Tls, at, true, Ok(at)).level, Level::Good);
    }
}
