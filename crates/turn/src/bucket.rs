//! Leaky buckets: how much may pass in a second, in the long run and at once.

use protocol::time::Tick;

/// A bucket holds the moment at which it will have leaked empty, in nanoseconds of the clock: one
/// number says both how full it is and when that was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket(u64);

const SECOND: u128 = 1_000_000_000;

impl Bucket {
    /// Whether `amount` more fits into a bucket that leaks `per_second` and holds `burst`; if so,
    /// it is in it. Nothing fits into one that does not leak.
    pub(crate) fn admit(&mut self, now: Tick, amount: u64, per_second: u64, burst: u64) -> bool {
        let span = |amount: u64| match u128::from(per_second) {
            0 => None,
            rate => u64::try_from(u128::from(amount) * SECOND / rate).ok(),
        };
        let (Some(step), Some(full)) = (span(amount), span(burst)) else {
            return false;
        };
        let now = now.as_micros().saturating_mul(1000);
        let empty_at = self.0.max(now).saturating_add(step);
        if empty_at - now > full {
            return false;
        }
        self.0 = empty_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_any_time_no_more_passes_than_the_burst_and_the_rate() {
        for (amount, rate, burst) in [
            (172, 1_000_000, 5000),
            (1, 3, 1),
            (65_507, 10_000_000, 70_000),
        ] {
            let mut bucket = Bucket::default();
            let mut passed = 0;
            for millis in 0..10_000_u64 {
                let now = Tick::from_micros(millis * 1000);
                while bucket.admit(now, amount, rate, burst) {
                    passed += amount;
                }
                assert!(passed <= burst + rate * millis / 1000 + 1, "{millis}");
            }
            assert!(passed + amount >= rate * 9, "{passed} of {rate} a second");
        }
    }

    #[test]
    fn what_is_larger_than_the_bucket_never_fits() {
        let now = Tick::from_micros(1);
        assert!(!Bucket::default().admit(now, 11, 5, 10));
        assert!(Bucket::default().admit(now, 10, 5, 10));
        assert!(!Bucket::default().admit(now, 1, 0, 10));
        assert!(Bucket::default().admit(now, 1500, u64::MAX, u64::MAX));
    }
}
