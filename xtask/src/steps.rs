//! The steps of `cargo xtask test`.

use std::{fs, process::Command, sync::Mutex, thread};

use crate::{
    count::Count,
    generated, release_binary,
    shell::{cargo, root, run, run_looking, succeeds},
    tools::{self, Tool},
    web,
};

/// Seconds that each fuzz target runs. More finds more; this finds what a change just broke.
const FUZZ_SECONDS: u32 = 60;
/// Fuzz targets at a time: one for each core of the smallest machine in use.
const FUZZ_AT_A_TIME: usize = 2;

/// One part of the test command; each can be run alone.
pub struct Step {
    /// The name for `--only`.
    pub name: &'static str,
    /// What it does, in one line.
    pub what: &'static str,
    /// The programs it needs.
    pub needs: &'static [Tool],
    /// Does it. An error is a failure before any test could run.
    pub run: fn() -> Result<Count, String>,
}

/// All steps, quick ones first.
pub const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        what: "sources are formatted",
        needs: &[],
        run: fmt,
    },
    Step {
        name: "clippy",
        what: "lints, warnings as errors",
        needs: &[],
        run: clippy,
    },
    Step {
        name: "deny",
        what: "licences, bans and sources of dependencies",
        needs: &[tools::CARGO_DENY],
        run: deny,
    },
    Step {
        name: "generated",
        what: "generated files are not stale",
        needs: &[],
        run: generated_files,
    },
    Step {
        name: "rust",
        what: "unit and integration tests of all crates but the lab",
        needs: &[tools::COTURN, tools::STUN_CLIENT, tools::PIP],
        run: rust,
    },
    Step {
        name: "web",
        what: "types and unit tests of the web app",
        needs: &[],
        run: web_app,
    },
    Step {
        name: "fuzz",
        what: "each fuzz target for a minute",
        needs: &[tools::CARGO_FUZZ, tools::CXX],
        run: fuzz,
    },
    Step {
        name: "lab",
        what: "real browsers on networks with NATs, against the built server",
        needs: LAB,
        run: lab,
    },
    Step {
        name: "bench",
        what: "the measurements work (few calls and packets, nothing written)",
        needs: LAB,
        run: bench,
    },
];

const LAB: &[Tool] = &[
    tools::CHROMIUM,
    tools::CHROMEDRIVER,
    tools::IP,
    tools::NFT,
    tools::COTURN,
    tools::CERTUTIL,
];

fn one(outcome: Result<(), String>) -> Result<Count, String> {
    outcome.map(|()| Count::one(true))
}

fn fmt() -> Result<Count, String> {
    one(run(cargo().args(["fmt", "--all", "--", "--check"])))
}

fn clippy() -> Result<Count, String> {
    one(run(cargo()
        .args(["clippy", "--workspace", "--all-targets", "--quiet"])
        .args(["--", "--deny", "warnings"])))
}

fn deny() -> Result<Count, String> {
    one(run(cargo().args([
        "deny",
        "--workspace",
        "check",
        "licenses",
        "bans",
        "sources",
    ])))
}

fn generated_files() -> Result<Count, String> {
    one(generated::generate(true))
}

fn rust() -> Result<Count, String> {
    tools::provide_ice_agents()?;
    Ok(cargo_test(cargo().args([
        "test",
        "--workspace",
        "--exclude",
        "lab",
        "--no-fail-fast",
    ])))
}

fn cargo_test(command: &mut Command) -> Count {
    let mut count = Count::default();
    let outcome = run_looking(command, |line| count.read_cargo(line));
    say(&outcome);
    count.with_outcome(&outcome)
}

fn web_app() -> Result<Count, String> {
    web::dependencies()?;
    let checked = run(web::npm().args(["run", "check"]));
    say(&checked);
    let mut count = Count::default();
    let mut vitest = web::npm();
    vitest.args(["run", "test"]).env("NO_COLOR", "1");
    let tested = run_looking(&mut vitest, |line| count.read_vitest(line));
    say(&tested);
    let mut all = count.with_outcome(&tested);
    all += Count::one(checked.is_ok());
    Ok(all)
}

fn fuzz() -> Result<Count, String> {
    let names = fuzz_targets()?;
    run(fuzzer().arg("build"))?;
    let queue = Mutex::new(names.into_iter());
    let count = Mutex::new(Count::default());
    thread::scope(|scope| {
        for _ in 0..FUZZ_AT_A_TIME {
            scope.spawn(|| {
                while let Some(name) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    let outcome = fuzz_one(&name);
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

fn fuzz_targets() -> Result<Vec<String>, String> {
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

fn fuzz_one(name: &str) -> Result<(), String> {
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
        .arg(format!("-max_total_time={FUZZ_SECONDS}"))
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

fn lab() -> Result<Count, String> {
    if !tools::is_root() {
        return Err(
            "network namespaces need root: run `cargo xtask test --only lab` as root".into(),
        );
    }
    let binary = release_binary()?;
    Ok(cargo_test(
        cargo()
            .args(["test", "--package", "lab", "--no-fail-fast"])
            // Two browsers that encode and decode video are enough for two cores.
            .args(["--", "--test-threads=1"])
            .env("DIALTONE_BIN", binary)
            // Failures carry the state of the page; a backtrace would only bury it.
            .env("RUST_LIB_BACKTRACE", "0"),
    ))
}

fn bench() -> Result<Count, String> {
    let binary = release_binary()?;
    let mut count = Count::default();
    for (program, arguments) in [
        (
            "bench-setup",
            &["--calls", "3", "--starts", "3", "--dry-run"][..],
        ),
        ("bench-turn", &["--quick"]),
    ] {
        let outcome = run(cargo()
            .args(["run", "--quiet", "--package", "lab", "--bin", program])
            .arg("--")
            .args(arguments)
            .env("DIALTONE_BIN", &binary));
        say(&outcome);
        count += Count::one(outcome.is_ok());
    }
    Ok(count)
}

fn say(outcome: &Result<(), String>) {
    if let Err(error) = outcome {
        eprintln!("{error}");
    }
}
