//! Which peers a client may reach through the relay.

use std::net::{IpAddr, SocketAddr};

use crate::cidr::{Cidr, is_public};

/// What the operator and the driver say about peers.
///
/// Denied by default is everything that is not public (private, loopback, link-local, multicast,
/// reserved and documentation networks, and IPv6 forms of them) and every address of this machine.
#[derive(Clone, Debug, Default)]
pub struct PeerPolicy {
    /// Ranges that are allowed although they are denied by default.
    pub allow: Vec<Cidr>,
    /// Ranges that are denied whatever else is said.
    pub deny: Vec<Cidr>,
    /// Addresses of this machine. They are denied unless `allow` covers them, or they are
    /// announced as relayed transport addresses.
    pub local: Vec<IpAddr>,
    /// Sockets this program listens on; an unspecified address stands for all of this machine's.
    /// They are never reached, whatever `allow` says.
    pub protected: Vec<SocketAddr>,
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
    announced: Vec<IpAddr>,
}

impl Peers {
    pub(crate) fn new(policy: PeerPolicy, announced: Vec<IpAddr>) -> Peers {
        Peers { policy, announced }
    }

    /// What holds for every port of an address.
    pub(crate) fn judge(&self, ip: IpAddr) -> Verdict {
        let named_in = |ranges: &[Cidr]| ranges.iter().any(|range| range.contains(ip));
        if self.is_own(ip) {
            Verdict::Own
        } else if named_in(&self.policy.deny) {
            Verdict::Denied
        } else if named_in(&self.policy.allow) {
            Verdict::Allowed
        } else if self.policy.local.contains(&ip) || !is_public(ip) {
            Verdict::Denied
        } else {
            Verdict::Allowed
        }
    }

    /// Whether the address is one that this server announces.
    pub(crate) fn is_own(&self, ip: IpAddr) -> bool {
        self.announced.contains(&ip)
    }

    /// Whether packets may leave to, or come in from, this peer through the kernel, given that
    /// its address was not denied when the permission was installed. A live relayed transport
    /// address of this server is not asked about here: it is reached directly.
    pub(crate) fn is_open(&self, peer: SocketAddr) -> bool {
        peer.port() != 0
            && !self.is_protected(peer)
            && (!self.is_own(peer.ip()) || self.is_named_alone(peer.ip()))
    }

    /// An operator who allows a network the server happens to be in does not mean the server
    /// itself; one who allows exactly this address does.
    fn is_named_alone(&self, ip: IpAddr) -> bool {
        let names = |range: &Cidr| range.is_exactly(ip);
        self.policy.allow.iter().any(names) && !self.policy.deny.iter().any(|r| r.contains(ip))
    }

    fn is_protected(&self, peer: SocketAddr) -> bool {
        let is_here = || self.is_own(peer.ip()) || self.policy.local.contains(&peer.ip());
        self.policy.protected.iter().any(|socket| {
            socket.port() == peer.port()
                && (socket.ip() == peer.ip() || (socket.ip().is_unspecified() && is_here()))
        })
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
        Peers::new(policy, vec!["192.0.2.2".parse().unwrap()])
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
    fn an_allowed_network_does_not_open_the_server_in_it() {
        assert!(!reachable(&peers(&["192.0.2.0/24"], &[]), "192.0.2.2:9"));
        assert!(reachable(&peers(&["192.0.2.2/32"], &[]), "192.0.2.2:9"));
        assert!(!reachable(
            &peers(&["192.0.2.2/32"], &["192.0.0.0/16"]),
            "192.0.2.2:9"
        ));
    }

    #[test]
    fn sockets_of_this_program_are_never_reached() {
        let peers = peers(&["192.0.2.2/32", "10.0.0.0/8"], &[]);
        assert!(!reachable(&peers, "192.0.2.2:8080"));
        assert!(!reachable(&peers, "10.0.0.1:8080"));
        assert!(!reachable(&peers, "10.0.0.1:3478"));
        assert!(reachable(&peers, "10.0.0.1:9"));
        assert!(reachable(&peers, "10.0.0.2:8080"), "another machine");
    }
}
