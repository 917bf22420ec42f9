//! NAT behaviour discovery (RFC 5780): a client finds out how its NAT maps and filters by asking
//! for answers from other addresses and ports than the one it asked.
//!
//! It is off unless two addresses are configured, and should stay off where nobody needs it: who
//! forges the source of a request gets answers sent to another from four addresses instead of one,
//! to a port of his choice, and longer ones: a plain answer has 2.8 times the length of its request
//! (IPv6: 4.6 times) instead of 1.6 (2.2). So whatever goes beyond a plain request is rate-limited
//! for every source prefix, no answer goes to a port that servers have, and none is padded to more
//! than the request was.

use std::net::SocketAddr;

use protocol::time::Tick;

use crate::allocation::{FiveTuple, Transport};
use crate::reply::Refusal;
use crate::seed::Seed;
use crate::stun::{Message, attribute as attr};
use crate::throttle::{Rate, Throttle};

/// What only these requests may carry.
pub(crate) const ATTRIBUTES: [u16; 3] = [attr::CHANGE_REQUEST, attr::PADDING, attr::RESPONSE_PORT];

/// Answers of this kind for one source prefix. A client needs about ten to know its NAT.
const RATE: Rate = Rate {
    per_second: 20,
    burst: 100,
};

/// The most padding in an answer: enough that it is fragmented on every usual link.
const MAX_PADDING: usize = 1500;

/// The first port that RESPONSE-PORT may name: below are those of servers.
const FIRST_PORT: u16 = 1024;

const CHANGE_IP: u32 = 0x04;
const CHANGE_PORT: u32 = 0x02;

/// Two addresses and two ports, which make four sockets.
///
/// Answers then leave also by addresses and for ports that nobody asked, and are longer, which who
/// forges sources can turn against others; a rate limit for every source prefix bounds that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discovery {
    primary: SocketAddr,
    alternate: SocketAddr,
}

/// Two addresses that nothing can be discovered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("discovery takes two different IP addresses of one family, each with a port of its own")]
pub struct BadDiscovery;

impl Discovery {
    /// Both are told to clients, so both have to be the ones that clients reach.
    pub fn new(primary: SocketAddr, alternate: SocketAddr) -> Result<Discovery, BadDiscovery> {
        let (one, two) = (primary, alternate);
        let is_good = |address: SocketAddr| address.port() != 0 && !address.ip().is_unspecified();
        let differ = one.ip() != two.ip() && one.port() != two.port();
        if one.is_ipv4() != two.is_ipv4() || !differ || !is_good(one) || !is_good(two) {
            return Err(BadDiscovery);
        }
        Ok(Discovery { primary, alternate })
    }

    /// All that has to be listened on.
    pub fn addresses(&self) -> [SocketAddr; 4] {
        let (one, two) = (self.primary, self.alternate);
        let crossed = |ip: SocketAddr, port: SocketAddr| SocketAddr::new(ip.ip(), port.port());
        [one, crossed(one, two), crossed(two, one), two]
    }

    /// The same with the other address, the other port, or both.
    fn changed(&self, local: SocketAddr, change_ip: bool, change_port: bool) -> SocketAddr {
        let (one, two) = (self.primary, self.alternate);
        let ip = if (local.ip() == one.ip()) == change_ip {
            two.ip()
        } else {
            one.ip()
        };
        let port = if (local.port() == one.port()) == change_port {
            two.port()
        } else {
            one.port()
        };
        SocketAddr::new(ip, port)
    }
}

/// What an answer tells besides the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Discovered {
    pub(crate) mapped: SocketAddr,
    pub(crate) origin: SocketAddr,
    pub(crate) other: SocketAddr,
    pub(crate) padding: Option<usize>,
}

/// The configuration and what bounds its use.
#[derive(Debug)]
pub(crate) struct Discoverer {
    discovery: Discovery,
    rate: Throttle,
}

impl Discoverer {
    pub(crate) fn new(seed: &Seed, discovery: Discovery) -> Discoverer {
        Discoverer {
            discovery,
            rate: Throttle::new(seed, "discovery", RATE),
        }
    }

    /// Whether requests on this 5-tuple are its business.
    pub(crate) fn covers(&self, path: &FiveTuple) -> bool {
        path.transport == Transport::Udp && self.discovery.addresses().contains(&path.local)
    }

    /// From where and to where the answer to a request on `path` goes, and what it tells. `None`
    /// if the source has used up its rate.
    pub(crate) fn decide(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Option<(FiveTuple, Discovered)>, Refusal> {
        let wishes = Wishes::of(message)?;
        let is_plain = wishes == Wishes::default();
        if !is_plain && !self.rate.admit(now, path.client.ip()) {
            return Ok(None);
        }
        let discovery = &self.discovery;
        let origin = discovery.changed(path.local, wishes.change_ip, wishes.change_port);
        let discovered = Discovered {
            mapped: path.client,
            origin,
            other: discovery.changed(path.local, true, true),
            padding: wishes.padding,
        };
        let port = wishes.response_port.unwrap_or(path.client.port());
        if port < FIRST_PORT && port != path.client.port() {
            return Err(Refusal::BadRequest);
        }
        let answered = FiveTuple {
            client: SocketAddr::new(path.client.ip(), port),
            local: origin,
            ..path
        };
        Ok(Some((answered, discovered)))
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wishes {
    change_ip: bool,
    change_port: bool,
    response_port: Option<u16>,
    padding: Option<usize>,
}

impl Wishes {
    fn of(message: &Message<'_>) -> Result<Wishes, Refusal> {
        let mut wishes = Wishes::default();
        if let Some(value) = message.first(attr::CHANGE_REQUEST) {
            let flags = attr::read_u32(value).ok_or(Refusal::BadRequest)?;
            wishes.change_ip = flags & CHANGE_IP != 0;
            wishes.change_port = flags & CHANGE_PORT != 0;
        }
        if let Some(value) = message.first(attr::RESPONSE_PORT) {
            // Some send the padding as a part of the value.
            let (port, rest) = value.split_first_chunk::<2>().ok_or(Refusal::BadRequest)?;
            if !matches!(rest.len(), 0 | 2) {
                return Err(Refusal::BadRequest);
            }
            wishes.response_port = Some(u16::from_be_bytes(*port));
        }
        if let Some(value) = message.first(attr::PADDING) {
            // Many fragments for a third party is what RFC 5780 section 6.1 forbids.
            if wishes.response_port.is_some() {
                return Err(Refusal::BadRequest);
            }
            wishes.padding = Some(value.len().min(MAX_PADDING));
        }
        Ok(wishes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovery(primary: &str, alternate: &str) -> Result<Discovery, BadDiscovery> {
        Discovery::new(primary.parse().unwrap(), alternate.parse().unwrap())
    }

    #[test]
    fn two_addresses_and_two_ports_make_four_sockets() {
        let four = discovery("192.0.2.1:1", "192.0.2.2:2").unwrap().addresses();
        let texts = four.map(|address| address.to_string());
        let expected = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "192.0.2.2:2"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn with_less_there_is_nothing_to_discover() {
        for (one, two) in [
            ("192.0.2.1:1", "192.0.2.1:2"),
            ("192.0.2.1:1", "192.0.2.2:1"),
            ("192.0.2.1:0", "192.0.2.2:2"),
            ("0.0.0.0:1", "192.0.2.2:2"),
            ("[2001:db8::1]:1", "192.0.2.2:2"),
        ] {
            assert_eq!(discovery(one, two), Err(BadDiscovery), "{one} {two}");
        }
    }

    #[test]
    fn from_each_of_the_four_the_others_are_found() {
        let discovery = discovery("192.0.2.1:1", "192.0.2.2:2").unwrap();
        for local in discovery.addresses() {
            assert_eq!(discovery.changed(local, false, false), local);
            let other_port = discovery.changed(local, false, true);
            assert_eq!(other_port.ip(), local.ip());
            assert_ne!(other_port.port(), local.port());
            let other_ip = discovery.changed(local, true, false);
            assert_ne!(other_ip.ip(), local.ip());
            assert_eq!(other_ip.port(), local.port());
            let other = discovery.changed(local, true, true);
            assert_eq!(discovery.changed(other, true, true), local);
        }
    }
}
