//! A rate limit for answers to strangers, in memory that never grows.
//!
//! Sources are hashed with a secret key into a fixed number of buckets. Two prefixes may share
//! one, and then share its rate; nobody can choose to share with a certain other one.

use std::hash::BuildHasher;
use std::net::IpAddr;

use protocol::time::Tick;

use crate::bucket::Bucket;
use crate::seed::{KeyedHasher, Seed};

/// How much of something there may be: answers to a source prefix (IPv4 /24, IPv6 /56), or new
/// peers of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many a second, in the long run.
    pub per_second: u32,
    /// So many at once, after a while without any.
    pub burst: u32,
}

/// Buckets of one table: enough that a few thousand busy prefixes seldom meet, 64 KiB of memory.
const BUCKETS: usize = 8192;

/// A table of leaky buckets.
#[derive(Debug)]
pub(crate) struct Throttle {
    buckets: Box<[Bucket]>,
    hasher: KeyedHasher,
    rate: Rate,
}

impl Throttle {
    pub(crate) fn new(seed: &Seed, purpose: &str, rate: Rate) -> Throttle {
        Throttle {
            buckets: vec![Bucket::default(); BUCKETS].into_boxed_slice(),
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
        let hash = self.hasher.hash_one(prefix(source));
        let bucket = &mut self.buckets[(hash % BUCKETS as u64) as usize];
        self.rate.admit(bucket, now)
    }
}

impl Rate {
    /// Whether one more is within the rate; if so, it is counted.
    pub(crate) fn admit(self, bucket: &mut Bucket, now: Tick) -> bool {
        bucket.admit(now, 1, self.per_second.into(), self.burst.into())
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
