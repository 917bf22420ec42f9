//! Files generated from the protocol: the web app's types, and the tables of docs/protocol.md.

use crate::shell::{cargo, run};

/// `cargo xtask gen [--check]`.
pub fn main(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => generate(false),
        [check] if check == "--check" => generate(true),
        other => Err(format!("gen takes only --check, not {other:?}")),
    }
}

/// Writes the files, or only says which are stale.
pub fn generate(check: bool) -> Result<(), String> {
    let mut generator = cargo();
    generator.args([
        "run",
        "--quiet",
        "--package",
        "protocol",
        "--example",
        "generate",
    ]);
    if check {
        generator.args(["--", "--check"]);
    }
    run(&mut generator)
}
