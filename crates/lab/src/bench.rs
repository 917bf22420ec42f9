//! Numbers for measurements: summaries, and the shape of the machine they were taken on.

use std::{fmt, fs, thread};

use crate::process::run;

/// Repeated measurements of one thing, in its unit.
#[derive(Clone, Debug, Default)]
pub struct Series {
    values: Vec<f64>,
}

impl Series {
    /// Adds a measurement.
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
        self.values.sort_by(f64::total_cmp);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value below which that part (0 to 1) of the measurements lies; nearest rank.
    pub fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.values.len() as f64).ceil() as usize;
        let index = rank.clamp(1, self.values.len().max(1)) - 1;
        self.values.get(index).copied().unwrap_or(f64::NAN)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// A row of a table: `median | p90 | min | max | n`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, p90, min, max] = [0.5, 0.9, 0.0, 1.0].map(|part| self.quantile(part));
        write!(
            f,
            "{median:.0} | {p90:.0} | {min:.0} | {max:.0} | {}",
            self.len()
        )
    }
}

/// Cores and kernel, without anything that would name the machine.
pub fn machine_shape() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let release = run(std::process::Command::new("uname").arg("-r")).unwrap_or_default();
    let kernel: String = release
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = meminfo
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0);
    format!(
        "{cores} cores, {} GiB of memory, Linux {}",
        kib >> 20,
        kernel.trim_end_matches('.')
    )
}

/// How busy the machine was over the last minute, in runnable processes: before a measurement it
/// should be well below the number of cores.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut series = Series::default();
        for value in [30.0, 10.0, 20.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0] {
            series.push(value);
        }
        assert_eq!(series.to_string(), "50 | 90 | 10 | 100 | 10");
    }
}
