//! `dialtone doctor`: can people call here?

use std::io::Write as _;

use anyhow::Context as _;

use super::{dev, turn};
use crate::doctor::{self, Plan};

/// Can people call here? Looks at addresses, ports, certificate, store and relay; changes nothing
///
/// Behind the server's command stand the server's own flags. It works beside a running server, and
/// where none runs. Nobody outside is asked anything, but for --stun. Ends with 1 if it finds a problem.
///
/// Example: dialtone doctor dev --lan
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// For programs: JSON
    #[arg(long, global = true)]
    json: bool,

    /// Ask this STUN server how the internet sees the relay's addresses
    #[arg(long, value_name = "HOST:PORT", global = true)]
    stun: Option<String>,

    #[command(subcommand)]
    server: Server,
}

#[derive(Debug, clap::Subcommand)]
enum Server {
    Dev(Box<dev::Arguments>),
    Turn(Box<turn::Arguments>),
}

/// Examines, and says what was found.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let plan = match &arguments.server {
        Server::Dev(dev) => dev.plan()?,
        Server::Turn(turn) => turn.plan()?,
    };
    let plan = Plan {
        stun: arguments.stun,
        ..plan
    };
    let runtime = tokio::runtime::Runtime::new().context("The system gives no threads")?;
    let report = runtime.block_on(doctor::examine(&plan));
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&report)? + "\n",
        false => report.text(),
    };
    // A closed pipe changes nothing about what was found.
    let _ = std::io::stdout().write_all(text.as_bytes());
    match report.ok {
        true => Ok(()),
        false => std::process::exit(1),
    }
}
