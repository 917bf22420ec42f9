//! The steps of `cargo xtask test`.

use std::process::Command;

use crate::{
    count::Count,
    fuzz, generated, mutants, release_binary,
    shell::{cargo, run, run_looking, say},
    tools::{self, Tool},
    web,
};

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
        needs: &[
            tools::COTURN,
            tools::STUN_CLIENT,
            tools::OPENSSL,
            tools::PIP,
            tools::POSTGRESQL,
        ],
        run: rust,
    },
    Step {
        name: "mutants",
        what: "breakages of the exchange on purpose are seen by the rules",
        needs: &[],
        run: || mutants::run_all(""),
    },
    Step {
        name: "web",
        what: "types and unit tests of the web app",
        needs: &[],
        run: web_app,
    },
    Step {
        name: "fuzz",
        what: "each fuzz target for a moment",
        needs: &[tools::CARGO_FUZZ, tools::CXX],
        run: fuzz::smoke,
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
    tools::FIREFOX,
    tools::PULSEAUDIO,
    tools::IP,
    tools::NFT,
    tools::COTURN,
    tools::CERTUTIL,
    tools::ESPEAK,
    tools::PIP,
    tools::CXX,
    tools::PYTHON_HEADERS,
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
    // The example of a client is compiled by the web app's TypeScript.
    web::dependencies()?;
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

fn lab() -> Result<Count, String> {
    if !tools::is_root() {
        return Err(
            "network namespaces need root: run `cargo xtask test --only lab` as root".into(),
        );
    }
    tools::provide_speech_score()?;
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
    tools::provide_speech_score()?;
    let binary = release_binary()?;
    let mut count = Count::default();
    for (program, arguments) in [
        (
            "bench-setup",
            &["--calls", "3", "--starts", "3", "--dry-run"][..],
        ),
        (
            "bench-mishaps",
            &["--only", "Nothing", "--rounds", "1", "--dry-run"],
        ),
        (
            "bench-networks",
            &["--only", "Public,FullCone", "--rounds", "1", "--dry-run"],
        ),
        (
            "bench-quality",
            &["--only", "Good", "--rounds", "1", "--dry-run"],
        ),
        ("bench-turn", &["--quick"]),
        ("bench-signaling", &["--quick"]),
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
