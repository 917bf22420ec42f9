//! What was measured, by what was measured.

use std::collections::BTreeMap;

use lab::bench::Series;
use serde_json::Value;

use crate::servers::Contestant;

/// One load on one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load {
    pub transport: &'static str,
    pub threads: usize,
    /// `up`, `down` or `relay`.
    pub direction: String,
    pub rate: u32,
}

/// What it brought, one value for each round.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Microseconds of the server for each packet that arrived.
    pub cpu: Series,
    /// Microseconds from sending to receiving.
    pub p50: Series,
    pub p99: Series,
    /// Per cent.
    pub loss: Series,
    /// Whether the generator could not send as much as it should, in any round.
    pub fell_short: bool,
}

/// Memory of one server.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Bytes for each of a thousand idle allocations.
    pub per_allocation: Series,
    /// Very many allocations on one address: what they took, or why there are none.
    pub many: Option<Result<Value, String>>,
    /// Packets of strangers.
    pub strangers: Option<Result<Value, String>>,
}

/// Everything.
#[derive(Default)]
pub struct Results {
    pub loads: BTreeMap<Load, BTreeMap<Contestant, Samples>>,
    pub memory: BTreeMap<Contestant, Memory>,
    /// What did not work, in sentences.
    pub failures: Vec<String>,
}

impl Results {
    /// Takes up one run of the generator.
    pub fn add(&mut self, load: Load, contestant: Contestant, run: &Value) {
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let samples = self
            .loads
            .entry(load)
            .or_default()
            .entry(contestant)
            .or_default();
        samples.cpu.push(number(&run["cpu_us_per_packet"]));
        samples.p50.push(number(&run["latency_us"]["p50"]));
        samples.p99.push(number(&run["latency_us"]["p99"]));
        samples.loss.push(100.0 * number(&run["loss"]));
        samples.fell_short |= run["generator_fell_short"] == Value::Bool(true);
    }

    /// What a server did under a load, if it was put under it.
    pub fn samples(&self, load: &Load, contestant: Contestant) -> Option<&Samples> {
        self.loads.get(load)?.get(&contestant)
    }
}
