//! What a measurement found, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Amount;
use super::load::{Direction, Tally};

/// A whole measurement.
#[derive(Clone, Debug)]
pub struct Report {
    pub allocations: usize,
    /// `None` if the server was a bare forwarder.
    pub set_up: Option<SetUp>,
    /// `None` without `--pid`.
    pub memory: Option<Memory>,
    pub runs: Vec<Run>,
}

/// How making the allocations went.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    /// Allocations per second; each takes two requests.
    pub per_second: f64,
    /// Requests that had to be sent again.
    pub repeated: u32,
}

/// Resident memory of the server, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub before: u64,
    /// With all allocations made.
    pub idle: u64,
    /// After the load.
    pub loaded: u64,
}

/// One direction.
#[derive(Clone, Debug)]
pub struct Run {
    pub direction: Direction,
    pub amount: Amount,
    pub due: u64,
    pub sent: u64,
    pub held_back: u64,
    pub received: u64,
    /// Packets per second that arrived.
    pub achieved: f64,
    pub latency: Latency,
    /// The server's, for each packet that arrived.
    pub cpu_per_packet: Option<Duration>,
}

/// From sending to receiving.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// Packets of many who have no credentials.
#[derive(Clone, Copy, Debug)]
pub struct Strangers {
    pub sent: u64,
    /// How many addresses they came from.
    pub addresses: u64,
    pub answers: u64,
    pub per_second: f64,
    /// Resident memory of the server, in bytes.
    pub before: u64,
    pub after: u64,
    /// The server's.
    pub cpu_per_packet: Duration,
}

impl Run {
    pub(super) fn new(
        direction: Direction,
        amount: Amount,
        tally: &Tally,
        cpu: Option<Duration>,
    ) -> Run {
        Run {
            direction,
            amount,
            due: tally.due,
            sent: tally.sent,
            held_back: tally.held_back,
            received: tally.received,
            achieved: tally.received as f64 / tally.elapsed.as_secs_f64(),
            latency: Latency {
                p50: tally.latency.quantile(0.5),
                p90: tally.latency.quantile(0.9),
                p99: tally.latency.quantile(0.99),
                max: tally.latency.max(),
            },
            cpu_per_packet: cpu.map(|cpu| cpu.div_f64(tally.received.max(1) as f64)),
        }
    }

    fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received)
    }

    /// The part of what was sent that did not arrive.
    fn loss(&self) -> f64 {
        self.lost() as f64 / self.sent.max(1) as f64
    }

    /// Whether less was sent than asked for: then the generator or its way is at its limit, and
    /// the figures are those of a lower rate.
    fn fell_short(&self) -> bool {
        (self.sent as f64) < 0.98 * self.due as f64
    }

    fn json(&self) -> Value {
        json!({
            "direction": self.direction.to_string(),
            "rate": self.amount.rate,
            "size": self.amount.size,
            "burst": self.amount.burst,
            "seconds": self.amount.span.as_secs_f64(),
            "due": self.due,
            "sent": self.sent,
            "held_back": self.held_back,
            "received": self.received,
            "lost": self.lost(),
            "loss": self.loss(),
            "achieved": self.achieved,
            "generator_fell_short": self.fell_short(),
            "latency_us": {
                "p50": micros(self.latency.p50),
                "p90": micros(self.latency.p90),
                "p99": micros(self.latency.p99),
                "max": micros(self.latency.max),
            },
            "cpu_us_per_packet": self.cpu_per_packet.map(micros),
        })
    }
}

impl Memory {
    fn per_allocation(&self, allocations: usize) -> f64 {
        self.idle.saturating_sub(self.before) as f64 / allocations.max(1) as f64
    }

    fn json(&self, allocations: usize) -> Value {
        json!({
            "before": self.before,
            "idle": self.idle,
            "loaded": self.loaded,
            "bytes_per_allocation": self.per_allocation(allocations),
        })
    }
}

impl Report {
    /// For programs. Durations are microseconds, memory is bytes.
    pub fn json(&self) -> Value {
        json!({
            "allocations": self.allocations,
            "set_up": self.set_up.map(|set_up| json!({
                "allocations_per_second": set_up.per_second,
                "repeated": set_up.repeated,
            })),
            "memory": self.memory.map(|memory| memory.json(self.allocations)),
            "runs": self.runs.iter().map(Run::json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(SetUp {
            per_second,
            repeated,
        }) = self.set_up
        {
            writeln!(
                f,
                "{} allocations, {per_second:.0} per second, {repeated} requests repeated",
                self.allocations
            )?;
        }
        if let Some(memory) = self.memory {
            writeln!(
                f,
                "resident memory {} KiB before, {} KiB with idle allocations ({:.0} bytes each), {} KiB in the end",
                memory.before >> 10,
                memory.idle >> 10,
                memory.per_allocation(self.allocations),
                memory.loaded >> 10
            )?;
        }
        for run in &self.runs {
            write!(f, "{run}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p90, p99, max } = self.latency;
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(micros);
        write!(
            f,
            "{:<5} {} sent, {} received, {} lost ({:.3} %), {:.0} per second; \
             latency µs: p50 {p50:.0}, p90 {p90:.0}, p99 {p99:.0}, max {max:.0}",
            self.direction.to_string(),
            self.sent,
            self.received,
            self.lost(),
            100.0 * self.loss(),
            self.achieved,
        )?;
        if let Some(cpu) = self.cpu_per_packet {
            write!(f, "; server {:.2} µs per packet", micros(cpu))?;
        }
        writeln!(f)?;
        if self.fell_short() {
            writeln!(
                f,
                "      only {} of {} packets could be sent: the generator is at its limit",
                self.sent, self.due
            )?;
        }
        Ok(())
    }
}

impl Strangers {
    /// For programs, in the units of [`Report::json`].
    pub fn json(&self) -> Value {
        json!({
            "sent": self.sent,
            "addresses": self.addresses,
            "answers": self.answers,
            "per_second": self.per_second,
            "memory": { "before": self.before, "after": self.after },
            "cpu_us_per_packet": micros(self.cpu_per_packet),
        })
    }
}

impl fmt::Display for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} packets from {} addresses, {:.0} per second, {} answers; server {:.2} µs per packet",
            self.sent,
            self.addresses,
            self.per_second,
            self.answers,
            micros(self.cpu_per_packet)
        )?;
        writeln!(
            f,
            "resident memory {} KiB before, {} KiB after",
            self.before >> 10,
            self.after >> 10
        )
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
