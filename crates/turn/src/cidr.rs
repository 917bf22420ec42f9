//! Address ranges in CIDR notation (RFC 4632), and the ranges no peer may be in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses that share their first bits, such as `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    /// Bits that have to agree: 0 to 32, or 0 to 128.
    prefix: u8,
}

/// Why a text is not an address range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address range; write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7")]
pub struct NotCidr(String);

impl Cidr {
    /// Whether the address lies in the range. An IPv4 address is never in an IPv6 range.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.network, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => same_prefix(
                network.to_bits().into(),
                ip.to_bits().into(),
                32,
                self.prefix,
            ),
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                same_prefix(network.to_bits(), ip.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Cidr {
        Cidr {
            network: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            prefix,
        }
    }

    const fn v6(head: [u16; 6], prefix: u8) -> Cidr {
        let [a, b, c, d, e, f] = head;
        Cidr {
            network: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, 0, 0)),
            prefix,
        }
    }
}

/// An address alone stands for itself, an address with a length for the range.
impl FromStr for Cidr {
    type Err = NotCidr;

    fn from_str(text: &str) -> Result<Cidr, NotCidr> {
        let not_cidr = || NotCidr(text.to_owned());
        let (network, prefix) = text
            .split_once('/')
            .map_or((text, None), |(a, b)| (a, Some(b)));
        let network: IpAddr = network.parse().map_err(|_| not_cidr())?;
        let prefix = match prefix {
            None => width(network),
            Some(digits) => digits.parse().map_err(|_| not_cidr())?,
        };
        if prefix > width(network) {
            return Err(not_cidr());
        }
        Ok(Cidr { network, prefix })
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Whether an address is in none of the ranges that belong to private, local or special networks,
/// in any translated form of them, or to no one.
pub fn is_public(ip: IpAddr) -> bool {
    !SPECIAL.iter().any(|range| range.contains(ip))
}

/// The IANA special-purpose registries and multicast. IPv6 forms that carry an IPv4 address are
/// left out as a whole: a peer that is reached over IPv4 has an IPv4 address.
const SPECIAL: [Cidr; 32] = [
    Cidr::v4(0, 0, 0, 0, 8),
    Cidr::v4(10, 0, 0, 0, 8),
    Cidr::v4(100, 64, 0, 0, 10),
    Cidr::v4(127, 0, 0, 0, 8),
    Cidr::v4(169, 254, 0, 0, 16),
    Cidr::v4(172, 16, 0, 0, 12),
    Cidr::v4(192, 0, 0, 0, 24),
    Cidr::v4(192, 0, 2, 0, 24),
    Cidr::v4(192, 88, 99, 0, 24),
    Cidr::v4(192, 168, 0, 0, 16),
    Cidr::v4(198, 18, 0, 0, 15),
    Cidr::v4(198, 51, 100, 0, 24),
    Cidr::v4(203, 0, 113, 0, 24),
    Cidr::v4(224, 0, 0, 0, 4),
    Cidr::v4(240, 0, 0, 0, 4),
    // Unspecified, loopback and the old IPv4-compatible addresses.
    Cidr::v6([0, 0, 0, 0, 0, 0], 96),
    // IPv4-mapped.
    Cidr::v6([0, 0, 0, 0, 0, 0xffff], 96),
    // IPv4-translated (RFC 2765).
    Cidr::v6([0, 0, 0, 0, 0xffff, 0], 96),
    // NAT64, well-known and local.
    Cidr::v6([0x64, 0xff9b, 0, 0, 0, 0], 96),
    Cidr::v6([0x64, 0xff9b, 1, 0, 0, 0], 48),
    // Discard and dummy prefixes.
    Cidr::v6([0x100, 0, 0, 0, 0, 0], 48),
    // Teredo.
    Cidr::v6([0x2001, 0, 0, 0, 0, 0], 32),
    // The rest of the protocol assignments: benchmarking, ORCHID and others.
    Cidr::v6([0x2001, 0, 0, 0, 0, 0], 23),
    // Documentation.
    Cidr::v6([0x2001, 0xdb8, 0, 0, 0, 0], 32),
    Cidr::v6([0x3fff, 0, 0, 0, 0, 0], 20),
    // 6to4.
    Cidr::v6([0x2002, 0, 0, 0, 0, 0], 16),
    // Segment routing.
    Cidr::v6([0x5f00, 0, 0, 0, 0, 0], 16),
    // Unique local, link-local, site-local, multicast.
    Cidr::v6([0xfc00, 0, 0, 0, 0, 0], 7),
    Cidr::v6([0xfe80, 0, 0, 0, 0, 0], 10),
    Cidr::v6([0xfec0, 0, 0, 0, 0, 0], 10),
    Cidr::v6([0xff00, 0, 0, 0, 0, 0], 8),
    // The 6bone, given back.
    Cidr::v6([0x3ffe, 0, 0, 0, 0, 0], 16),
];

fn width(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn same_prefix(a: u128, b: u128, width: u8, prefix: u8) -> bool {
    let ignored = u32::from(width - prefix);
    (a ^ b).checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_special_range_is_refused_at_both_ends() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "64:ff9b:1:ffff::1",
            "100::1",
            "2001::1",
            "2001:0:ffff::1",
            "2001:2::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "3fff:fff::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
    }

    #[test]
    fn their_neighbours_are_not() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "64:ff9b:2::1",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3fff:1000::1",
            "2a00::1",
        ] {
            assert!(is_public(ip(text)), "{text}");
        }
    }

    #[test]
    fn a_range_off_the_byte_boundary_ends_where_it_should() {
        let range: Cidr = "2a00:1450:8000::/35".parse().unwrap();
        assert!(range.contains(ip("2a00:1450:8000::1")));
        assert!(range.contains(ip("2a00:1450:9fff:ffff::1")));
        assert!(!range.contains(ip("2a00:1450:a000::1")));
        assert!(!range.contains(ip("2a00:1450:7fff::1")));
        let range: Cidr = "192.0.2.128/27".parse().unwrap();
        assert!(range.contains(ip("192.0.2.159")));
        assert!(!range.contains(ip("192.0.2.160")));
    }

    #[test]
    fn the_whole_of_a_family_is_a_range_and_no_more() {
        let all: Cidr = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(ip("255.1.2.3")));
        assert!(!all.contains(ip("::1")));
        let all: Cidr = "::/0".parse().unwrap();
        assert!(all.contains(ip("ffff::")));
    }

    #[test]
    fn a_lone_address_is_a_range_of_one() {
        let range: Cidr = "192.0.2.7".parse().unwrap();
        assert!(range.contains(ip("192.0.2.7")));
        assert!(!range.contains(ip("192.0.2.6")));
        assert_eq!(range.to_string(), "192.0.2.7/32");
    }

    #[test]
    fn what_is_no_range_is_named_in_the_error() {
        for text in [
            "",
            "/8",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "ten/8",
            "10.0.0.0/",
        ] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
