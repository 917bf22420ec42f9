//! `dialtone bench signaling`, and what it says.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::Process;
use serde_json::Value;

use crate::server::{Server, generator};

/// For the longest measurement there is.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs it against a server; gives its JSON.
pub fn run(server: &Server, arguments: &[&str]) -> Result<Value> {
    let mut command = command(server, arguments)?;
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("no JSON from `dialtone bench signaling`")
}

/// The same, restarting the server once the generator holds its calls.
pub fn through_a_restart(server: &mut Server, clients: u32) -> Result<Value> {
    let clients = clients.to_string();
    let arguments = ["--restart-storm", "--clients", &clients];
    let mut process = Process::start(command(server, &arguments)?)?;
    process.wait_for_line_starting("held", PATIENCE)?;
    server.restart()?;
    let line = process.wait_for_line_starting("{", PATIENCE)?;
    serde_json::from_str(&line).context("no JSON from `dialtone bench signaling`")
}

fn command(server: &Server, arguments: &[&str]) -> Result<Command> {
    let mut command = generator()?;
    command
        .args(["bench", "signaling", &server.url(), "--json"])
        .args(["--pid", &server.pid().to_string()])
        .args(arguments);
    if let Some(members) = server.members() {
        command.arg("--members").arg(members);
    }
    Ok(command)
}
