//! The networks that an authority of ours may vouch for: those whose addresses mean something else
//! in every house.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, and how many bits of it count.
pub type Network = (IpAddr, u8);

/// The private networks (RFC 1918, RFC 4193), those of one link (RFC 4291 section 2.5.6), and this
/// machine itself. None of them can be somebody's on the internet.
pub const NETWORKS: [Network; 7] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([127, 0, 0, 0], 8),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
];

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Network {
    (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits)
}

/// Whether an address is in one of [`NETWORKS`].
pub fn is_private(ip: IpAddr) -> bool {
    NETWORKS.iter().any(|network| contains(*network, ip))
}

fn contains((network, bits): Network, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            (network.to_bits() ^ ip.to_bits()).leading_zeros() >= bits.into()
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            (network.to_bits() ^ ip.to_bits()).leading_zeros() >= bits.into()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_is_what_no_one_has_on_the_internet() {
        for (ip, expected) in [
            ("10.0.0.1", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("172.15.255.255", false),
            ("172.16.0.1", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.168.0.1", true),
            ("192.169.0.1", false),
            ("127.0.0.1", true),
            ("100.64.0.1", false),
            ("169.254.1.1", false),
            ("8.8.8.8", false),
            ("fd12:3456::1", true),
            ("fc00::1", true),
            ("fe00::1", false),
            ("fe80::1", true),
            ("fec0::1", false),
            ("::1", true),
            ("::2", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
