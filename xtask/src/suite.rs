//! `cargo xtask test`: runs the steps, and adds up.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    count::Count,
    steps::{STEPS, Step},
    tools,
};

/// Runs all steps or the chosen ones. A step that fails does not stop the others.
pub fn main(arguments: &[String]) -> ExitCode {
    let chosen = match choose(arguments) {
        Ok(Some(chosen)) => chosen,
        Ok(None) => {
            for step in STEPS {
                println!("{:<10} {}", step.name, step.what);
            }
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    let results: Vec<_> = chosen.into_iter().map(run_step).collect();
    println!(
        "\n{:<10} {:>7} {:>7} {:>9}",
        "step", "passed", "failed", "time"
    );
    let mut total = Count::default();
    for (step, count, time) in &results {
        let Count { passed, failed } = count;
        let seconds = time.as_secs_f64();
        println!("{:<10} {passed:>7} {failed:>7} {seconds:>7.1} s", step.name);
        total += *count;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_step(step: &'static Step) -> (&'static Step, Count, Duration) {
    println!("\n== {}: {}", step.name, step.what);
    let start = Instant::now();
    let outcome = tools::provide(step.needs).and_then(|()| (step.run)());
    let time = start.elapsed();
    let count = outcome.unwrap_or_else(|error| {
        eprintln!("{}: {error}", step.name);
        Count::one(false)
    });
    let verdict = if count.failed == 0 { "ok" } else { "FAILED" };
    println!(
        "== {}: {verdict} after {:.1} s",
        step.name,
        time.as_secs_f64()
    );
    (step, count, time)
}

/// The steps named by `--only`, all without, or `None` for `--list`.
fn choose(arguments: &[String]) -> Result<Option<Vec<&'static Step>>, String> {
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => return Ok(None),
            "--only" => {
                let name = arguments.next().ok_or("--only needs the name of a step")?;
                chosen.push(find(name)?);
            }
            other => return Err(format!("test takes --only STEP and --list, not {other:?}")),
        }
    }
    if chosen.is_empty() {
        chosen = STEPS.iter().collect();
    }
    Ok(Some(chosen))
}

fn find(name: &str) -> Result<&'static Step, String> {
    STEPS.iter().find(|step| step.name == name).ok_or_else(|| {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        format!("no step {name:?}; there are {}", names.join(", "))
    })
}
