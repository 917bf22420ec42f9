//! Guessing passwords is slowed down; who owns the account is never locked out of it.
//!
//! Failures are counted by the address they come from, by its site, by the account, and by the pair
//! of address and account. Whoever fails more often than people do has to wait, longer each time:
//!
//! ```text
//!  pair     one address at one account     5 free, then 2 s, 4 s, … 15 min
//!  address  one address at any account    20 free, likewise
//!  site     an IPv6 /48                  100 free, likewise
//!  account  any address               never waits; while it is under attack, a pair has 1 free
//! ```
//!
//! So many addresses that guess at one account each get one try and then wait, and its owner, at
//! another one, has a try as well. An address from which somebody has signed in to the account is
//! held up by its own failures there and by nothing else. The tables have a fixed size; where one
//! is full, the entry goes that matters least.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::addresses::subscriber;

/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest. More would punish who mistypes, and hardly slow down who guesses.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Failures beyond the free ones that are counted: with so many the longest wait is reached.
const DOUBLINGS: u16 = 10;

/// Entries that share a place in a table.
const WAYS: usize = 4;

/// How many failures are free, and how long it takes until one is forgotten.
struct Rule {
    free: u16,
    forget: Duration,
}

const PAIR: Rule = Rule {
    free: 5,
    forget: Duration::from_secs(60 * 60),
};
const ADDRESS: Rule = Rule {
    free: 20,
    forget: Duration::from_secs(5 * 60),
};
const SITE: Rule = Rule {
    free: 100,
    forget: Duration::from_secs(60),
};
/// An account with more failures than are free here is under attack.
const ACCOUNT: Rule = Rule {
    free: 30,
    forget: Duration::from_secs(2 * 60),
};

/// Who has failed to sign in.
#[derive(Debug)]
pub struct Throttle {
    pairs: Table,
    addresses: Table,
    sites: Table,
    accounts: Table,
    hasher: RandomState,
}

/// A try that may be made. It counts as failed until [`Throttle::succeeded`] says otherwise, so
/// that many at once gain nothing.
#[derive(Debug)]
pub struct Attempt {
    tags: Tags,
}

#[derive(Clone, Copy, Debug)]
struct Tags {
    pair: u64,
    address: u64,
    site: Option<u64>,
    account: u64,
}

impl Default for Throttle {
    fn default() -> Throttle {
        Throttle {
            pairs: Table::new(16_384),
            addresses: Table::new(8_192),
            sites: Table::new(4_096),
            accounts: Table::new(4_096),
            hasher: RandomState::new(),
        }
    }
}

impl Throttle {
    /// Somebody wants to try at this account, which need not exist; otherwise how long to wait.
    pub fn begin(
        &mut self,
        now: Instant,
        from: IpAddr,
        account: &str,
    ) -> Result<Attempt, Duration> {
        let tags = self.tags(from, account);
        let free = match self.accounts.failures(now, tags.account, &ACCOUNT) > ACCOUNT.free {
            true => 1,
            false => PAIR.free,
        };
        let mut wait = self.pairs.wait(now, tags.pair, &PAIR, free);
        if !self.pairs.is_trusted(tags.pair) {
            let address = self
                .addresses
                .wait(now, tags.address, &ADDRESS, ADDRESS.free);
            let site = tags
                .site
                .map(|tag| self.sites.wait(now, tag, &SITE, SITE.free));
            wait = wait.max(address).max(site.unwrap_or_default());
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        self.pairs.fail(now, tags.pair, &PAIR);
        self.addresses.fail(now, tags.address, &ADDRESS);
        self.accounts.fail(now, tags.account, &ACCOUNT);
        if let Some(site) = tags.site {
            self.sites.fail(now, site, &SITE);
        }
        Ok(Attempt { tags })
    }

    /// It was the owner.
    pub fn succeeded(&mut self, attempt: &Attempt) {
        self.withdrawn(attempt);
        self.pairs.trust(attempt.tags.pair);
    }

    /// It was not tried after all.
    pub fn withdrawn(&mut self, attempt: &Attempt) {
        let tags = attempt.tags;
        self.pairs.forgive(tags.pair, &PAIR);
        self.addresses.forgive(tags.address, &ADDRESS);
        self.accounts.forgive(tags.account, &ACCOUNT);
        if let Some(site) = tags.site {
            self.sites.forgive(site, &SITE);
        }
    }

    fn tags(&self, from: IpAddr, account: &str) -> Tags {
        let address = subscriber(from);
        let site = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80)),
        };
        Tags {
            pair: self.hasher.hash_one((address, account)),
            address: self.hasher.hash_one(address),
            site: site.map(|site| self.hasher.hash_one(site)),
            account: self.hasher.hash_one(account),
        }
    }
}

/// Failures by the keyed hash of whose they are.
#[derive(Debug)]
struct Table {
    entries: Box<[Option<Entry>]>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u64,
    /// When all failures will be forgotten: they are, one after another.
    clear_at: Instant,
    last: Instant,
    /// Somebody has signed in.
    trusted: bool,
}

impl Table {
    fn new(entries: usize) -> Table {
        Table {
            entries: vec![None; entries].into(),
        }
    }

    /// The places where the entry with this tag can be.
    fn places(&mut self, tag: u64) -> &mut [Option<Entry>] {
        let sets = self.entries.len() / WAYS;
        let first = (tag % sets as u64) as usize * WAYS;
        &mut self.entries[first..first + WAYS]
    }

    fn find(&mut self, tag: u64) -> Option<&mut Entry> {
        let mut entries = self.places(tag).iter_mut().flatten();
        entries.find(|entry| entry.tag == tag)
    }

    /// Failures that are not forgotten yet.
    fn failures(&mut self, now: Instant, tag: u64, rule: &Rule) -> u16 {
        self.find(tag).map_or(0, |entry| entry.left(now, rule))
    }

    fn is_trusted(&mut self, tag: u64) -> bool {
        self.find(tag).is_some_and(|entry| entry.trusted)
    }

    fn wait(&mut self, now: Instant, tag: u64, rule: &Rule, free: u16) -> Duration {
        let Some(entry) = self.find(tag) else {
            return Duration::ZERO;
        };
        let Some(excess) = entry.left(now, rule).checked_sub(free) else {
            return Duration::ZERO;
        };
        let wait = FIRST_WAIT.saturating_mul(1 << excess.min(DOUBLINGS));
        let passed = now.saturating_duration_since(entry.last);
        wait.min(LONGEST_WAIT).saturating_sub(passed)
    }

    fn fail(&mut self, now: Instant, tag: u64, rule: &Rule) {
        let longest = rule.forget * u32::from(rule.free + DOUBLINGS);
        if let Some(entry) = self.find(tag) {
            entry.clear_at = (entry.clear_at.max(now) + rule.forget).min(now + longest);
            entry.last = now;
            return;
        }
        let matters = |place: &Option<Entry>| {
            place.map(|entry| (entry.left(now, rule) > 0, entry.trusted, entry.last))
        };
        let least = self
            .places(tag)
            .iter_mut()
            .min_by_key(|place| matters(place));
        if let Some(place) = least {
            *place = Some(Entry {
                tag,
                clear_at: now + rule.forget,
                last: now,
                trusted: false,
            });
        }
    }

    /// One failure was none.
    fn forgive(&mut self, tag: u64, rule: &Rule) {
        if let Some(entry) = self.find(tag)
            && let Some(earlier) = entry.clear_at.checked_sub(rule.forget)
        {
            entry.clear_at = earlier;
        }
    }

    /// All failures are forgotten, and somebody has signed in.
    fn trust(&mut self, tag: u64) {
        if let Some(entry) = self.find(tag) {
            entry.clear_at = entry.last;
            entry.trusted = true;
        }
    }
}

impl Entry {
    /// Failures that are not forgotten.
    fn left(&self, now: Instant, rule: &Rule) -> u16 {
        let left = self.clear_at.saturating_duration_since(now).as_millis();
        let left = left.div_ceil(rule.forget.as_millis());
        left.try_into().unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_who_mistypes_is_not_held_up_and_one_who_guesses_waits_longer_each_time() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for _ in 0..PAIR.free {
            throttle.begin(now, ip("192.0.2.1"), "ada").unwrap();
        }
        let mut before = Duration::ZERO;
        for _ in 0..20 {
            let wait = throttle.begin(now, ip("192.0.2.1"), "ada").unwrap_err();
            assert!(
                wait > before || wait == LONGEST_WAIT,
                "{wait:?} after {before:?}"
            );
            before = wait;
            now += wait;
            throttle.begin(now, ip("192.0.2.1"), "ada").unwrap();
        }
        assert_eq!(before, LONGEST_WAIT);
    }

    #[test]
    fn many_at_once_have_no_more_tries_than_one_after_another() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let begun = (0..1000).filter(|_| throttle.begin(now, ip("192.0.2.1"), "ada").is_ok());
        assert_eq!(begun.count(), usize::from(PAIR.free));
    }

    #[test]
    fn who_signs_in_is_forgiven_for_that_account_and_not_for_others() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let from = ip("192.0.2.1");
        let mut tries = 0;
        // Signing in to an account of one's own in between buys no more tries.
        for guess in 0..1000 {
            if let Ok(own) = throttle.begin(now, from, "mallory") {
                throttle.succeeded(&own);
            }
            tries += u16::from(throttle.begin(now, from, &format!("victim{guess}")).is_ok());
        }
        assert_eq!(tries, ADDRESS.free);
        assert!(
            throttle.begin(now, from, "mallory").is_ok(),
            "trusted there"
        );
    }

    #[test]
    fn an_attack_from_everywhere_leaves_the_owner_a_try() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let mut tries = 0;
        for n in 0..2_000u32 {
            let from = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            for _ in 0..10 {
                tries += u32::from(throttle.begin(now, from, "ada").is_ok());
            }
        }
        // One each, but for the first few, who came while nobody knew.
        assert!((2_000..2_100).contains(&tries), "{tries}");
        let owner = throttle.begin(now, ip("192.0.2.1"), "ada").unwrap();
        throttle.succeeded(&owner);
        assert!(throttle.begin(now, ip("192.0.2.1"), "ada").is_ok());
    }

    #[test]
    fn a_site_of_many_networks_is_one_guesser() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let tries = (0..5_000u128).filter(|n| {
            let from = Ipv6Addr::from_bits(0x2001_0db8_0001 << 80 | n << 64 | 1);
            throttle.begin(now, from.into(), &format!("a{n}")).is_ok()
        });
        assert_eq!(tries.count(), usize::from(SITE.free));
        assert!(throttle.begin(now, ip("2001:db8:2::1"), "ada").is_ok());
    }

    #[test]
    fn failures_are_forgotten() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        while throttle.begin(now, ip("192.0.2.1"), "ada").is_ok() {}
        now += PAIR.forget * u32::from(PAIR.free);
        for _ in 0..PAIR.free {
            throttle.begin(now, ip("192.0.2.1"), "ada").unwrap();
        }
    }

    #[test]
    fn the_tables_do_not_grow() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for n in 0..100_000u32 {
            let from = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let _ = throttle.begin(now, from, &n.to_string());
        }
        assert_eq!(throttle.pairs.entries.len(), 16_384);
        assert!(throttle.begin(now, ip("192.0.2.1"), "ada").is_ok());
    }
}
