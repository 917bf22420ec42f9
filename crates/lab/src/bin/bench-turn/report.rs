//! The page in `docs/measurements`.

use std::fmt::Write as _;
use std::process::Command;

use lab::bench::{machine_shape, today};
use serde_json::Value;

use crate::Arguments;
use crate::generator::SIZE;
use crate::results::{Load, Results, Samples};
use crate::servers::{CONTESTANTS, Contestant};
use crate::verdicts;

/// The figures of this run.
pub fn write(arguments: &Arguments, results: &Results, load_before: f64) -> String {
    let mut page = head(arguments, load_before);
    page += &verdicts::table(results);
    page += &cpu(results);
    page += &latency(results);
    page += &memory(results);
    if !results.failures.is_empty() {
        page += "\n## What did not work in this run\n\n";
        for failure in &results.failures {
            let _ = writeln!(page, "- {failure}");
        }
    }
    page
}

fn head(arguments: &Arguments, load_before: f64) -> String {
    let output = Command::new("turnserver").arg("--version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let said = said.unwrap_or_default();
    let coturn = said.lines().last().unwrap_or_default();
    format!(
        "# What relaying costs\n\
         \n\
         Measured by `cargo xtask bench turn` on {today}, on a machine with {machine}; servers and \
         generator on it, load before the run {load_before:.1}. Debian's coturn {coturn}.\n\
         \n\
         50 allocations, {SIZE} bytes in a packet, ChannelData between client and server. Three \
         servers have their turns in each of {rounds} rounds, started anew each time: ours, coturn, \
         and a bare forwarder (recvmmsg, then sendmmsg to one address, no look-up). Packets are \
         sent at an even pace for {seconds} s in each direction: **up** from clients to peers, \
         **down** from peers to clients, **relay** from clients to other clients of the same \
         server. Counted is what arrives. CPU is the server process's (user and kernel) for each \
         packet that arrived. Figures are medians of the rounds, with the smallest and the largest \
         behind them.\n\
         \n\
         The generator takes one of the cores for itself. With two worker threads on a machine \
         with two cores, servers and generator get into each other's way: there CPU per packet \
         still says something, latency little. A low rate costs more for each packet, as every one \
         of them wakes the server.\n",
        today = today(),
        machine = machine_shape(),
        rounds = arguments.rounds,
        seconds = arguments.seconds,
    )
}

fn cpu(results: &Results) -> String {
    let mut text = String::from(
        "\n## CPU of the server per packet, µs\n\n\
         | transport | workers | direction | packets/s | Dialtone | coturn | forwarder | to coturn | to forwarder |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (load, samples) in &results.loads {
        let cell = |contestant| {
            samples
                .get(&contestant)
                .map_or_else(|| "–".to_owned(), |samples| samples.cpu.spread(1.0, 2))
        };
        let to = |other| {
            verdicts::cpu_ratio(results, load, other)
                .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            load.transport,
            load.threads,
            load.direction,
            load.rate,
            cell(Contestant::Ours),
            cell(Contestant::Coturn),
            cell(Contestant::Forwarder),
            to(Contestant::Coturn),
            to(Contestant::Forwarder),
        );
    }
    text
}

fn latency(results: &Results) -> String {
    let mut text = String::from(
        "\n## Latency in µs and loss\n\n\
         | transport | workers | direction | packets/s | server | p50 | p99 | lost, % |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut fell_short = false;
    for (load, by_server) in &results.loads {
        for (contestant, samples) in by_server {
            fell_short |= samples.fell_short;
            let _ = writeln!(text, "{}", latency_row(load, *contestant, samples));
        }
    }
    if fell_short {
        text += "\n\\* The generator could not send as many packets as it should, in at least one \
                 round: machine and generator are at their limit there.\n";
    }
    text
}

fn latency_row(load: &Load, contestant: Contestant, samples: &Samples) -> String {
    format!(
        "| {} | {} | {} | {}{} | {contestant} | {} | {} | {} |",
        load.transport,
        load.threads,
        load.direction,
        load.rate,
        if samples.fell_short { "\\*" } else { "" },
        samples.p50.spread(1.0, 0),
        samples.p99.spread(1.0, 0),
        samples.loss.spread(1.0, 3),
    )
}

fn memory(results: &Results) -> String {
    let mut text = String::from(
        "\n## Memory\n\n\
         Resident memory of the server process; what the kernel holds for sockets is the same for \
         all and not in it.\n\n\
         | server | bytes per idle allocation | allocations on one address | packets of strangers |\n\
         | --- | --- | --- | --- |\n",
    );
    for contestant in CONTESTANTS {
        let Some(memory) = results.memory.get(&contestant) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {contestant} | {} | {} | {} |",
            memory.per_allocation.spread(1.0, 0),
            told(&memory.many, many),
            told(&memory.strangers, strangers),
        );
    }
    text += "\nStrangers have no credentials: Binding, Allocate without and with made-up credentials, \
             ChannelData and noise, each packet from another address of 127.0.0.0/8.\n";
    text
}

fn told(outcome: &Option<Result<Value, String>>, tell: impl Fn(&Value) -> String) -> String {
    match outcome {
        Some(Ok(value)) => tell(value),
        Some(Err(error)) => format!("fails: {}", error.replace('|', "/")),
        None => "–".to_owned(),
    }
}

fn many(report: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    format!(
        "{} made, {:.0} per second, {} requests repeated, {:.0} bytes each",
        report["allocations"],
        number(&report["set_up"]["allocations_per_second"]),
        report["set_up"]["repeated"],
        number(&report["memory"]["bytes_per_allocation"]),
    )
}

fn strangers(report: &Value) -> String {
    let kib = |when: &str| report["memory"][when].as_u64().unwrap_or(0) >> 10;
    format!(
        "{} from {} addresses: {} KiB before, {} KiB after; {:.2} µs per packet",
        report["sent"],
        report["addresses"],
        kib("before"),
        kib("after"),
        report["cpu_us_per_packet"].as_f64().unwrap_or(f64::NAN),
    )
}
