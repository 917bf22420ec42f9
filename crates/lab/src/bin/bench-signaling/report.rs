//! The page in `docs/measurements`.

use std::fmt::Write as _;

use lab::bench::{Series, machine_shape, today};

use crate::{Arguments, Results, SetUps, Storm, number};

/// The figures of this run.
pub fn write(arguments: &Arguments, results: &Results, load_before: f64) -> String {
    let mut page = head(arguments, load_before);
    page += &targets(arguments, results);
    page += &figures(arguments, results);
    page += &limits(results);
    page
}

fn head(arguments: &Arguments, load_before: f64) -> String {
    format!(
        "# What signaling costs\n\
         \n\
         Measured by `cargo xtask bench signaling` on {today}, on a machine with {machine}; load \
         before the run {load_before:.1}. The server has one core, the generator (`dialtone bench \
         signaling`, one process) the other, so latencies are those of a server with one core and of \
         a generator that is not in its way. The generator looks for messages all the time; how much \
         of it there were any says whether it was the limit. Medians of {rounds} rounds, with the smallest and the \
         largest behind them; the server is started anew for each.\n\
         \n\
         A **complete set-up** is a call of two {door} with {callers} clients taking part: {joining}, \
         offer of 4000 bytes and four candidates, the answer likewise, `connected` from both, \
         each request with its answer, hang up, `call_ended`. No limit against floods is switched \
         off: clients come from many addresses, and send as much as one may.\n",
        today = today(),
        machine = machine_shape(),
        rounds = arguments.rounds,
        callers = arguments.callers,
        door = if arguments.rings {
            "by a ring, between members who know each other,"
        } else {
            "by a link, between guests,"
        },
        joining = if arguments.rings {
            "join, invite, ring, ringing, accept"
        } else {
            "join and join"
        },
    )
}

fn targets(arguments: &Arguments, results: &Results) -> String {
    let each = number(&results.idle, "/bytes_per_client").unwrap_or(f64::NAN);
    let per_second = results.durable.per_second.median();
    let (cores, per_core) = (
        results.durable.cpu_cores.median(),
        results.durable.per_core.median(),
    );
    let ceiling = results.ceiling.per_second.median();
    let p99 = results.durable.message_p99_us.median();
    let (resume, restart) = (&results.resume, &results.restart);
    let mut table =
        "\n## Targets\n\n| target | measured | met? |\n| --- | --- | --- |\n".to_owned();
    let storm = |storm: &Storm| {
        format!(
            "{:.1} s; {} not kept, {} lost, {} doubled",
            storm.elapsed_s.median(),
            storm.not_kept,
            storm.lost,
            storm.doubled
        )
    };
    for (target, measured, met) in [
        (
            format!(
                "resident memory per idle connection, {} of them: ≤ 12 KB",
                arguments.idle
            ),
            format!("{each:.0} bytes"),
            each <= 12_000.0,
        ),
        (
            "complete set-ups on one core, store on the disk (SQLite): ≥ 2000/s".to_owned(),
            format!(
                "{per_second:.0}/s with {cores:.2} of it, {per_core:.0}/s of a whole one by the CPU time of \
                 each; {ceiling:.0}/s with the store in memory, where a commit waits for nothing"
            ),
            per_second >= 2000.0,
        ),
        (
            "p99 of a message at half of that load: < 5 ms".to_owned(),
            format!("{:.2} ms", p99 / 1000.0),
            p99 < 5000.0,
        ),
        (
            format!(
                "connections of {} sessions cut, all back: < 10 s, nothing lost or doubled",
                arguments.storm
            ),
            storm(resume),
            resume.elapsed_s.median() < 10.0 && resume.is_whole(),
        ),
        (
            format!(
                "server killed and started again under {} in calls, all in their seats: < 20 s",
                arguments.storm
            ),
            storm(restart),
            restart.elapsed_s.median() < 20.0 && restart.is_whole(),
        ),
    ] {
        let met = if met { "yes" } else { "**no**" };
        let _ = writeln!(table, "| {target} | {measured} | {met} |");
    }
    table
}

/// How calls went, with the store on the disk and in memory.
fn set_ups(results: &Results) -> String {
    let mut page = "\n## Figures\n\n| complete set-ups | store on the disk | store in memory |\n\
                    | --- | --- | --- |\n"
        .to_owned();
    type Row = (&'static str, fn(&SetUps) -> &Series, f64, usize);
    let rows: [Row; 10] = [
        ("per second, 128 at a time", |all| &all.per_second, 1.0, 0),
        ("– cores of the server", |all| &all.cpu_cores, 1.0, 2),
        (
            "– generator busy, part of the time",
            |all| &all.busy,
            1.0,
            2,
        ),
        (
            "– CPU of the server for each, µs",
            |all| &all.cpu_us,
            1.0,
            0,
        ),
        (
            "– per second of a core, by that CPU time",
            |all| &all.per_core,
            1.0,
            0,
        ),
        ("at half load: per second", |all| &all.half_rate, 1.0, 0),
        (
            "– a message from client to client, median, ms",
            |all| &all.message_p50_us,
            1e3,
            2,
        ),
        (
            "– a message from client to client, p99, ms",
            |all| &all.message_p99_us,
            1e3,
            2,
        ),
        (
            "– from the first `join` to `call_ended`, median, ms",
            |all| &all.call_p50_us,
            1e3,
            2,
        ),
        (
            "– from the first `join` to `call_ended`, p99, ms",
            |all| &all.call_p99_us,
            1e3,
            2,
        ),
    ];
    for (what, series, unit, digits) in rows {
        let [disk, memory] =
            [&results.durable, &results.ceiling].map(|all| series(all).spread(unit, digits));
        let _ = writeln!(page, "| {what} | {disk} | {memory} |");
    }
    page
}

fn figures(arguments: &Arguments, results: &Results) -> String {
    let idle = |path: &str| number(&results.idle, path).unwrap_or(f64::NAN);
    let mut page = set_ups(results);
    page += "\n| storms and idle clients | measured |\n| --- | --- |\n";
    for (what, measured) in [
        (
            "resume storm, the last is back after, s",
            results.resume.elapsed_s.spread(1.0, 2),
        ),
        (
            "– half of all are back after, s",
            results.resume.each_p50_s.spread(1.0, 2),
        ),
        (
            "restart storm, the last is back after, s",
            results.restart.elapsed_s.spread(1.0, 2),
        ),
        (
            "– half of all are back after, s",
            results.restart.each_p50_s.spread(1.0, 2),
        ),
        (
            "– the first is back after, s",
            results.restart.down_s.spread(1.0, 2),
        ),
    ] {
        let _ = writeln!(page, "| {what} | {measured} |");
    }
    let _ = writeln!(
        page,
        "| {} idle clients: resident memory each, bytes | {:.0} |\n\
         | – of the kernel for one end of the connection, about, bytes | {:.0} |\n\
         | – opened in, s | {:.1} |\n\
         | – CPU of the server, only pings, of a core | {:.2} % |\n\
         | – resident memory before, with all, after, MiB | {:.1}, {:.1}, {:.1} |",
        arguments.idle,
        idle("/bytes_per_client"),
        idle("/kernel_bytes_per_client"),
        idle("/opened_in_s"),
        idle("/cpu_cores") * 100.0,
        idle("/resident/before") / 1048576.0,
        idle("/resident/with_all") / 1048576.0,
        idle("/resident/after") / 1048576.0,
    );
    page
}

fn limits(results: &Results) -> String {
    let idle = |path: &str| number(&results.idle, path).unwrap_or(f64::NAN);
    let each = idle("/bytes_per_client") + idle("/kernel_bytes_per_client");
    format!(
        "\n## What limits more connections\n\
         \n\
         - **Open files**: one for each connection. This machine lets a process have 20,000 \
         (`ulimit -Hn`; `LimitNOFILE=` of systemd raises it).\n\
         - **Ours**: `--max-connections`, 8192 if nothing is said, and 512 of one address.\n\
         - **Memory**: {each:.0} bytes each with the kernel's share, {gib:.1} GiB for a million.\n\
         - **Pings**: every 25 s, in calls every 5 s: {cpu:.2} µs of CPU for each client and second.\n\
         - Not the ports: a connection takes none on the server's side. A client address has 28,232 \
         (`ip_local_port_range`) towards one server.\n",
        gib = each * 1e6 / f64::from(1 << 30),
        cpu = idle("/cpu_cores") * 1e6 / idle("/clients"),
    )
}
