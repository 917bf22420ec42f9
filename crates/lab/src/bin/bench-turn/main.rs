//! What relaying costs: our relay, coturn and a bare forwarder, in turns, under the same load.
//!
//! `cargo xtask bench turn [--quick] [--rounds N] [--seconds S] [--rates PPS,…] [--dry-run]`
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod generator;
mod report;
mod results;
mod rounds;
mod servers;
mod verdicts;

use anyhow::{Context, Result, bail};
use lab::bench::{load, publish};

/// What is measured, and how often.
struct Arguments {
    /// Every contestant has its turn so many times.
    rounds: usize,
    /// How long is sent in each direction.
    seconds: f64,
    /// Packets per second, over all allocations.
    rates: Vec<u32>,
    /// Worker threads of the servers.
    threads: Vec<usize>,
    /// Packets without credentials.
    strangers: u64,
    /// Allocations on one address.
    many: u32,
    dry_run: bool,
}

impl Arguments {
    fn full() -> Arguments {
        Arguments {
            rounds: 5,
            seconds: 3.0,
            rates: vec![10_000, 30_000, 60_000],
            threads: vec![1, 2],
            strangers: 1_000_000,
            many: 16_000,
            dry_run: false,
        }
    }

    /// Shows that it works; the figures mean nothing.
    fn quick() -> Arguments {
        Arguments {
            rounds: 1,
            seconds: 0.2,
            rates: vec![5000],
            threads: vec![1],
            strangers: 20_000,
            many: 500,
            dry_run: true,
        }
    }
}

fn main() -> Result<()> {
    let arguments = parse(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let load_before = load();
    let results = rounds::measure(&arguments)?;
    let report = report::write(&arguments, &results, load_before);
    Ok(publish(&report, "relay.md", arguments.dry_run)?)
}

fn parse(words: &[String]) -> Result<Arguments> {
    let mut arguments = match words.iter().any(|word| word == "--quick") {
        true => Arguments::quick(),
        false => Arguments::full(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => {}
            "--dry-run" => arguments.dry_run = true,
            "--rounds" => arguments.rounds = number(word, value()?)?,
            "--seconds" => arguments.seconds = number(word, value()?)?,
            "--rates" => arguments.rates = list(word, value()?)?,
            "--threads" => arguments.threads = list(word, value()?)?,
            other => bail!(
                "unknown argument {other}; there are --quick, --rounds, --seconds, --rates, \
                 --threads, --dry-run"
            ),
        }
    }
    if arguments.rounds == 0 || arguments.rates.is_empty() {
        bail!("nothing to do: --rounds begins at 1, and --rates names at least one");
    }
    Ok(arguments)
}

fn number<T: std::str::FromStr>(word: &str, value: &str) -> Result<T> {
    value
        .parse()
        .ok()
        .with_context(|| format!("{word} takes a number, not {value}"))
}

fn list<T: std::str::FromStr>(word: &str, value: &str) -> Result<Vec<T>> {
    value.split(',').map(|value| number(word, value)).collect()
}
