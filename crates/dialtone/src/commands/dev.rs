//! `dialtone dev`: everything on this machine, without configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use exchange::{RelayConfig, Shutdown};
use tokio::signal::unix::{SignalKind, signal};

use crate::data::DataFolder;
use crate::http::Listener;
use crate::hub::Hub;
use crate::proof;

/// Clients at once. A development server needs few; this bounds what a mistake can take.
const MAX_SESSIONS: usize = 10_000;

/// Try Dialtone on this machine.
///
/// Example: dialtone dev --http 127.0.0.1:9090 --data ./state
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the web app and the WebSocket listen [default: localhost:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,

    /// Where STUN and TURN listen, over UDP
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:3478")]
    turn: SocketAddr,

    /// Where state is kept
    #[arg(long, value_name = "DIR", default_value = "dialtone-data")]
    data: PathBuf,

    /// Let the relay reach these addresses, which it refuses otherwise (repeatable)
    #[arg(long, value_name = "CIDR")]
    allow_peer: Vec<String>,

    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
}

/// Runs the development server until it is told to stop.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("The system gives no threads")?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let data = DataFolder::open(&arguments.data)?;
    let secret = data.relay_secret()?;
    let listener = Listener::bind(&http_addresses(arguments.http)).await?;
    let relay = RelayConfig {
        stun_urls: vec![],
        turn_urls: vec![],
        secret,
    };
    let hub = Hub::start(exchange::Config {
        verify: proof::verify,
        relay,
        max_sessions: MAX_SESSIONS,
    })?;
    let url = format!("http://localhost:{}", listener.address()?.port());
    let server = listener.serve(hub.clone());
    println!("ready {url}");

    let how = wait_for_the_end().await?;
    hub.shut_down(how).await;
    server.shut_down().await;
    Ok(())
}

/// `localhost` is both of these, and browsers differ in which they try first.
fn http_addresses(given: Option<SocketAddr>) -> Vec<SocketAddr> {
    const PORT: u16 = 8080;
    match given {
        Some(address) => vec![address],
        None => [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]
        .map(|address| SocketAddr::new(address, PORT))
        .to_vec(),
    }
}

/// Ctrl-C ends it for good; a service manager's SIGTERM may be the first half of a restart.
async fn wait_for_the_end() -> anyhow::Result<Shutdown> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => Shutdown::Stop,
        _ = hangup.recv() => Shutdown::Stop,
        _ = terminate.recv() => Shutdown::Restart,
    })
}
