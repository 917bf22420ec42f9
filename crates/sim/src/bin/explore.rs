//! Explores small worlds and says how far: `cargo run --release -p sim --bin explore -- --help`.
#![allow(clippy::disallowed_methods)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use sim::blocked::{self, Callee, Pair};
use sim::explore::{Report, explore, on_two_threads};
use sim::node::Node;
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
    let depth_of = move |usual: usize| depth.unwrap_or(usual + deeper);
    let mut work: Vec<Work> = scenarios::ALL
        .iter()
        .map(|scenario| Work {
            name: scenario.name.to_owned(),
            explore: Box::new(move || explore(|| Node::start(scenario), depth_of(scenario.depth))),
        })
        .collect();
    work.extend(Callee::ALL.map(|callee| Work {
        name: format!("blocked by somebody, and they are {callee}"),
        explore: Box::new(move || explore(|| Pair::new(callee), depth_of(blocked::DEPTH))),
    }));
    work.retain(|work| work.name.contains(&only));
    let start = Instant::now();
    let total = Mutex::new(Total::default());
    on_two_threads(work.into_iter(), |work| {
        let start = Instant::now();
        let report = (work.explore)();
        let time = start.elapsed().as_secs_f64();
        println!("{}: {report} ({time:.1} s)", work.name);
        total.lock().expect("adding does not panic").add(&report);
    });
    let total = total.into_inner().expect("adding does not panic");
    println!("Rules:");
    for rule in rules::RULES {
        println!("  - {rule}");
    }
    let Total {
        states,
        transitions,
        violations,
    } = total;
    println!(
        "{states} states, {transitions} transitions, {} rules, {violations} violations ({:.0} s)",
        rules::RULES.len(),
        start.elapsed().as_secs_f64()
    );
    if violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A small world to be explored.
struct Work {
    name: String,
    explore: Box<dyn Fn() -> Report + Send>,
}

#[derive(Default)]
struct Total {
    states: u64,
    transitions: u64,
    violations: u64,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.states += report.states;
        self.transitions += report.transitions;
        self.violations += u64::from(report.violation.is_some());
    }
}
