//! Writes what is generated from the protocol's types, or with `--check` says what is stale.
#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = root.join("docs/protocol.md");
    let filled = std::fs::read_to_string(&document)
        .map_err(|error| error.to_string())
        .and_then(|text| protocol::generate::fill_tables(&text));
    let filled = match filled {
        Ok(filled) => filled,
        Err(error) => {
            eprintln!("docs/protocol.md: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outputs = [
        (document, filled),
        (
            root.join("web/src/rtc/protocol.gen.ts"),
            protocol::generate::typescript(),
        ),
    ];
    let mut stale = false;
    for (path, text) in outputs {
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        let name = path.strip_prefix(&root).unwrap_or(&path).display();
        if check {
            eprintln!("{name} is stale: run `cargo xtask gen` and commit the result");
            stale = true;
        } else if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        } else {
            println!("wrote {name}");
        }
    }
    if stale {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
