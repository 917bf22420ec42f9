//! The ways in which people reach the internet, and the best that two of them can hope for.

use std::{fmt, str::FromStr};

use anyhow::{Error, bail};

/// How somebody reaches the internet. All but [`Access::Ipv6Only`] have IPv4 and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// A public address, and nothing in between.
    Public,
    /// Behind a NAT that lets everybody in to a port that is in use.
    FullCone,
    /// Behind a NAT that lets those in whose address was sent something.
    Restricted,
    /// Behind a NAT that lets those in whose address and port were sent something.
    PortRestricted,
    /// Behind a NAT with another public port for every destination.
    Symmetric,
    /// Behind a home's NAT that is behind a carrier's; both are port-restricted.
    Carrier,
    /// A public address of IPv6, and no way to IPv4.
    Ipv6Only,
    /// Behind a NAT that only TCP passes.
    UdpBlocked,
    /// Behind a NAT that only TCP to port 443 passes.
    Only443,
    /// Nothing passes; an HTTP proxy makes TCP connections to port 443 (`CONNECT`).
    Proxy443,
}

/// How somebody reaches a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams: nothing waits for what was lost.
    Udp,
    /// Where no datagram passes.
    Tcp,
    /// Where only what looks like HTTPS passes.
    Tls,
}

/// How the media of two people travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Straight from one to the other.
    Direct,
    /// By one or two relayed addresses: how their owners reach the relay, in order.
    Relayed(Vec<Transport>),
}

impl Access {
    /// All of them.
    pub const ALL: [Access; 10] = [
        Access::Public,
        Access::FullCone,
        Access::Restricted,
        Access::PortRestricted,
        Access::Symmetric,
        Access::Carrier,
        Access::Ipv6Only,
        Access::UdpBlocked,
        Access::Only443,
        Access::Proxy443,
    ];

    /// What it is, for a table.
    pub fn what(self) -> &'static str {
        match self {
            Access::Public => "public address",
            Access::FullCone => "full-cone NAT",
            Access::Restricted => "restricted NAT",
            Access::PortRestricted => "port-restricted NAT",
            Access::Symmetric => "symmetric NAT",
            Access::Carrier => "home NAT behind a carrier's",
            Access::Ipv6Only => "IPv6 only",
            Access::UdpBlocked => "UDP blocked",
            Access::Only443 => "only TCP 443",
            Access::Proxy443 => "only TCP 443 by a proxy",
        }
    }

    /// The best way to a relay.
    fn transport(self) -> Transport {
        match self {
            Access::UdpBlocked => Transport::Tcp,
            Access::Only443 | Access::Proxy443 => Transport::Tls,
            _ => Transport::Udp,
        }
    }

    /// Whether a datagram can come in from a port that nothing was sent to, if something was sent to
    /// its address.
    fn admits_other_ports(self) -> bool {
        matches!(
            self,
            Access::Public | Access::FullCone | Access::Restricted | Access::Ipv6Only
        )
    }
}

impl FromStr for Access {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let named = |access: &Access| format!("{access:?}").eq_ignore_ascii_case(word);
        match Access::ALL.into_iter().find(named) {
            Some(access) => Ok(access),
            None => bail!("there is no {word}; there are {:?}", Access::ALL),
        }
    }
}

/// All pairs, whoever of the two comes first.
pub fn pairs() -> impl Iterator<Item = (Access, Access)> {
    let all = Access::ALL.into_iter().enumerate();
    all.flat_map(|(at, first)| {
        Access::ALL
            .into_iter()
            .skip(at)
            .map(move |other| (first, other))
    })
}

/// The best route between two people, by the rules of ICE as browsers have them (RFC 8445).
pub fn optimum(a: Access, b: Access) -> Route {
    let sides = [a, b];
    if obstacle(a, b).is_none() {
        return Route::Direct;
    }
    // Relayed addresses are of IPv4, as browsers ask for no other (RFC 8656, section 7.1), and are
    // reached by datagrams. Whoever cannot send those there needs one of their own.
    let needs_own = |side: &Access| side.transport() != Transport::Udp || *side == Access::Ipv6Only;
    let own = sides.into_iter().filter(needs_own);
    let mut by: Vec<Transport> = own.map(Access::transport).collect();
    if by.is_empty() {
        // One is enough: the other end may send to it from any port.
        by.push(Transport::Udp);
    }
    by.sort();
    Route::Relayed(by)
}

/// Why nothing can pass from one to the other directly, if so.
pub fn obstacle(a: Access, b: Access) -> Option<&'static str> {
    let sides = [a, b];
    // Browsers connect by TCP, but none of them listens (RFC 6544): two never meet.
    if sides.iter().any(|it| it.transport() != Transport::Udp) {
        return Some("datagrams do not pass");
    }
    let of_ipv6 = sides.iter().filter(|it| **it == Access::Ipv6Only).count();
    if of_ipv6 == 1 {
        return Some("IPv6 and IPv4 do not meet");
    }
    // The port by which a symmetric NAT sends to somebody is known when its first datagram comes in,
    // and not before. Where it cannot come in, nobody ever knows. In all other cases both know a
    // port of the other that does not change, and by sending to it both open their own NAT.
    let unknown = |from: Access, to: Access| from == Access::Symmetric && !to.admits_other_ports();
    if unknown(a, b) || unknown(b, a) {
        return Some("a port nobody can know, and a NAT that lets in known ones");
    }
    None
}

impl Route {
    /// What the page calls it.
    pub fn path(&self) -> &'static str {
        match self {
            Route::Direct => "direct",
            Route::Relayed(_) => "relay",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route::Relayed(by) = self else {
            return f.write_str("direct");
        };
        let by: Vec<_> = by.iter().map(Transport::to_string).collect();
        write!(f, "relay by {}", by.join(" and "))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        })
    }
}

impl FromStr for Transport {
    type Err = Error;

    /// As `relayProtocol` of getStats has it.
    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "udp" => Ok(Transport::Udp),
            "tcp" => Ok(Transport::Tcp),
            "tls" => Ok(Transport::Tls),
            other => bail!("no way to a relay is called {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Access::*;
    use Transport::{Tcp, Tls, Udp};

    #[test]
    fn every_pair_is_there_once() {
        let all: Vec<_> = pairs().collect();
        assert_eq!(all.len(), 55);
        for (a, b) in &all {
            assert!(a == b || !all.contains(&(*b, *a)), "{a:?}, {b:?}");
        }
    }

    #[test]
    fn it_does_not_matter_who_comes_first() {
        for (a, b) in pairs() {
            assert_eq!(optimum(a, b), optimum(b, a), "{a:?}, {b:?}");
        }
    }

    #[test]
    fn nats_with_one_mapping_never_need_a_relay() {
        let stable = [Public, FullCone, Restricted, PortRestricted, Carrier];
        for a in stable {
            for b in stable {
                assert_eq!(optimum(a, b), Route::Direct, "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn a_symmetric_nat_is_reached_directly_from_where_its_first_datagram_comes_in() {
        for other in [Public, FullCone, Restricted] {
            assert_eq!(optimum(Symmetric, other), Route::Direct, "{other:?}");
        }
        for other in [PortRestricted, Carrier, Symmetric] {
            let relayed = Route::Relayed(vec![Udp]);
            assert_eq!(optimum(Symmetric, other), relayed, "{other:?}");
        }
    }

    #[test]
    fn ipv6_alone_meets_its_own_kind_and_the_relay() {
        assert_eq!(optimum(Ipv6Only, Ipv6Only), Route::Direct);
        let relayed = |by: &[Transport]| Route::Relayed(by.to_vec());
        assert_eq!(optimum(Ipv6Only, Public), relayed(&[Udp]));
        assert_eq!(optimum(Ipv6Only, Symmetric), relayed(&[Udp]));
        assert_eq!(optimum(Ipv6Only, UdpBlocked), relayed(&[Udp, Tcp]));
        assert_eq!(optimum(Proxy443, Ipv6Only), relayed(&[Udp, Tls]));
    }

    #[test]
    fn who_sends_no_datagrams_needs_a_relay_of_their_own() {
        let relayed = |by: &[Transport]| Route::Relayed(by.to_vec());
        assert_eq!(optimum(UdpBlocked, Public), relayed(&[Tcp]));
        assert_eq!(optimum(Symmetric, Only443), relayed(&[Tls]));
        assert_eq!(optimum(UdpBlocked, UdpBlocked), relayed(&[Tcp, Tcp]));
        assert_eq!(optimum(Proxy443, UdpBlocked), relayed(&[Tcp, Tls]));
        assert_eq!(optimum(Proxy443, Only443), relayed(&[Tls, Tls]));
    }

    #[test]
    fn they_are_found_by_their_names() {
        assert_eq!("fullcone".parse::<Access>().ok(), Some(FullCone));
        assert!("nothing".parse::<Access>().is_err());
    }
}
