//! Fuzzing: with each test run for a moment, and for as long as one likes.

use std::{fs, process::Command, sync::Mutex, thread};

use crate::{
    count::Count,
    shell::{cargo, root, run, say, succeeds},
    tools,
};

/// Seconds that each target runs with the tests. This finds what a change just broke; it draws the
/// same inputs each time, since a test must not fail for what it drew. To search is the command's.
const SMOKE_SECONDS: u32 = 30;
const SMOKE_SEED: &str = "-seed=1";
/// Targets at a time: one for each core of the smallest machine in use.
const AT_A_TIME: usize = 2;

/// `cargo xtask fuzz [--seconds N] [TARGET…]`.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let mut seconds = 600;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let given = arguments.next().and_then(|given| given.parse().ok());
            seconds = given.ok_or("--seconds needs a number")?;
        } else {
            chosen.push(argument.as_str());
        }
    }
    tools::provide(&[tools::CARGO_FUZZ, tools::CXX])?;
    let Count { passed, failed } = run_all(&chosen, &[&max_total_time(seconds)])?;
    println!("{passed} targets without a finding, {failed} with one");
    match failed {
        0 => Ok(()),
        _ => Err("what was found lies in fuzz/artifacts".into()),
    }
}

/// What the tests run: each target for a moment.
pub fn smoke() -> Result<Count, String> {
    run_all(&[], &[&max_total_time(SMOKE_SECONDS), SMOKE_SEED])
}

fn max_total_time(seconds: u32) -> String {
    format!("-max_total_time={seconds}")
}

/// Runs these targets, or all of them, each with these flags of libFuzzer.
fn run_all(chosen: &[&str], flags: &[&str]) -> Result<Count, String> {
    let mut names = targets()?;
    if let Some(unknown) = chosen
        .iter()
        .find(|name| !names.iter().any(|it| it == *name))
    {
        return Err(format!(
            "no fuzz target {unknown:?}; there are {}",
            names.join(", ")
        ));
    }
    names.retain(|name| chosen.is_empty() || chosen.contains(&name.as_str()));
    run(fuzzer().arg("build"))?;
    let queue = Mutex::new(names.into_iter());
    let count = Mutex::new(Count::default());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(name) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    let outcome = run_one(&name, flags);
                    say(&outcome);
                    if let Ok(mut count) = count.lock() {
                        *count += Count::one(outcome.is_ok());
                    }
                }
            });
        }
    });
    count.into_inner().map_err(|e| e.to_string())
}

fn targets() -> Result<Vec<String>, String> {
    let listed = fuzzer()
        .arg("list")
        .output()
        .map_err(|e| format!("cargo fuzz list: {e}"))?;
    let names = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<_> = names.split_whitespace().map(String::from).collect();
    if !listed.status.success() || names.is_empty() {
        let reason = String::from_utf8_lossy(&listed.stderr);
        return Err(format!("cargo fuzz list names no target: {reason}"));
    }
    Ok(names)
}

fn run_one(name: &str, flags: &[&str]) -> Result<(), String> {
    // New finds go into the first folder, which is not committed; the second holds the seeds.
    let corpus = root().join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
    let seeds = root().join("fuzz/seeds").join(name);
    let mut command = fuzzer();
    command.args(["run", name]).arg(&corpus);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    run(command
        .arg("--")
        .args(flags)
        .args(["-verbosity=0", "-print_final_stats=1"]))
}

/// `cargo fuzz` with what its sanitizers need: a nightly compiler, or a stable one told so.
fn fuzzer() -> Command {
    let mut command = cargo();
    // Inside `cargo run` the toolchain is already chosen by this variable.
    command.env_remove("RUSTUP_TOOLCHAIN");
    if succeeds(
        cargo()
            .args(["+nightly", "--version"])
            .env_remove("RUSTUP_TOOLCHAIN"),
    ) {
        command.arg("+nightly");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command.arg("fuzz");
    command
}
