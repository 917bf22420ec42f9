//! ICE agents by others, two at a time and through our relay alone: aioice (Python) and
//! libjuice (npm package node-datachannel).

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::path::PathBuf;
use std::process::Command;

use relay_support::{Relay, output};
use tls_support::Identity;

/// Where `cargo xtask test` installs such clients. Where they are not, these tests say so and pass.
fn installed(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("../foreign")
        .join(name);
    if !folder.is_dir() {
        eprintln!(
            "skipped: no {}; `cargo xtask test --only rust` installs it",
            folder.display()
        );
        return None;
    }
    folder.canonicalize().ok()
}

fn script(name: &str) -> String {
    format!("{}/tests/foreign/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn assert_ok(command: &mut Command) {
    let output = output(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && output.stdout.starts_with(b"ok"),
        "{said}"
    );
}

fn aioice_by(transport: &str) {
    let Some(folder) = installed("python") else {
        return;
    };
    let identity = Identity::new();
    let arguments = identity.flags(&["--tls", "127.0.0.1:0"]);
    let relay = Relay::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let address = match transport {
        "tls" => relay.tls_address(),
        _ => relay.address(),
    };
    let port = address.port().to_string();
    assert_ok(
        Command::new("python3")
            .arg(script("aioice_agents.py"))
            .args(["127.0.0.1", &port, transport, "alice", "wonder"])
            .env("PYTHONPATH", folder),
    );
}

#[test]
fn aioice_by_udp() {
    aioice_by("udp");
}

#[test]
fn aioice_by_tcp() {
    aioice_by("tcp");
}

#[test]
fn aioice_by_tls() {
    aioice_by("tls");
}

#[test]
fn libjuice_with_a_data_channel() {
    let Some(folder) = installed("node") else {
        return;
    };
    let relay = Relay::start(&[]);
    let port = relay.address().port().to_string();
    assert_ok(
        Command::new("node")
            .arg(script("datachannel_peers.mjs"))
            .arg(folder)
            .args(["127.0.0.1", &port, "alice", "wonder"]),
    );
}
