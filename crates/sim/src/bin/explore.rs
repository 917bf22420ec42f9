//! Explores small worlds and says how far: `cargo run --release -p sim --bin explore -- --help`.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::time::Instant;

use sim::explore::explore;
use sim::{rules, scenarios};

const HELP: &str = "\
Tries every order of events in small worlds, to a bounded depth.

explore [--depth N | --deeper N] [--only PART-OF-A-NAME]

  --depth N    explore every scenario to this depth
  --deeper N   explore every scenario by so many steps deeper than usual
  --only PART  only scenarios with this in their name
";

fn main() -> ExitCode {
    let (mut depth, mut deeper, mut only) = (None, 0, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next();
        match (option.as_str(), value) {
            ("--depth", Some(n)) if n.parse::<usize>().is_ok() => depth = n.parse().ok(),
            ("--deeper", Some(n)) if n.parse::<usize>().is_ok() => deeper = n.parse().unwrap_or(0),
            ("--only", Some(part)) => only = part,
            _ => {
                print!("{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    // A broken rule is told with the steps that lead to it.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    println!("Rules:");
    for rule in rules::RULES {
        println!("  - {rule}");
    }
    let mut broken = false;
    for scenario in scenarios::ALL {
        if !scenario.name.contains(&only) {
            continue;
        }
        let depth = depth.unwrap_or(scenario.depth + deeper);
        let start = Instant::now();
        let report = explore(scenario, depth);
        println!(
            "{}: {report} ({:.1} s)",
            scenario.name,
            start.elapsed().as_secs_f64()
        );
        broken |= report.violation.is_some();
    }
    if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
