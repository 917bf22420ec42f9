//! What a measurement found, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::histogram::Histogram;

/// A whole measurement.
#[derive(Clone, Debug)]
pub enum Report {
    Idle(Idle),
    SetUps(SetUps),
    Storm(Storm),
}

/// Clients that do nothing.
#[derive(Clone, Debug)]
pub struct Idle {
    pub clients: usize,
    pub opened_in: Duration,
    /// Resident memory of the server, in bytes.
    pub before: u64,
    pub with_all: u64,
    /// When all have gone.
    pub after: u64,
    /// What the kernel took for one end of all connections, in bytes.
    pub kernel: Option<u64>,
    /// Cores the server took while nothing but pings went on.
    pub cpu: f64,
}

/// Calls that were set up, became active and ended.
#[derive(Clone, Debug)]
pub struct SetUps {
    pub by_ring: bool,
    pub clients: usize,
    pub description: usize,
    pub due: u64,
    pub done: u64,
    pub per_second: f64,
    /// From the caller's `join` to the end for both.
    pub duration: Latency,
    /// Of descriptions and candidates, from one client to the other.
    pub message: Latency,
    /// Cores the server took.
    pub cpu: Option<f64>,
    /// The server's, for each call.
    pub cpu_each: Option<Duration>,
    /// Part of the time in which the generator itself had something to do: at 1 it is the limit.
    pub busy: f64,
}

/// Everybody's connection broke at once.
#[derive(Clone, Debug)]
pub struct Storm {
    pub sessions: usize,
    /// Sessions that went on, or seats that were taken up again as they were.
    pub kept: usize,
    /// Until the last was back.
    pub elapsed: Duration,
    pub each: Latency,
    /// Until the first was back, when the server was gone.
    pub down: Option<Duration>,
    /// Messages that had to arrive.
    pub expected: u64,
    pub lost: u64,
    pub doubled: u64,
    /// Connections that broke once more.
    pub again: usize,
    /// The server's.
    pub cpu: Option<Duration>,
}

/// Percentiles.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Latency {
    /// Of these durations.
    pub fn of(histogram: &Histogram) -> Latency {
        Latency {
            p50: histogram.quantile(0.5),
            p90: histogram.quantile(0.9),
            p99: histogram.quantile(0.99),
            max: histogram.max(),
        }
    }

    fn json(&self) -> Value {
        let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
        json!({
            "p50_us": micros(self.p50), "p90_us": micros(self.p90),
            "p99_us": micros(self.p99), "max_us": micros(self.max),
        })
    }
}

impl Report {
    /// For programs.
    pub fn json(&self) -> Value {
        match self {
            Report::Idle(idle) => json!({
                "clients": idle.clients,
                "opened_in_s": idle.opened_in.as_secs_f64(),
                "resident": { "before": idle.before, "with_all": idle.with_all, "after": idle.after },
                "bytes_per_client": idle.each(),
                "kernel_bytes_per_client": idle.kernel.map(|bytes| bytes / idle.clients.max(1) as u64),
                "cpu_cores": idle.cpu,
            }),
            Report::SetUps(setups) => json!({
                "by": if setups.by_ring { "ring" } else { "link" },
                "clients": setups.clients,
                "description_bytes": setups.description,
                "due": setups.due,
                "done": setups.done,
                "per_second": setups.per_second,
                "duration": setups.duration.json(),
                "message": setups.message.json(),
                "cpu_cores": setups.cpu,
                "cpu_us_per_call": setups.cpu_each.map(|each| each.as_secs_f64() * 1e6),
                "generator_busy": setups.busy,
            }),
            Report::Storm(storm) => json!({
                "sessions": storm.sessions,
                "kept": storm.kept,
                "elapsed_s": storm.elapsed.as_secs_f64(),
                "each": storm.each.json(),
                "down_s": storm.down.map(|down| down.as_secs_f64()),
                "expected": storm.expected,
                "lost": storm.lost,
                "doubled": storm.doubled,
                "again": storm.again,
                "cpu_s": storm.cpu.map(|cpu| cpu.as_secs_f64()),
            }),
        }
    }
}

impl Idle {
    fn each(&self) -> u64 {
        self.with_all.saturating_sub(self.before) / self.clients.max(1) as u64
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Idle(idle) => idle.fmt(f),
            Report::SetUps(setups) => setups.fmt(f),
            Report::Storm(storm) => storm.fmt(f),
        }
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |bytes: u64| bytes >> 10;
        writeln!(
            f,
            "{} clients connected in {:.1} s, {} bytes of resident memory for each",
            self.clients,
            self.opened_in.as_secs_f64(),
            self.each()
        )?;
        writeln!(
            f,
            "server: {} KiB before, {} KiB with all, {} KiB when they had gone",
            kib(self.before),
            kib(self.with_all),
            kib(self.after)
        )?;
        if let Some(kernel) = self.kernel {
            writeln!(
                f,
                "kernel: about {} bytes for each",
                kernel / self.clients.max(1) as u64
            )?;
        }
        writeln!(f, "CPU while idle: {:.2} % of a core", self.cpu * 100.0)
    }
}

impl fmt::Display for SetUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.by_ring { "ring" } else { "link" };
        writeln!(
            f,
            "{} calls by {by}, {:.0} per second ({} clients, descriptions of {} bytes)",
            self.done, self.per_second, self.clients, self.description
        )?;
        writeln!(f, "from the first message to the end: {}", self.duration)?;
        writeln!(f, "a message from client to client:   {}", self.message)?;
        if let (Some(cpu), Some(each)) = (self.cpu, self.cpu_each) {
            writeln!(
                f,
                "CPU of the server: {cpu:.2} cores, {} µs for each call",
                each.as_micros()
            )?;
        }
        writeln!(
            f,
            "this generator had something to do for {:.0} % of the time",
            self.busy * 100.0
        )
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} of {} kept, the last after {:.2} s; {} connections broke once more",
            self.kept,
            self.sessions,
            self.elapsed.as_secs_f64(),
            self.again
        )?;
        if let Some(down) = self.down {
            writeln!(f, "the first was back after {:.2} s", down.as_secs_f64())?;
        }
        writeln!(f, "each: {}", self.each)?;
        writeln!(
            f,
            "of {} messages {} lost, {} doubled",
            self.expected, self.lost, self.doubled
        )?;
        if let Some(cpu) = self.cpu {
            writeln!(f, "CPU of the server: {:.2} s", cpu.as_secs_f64())?;
        }
        Ok(())
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        write!(
            f,
            "median {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            ms(self.p50),
            ms(self.p90),
            ms(self.p99),
            ms(self.max)
        )
    }
}
