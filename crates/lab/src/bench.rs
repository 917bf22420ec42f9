//! Numbers for measurements: summaries, the shape of the machine they were taken on, and the page
//! they are written to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs, io, thread};

use anyhow::{Context, Result, bail};

use crate::process::run;

/// Begins what people write on a page of measurements.
const TRIED: &str = "## What was tried and what it brought";

/// What a measurement of several things in rounds is told.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// How often each is measured; it counts what lies in the middle.
    pub rounds: usize,
    /// The only one that is measured, if it is only one.
    pub only: Option<String>,
    /// Whether nothing is written.
    pub dry_run: bool,
}

impl Arguments {
    /// `[--rounds N] [--only NAME] [--dry-run]`
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            rounds: 3,
            only: None,
            dry_run: false,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rounds" => {
                    let rounds = words.next().context("--rounds needs a number")?;
                    arguments.rounds = rounds.parse().context("--rounds needs a number")?;
                }
                "--only" => arguments.only = Some(words.next().context("--only needs a name")?),
                "--dry-run" => arguments.dry_run = true,
                other => bail!("unknown argument {other}; there are --rounds, --only, --dry-run"),
            }
        }
        Ok(arguments)
    }
}

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

    /// The median, and the smallest and the largest behind it: `2 (1–3)`. In a unit that is so many
    /// times as large.
    pub fn spread(&self, unit: f64, digits: usize) -> String {
        let [low, middle, high] = [0.0, 0.5, 1.0].map(|part| self.quantile(part) / unit);
        if self.len() < 2 {
            return format!("{middle:.digits$}");
        }
        format!("{middle:.digits$} ({low:.digits$}–{high:.digits$})")
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
    let release = run(Command::new("uname").arg("-r")).unwrap_or_default();
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

/// The date, as in 2026-01-31.
pub fn today() -> String {
    let date = run(Command::new("date").args(["--utc", "+%Y-%m-%d"])).unwrap_or_default();
    date.trim().to_owned()
}

/// Shows a report. Unless it is only a trial, it becomes that page of `docs/measurements`, where
/// what people wrote about what was tried is kept.
pub fn publish(report: &str, page: &str, is_trial: bool) -> io::Result<()> {
    println!("{report}");
    if is_trial {
        Ok(())
    } else {
        write(report, page)
    }
}

/// The same without showing it.
pub fn write(report: &str, page: &str) -> io::Result<()> {
    let before = last(page)?;
    fs::create_dir_all(folder())?;
    fs::write(folder().join(page), renewed(report, &before))
}

/// That page of `docs/measurements` as it is; empty, if there is none.
pub fn last(page: &str) -> io::Result<String> {
    match fs::read_to_string(folder().join(page)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/measurements")
}

/// The report, and behind it what people wrote on the page before.
fn renewed(report: &str, before: &str) -> String {
    match before.find(TRIED) {
        Some(at) => format!("{}\n\n{}", report.trim_end(), &before[at..]),
        None => report.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_behind_new_figures() {
        let tried = format!("{TRIED}\n\n- **Less**: more.\n");
        let before = format!("# Cost\n\n| 1 |\n\n{tried}");
        let after = renewed("# Cost\n\n| 2 |\n", &before);
        assert_eq!(after, format!("# Cost\n\n| 2 |\n\n{tried}"));
        assert_eq!(renewed(&after, "# Cost\n\n| 1 |\n"), after);
    }

    #[test]
    fn a_spread_needs_more_than_one() {
        let mut series = Series::default();
        series.push(1500.0);
        assert_eq!(series.spread(1000.0, 1), "1.5");
        series.push(2500.0);
        series.push(2000.0);
        assert_eq!(series.spread(1.0, 0), "2000 (1500–2500)");
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let mut series = Series::default();
        for value in [30.0, 10.0, 20.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0] {
            series.push(value);
        }
        assert_eq!(series.to_string(), "50 | 90 | 10 | 100 | 10");
    }
}
