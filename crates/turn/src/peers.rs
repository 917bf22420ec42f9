//! Which peers a client may reach through the relay.

use std::net::{IpAddr, SocketAddr};

use crate::cidr::{Cidr, is_public};
use crate::config::RelayAddress;

/// What the operator and the driver say about peers.
///
/// Denied by default is everything that is not public (private, loopback, link-local, multicast,
/// reserved and documentation networks, and IPv6 forms of them) and every address of this machine.
///
/// Of several things that can be said about an address, the first of these counts: it is one that
/// relay sockets are bound to or announced on (then nothing but live relay ports is reached there,
/// and nothing opens more), it is another spelling of an address (the unspecified one, which stands
/// for this machine, and IPv4-mapped ones; those are never reached), `deny`, `allow`, and the
/// default.
#[derive(Clone, Debug, Default)]
pub struct PeerPolicy {
    /// Ranges that are allowed although they are denied by default.
    pub allow: Vec<Cidr>,
    /// Ranges that are denied although they are public or allowed.
    pub deny: Vec<Cidr>,
    /// Addresses of this machine. They are denied unless `allow` covers them, or they are
    /// announced as relayed transport addresses.
    pub local: Vec<IpAddr>,
    /// Sockets this program listens on; an unspecified address stands for all of this machine's.
    /// They are never reached, whatever `allow` says.
    pub protected: Vec<SocketAddr>,
}

impl PeerPolicy {
    /// Whether an address may be reached as far as ranges and this machine's addresses go; of its
    /// ports, and of relay sockets, nothing is said.
    pub fn permits(&self, ip: IpAddr) -> bool {
        let named_in = |ranges: &[Cidr]| ranges.iter().any(|range| range.contains(ip));
        if is_alias(ip) || named_in(&self.deny) {
            return false;
        }
        named_in(&self.allow) || (!self.local.contains(&ip) && is_public(ip))
    }
}

/// The answer for an address, before a port is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// May have permissions and be sent to.
    Allowed,
    /// Has no permissions: 403.
    Denied,
    /// An address this server announces for its allocations. It may have permissions; which of
    /// its ports may be sent to is another question.
    Own,
}

/// The policy with everything that follows from it.
#[derive(Debug)]
pub(crate) struct Peers {
    policy: PeerPolicy,
    relays: Vec<RelayAddress>,
}

impl Peers {
    pub(crate) fn new(policy: PeerPolicy, relays: Vec<RelayAddress>) -> Peers {
        Peers { policy, relays }
    }

    /// Puts another policy in force; the relay addresses stay.
    pub(crate) fn replace(&mut self, policy: PeerPolicy) {
        self.policy = policy;
    }

    /// Replaces the addresses of this machine alone.
    pub(crate) fn set_local(&mut self, local: Vec<IpAddr>) {
        self.policy.local = local;
    }

    /// What holds for every port of an address.
    pub(crate) fn judge(&self, ip: IpAddr) -> Verdict {
        if self.is_own(ip) {
            Verdict::Own
        } else if self.is_bound(ip) || !self.policy.permits(ip) {
            Verdict::Denied
        } else {
            Verdict::Allowed
        }
    }

    /// Whether the address is one that this server announces.
    pub(crate) fn is_own(&self, ip: IpAddr) -> bool {
        self.relays.iter().any(|relay| relay.announced == ip)
    }

    /// Whether relay sockets are bound to this address: with another one announced, clients have
    /// no business there.
    fn is_bound(&self, ip: IpAddr) -> bool {
        self.relays.iter().any(|relay| relay.bind == ip)
    }

    /// Whether packets may leave to, or come in from, this peer through the kernel, given that
    /// its address was not denied when the permission was installed. A live relayed transport
    /// address of this server is not asked about here: it is reached directly.
    pub(crate) fn is_open(&self, peer: SocketAddr) -> bool {
        peer.port() != 0 && !self.is_own(peer.ip()) && !self.is_protected(peer)
    }

    fn is_protected(&self, peer: SocketAddr) -> bool {
        let is_here = || is_of_machines(peer.ip()) || self.policy.local.contains(&peer.ip());
        self.policy.protected.iter().any(|socket| {
            socket.port() == peer.port()
                && (socket.ip() == peer.ip() || (socket.ip().is_unspecified() && is_here()))
        })
    }
}

/// Whether this may be an address of every machine: a loopback one, of which there are more than any
/// list has, or one that only holds on a link.
fn is_of_machines(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    ip.is_loopback() || is_link_local
}

/// Whether the system takes packets for this address to another one, of which other things may have
/// been said.
fn is_alias(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified() || ip.to_ipv4_mapped().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(allow: &[&str], deny: &[&str]) -> Peers {
        let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let policy = PeerPolicy {
            allow: ranges(allow),
            deny: ranges(deny),
            local: vec!["8.8.4.4".parse().unwrap(), "10.0.0.1".parse().unwrap()],
            protected: vec![
                "0.0.0.0:8080".parse().unwrap(),
                "10.0.0.1:3478".parse().unwrap(),
            ],
        };
        let relay = RelayAddress {
            bind: "10.0.0.5".parse().unwrap(),
            announced: "192.0.2.2".parse().unwrap(),
        };
        Peers::new(policy, vec![relay])
    }

    fn judge(peers: &Peers, ip: &str) -> Verdict {
        peers.judge(ip.parse().unwrap())
    }

    fn reachable(peers: &Peers, peer: &str) -> bool {
        {
            let peer: SocketAddr = peer.parse().unwrap();
            peers.judge(peer.ip()) != Verdict::Denied && peers.is_open(peer)
        }
    }

    #[test]
    fn only_public_addresses_of_others_are_allowed_by_default() {
        let peers = peers(&[], &[]);
        assert_eq!(judge(&peers, "1.1.1.1"), Verdict::Allowed);
        assert_eq!(judge(&peers, "8.8.4.4"), Verdict::Denied, "this machine");
        assert_eq!(judge(&peers, "10.0.0.1"), Verdict::Denied);
        assert_eq!(judge(&peers, "::ffff:1.1.1.1"), Verdict::Denied);
        assert_eq!(judge(&peers, "192.0.2.2"), Verdict::Own);
        assert!(reachable(&peers, "1.1.1.1:53"));
        assert!(!reachable(&peers, "1.1.1.1:0"));
        assert!(!reachable(&peers, "192.0.2.2:9"));
    }

    #[test]
    fn what_is_allowed_opens_the_default_and_what_is_denied_closes_that_again() {
        let peers = peers(&["10.0.0.0/8"], &["10.9.0.0/16", "1.0.0.0/8"]);
        assert_eq!(judge(&peers, "10.1.2.3"), Verdict::Allowed);
        assert_eq!(judge(&peers, "10.9.2.3"), Verdict::Denied);
        assert_eq!(judge(&peers, "1.1.1.1"), Verdict::Denied);
        assert_eq!(judge(&peers, "172.16.0.1"), Verdict::Denied);
    }

    #[test]
    fn nothing_opens_the_addresses_of_the_relay_itself() {
        for allow in ["192.0.2.0/24", "192.0.2.2/32", "0.0.0.0/0"] {
            let peers = peers(&[allow], &[]);
            assert_eq!(judge(&peers, "192.0.2.2"), Verdict::Own);
            assert!(!reachable(&peers, "192.0.2.2:9"), "{allow}");
        }
        for allow in ["10.0.0.0/8", "10.0.0.5/32"] {
            assert_eq!(judge(&peers(&[allow], &[]), "10.0.0.5"), Verdict::Denied);
        }
        let peers = peers(&[], &["192.0.0.0/16"]);
        assert_eq!(
            judge(&peers, "192.0.2.2"),
            Verdict::Own,
            "relayed users talk"
        );
    }

    #[test]
    fn sockets_of_this_program_are_never_reached() {
        let peers = peers(&["10.0.0.0/8"], &[]);
        assert!(!reachable(&peers, "10.0.0.1:8080"));
        assert!(!reachable(&peers, "10.0.0.1:3478"));
        assert!(reachable(&peers, "10.0.0.1:9"));
        assert!(reachable(&peers, "10.0.0.2:8080"), "another machine");
    }

    #[test]
    fn no_spelling_of_this_machine_is_a_way_around() {
        let peers = peers(&["0.0.0.0/0", "::/0"], &[]);
        assert!(!reachable(&peers, "0.0.0.0:8080"));
        assert!(!reachable(&peers, "0.0.0.0:9"));
        assert!(!reachable(&peers, "[::]:9"));
        assert!(!reachable(&peers, "[::ffff:10.0.0.1]:3478"));
        assert!(!reachable(&peers, "127.0.0.2:8080"), "all of 127.0.0.0/8");
        assert!(!reachable(&peers, "[fe80::1]:8080"), "perhaps ours");
        assert!(reachable(&peers, "127.0.0.2:9"));
    }
}
