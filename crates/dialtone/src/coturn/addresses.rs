//! Which addresses allocations are made on: coturn's `relay-ip` and `external-ip`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::Entry;

/// What was said about addresses, in the order it was said.
#[derive(Debug, Default)]
pub struct Relays {
    /// `relay-ip`.
    pub binds: Vec<IpAddr>,
    /// `listening-ip`: what coturn relays on if no `relay-ip` is given.
    pub listening: Vec<IpAddr>,
    /// `external-ip=PUBLIC/PRIVATE`, private first.
    pub mapped: Vec<(IpAddr, IpAddr)>,
    /// `external-ip=PUBLIC`, for every address of its family.
    pub external: Vec<IpAddr>,
}

impl Relays {
    /// Takes note of an `external-ip`. Errors if it is none.
    pub fn external_ip(&mut self, entry: &Entry) -> Result<(), ()> {
        let parse = |text: &str| text.parse::<IpAddr>().map_err(|_| ());
        match entry.word().split_once('/') {
            Some((public, private)) => self.mapped.push((parse(private)?, parse(public)?)),
            None => self.external.push(parse(entry.word())?),
        }
        Ok(())
    }

    /// Pairs of what is bound and what is announced; of two that announce the same, the first.
    pub fn pairs(&self) -> Vec<(IpAddr, IpAddr)> {
        let mut pairs: Vec<(IpAddr, IpAddr)> = Vec::new();
        for (bind, announced) in self.wanted() {
            let is_new = pairs.iter().all(|(_, other)| *other != announced);
            if is_new && bind.is_ipv4() == announced.is_ipv4() && !announced.is_unspecified() {
                pairs.push((bind, announced));
            }
        }
        pairs
    }

    /// All outer addresses that were given.
    pub fn externals(&self) -> impl Iterator<Item = IpAddr> {
        let mapped = self.mapped.iter().map(|(_, public)| *public);
        mapped.chain(self.external.iter().copied())
    }

    fn wanted(&self) -> Vec<(IpAddr, IpAddr)> {
        let named = if self.binds.is_empty() {
            &self.listening
        } else {
            &self.binds
        };
        let named: Vec<_> = named.iter().filter(|ip| !ip.is_unspecified()).collect();
        if !named.is_empty() {
            return named
                .into_iter()
                .map(|bind| (*bind, self.announced(*bind)))
                .collect();
        }
        if !self.mapped.is_empty() {
            return self.mapped.clone();
        }
        let everywhere = |ip: IpAddr| -> IpAddr {
            if ip.is_ipv4() {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                Ipv6Addr::UNSPECIFIED.into()
            }
        };
        self.external
            .iter()
            .map(|ip| (everywhere(*ip), *ip))
            .collect()
    }

    fn announced(&self, bind: IpAddr) -> IpAddr {
        let mapped = self.mapped.iter().find(|(private, _)| *private == bind);
        let of_family = |ip: &&IpAddr| ip.is_ipv4() == bind.is_ipv4();
        match mapped {
            Some((_, public)) => *public,
            None => self
                .external
                .iter()
                .find(of_family)
                .copied()
                .unwrap_or(bind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(relays: &[&str], listening: &[&str], external: &[&str]) -> Vec<String> {
        let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let mut all = Relays {
            binds: ips(relays),
            listening: ips(listening),
            ..Relays::default()
        };
        for value in external {
            let entry = Entry {
                line: 1,
                key: String::new(),
                value: (*value).to_owned(),
            };
            all.external_ip(&entry).unwrap();
        }
        all.pairs()
            .iter()
            .map(|(bind, announced)| format!("{bind}={announced}"))
            .collect()
    }

    #[test]
    fn what_is_announced_follows_coturns_rules() {
        assert_eq!(
            pairs(&["10.0.0.5"], &[], &["192.0.2.1"]),
            ["10.0.0.5=192.0.2.1"]
        );
        assert_eq!(
            pairs(&[], &["10.0.0.5", "::1"], &["192.0.2.1"]),
            ["10.0.0.5=192.0.2.1", "::1=::1"]
        );
        assert_eq!(
            pairs(&[], &["0.0.0.0"], &["192.0.2.1"]),
            ["0.0.0.0=192.0.2.1"]
        );
        assert_eq!(
            pairs(
                &["10.0.0.5", "10.0.0.6"],
                &["10.0.0.9"],
                &["192.0.2.1/10.0.0.5", "192.0.2.2/10.0.0.6"]
            ),
            ["10.0.0.5=192.0.2.1", "10.0.0.6=192.0.2.2"]
        );
        assert_eq!(
            pairs(&[], &[], &["192.0.2.1/10.0.0.5"]),
            ["10.0.0.5=192.0.2.1"]
        );
        assert!(pairs(&[], &[], &[]).is_empty());
    }

    #[test]
    fn no_address_is_announced_twice() {
        assert_eq!(
            pairs(&["10.0.0.5", "10.0.0.6"], &[], &["192.0.2.1"]),
            ["10.0.0.5=192.0.2.1"]
        );
    }
}
