//! `dialtone bench`: measures servers, ours and others.

mod signaling;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use protocol::relay::{RelayCredential, mint};

use crate::addresses;
use crate::bench::{
    self, Amount, Credential, Direction, MAX_SIZE, MAX_SPAN, MIN_SIZE, Plan, Transport, Trust,
};
use crate::config::{Secret, User};
use crate::net::relay::raise_open_files_limit;
use signaling::{Members, Signaling};

/// Measure a server.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Turn(Turn),
    Signaling(Signaling),
    #[command(hide = true)]
    Members(Members),
    #[command(hide = true)]
    Forwarder(Forwarder),
}

/// How fast, how lossless and at what cost a TURN server relays
///
/// Clients make allocations and bind channels; then packets are sent at an even pace, up (from
/// clients to peers), down (from peers to clients) and relay (from client to client).
///
/// Example: dialtone bench turn --server 127.0.0.1:3478 --user bob:secret --pid $(pidof dialtone)
#[derive(Debug, Args)]
struct Turn {
    /// The server
    #[arg(long, value_name = "ADDR:PORT")]
    server: String,

    /// How clients reach it
    #[arg(long, value_enum, default_value_t = By::Udp)]
    transport: By,

    /// Certificates in PEM, one of which vouches for the server [default: the system's]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Who the clients are
    #[arg(long, value_name = "NAME:PASSWORD", required_unless_present_any = ["secret", "strangers", "forwarder"])]
    user: Option<User>,

    /// A secret to make the clients' credentials from
    #[arg(long, conflicts_with = "user")]
    secret: Option<Secret>,

    /// Allocations
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    allocations: u32,

    /// Which way packets go
    #[arg(long, value_enum, default_value_t = Way::All)]
    direction: Way,

    /// Only make so many allocations and see how much memory each takes (needs --pid)
    #[arg(long, value_name = "N", requires = "pid", conflicts_with_all = ["allocations", "direction"], value_parser = clap::value_parser!(u32).range(1..=60_000))]
    idle: Option<u32>,

    /// Only send so many packets without credentials, each from another address of 127.0.0.0/8, and
    /// see how much memory that takes (needs --pid)
    #[arg(long, value_name = "N", requires = "pid", conflicts_with_all = ["transport", "idle", "allocations", "direction", "user", "secret"], value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    strangers: Option<u64>,

    /// Packets per second, over all allocations
    #[arg(long, value_name = "PPS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: u32,

    /// Bytes of application data in a packet
    #[arg(long, value_name = "BYTES", default_value_t = 172, value_parser = clap::value_parser!(u32).range(MIN_SIZE as i64..=MAX_SIZE as i64))]
    size: u32,

    /// Packets a sender sends at once: 1 is voice, a video frame is many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    burst: u32,

    /// How long to send in each direction
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,

    /// The server's process, to see what a packet and an allocation cost it
    #[arg(long)]
    pid: Option<u32>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Where clients send from [default: 127.0.0.2 to a server on 127.0.0.1, whose relay ports it
    /// leaves alone, else the address towards the server]
    #[arg(long, value_name = "IP")]
    client_ip: Option<IpAddr>,

    /// Where peers are [default: 127.0.0.3 for a server on 127.0.0.1, else the address towards it]
    #[arg(long, value_name = "IP")]
    peer_ip: Option<IpAddr>,

    /// Send this load to another machine. Do that only to a server of your own
    #[arg(long)]
    this_server_is_mine: bool,

    /// The server is a bare forwarder that sends to this port of the peers' address
    #[arg(long, hide = true, value_name = "PORT", conflicts_with_all = ["transport", "user", "secret", "idle", "strangers"])]
    forwarder: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Datagrams
    Udp,
    /// A connection for each client
    Tcp,
    /// The same inside of TLS
    Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// From clients to peers
    Up,
    /// From peers to clients
    Down,
    /// From clients to other clients of the same server
    Relay,
    /// One after the other
    All,
}

/// Forward what ChannelData carries to one address, as a floor for measurements.
///
/// Example: dialtone bench forwarder --listen 127.0.0.1:4000 --to 127.0.0.3:4001
#[derive(Debug, Args)]
struct Forwarder {
    /// Where ChannelData comes to
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,

    /// Where its data goes to
    #[arg(long, value_name = "ADDR:PORT")]
    to: SocketAddr,
}

/// Measures.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.what {
        What::Turn(turn) => measure(&turn),
        What::Signaling(signaling) => signaling::measure(&signaling),
        What::Members(members) => signaling::make_members(&members),
        What::Forwarder(Forwarder { listen, to }) => {
            bench::forward(listen, to, |address| println!("ready {address}"))
                .context("The forwarder ends")
        }
    }
}

fn measure(turn: &Turn) -> anyhow::Result<()> {
    let plan = plan(turn)?;
    raise_open_files_limit();
    const NONE: &str = "No measurement";
    let (json, text) = match turn.strangers {
        Some(count) => {
            let found = bench::strangers(&plan, count).context(NONE)?;
            (found.json(), found.to_string())
        }
        None => {
            let found = bench::measure(&plan).context(NONE)?;
            (found.json(), found.to_string())
        }
    };
    if turn.json {
        println!("{json}");
    } else {
        print!("{text}");
    }
    Ok(())
}

fn plan(turn: &Turn) -> anyhow::Result<Plan> {
    let server = resolve(&turn.server)?;
    permit(server, turn.this_server_is_mine)?;
    let allocations = turn.idle.unwrap_or(turn.allocations) as usize;
    let directions = directions(turn);
    if directions.contains(&Direction::Relay) && !allocations.is_multiple_of(2) {
        anyhow::bail!("From client to client takes pairs: give an even number of --allocations");
    }
    let [client_ip, peer_ip] = ips(server.ip());
    Ok(Plan {
        server,
        transport: transport(turn)?,
        credential: credential(turn)?,
        client_ip: turn.client_ip.unwrap_or(client_ip),
        peer_ip: turn.peer_ip.unwrap_or(peer_ip),
        peer_port: turn.forwarder.unwrap_or(0),
        allocations,
        pid: turn.pid,
        directions,
        amount: Amount {
            rate: turn.rate,
            size: turn.size as usize,
            burst: turn.burst,
            span: Duration::from_secs_f64(turn.seconds),
        },
    })
}

fn transport(turn: &Turn) -> anyhow::Result<Transport> {
    Ok(match turn.transport {
        By::Udp => Transport::Udp,
        By::Tcp => Transport::Tcp,
        By::Tls => {
            let host = turn.server.rsplit_once(':').map_or("", |(host, _)| host);
            Transport::Tls(Trust::of(host, turn.tls_ca.as_deref())?)
        }
    })
}

fn directions(turn: &Turn) -> Vec<Direction> {
    if turn.idle.is_some() {
        return Vec::new();
    }
    if turn.forwarder.is_some() {
        return vec![Direction::Up];
    }
    match turn.direction {
        Way::Up => vec![Direction::Up],
        Way::Down => vec![Direction::Down],
        Way::Relay => vec![Direction::Relay],
        Way::All => vec![Direction::Up, Direction::Down, Direction::Relay],
    }
}

/// A forwarder needs none; otherwise clap has seen to it that there is one.
fn credential(turn: &Turn) -> anyhow::Result<Option<Credential>> {
    /// Longer than any run.
    const VALID: Duration = Duration::from_secs(3600);
    if let Some(secret) = &turn.secret {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let RelayCredential { username, password } =
            mint(secret.0.as_bytes(), "bench", (now + VALID).as_secs());
        return Ok(Some(Credential { username, password }));
    }
    Ok(turn.user.clone().map(|user| {
        let User { name, password } = user;
        Credential {
            username: name,
            password,
        }
    }))
}

fn resolve(server: &str) -> anyhow::Result<SocketAddr> {
    server
        .to_socket_addrs()
        .with_context(|| format!("`{server}` is no ADDR:PORT"))?
        .next()
        .with_context(|| format!("`{server}` has no address"))
}

/// Load is put on this machine, or where somebody says that it may be.
fn permit(server: SocketAddr, is_mine: bool) -> anyhow::Result<()> {
    if !is_here(server.ip()) && !is_mine {
        anyhow::bail!(
            "{server} is another machine, and this puts load on it; if it is yours, say so with \
             --this-server-is-mine"
        );
    }
    Ok(())
}

fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || addresses::local().contains(&ip)
}

/// Where clients and peers are, if nobody says so.
fn ips(server: IpAddr) -> [IpAddr; 2] {
    match server {
        IpAddr::V4(ip) if ip.is_loopback() => [[127, 0, 0, 2], [127, 0, 0, 3]].map(IpAddr::from),
        _ => [addresses::source_towards(server).unwrap_or(server); 2],
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let most = MAX_SPAN.as_secs_f64();
    match text.parse() {
        Ok(seconds) if (0.1..=most).contains(&seconds) => Ok(seconds),
        _ => Err(format!("seconds are a number from 0.1 to {most}")),
    }
}
