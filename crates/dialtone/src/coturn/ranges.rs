//! coturn's ranges of addresses, `FIRST-LAST`, as networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one family, from and up to and including.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: u128,
    last: u128,
    bits: u8,
}

impl AddressRange {
    /// Reads `ADDRESS`, `FIRST-LAST`, and the `NETWORK/BITS` that newer versions know.
    pub fn parse(text: &str) -> Option<AddressRange> {
        if let Some((network, prefix)) = text.split_once('/') {
            let network: IpAddr = network.parse().ok()?;
            let bits = bits_of(network);
            let prefix = prefix.parse::<u8>().ok().filter(|it| *it <= bits)?;
            let size = mask(bits - prefix);
            let first = number(network) & !size;
            return Some(AddressRange {
                first,
                last: first | size,
                bits,
            });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last): (IpAddr, IpAddr) =
            (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let range = AddressRange {
            first: number(first),
            last: number(last),
            bits: bits_of(first),
        };
        (range.bits == bits_of(last) && range.first <= range.last).then_some(range)
    }

    /// What is left of this when others are taken away.
    pub fn without(self, others: &[AddressRange]) -> Vec<AddressRange> {
        let mut left = vec![self];
        for other in others {
            left = left
                .into_iter()
                .flat_map(|range| range.without_one(other))
                .collect();
        }
        left
    }

    fn without_one(self, other: &AddressRange) -> Vec<AddressRange> {
        if self.bits != other.bits || other.last < self.first || self.last < other.first {
            return vec![self];
        }
        let below = other
            .first
            .checked_sub(1)
            .map(|last| AddressRange { last, ..self });
        let above = other
            .last
            .checked_add(1)
            .map(|first| AddressRange { first, ..self });
        let parts = below.into_iter().chain(above);
        parts.filter(|part| part.first <= part.last).collect()
    }

    /// The fewest networks that are the same addresses: at most two for each bit.
    pub fn networks(self) -> Vec<String> {
        let mut networks = Vec::new();
        let mut next = Some(self.first);
        while let Some(first) = next.filter(|first| *first <= self.last) {
            let fits = |host: &u8| first & mask(*host) == 0 && first | mask(*host) <= self.last;
            let host = (0..=self.bits).rev().find(fits).unwrap_or(0);
            networks.push(format!("{}/{}", self.address(first), self.bits - host));
            next = (first | mask(host)).checked_add(1);
        }
        networks
    }

    fn address(self, number: u128) -> IpAddr {
        match self.bits {
            32 => Ipv4Addr::from(number as u32).into(),
            _ => Ipv6Addr::from(number).into(),
        }
    }
}

fn bits_of(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// So many low bits set.
fn mask(bits: u8) -> u128 {
    match bits {
        128.. => u128::MAX,
        bits => (1 << bits) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        AddressRange::parse(text).unwrap()
    }

    #[test]
    fn ranges_become_the_fewest_networks() {
        for (text, networks) in [
            ("83.166.64.0-83.166.95.255", &["83.166.64.0/19"][..]),
            ("83.166.68.45", &["83.166.68.45/32"]),
            (
                "10.0.0.1-10.0.0.6",
                &["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"],
            ),
            ("0.0.0.0-255.255.255.255", &["0.0.0.0/0"]),
            ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &["::/0"]),
            ("192.168.1.7/24", &["192.168.1.0/24"]),
            (
                "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                &["fc00::/7"],
            ),
        ] {
            assert_eq!(range(text).networks(), networks, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "a",
            "10.0.0.2-10.0.0.1",
            "10.0.0.1-::1",
            "10.0.0.0/33",
            "1-2-3",
        ] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }

    #[test]
    fn holes_are_cut_out() {
        let left = range("10.0.0.0/24").without(&[
            range("10.0.0.0"),
            range("10.0.0.128-10.0.1.4"),
            range("::/0"),
        ]);
        assert_eq!(left, [range("10.0.0.1-10.0.0.127")]);
        assert!(range("0.0.0.0/0").without(&[range("0.0.0.0/0")]).is_empty());
        assert!(range("::/0").without(&[range("::/0")]).is_empty());
    }
}
