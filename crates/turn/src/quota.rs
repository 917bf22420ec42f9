//! How much every user and every client address has, counted over all servers that share a table.
//!
//! Whoever holds something (an allocation, or a port that is kept) owns a [`Share`], and a share
//! that is dropped is given back: there is no way to end an allocation that forgets the quota.
//! The table is behind a lock, which is taken when an allocation begins and when it ends, never
//! for a packet. A table of hashed counters would need no lock, but would sometimes refuse one
//! user for what another has.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::trial::is_trial;

/// What is in use, by user and by client address. Servers that are given the same table count
/// together; a table of its own is [`Quotas::default`].
#[derive(Debug, Default)]
pub struct Quotas {
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    by_account: BTreeMap<Box<str>, u32>,
    by_source: BTreeMap<Source, u32>,
}

/// What one client can be assumed to own: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source(IpAddr);

/// How much one may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) per_account: u32,
    pub(crate) per_source: u32,
}

/// Who has something, and that it counts. Dropping it gives back what it stands for.
#[derive(Debug)]
pub(crate) struct Share {
    quotas: Arc<Quotas>,
    username: Box<str>,
    /// Where in the username the name begins that is counted under.
    account_at: usize,
    source: Source,
    count: u32,
}

impl Quotas {
    /// Takes `count` for the user whose account begins at `account_at` in the name, from a client
    /// at this address; `None` if that would be more than either may have.
    pub(crate) fn take(
        self: &Arc<Quotas>,
        username: &str,
        account_at: usize,
        client: IpAddr,
        count: u32,
        most: Most,
    ) -> Option<Share> {
        let account = &username[account_at..];
        let source = Source::of(client);
        let mut used = self.used();
        let of_account = used.by_account.get(account).copied().unwrap_or(0);
        let of_source = used.by_source.get(&source).copied().unwrap_or(0);
        let of_account = of_account
            .checked_add(count)
            .filter(|sum| *sum <= most.per_account)?;
        let of_source = of_source
            .checked_add(count)
            .filter(|sum| *sum <= most.per_source)?;
        used.by_account.insert(account.into(), of_account);
        used.by_source.insert(source, of_source);
        drop(used);
        Some(Share {
            quotas: self.clone(),
            username: username.into(),
            account_at,
            source,
            count,
        })
    }

    fn give_back(&self, account: &str, source: Source, count: u32) {
        let mut used = self.used();
        let is_over = |used: Option<&mut u32>| {
            used.is_some_and(|used| {
                *used = used.saturating_sub(count);
                *used == 0
            })
        };
        if is_over(used.by_account.get_mut(account)) {
            used.by_account.remove(account);
        }
        if is_over(used.by_source.get_mut(&source)) {
            used.by_source.remove(&source);
        }
    }

    /// Every change is whole before the lock is let go, so what a panic leaves behind is sound.
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// The user's whole name, as in USERNAME.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The name that is counted under.
    pub(crate) fn account(&self) -> &str {
        &self.username[self.account_at..]
    }

    /// Whether it is that of a [trial](crate::trial).
    pub(crate) fn is_trial(&self) -> bool {
        is_trial(&self.username, self.account_at)
    }

    /// Hands over one of several.
    ///
    /// # Panics
    /// If there is only one.
    pub(crate) fn split(&mut self) -> Share {
        assert!(self.count > 1, "a share of one is not split");
        self.count -= 1;
        Share {
            quotas: self.quotas.clone(),
            username: self.username.clone(),
            account_at: self.account_at,
            source: self.source,
            count: 1,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let account = &self.username[self.account_at..];
        self.quotas.give_back(account, self.source, self.count);
    }
}

impl Source {
    fn of(client: IpAddr) -> Source {
        Source(match client {
            IpAddr::V4(_) => client,
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Most = Most {
        per_account: 3,
        per_source: 4,
    };

    fn take(quotas: &Arc<Quotas>, username: &str, client: &str, count: u32) -> Option<Share> {
        let account_at = username.find(':').map_or(0, |colon| colon + 1);
        quotas.take(username, account_at, client.parse().unwrap(), count, MOST)
    }

    fn is_empty(quotas: &Quotas) -> bool {
        let used = quotas.used();
        used.by_account.is_empty() && used.by_source.is_empty()
    }

    #[test]
    fn an_account_and_an_address_have_so_much_and_get_it_back() {
        let quotas = Arc::new(Quotas::default());
        let mut held: Vec<_> = (0..3)
            .map(|n| take(&quotas, &format!("{n}:carol"), "192.0.2.1", 1).unwrap())
            .collect();
        assert!(take(&quotas, "9:carol", "192.0.2.2", 1).is_none(), "user");
        held.push(take(&quotas, "dave", "192.0.2.1", 1).unwrap());
        assert!(take(&quotas, "dave", "192.0.2.1", 1).is_none(), "address");
        held.remove(0);
        assert!(take(&quotas, "9:carol", "192.0.2.2", 2).is_none());
        held.push(take(&quotas, "9:carol", "192.0.2.2", 1).unwrap());
        drop(held);
        assert!(is_empty(&quotas));
    }

    #[test]
    fn of_ipv6_the_first_64_bits_count() {
        let quotas = Arc::new(Quotas::default());
        let _held = take(&quotas, "a", "2001:db8::1", 3).unwrap();
        assert!(take(&quotas, "b", "2001:db8::ffff:2", 2).is_none());
        assert!(take(&quotas, "b", "2001:db8:0:1::1", 2).is_some());
    }

    #[test]
    fn a_share_that_is_split_is_given_back_in_parts() {
        let quotas = Arc::new(Quotas::default());
        let mut two = take(&quotas, "a", "192.0.2.1", 2).unwrap();
        let one = two.split();
        assert!(take(&quotas, "a", "192.0.2.1", 2).is_none());
        drop(two);
        assert!(take(&quotas, "a", "192.0.2.1", 2).is_some());
        drop(one);
        assert!(is_empty(&quotas));
    }

    #[test]
    fn threads_together_get_no_more_than_there_is() {
        let quotas = Arc::new(Quotas::default());
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let held: Vec<_> = (0..100)
                            .filter_map(|_| take(&quotas, "a", "192.0.2.1", 1))
                            .collect();
                        held
                    })
                })
                .collect();
            let held: Vec<_> = threads
                .into_iter()
                .flat_map(|it| it.join().unwrap())
                .collect();
            held.len()
        });
        assert_eq!(granted, 3);
        assert!(is_empty(&quotas));
    }
}
