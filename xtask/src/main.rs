//! Builds, runs and tests Dialtone: `cargo xtask --help`.
//!
//! No dependencies, so that it starts in seconds on a fresh machine.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod bench;
mod count;
mod fuzz;
mod generated;
mod mutants;
mod shell;
mod steps;
mod suite;
mod tools;
mod web;

use std::{os::unix::process::CommandExt, process::ExitCode};

use shell::{build_folder, cargo, run};

const HELP: &str = "\
Builds, runs and tests Dialtone.

  cargo xtask run [ARGS…]         web app and server, then `dialtone dev ARGS…`
  cargo xtask test                installs what tests need, then runs everything
  cargo xtask test --list         names the steps
  cargo xtask test --only STEP    runs only that step (repeatable)
  cargo xtask web                 builds the web app
  cargo xtask gen [--check]       writes generated files, or says which are stale
  cargo xtask fuzz [TARGETS]      fuzzes for ten minutes each (--seconds N)
  cargo xtask mutants [PART]      breaks the exchange on purpose; the rules have to see it
  cargo xtask bench setup [ARGS]  measures how fast a call is set up (--calls N)
  cargo xtask bench mishaps [ARGS] measures the gaps in sound when something happens (--rounds N)
  cargo xtask bench networks [ARGS] goes through every pair of networks (--only A,B, --rounds N)
  cargo xtask bench turn [ARGS]   measures what relaying costs, beside coturn (--quick)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("--help", [].as_slice()),
    };
    let outcome = match command {
        "run" => serve(rest),
        "test" => return suite::main(rest),
        "web" => web::build(),
        "gen" => generated::main(rest),
        "bench" => bench::main(rest),
        "fuzz" => fuzz::main(rest),
        "mutants" => mutants::main(rest),
        "--help" | "-h" | "help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("no such command: {other}\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Builds everything and becomes the server: signals go to it alone.
fn serve(arguments: &[String]) -> Result<(), String> {
    let binary = release_binary()?;
    let mut server = shell::command(&binary);
    server.arg("dev").args(arguments);
    // The server's data folder belongs where the person is, not where the sources are.
    if let Ok(here) = std::env::current_dir() {
        server.current_dir(here);
    }
    Err(format!("cannot start {binary}: {}", server.exec()))
}

/// Builds web app and server for release; returns the path of the server.
fn release_binary() -> Result<String, String> {
    web::build()?;
    run(cargo().args(["build", "--release", "--package", "dialtone"]))?;
    let binary = build_folder().join("release/dialtone");
    Ok(binary.display().to_string())
}
