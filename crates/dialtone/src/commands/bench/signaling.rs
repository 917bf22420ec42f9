//! `dialtone bench signaling`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::{permit, resolve, seconds};
use crate::bench::signaling::{self, Member, Pace, Plan, Report};
use crate::commands::state::StateArguments;
use crate::net::relay::raise_open_files_limit;

/// How many calls a server sets up, what a connection costs it, and how it takes storms
///
/// Clients, each with a socket of its own, call each other in pairs: join, description, candidates,
/// answer, connected, hang up. With members the callee's devices ring; without, both open a link.
///
/// Example: dialtone bench signaling http://127.0.0.1:8080 --pid $(pidof dialtone)
#[derive(Debug, Args)]
pub struct Signaling {
    /// The server
    url: String,

    /// Clients
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    clients: u32,

    /// Calls that are being set up at any time
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    at_a_time: u32,

    /// Begin so many calls each second instead
    #[arg(long, value_name = "CPS", conflicts_with = "at_a_time")]
    rate: Option<f64>,

    /// Only connect, be idle, and see how much memory each client takes (needs --pid)
    #[arg(long, requires = "pid", conflicts_with_all = ["rate", "at_a_time"])]
    idle: bool,

    /// Cut all connections at once, and see how long it takes until everybody is back
    #[arg(long, conflicts_with_all = ["idle", "rate", "at_a_time"])]
    resume_storm: bool,

    /// Say `held` once all clients are in calls, and see how they come back after a restart of the
    /// server, which is yours to do
    #[arg(long, conflicts_with_all = ["idle", "resume_storm", "rate", "at_a_time"])]
    restart_storm: bool,

    /// Come as members: a file with a user's id and an API token in each line
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,

    /// Bytes of a session description; those of browsers have 2000 to 6000
    #[arg(long, value_name = "BYTES", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(0..=30_000))]
    description: u32,

    /// How long to measure
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,

    /// The server's process, to see what it costs
    #[arg(long)]
    pid: Option<u32>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Send this load to another machine. Do that only to a server of your own
    #[arg(long)]
    this_server_is_mine: bool,
}

/// Make members for `dialtone bench signaling --members`, in a store that no server has open.
///
/// Example: dialtone bench members --data ./state --count 4000 > members
#[derive(Debug, Args)]
pub struct Members {
    #[command(flatten)]
    state: StateArguments,

    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
}

/// Makes members, and prints the id and an API token of each.
pub fn make_members(arguments: &Members) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("The system gives no threads")?;
    let members = runtime.block_on(async {
        let (_data, store, _lock) = arguments.state.open_to_serve().await?;
        let members = signaling::make_members(&store, arguments.count as usize).await;
        store.close().await;
        members
    })?;
    for Member { user, token } in members {
        println!("{user} {token}");
    }
    Ok(())
}

/// Measures.
pub fn measure(arguments: &Signaling) -> anyhow::Result<()> {
    let plan = plan(arguments)?;
    raise_open_files_limit();
    let report = run(arguments, &plan).context("No measurement")?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    Ok(())
}

fn run(arguments: &Signaling, plan: &Plan) -> Result<Report, signaling::Trouble> {
    let span = Duration::from_secs_f64(arguments.seconds);
    if arguments.idle {
        return signaling::idle(plan, span);
    }
    if arguments.resume_storm {
        return signaling::resume_storm(plan);
    }
    if arguments.restart_storm {
        return signaling::restart_storm(plan, || println!("held"));
    }
    let pace = match arguments.rate {
        Some(rate) => Pace::PerSecond(rate),
        None => Pace::AtATime(arguments.at_a_time as usize),
    };
    signaling::setups(plan, pace, span)
}

fn plan(arguments: &Signaling) -> anyhow::Result<Plan> {
    let host = arguments
        .url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .with_context(|| format!("`{}` is not an http:// address", arguments.url))?;
    let server = resolve(host)?;
    permit(server, arguments.this_server_is_mine)?;
    if !arguments.clients.is_multiple_of(2) {
        anyhow::bail!("Calls take pairs: give an even number of --clients");
    }
    let members = arguments.members.as_deref().map(read_members).transpose()?;
    Ok(Plan {
        server,
        host: host.to_owned(),
        members: members.unwrap_or_default(),
        clients: arguments.clients as usize,
        description: arguments.description as usize,
        pid: arguments.pid,
    })
}

fn read_members(file: &Path) -> anyhow::Result<Vec<Member>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let member = |(at, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let user = words.next().and_then(|user| user.parse().ok());
        let member = user.zip(words.next()).map(|(user, token)| Member {
            user,
            token: token.to_owned(),
        });
        member.with_context(|| {
            format!(
                "{} line {}: a user's id and an API token are expected",
                file.display(),
                at + 1
            )
        })
    };
    text.lines().enumerate().map(member).collect()
}
