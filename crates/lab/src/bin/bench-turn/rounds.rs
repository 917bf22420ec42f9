//! Who is measured when: every contestant has its turn in every round, so that a slow moment of
//! the machine meets them all, and no round begins with the same one.

use anyhow::{Context, Result};

use crate::Arguments;
use crate::generator;
use crate::results::{Load, Results};
use crate::servers::{CONTESTANTS, Contestant};

/// Allocations whose memory is weighed.
const IDLE: u32 = 1000;
/// How often that is done at most: memory hardly varies.
const WEIGHINGS: usize = 3;

/// It keeps about 12 KB for each of them; a million would take this machine's memory.
const STRANGERS_OF_COTURN: u64 = 100_000;

/// Measures everything.
pub fn measure(arguments: &Arguments) -> Result<Results> {
    let mut results = Results::default();
    for round in 0..arguments.rounds {
        for threads in &arguments.threads {
            for contestant in turns(round) {
                eprintln!(
                    "round {} of {}, {threads} threads: {contestant}",
                    round + 1,
                    arguments.rounds
                );
                // Another round may work; what did not is on the page.
                if let Err(error) = loads(arguments, *threads, contestant, &mut results) {
                    let failure = format!("{contestant} with {threads} threads: {error:#}");
                    eprintln!("{failure}");
                    results.failures.push(failure);
                }
            }
        }
        if round < WEIGHINGS {
            for contestant in servers(round) {
                weigh(contestant, &mut results)?;
            }
        }
    }
    for contestant in servers(0) {
        eprintln!("{contestant}: many allocations, many strangers");
        extremes(arguments, contestant, &mut results)?;
    }
    Ok(results)
}

/// The order of a round.
fn turns(round: usize) -> impl Iterator<Item = Contestant> {
    let from = round % CONTESTANTS.len();
    CONTESTANTS
        .into_iter()
        .cycle()
        .skip(from)
        .take(CONTESTANTS.len())
}

/// Those that have allocations.
fn servers(round: usize) -> impl Iterator<Item = Contestant> {
    turns(round).filter(|contestant| *contestant != Contestant::Forwarder)
}

/// All rates by UDP, and with one thread the first of them by TCP and TLS.
fn loads(
    arguments: &Arguments,
    threads: usize,
    contestant: Contestant,
    results: &mut Results,
) -> Result<()> {
    let server = contestant.start(threads)?;
    let mut plan: Vec<(&'static str, u32)> =
        arguments.rates.iter().map(|rate| ("udp", *rate)).collect();
    if contestant != Contestant::Forwarder && threads == 1 {
        let rate = arguments.rates[0];
        plan.extend([("tcp", rate), ("tls", rate)]);
    }
    for (transport, rate) in plan {
        for run in generator::load(&server, transport, rate, arguments.seconds)? {
            let load = Load {
                transport,
                threads,
                direction: run["direction"].as_str().unwrap_or_default().to_owned(),
                rate,
            };
            results.add(load, contestant, &run);
        }
    }
    Ok(())
}

fn weigh(contestant: Contestant, results: &mut Results) -> Result<()> {
    let server = contestant.start(1)?;
    let report = generator::idle(&server, IDLE)?;
    let bytes = report["memory"]["bytes_per_allocation"]
        .as_f64()
        .context("no memory")?;
    let memory = results.memory.entry(contestant).or_default();
    memory.per_allocation.push(bytes);
    Ok(())
}

/// What a server may fail at; then that is the result.
fn extremes(arguments: &Arguments, contestant: Contestant, results: &mut Results) -> Result<()> {
    let server = contestant.start(1)?;
    let many = generator::idle(&server, arguments.many).map_err(|error| error.to_string());
    drop(server);
    let server = contestant.start(1)?;
    let count = match contestant {
        Contestant::Coturn => arguments.strangers.min(STRANGERS_OF_COTURN),
        Contestant::Ours | Contestant::Forwarder => arguments.strangers,
    };
    let strangers = generator::strangers(&server, count).map_err(|error| error.to_string());
    let memory = results.memory.entry(contestant).or_default();
    memory.many = Some(many);
    memory.strangers = Some(strangers);
    Ok(())
}
