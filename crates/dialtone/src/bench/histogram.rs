//! Durations by the million in a few kilobytes: buckets whose width grows with their value, so
//! that a percentile is right to about three in a hundred.

use std::time::Duration;

/// Buckets for each doubling.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = STEPS * (64 - STEP_BITS as usize + 1);

/// How often which duration was seen.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            total: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Adds a duration in nanoseconds.
    pub fn add(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    /// How many were added.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The duration that this part (0 to 1) did not exceed; zero if nothing was added.
    pub fn quantile(&self, part: f64) -> Duration {
        let rank = ((part * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_end(index).min(self.max));
            }
        }
        Duration::ZERO
    }
}

/// Where a value is counted: small ones each for themselves, others by their highest bits.
fn bucket(value: u64) -> usize {
    let Some(shift) = (u64::BITS - value.leading_zeros()).checked_sub(STEP_BITS + 1) else {
        return value as usize;
    };
    STEPS * shift as usize + (value >> shift) as usize
}

/// The largest value that is counted there.
fn upper_end(index: usize) -> u64 {
    let shift = (index / STEPS).saturating_sub(1);
    let top = (index - STEPS * shift) as u128 + 1;
    u64::try_from((top << shift) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_of_a_thousand_even_values() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for value in 1..=1000 {
            histogram.add(value * 1000);
        }
        for (part, expected) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile(part).as_nanos() as f64 / 1000.0;
            assert!((found / expected - 1.0).abs() < 0.04, "{part}: {found}");
        }
        assert_eq!(histogram.max(), Duration::from_millis(1));
    }

    proptest! {
        #[test]
        fn every_value_is_in_its_bucket(value in any::<u64>().prop_flat_map(|top| 0..=top)) {
            let index = bucket(value);
            prop_assert!(index < BUCKETS);
            prop_assert!(value <= upper_end(index));
            prop_assert!(index == 0 || value > upper_end(index - 1));
            prop_assert!(upper_end(index) as f64 <= value as f64 * (1.0 + 1.0 / STEPS as f64));
        }
    }
}
