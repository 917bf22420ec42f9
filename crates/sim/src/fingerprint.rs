//! Fingerprints of states: equal for those that behave the same, and for no others.
//!
//! A fingerprint has 128 bits, and is the same on every machine and in every run. That two of ten
//! million states that differ share one is less likely than one in 10²⁰.
//!
//! Times are taken relative to now: nothing in the state machines asks what time it is, they only
//! compare. What lies further back than anything remembers is one and the same past.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use protocol::limits;
use protocol::time::Tick;

/// A state's fingerprint at a time.
pub fn fingerprint(what: &impl Hash, now: Tick) -> u128 {
    let mut hasher = Fingerprint {
        now,
        lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344],
    };
    what.hash(&mut hasher);
    let [one, other] = hasher.lanes;
    u128::from(scramble(one, other)) << 64 | u128::from(scramble(other, one))
}

/// Nothing is remembered for longer.
const MEMORY: Duration = Duration::from_millis(2 * limits::LEAVE_MESSAGE_MS);

struct Fingerprint {
    now: Tick,
    lanes: [u64; 2],
}

impl Fingerprint {
    /// Two lanes, each of which takes a word in by a multiplication whose halves are added.
    fn take(&mut self, word: u64) {
        let [one, other] = self.lanes;
        self.lanes = [
            scramble(one ^ word, 0xa409_3822_299f_31d1),
            scramble(other.rotate_left(23) ^ word, 0x082e_fa98_ec4e_6c89),
        ];
    }
}

fn scramble(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x4528_21e6_38d0_1377) * u128::from(other | 1);
    (product as u64) ^ ((product >> 64) as u64)
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.take(u64::from_le_bytes(last));
        }
        self.take(bytes.len() as u64);
    }

    fn write_u8(&mut self, n: u8) {
        self.take(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.take(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.take(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.take(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.take(n as u64);
    }

    /// A [`Tick`]: how far it lies back or ahead.
    fn write_i64(&mut self, micros: i64) {
        let relative = micros - self.now.as_micros() as i64;
        self.take(relative.max(-(MEMORY.as_micros() as i64)) as u64);
    }

    fn finish(&self) -> u64 {
        self.lanes[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: u64) -> Tick {
        Tick::from_micros(micros)
    }

    #[test]
    fn times_are_relative_and_numbers_are_not() {
        let early = fingerprint(&(at(5), 5_u64), at(3));
        assert_eq!(early, fingerprint(&(at(7), 5_u64), at(5)));
        assert_ne!(early, fingerprint(&(at(7), 7_u64), at(5)));
        assert_ne!(early, fingerprint(&(at(6), 5_u64), at(5)));
    }

    #[test]
    fn what_is_long_past_is_one_past() {
        let now = at(0) + MEMORY * 3;
        assert_eq!(fingerprint(&at(0), now), fingerprint(&at(1), now));
        assert_ne!(fingerprint(&now, now), fingerprint(&at(0), now));
    }

    #[test]
    fn small_things_that_differ_have_fingerprints_that_differ() {
        let words = (0..100_u64).map(|n| fingerprint(&n, at(0)));
        let texts = (0..100).map(|n| fingerprint(&"x".repeat(n), at(0)));
        let pairs = (0..100).map(|n| fingerprint(&(n % 10, n / 10), at(0)));
        let lists = (0..100).map(|n| fingerprint(&vec![0_u8; n], at(0)));
        for all in [
            words.collect::<std::collections::BTreeSet<_>>(),
            texts.collect(),
            pairs.collect(),
            lists.collect(),
        ] {
            assert_eq!(all.len(), 100);
        }
    }
}
