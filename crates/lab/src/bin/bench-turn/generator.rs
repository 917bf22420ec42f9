//! `dialtone bench turn`, and what it says.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::servers::{Running, binary};

/// Allocations under load, as many as in the measurements the targets come from.
const ALLOCATIONS: &str = "50";

/// Bytes of application data: a voice packet with its headers.
pub const SIZE: &str = "172";

/// Runs it against a server, at this address; gives its JSON.
fn run(server: &Running, address: SocketAddr, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(binary()?);
    command
        .args(["bench", "turn", "--json", "--server"])
        .arg(address.to_string())
        .args(["--pid", &server.process.id().to_string()])
        .args(arguments)
        .stdin(Stdio::null());
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}",
            said.trim().trim_start_matches("dialtone: No measurement: ")
        );
    }
    serde_json::from_slice(&output.stdout).context("no JSON from `dialtone bench turn`")
}

/// Traffic in all directions the server has.
pub fn load(server: &Running, transport: &str, rate: u32, seconds: f64) -> Result<Vec<Value>> {
    let (rate, seconds) = (rate.to_string(), seconds.to_string());
    let amount = [
        "--allocations",
        ALLOCATIONS,
        "--rate",
        &rate,
        "--seconds",
        &seconds,
        "--size",
        SIZE,
    ];
    let cert = server.identity.cert();
    let cert = cert.to_string_lossy();
    let port = server.peer_port.unwrap_or(0).to_string();
    let by = ["--transport", transport, "--user", "bench:bench"];
    let (address, way) = match (server.peer_port, transport) {
        (Some(_), _) => (server.address, vec!["--forwarder", &port]),
        (None, "tls") => {
            let address = server.tls.context("no TLS")?;
            (address, [&by[..], &["--tls-ca", &cert]].concat())
        }
        (None, _) => (server.address, by.to_vec()),
    };
    let report = run(server, address, &[&amount[..], &way].concat())?;
    let runs = report["runs"].as_array().context("no runs")?;
    Ok(runs.clone())
}

/// So many allocations without traffic.
pub fn idle(server: &Running, allocations: u32) -> Result<Value> {
    let allocations = allocations.to_string();
    run(
        server,
        server.address,
        &["--idle", &allocations, "--user", "bench:bench"],
    )
}

/// So many packets of strangers.
pub fn strangers(server: &Running, count: u64) -> Result<Value> {
    run(
        server,
        server.address,
        &["--strangers", &count.to_string(), "--rate", "50000"],
    )
}
