//! What signaling costs: a connection that does nothing, a call that is set up, and what becomes of
//! everybody when all connections break at once, or the server is started again.
//!
//! `cargo xtask bench signaling [--quick] [--links] [--rounds N] [--seconds S] [--dry-run]`
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod generator;
mod report;
mod server;

use anyhow::{Context, Result, bail};
use lab::bench::{Series, load, publish};
use serde_json::Value;
use server::{Place, Server};

/// What is measured, and how often.
struct Arguments {
    rounds: usize,
    /// How long calls are set up, and idle clients are held.
    seconds: f64,
    /// Whether calls begin with a ring, between members, or by a link, between guests.
    rings: bool,
    /// Clients that do nothing.
    idle: u32,
    /// Clients that set up calls.
    callers: u32,
    /// Clients in a storm.
    storm: u32,
    dry_run: bool,
}

impl Arguments {
    fn full() -> Arguments {
        Arguments {
            rounds: 3,
            seconds: 10.0,
            rings: true,
            idle: u32::try_from(server::most_connections()).unwrap_or(u32::MAX) & !1,
            callers: 6000,
            storm: 10_000,
            dry_run: false,
        }
    }

    /// Shows that it works; the figures mean nothing.
    fn quick() -> Arguments {
        Arguments {
            rounds: 1,
            seconds: 0.5,
            rings: true,
            idle: 200,
            callers: 100,
            storm: 200,
            dry_run: true,
        }
    }
}

/// What was found. Series are in the unit their names end with.
#[derive(Default)]
struct Results {
    idle: Value,
    /// With a store on the disk, and with one in memory.
    durable: SetUps,
    ceiling: SetUps,
    resume: Storm,
    restart: Storm,
}

#[derive(Default)]
struct SetUps {
    per_second: Series,
    cpu_us: Series,
    cpu_cores: Series,
    /// As many as a whole core would do, by the CPU time of each.
    per_core: Series,
    /// Part of the time in which the generator had something to do.
    busy: Series,
    /// At half of what was reached: the median and the 99th percentile of a message, and of a call.
    half_rate: Series,
    message_p50_us: Series,
    message_p99_us: Series,
    call_p50_us: Series,
    call_p99_us: Series,
}

#[derive(Default)]
struct Storm {
    elapsed_s: Series,
    each_p50_s: Series,
    down_s: Series,
    not_kept: u64,
    lost: u64,
    doubled: u64,
    again: u64,
}

fn main() -> Result<()> {
    let arguments = parse(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let load_before = load();
    let results = measure(&arguments)?;
    let report = report::write(&arguments, &results, load_before);
    publish(&report, "signaling.md", arguments.dry_run)?;
    results.check()
}

fn measure(arguments: &Arguments) -> Result<Results> {
    let mut results = Results::default();
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}: calls", arguments.rounds);
        results.durable.measure(arguments, Place::Disk)?;
        results.ceiling.measure(arguments, Place::Memory)?;
        eprintln!("round {round} of {}: storms", arguments.rounds);
        let (mut server, storm) = (Server::start(Place::Disk, 0)?, arguments.storm.to_string());
        let found = generator::run(&server, &["--resume-storm", "--clients", &storm])?;
        results.resume.add(&found)?;
        server.restart()?;
        let found = generator::through_a_restart(&mut server, arguments.storm)?;
        results.restart.add(&found)?;
    }
    eprintln!("{} idle clients", arguments.idle);
    // Long enough for every client to be pinged.
    let seconds = (arguments.seconds * 3.0).to_string();
    let clients = arguments.idle.to_string();
    results.idle = generator::run(
        &Server::start(Place::Disk, 0)?,
        &["--idle", "--clients", &clients, "--seconds", &seconds],
    )?;
    Ok(results)
}

impl SetUps {
    /// As many as there can be, then half of that.
    fn measure(&mut self, arguments: &Arguments, place: Place) -> Result<()> {
        let members = if arguments.rings {
            arguments.callers
        } else {
            0
        };
        let (clients, seconds) = (arguments.callers.to_string(), arguments.seconds.to_string());
        let amount = ["--clients", &clients, "--seconds", &seconds];
        let most = generator::run(&Server::start(place, members)?, &amount)?;
        let per_second = number(&most, "/per_second")?;
        self.per_second.push(per_second);
        self.cpu_us.push(number(&most, "/cpu_us_per_call")?);
        self.cpu_cores.push(number(&most, "/cpu_cores")?);
        self.per_core.push(1e6 / number(&most, "/cpu_us_per_call")?);
        self.busy.push(number(&most, "/generator_busy")?);

        let rate = (per_second / 2.0).to_string();
        let arguments = [&amount[..], &["--rate", &rate]].concat();
        let half = generator::run(&Server::start(place, members)?, &arguments)?;
        self.half_rate.push(number(&half, "/per_second")?);
        for (series, name) in [
            (&mut self.message_p50_us, "/message/p50_us"),
            (&mut self.message_p99_us, "/message/p99_us"),
            (&mut self.call_p50_us, "/duration/p50_us"),
            (&mut self.call_p99_us, "/duration/p99_us"),
        ] {
            series.push(number(&half, name)?);
        }
        Ok(())
    }
}

impl Storm {
    fn add(&mut self, found: &Value) -> Result<()> {
        let count = |name: &str| number(found, name).map(|number| number as u64);
        self.elapsed_s.push(number(found, "/elapsed_s")?);
        self.each_p50_s
            .push(number(found, "/each/p50_us")? / 1_000_000.0);
        if let Ok(down) = number(found, "/down_s") {
            self.down_s.push(down);
        }
        self.not_kept += count("/sessions")? - count("/kept")?;
        self.lost += count("/lost")?;
        self.doubled += count("/doubled")?;
        self.again += count("/again")?;
        Ok(())
    }

    /// Whether everything is as before.
    fn is_whole(&self) -> bool {
        self.not_kept + self.lost + self.doubled == 0
    }
}

impl Results {
    /// Figures may be bad on a busy machine; something lost is a mistake on any.
    fn check(&self) -> Result<()> {
        if !self.resume.is_whole() || !self.restart.is_whole() {
            bail!("something was lost in a storm, or came twice");
        }
        Ok(())
    }
}

fn number(found: &Value, path: &str) -> Result<f64> {
    let number = found.pointer(path).and_then(Value::as_f64);
    number.with_context(|| format!("no {path} in {found}"))
}

fn parse(words: &[String]) -> Result<Arguments> {
    let mut arguments = match words.iter().any(|word| word == "--quick") {
        true => Arguments::quick(),
        false => Arguments::full(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => {}
            "--links" => arguments.rings = false,
            "--dry-run" => arguments.dry_run = true,
            "--rounds" => arguments.rounds = value()?.parse()?,
            "--seconds" => arguments.seconds = value()?.parse()?,
            other => {
                bail!(
                    "unknown argument {other}; there are --quick, --links, --rounds, --seconds, --dry-run"
                )
            }
        }
    }
    if arguments.rounds == 0 {
        bail!("nothing to do: --rounds begins at 1");
    }
    Ok(arguments)
}
