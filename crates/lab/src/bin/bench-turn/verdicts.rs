//! The targets, beside what was measured.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::results::{Load, Results, Samples};
use crate::servers::Contestant::{self, Coturn, Forwarder, Ours};

/// CPU per packet, by direction: at most so many times coturn's.
const TO_COTURN: [(&str, f64); 3] = [("up", 0.70), ("down", 0.70), ("relay", 0.45)];
/// And upwards at most so many times the bare forwarder's.
const TO_FORWARDER: f64 = 1.25;
/// Bytes of resident memory for an idle allocation.
const PER_ALLOCATION: f64 = 4096.0;
/// What strangers may make resident memory move, in bytes.
const BY_STRANGERS: u64 = 1 << 20;
/// Allocations that one address gives.
const ON_ONE_ADDRESS: u64 = 16_000;
/// Packets per second at which latencies are compared.
const LATENCY_RATE: u32 = 60_000;

/// Rows of targets, figures, verdicts.
pub fn table(results: &Results) -> String {
    let mut table = Table(String::from(
        "\n## Targets\n\n| target | measured | met? |\n| --- | --- | --- |\n",
    ));
    cpu(results, &mut table);
    latency(results, &mut table);
    memory(results, &mut table);
    table.0
}

/// Our CPU per packet as a multiple of another's; medians.
pub fn cpu_ratio(results: &Results, load: &Load, other: Contestant) -> Option<f64> {
    let ours = results.samples(load, Ours)?.cpu.median();
    let others = results.samples(load, other)?.cpu.median();
    Some(ours / others)
}

struct Table(String);

impl Table {
    fn row(&mut self, target: &str, measured: &str, met: bool) {
        let verdict = if met { "yes" } else { "**no**" };
        let _ = writeln!(self.0, "| {target} | {measured} | {verdict} |");
    }
}

fn cpu(results: &Results, table: &mut Table) {
    for threads in threads(results) {
        for (direction, most) in TO_COTURN {
            let target = format!("CPU per packet {direction}, {threads}: ≤ {most:.2} × coturn");
            ratios(results, table, &target, threads, direction, Coturn, most);
        }
        let target = format!("CPU per packet up, {threads}: ≤ {TO_FORWARDER:.2} × bare forwarder");
        ratios(
            results,
            table,
            &target,
            threads,
            "up",
            Forwarder,
            TO_FORWARDER,
        );
    }
}

/// One row for all rates; every one of them has to be good enough.
fn ratios(
    results: &Results,
    table: &mut Table,
    target: &str,
    threads: Workers,
    direction: &str,
    other: Contestant,
    most: f64,
) {
    let mut measured = Vec::new();
    let mut met = true;
    for load in by_udp(results).filter(|load| load.threads == threads.0) {
        if load.direction == direction
            && let Some(ratio) = cpu_ratio(results, load, other)
        {
            met &= ratio <= most;
            measured.push(format!("{ratio:.2} at {}/s", load.rate));
        }
    }
    if !measured.is_empty() {
        table.row(target, &measured.join(", "), met);
    }
}

fn latency(results: &Results, table: &mut Table) {
    for load in by_udp(results).filter(|load| load.rate == LATENCY_RATE) {
        let (Some(ours), Some(coturn)) =
            (results.samples(load, Ours), results.samples(load, Coturn))
        else {
            continue;
        };
        let p99 = |samples: &Samples| samples.p99.median();
        table.row(
            &format!(
                "p99 latency {}, {}, at {LATENCY_RATE}/s: below coturn's",
                load.direction,
                Workers(load.threads)
            ),
            &format!("{:.0} µs, coturn {:.0} µs", p99(ours), p99(coturn)),
            p99(ours) < p99(coturn),
        );
    }
}

fn memory(results: &Results, table: &mut Table) {
    let Some(ours) = results.memory.get(&Ours) else {
        return;
    };
    let bytes = ours.per_allocation.median();
    table.row(
        "resident memory per idle allocation: ≤ 4 KB",
        &format!("{bytes:.0} bytes"),
        bytes <= PER_ALLOCATION,
    );
    if let Some(many) = &ours.many {
        let (measured, met) = match many {
            Ok(report) => (
                format!("{} made", report["allocations"]),
                report["allocations"].as_u64() >= Some(ON_ONE_ADDRESS),
            ),
            Err(error) => (error.clone(), false),
        };
        table.row("16,000 allocations on one address", &measured, met);
    }
    if let Some(Ok(report)) = &ours.strangers {
        let at = |when: &str| report["memory"][when].as_u64().unwrap_or(0);
        let moved = at("after").abs_diff(at("before"));
        let packets = report["sent"].as_u64().unwrap_or(0);
        table.row(
            "resident memory under packets of strangers: flat within 1 MB",
            &format!("{} KiB after {packets} packets", moved >> 10),
            moved <= BY_STRANGERS && report["sent"] != Value::Null,
        );
    }
}

/// How many workers, in words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Workers(usize);

impl std::fmt::Display for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("one worker"),
            many => write!(f, "{many} workers"),
        }
    }
}

fn threads(results: &Results) -> BTreeSet<Workers> {
    by_udp(results).map(|load| Workers(load.threads)).collect()
}

fn by_udp(results: &Results) -> impl Iterator<Item = &Load> {
    results.loads.keys().filter(|load| load.transport == "udp")
}
