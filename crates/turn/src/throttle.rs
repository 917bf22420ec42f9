//! A rate limit for answers to strangers, in memory that never grows.
//!
//! Sources are hashed with a secret key into a fixed number of buckets. Two prefixes may share
//! one, and then share its rate; nobody can choose to share with a certain other one.

use std::hash::BuildHasher;
use std::net::IpAddr;

use protocol::time::Tick;

use crate::seed::{KeyedHasher, Seed};

/// How many answers a source prefix (IPv4 /24, IPv6 /56) may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Answers a second, in the long run.
    pub per_second: u32,
    /// Answers at once, after a while without any.
    pub burst: u32,
}

/// Buckets of one table: enough that a few thousand busy prefixes seldom meet, 64 KiB of memory.
const BUCKETS: usize = 8192;

/// Micro-answers: one answer is a million of these, so that a microsecond refills `per_second`.
const ANSWER: u64 = 1_000_000;

/// A table of leaky buckets. A bucket holds the tick at which it will have leaked empty: one
/// number says both how full it is and when that was.
#[derive(Debug)]
pub(crate) struct Throttle {
    buckets: Box<[Tick]>,
    hasher: KeyedHasher,
    rate: Rate,
}

impl Throttle {
    pub(crate) fn new(seed: &Seed, purpose: &str, rate: Rate) -> Throttle {
        Throttle {
            buckets: vec![Tick::default(); BUCKETS].into_boxed_slice(),
            hasher: seed.hasher(purpose),
            rate,
        }
    }

    /// Another rate; how full the buckets are stays as it is.
    pub(crate) fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Whether one more answer may go to this source; if so, it is counted.
    pub(crate) fn admit(&mut self, now: Tick, source: IpAddr) -> bool {
        if self.rate.per_second == 0 {
            return false;
        }
        let step = ANSWER / u64::from(self.rate.per_second);
        let hash = self.hasher.hash_one(prefix(source));
        let bucket = &mut self.buckets[(hash % BUCKETS as u64) as usize];
        let empty_at = bucket.as_micros().max(now.as_micros());
        if empty_at - now.as_micros() > step * u64::from(self.rate.burst.saturating_sub(1)) {
            return false;
        }
        *bucket = Tick::from_micros(empty_at + step);
        true
    }
}

/// What one sender can be assumed to own.
fn prefix(source: IpAddr) -> u128 {
    match source {
        IpAddr::V4(ip) => u128::from(ip.to_bits() >> 8),
        IpAddr::V6(ip) => (ip.to_bits() >> 72) | 1 << 127,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 5,
    };

    fn admitted(throttle: &mut Throttle, micros: u64, source: &str, tries: usize) -> usize {
        let source = source.parse().unwrap();
        (0..tries)
            .filter(|_| throttle.admit(Tick::from_micros(micros), source))
            .count()
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut throttle = Throttle::new(&Seed([0; 32]), "test", RATE);
        assert_eq!(admitted(&mut throttle, 0, "192.0.2.1", 100), 5);
        assert_eq!(admitted(&mut throttle, 99_999, "192.0.2.1", 100), 0);
        assert_eq!(admitted(&mut throttle, 100_000, "192.0.2.1", 100), 1);
        assert_eq!(admitted(&mut throttle, 10_000_000, "192.0.2.1", 100), 5);
    }

    #[test]
    fn one_prefix_shares_a_bucket_and_others_do_not() {
        let mut throttle = Throttle::new(&Seed([0; 32]), "test", RATE);
        assert_eq!(admitted(&mut throttle, 0, "192.0.2.1", 100), 5);
        assert_eq!(admitted(&mut throttle, 0, "192.0.2.254", 100), 0);
        assert_eq!(admitted(&mut throttle, 0, "192.0.3.1", 100), 5);
        assert_eq!(admitted(&mut throttle, 0, "2001:db8:0:100::1", 100), 5);
        assert_eq!(admitted(&mut throttle, 0, "2001:db8:0:1ff::1", 100), 0);
        assert_eq!(admitted(&mut throttle, 0, "2001:db8:0:200::1", 100), 5);
    }

    #[test]
    fn a_rate_of_zero_answers_nobody() {
        let rate = Rate {
            per_second: 0,
            burst: 9,
        };
        let mut throttle = Throttle::new(&Seed([0; 32]), "test", rate);
        assert_eq!(admitted(&mut throttle, 0, "192.0.2.1", 9), 0);
    }
}
