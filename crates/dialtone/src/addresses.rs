//! The addresses of this machine, and which of them are worth telling others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use turn::RelayAddress;

/// An address of this machine, with what was decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The name of its network interface; empty if it is not known.
    pub interface: String,
    /// What was decided, and why.
    pub verdict: Verdict,
}

/// Whether others are told an address, and why. `Display` gives the second half of a sentence
/// that begins with the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Packets to the internet leave from it, and it is a public one.
    DefaultRoute,
    /// Packets to the internet leave from it, but it is of a private network.
    PrivateDefaultRoute,
    /// There is no way to the internet; this is the first address of a network.
    FirstOfNetwork,
    /// There is nothing else.
    OnlyLoopback,
    /// It never leaves this machine.
    Loopback,
    /// It means nothing without the name of an interface.
    LinkLocal,
    /// An IPv6 address that only its own site reaches.
    UniqueLocal,
    /// Another address of the family is announced.
    NotDefault,
}

impl Verdict {
    /// Whether others are told the address.
    pub fn is_announced(self) -> bool {
        use Verdict::{DefaultRoute, FirstOfNetwork, OnlyLoopback, PrivateDefaultRoute};
        matches!(
            self,
            DefaultRoute | PrivateDefaultRoute | FirstOfNetwork | OnlyLoopback
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::DefaultRoute => "announced, it is the address of the default route",
            Verdict::PrivateDefaultRoute => {
                "announced, it is the address of the default route; only this network reaches it \
                 (`--relay-ip` can announce a router's)"
            }
            Verdict::FirstOfNetwork => {
                "announced, it is the first address of a network; there is no default route"
            }
            Verdict::OnlyLoopback => "announced for want of another; only this machine reaches it",
            Verdict::Loopback => "not announced, other machines cannot reach it",
            Verdict::LinkLocal => "not announced, it is good on one link only",
            Verdict::UniqueLocal => "not announced, only its own site reaches it",
            Verdict::NotDefault => "not announced, packets to the internet leave from another",
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.interface.is_empty() {
            write!(f, "{}: {}", self.ip, self.verdict)
        } else {
            write!(f, "{} ({}): {}", self.ip, self.interface, self.verdict)
        }
    }
}

/// All addresses of this machine, each with a verdict. At least one is announced.
pub fn find() -> Vec<Address> {
    decide(
        interfaces(),
        [
            source_towards(Ipv4Addr::new(8, 8, 8, 8).into()),
            source_towards(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888).into()),
        ],
    )
}

/// The addresses that others are told, ready for relay sockets.
pub fn relays(addresses: &[Address]) -> Vec<RelayAddress> {
    addresses
        .iter()
        .filter(|address| address.verdict.is_announced())
        .map(|address| RelayAddress {
            bind: address.ip,
            announced: address.ip,
        })
        .collect()
}

/// The addresses of this machine that a socket can be bound to, loopback ones included, in the order
/// of their numbers. None, if the system does not tell.
pub fn local() -> Vec<IpAddr> {
    let all = interfaces().into_iter().map(|(ip, _)| ip);
    let mut local: Vec<_> = all.filter(|ip| !is_link_local(*ip)).collect();
    local.sort_unstable();
    local
}

/// Where to listen on all addresses of this machine: of both families, if it has both.
pub fn any(port: u16) -> SocketAddr {
    let has_ipv6 = interfaces().iter().any(|(ip, _)| ip.is_ipv6());
    let ip: IpAddr = match has_ipv6 {
        true => Ipv6Addr::UNSPECIFIED.into(),
        false => Ipv4Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, port)
}

/// Decides about every address; `sources` are those that packets to the internet leave from.
fn decide(interfaces: Vec<(IpAddr, String)>, sources: [Option<IpAddr>; 2]) -> Vec<Address> {
    let mut addresses: Vec<Address> = interfaces
        .into_iter()
        .map(|(ip, interface)| Address {
            ip,
            interface,
            verdict: judge(ip, sources),
        })
        .collect();
    let announced = |addresses: &[Address]| addresses.iter().any(|a| a.verdict.is_announced());
    if !announced(&addresses) {
        promote(&mut addresses, Verdict::NotDefault, Verdict::FirstOfNetwork);
    }
    if !announced(&addresses) {
        promote(
            &mut addresses,
            Verdict::UniqueLocal,
            Verdict::FirstOfNetwork,
        );
    }
    if !announced(&addresses) {
        promote(&mut addresses, Verdict::Loopback, Verdict::OnlyLoopback);
    }
    if !announced(&addresses) {
        addresses.push(Address {
            ip: Ipv4Addr::LOCALHOST.into(),
            interface: String::new(),
            verdict: Verdict::OnlyLoopback,
        });
    }
    addresses
}

fn judge(ip: IpAddr, sources: [Option<IpAddr>; 2]) -> Verdict {
    if ip.is_loopback() {
        Verdict::Loopback
    } else if is_link_local(ip) {
        Verdict::LinkLocal
    } else if matches!(ip, IpAddr::V6(ip) if ip.is_unique_local()) {
        Verdict::UniqueLocal
    } else if !sources.contains(&Some(ip)) {
        Verdict::NotDefault
    } else if turn::is_public(ip) {
        Verdict::DefaultRoute
    } else {
        Verdict::PrivateDefaultRoute
    }
}

/// Gives the first address with one verdict another; IPv4 before IPv6.
fn promote(addresses: &mut [Address], from: Verdict, to: Verdict) {
    let found = addresses
        .iter_mut()
        .filter(|address| address.verdict == from)
        .min_by_key(|address| address.ip.is_ipv6());
    if let Some(address) = found {
        address.verdict = to;
    }
}

/// Whether an address is good on one link only.
pub fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The addresses of interfaces that are up, without doubles.
fn interfaces() -> Vec<(IpAddr, String)> {
    use nix::net::if_::InterfaceFlags;
    let mut found: Vec<(IpAddr, String)> = Vec::new();
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let ip = interface.address.and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
            v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
        });
        let is_new = |ip: &IpAddr| found.iter().all(|(known, _)| known != ip);
        if interface.flags.contains(InterfaceFlags::IFF_UP)
            && let Some(ip) = ip.filter(is_new)
        {
            found.push((ip, interface.interface_name));
        }
    }
    found
}

/// The address that packets to another one would leave from. Connecting a UDP socket only asks
/// the routing table; nothing is sent.
pub fn source_towards(there: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match there {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(SocketAddr::new(there, 53)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// The address one subscriber is known by: an IPv4 address or an IPv6 /64.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(interfaces: &[(&str, &str)], sources: &[&str]) -> Vec<String> {
        let interfaces = interfaces
            .iter()
            .map(|(ip, name)| (ip.parse().unwrap(), (*name).to_owned()))
            .collect();
        let source = |at: usize| sources.get(at).map(|ip| ip.parse().unwrap());
        decide(interfaces, [source(0), source(1)])
            .iter()
            .map(Address::to_string)
            .collect()
    }

    #[test]
    fn the_default_route_decides_and_every_address_has_its_reason() {
        let lines = decided(
            &[
                ("127.0.0.1", "lo"),
                ("1.2.3.4", "eth0"),
                ("172.17.0.1", "docker0"),
                ("fe80::1", "eth0"),
                ("fd00::2", "eth0"),
                ("2a00::5", "eth0"),
            ],
            &["1.2.3.4", "2a00::5"],
        );
        assert_eq!(
            lines,
            [
                "127.0.0.1 (lo): not announced, other machines cannot reach it",
                "1.2.3.4 (eth0): announced, it is the address of the default route",
                "172.17.0.1 (docker0): not announced, packets to the internet leave from another",
                "fe80::1 (eth0): not announced, it is good on one link only",
                "fd00::2 (eth0): not announced, only its own site reaches it",
                "2a00::5 (eth0): announced, it is the address of the default route",
            ]
        );
    }

    #[test]
    fn a_private_address_is_announced_with_a_hint() {
        let lines = decided(&[("10.0.0.5", "eth0")], &["10.0.0.5"]);
        assert!(lines[0].contains("--relay-ip"), "{lines:?}");
    }

    #[test]
    fn without_a_default_route_the_first_ipv4_network_is_taken() {
        let lines = decided(
            &[
                ("127.0.0.1", "lo"),
                ("2001:db8::1", "a"),
                ("192.0.2.2", "b"),
                ("192.0.2.3", "c"),
            ],
            &[],
        );
        assert!(
            lines[2].contains("announced, it is the first address"),
            "{lines:?}"
        );
        let announced = lines.iter().filter(|line| line.contains(": announced"));
        assert_eq!(announced.count(), 1);
    }

    #[test]
    fn with_nothing_else_it_is_loopback_and_says_so() {
        let expected = "announced for want of another; only this machine reaches it";
        let lines = decided(
            &[("::1", "lo"), ("127.0.0.1", "lo"), ("fe80::1", "eth0")],
            &[],
        );
        assert_eq!(lines[1], format!("127.0.0.1 (lo): {expected}"));
        assert_eq!(decided(&[], &[]), [format!("127.0.0.1: {expected}")]);
    }

    #[test]
    fn this_machine_announces_something() {
        assert!(!relays(&find()).is_empty());
    }
}
