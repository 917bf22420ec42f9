//! `dialtone turn`: the STUN and TURN server alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use turn::{Cidr, Credentials, Limits, RelayAddress};

use crate::addresses;
use crate::net::relay::{PORTS, Relay, RelayConfig};

/// The port of STUN and TURN (RFC 8489 section 8).
const PORT: u16 = 3478;

/// Relay calls between people whose networks let no direct way through.
///
/// Example: dialtone turn --relay-ip 10.0.0.5=198.51.100.5 --realm example.org --user bob:secret
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where clients send to, over UDP and TCP (repeatable) [default: port 3478 of every address]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,

    /// Where relayed packets come from, and what clients are told if it differs (repeatable)
    /// [default: the address of the default route]
    #[arg(long, value_name = "BIND[=ANNOUNCED]")]
    relay_ip: Vec<RelayIp>,

    /// The name of this server in its users' credentials
    #[arg(long, default_value = "dialtone")]
    realm: String,

    /// Someone who may use the relay (repeatable)
    #[arg(long, value_name = "NAME:PASSWORD")]
    user: Vec<User>,

    /// A secret under which credentials that expire are accepted (repeatable)
    #[arg(long, env = "DIALTONE_SECRET", hide_env_values = true)]
    secret: Vec<Secret>,

    /// Let the relay reach these addresses, which it refuses otherwise (repeatable)
    #[arg(long, value_name = "CIDR")]
    allow_peer: Vec<Cidr>,

    /// Allocations of one user at a time
    #[arg(long, value_name = "N", default_value_t = Limits::default().user_quota)]
    user_quota: u32,
}

/// `BIND` or `BIND=ANNOUNCED`.
#[derive(Clone, Copy, Debug)]
struct RelayIp(RelayAddress);

/// `NAME:PASSWORD`; a password may contain colons, a name not.
#[derive(Clone)]
struct User {
    name: String,
    password: String,
}

/// A shared secret.
#[derive(Clone)]
struct Secret(String);

/// Runs the relay until it is told to stop.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("The system gives no event loop")?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    // Before anything is started, so that no signal finds the default behaviour in between.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let relay = Relay::start(configuration(arguments)?).context("The relay did not start")?;
    println!("ready {}", join(relay.listen_addresses()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("What the relay did: {:?}", relay.counters());
    relay.shutdown();
    Ok(())
}

fn configuration(arguments: Arguments) -> anyhow::Result<RelayConfig> {
    if arguments.user.is_empty() && arguments.secret.is_empty() {
        anyhow::bail!("Nobody could use this relay; give --user NAME:PASSWORD or --secret S");
    }
    let mut credentials = Credentials::new(&arguments.realm)
        .with_context(|| format!("The realm {:?} cannot be used", arguments.realm))?;
    for user in &arguments.user {
        credentials.add_user(&user.name, &user.password);
    }
    for secret in &arguments.secret {
        credentials.add_secret(secret.0.as_bytes());
    }
    Ok(RelayConfig {
        listen: listen_addresses(arguments.listen),
        relays: relay_addresses(&arguments.relay_ip),
        ports: PORTS,
        credentials,
        allow_peers: arguments.allow_peer,
        protected: Vec::new(),
        limits: Limits {
            user_quota: arguments.user_quota,
            ..Limits::default()
        },
    })
}

fn listen_addresses(given: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if !given.is_empty() {
        return given;
    }
    vec![
        (Ipv4Addr::UNSPECIFIED, PORT).into(),
        (Ipv6Addr::UNSPECIFIED, PORT).into(),
    ]
}

/// Those given, or what this machine finds out, with the reasons.
fn relay_addresses(given: &[RelayIp]) -> Vec<RelayAddress> {
    if !given.is_empty() {
        return given.iter().map(|RelayIp(relay)| *relay).collect();
    }
    let found = addresses::find();
    for address in &found {
        eprintln!("{address}");
    }
    addresses::relays(&found)
}

fn join(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses
        .iter()
        .map(|address| format!("turn:{address}"))
        .collect();
    texts.join(" ")
}

impl FromStr for RelayIp {
    type Err = String;

    fn from_str(text: &str) -> Result<RelayIp, String> {
        let (bind, announced) = text.split_once('=').unwrap_or((text, text));
        let parse = |part: &str| {
            part.parse::<IpAddr>()
                .map_err(|_| format!("`{part}` is not an IP address"))
        };
        let relay = RelayAddress {
            bind: parse(bind)?,
            announced: parse(announced)?,
        };
        if relay.announced.is_unspecified() {
            return Err(format!(
                "clients cannot be told `{announced}`; write {bind}=ADDRESS with the one they reach"
            ));
        }
        Ok(RelayIp(relay))
    }
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<User, String> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() && !password.is_empty() => Ok(User {
                name: name.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err("a user is written NAME:PASSWORD".to_owned()),
        }
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Secret, String> {
        if text.is_empty() {
            return Err("an empty secret would let everyone in; give a long random one".to_owned());
        }
        Ok(Secret(text.to_owned()))
    }
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Passwords stay out of logs.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
