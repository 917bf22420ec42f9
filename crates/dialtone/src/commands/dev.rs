//! `dialtone dev`: everything on this machine, without configuration.

mod greeting;
mod relay;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use turn::Cidr;

use super::https::HttpsArguments;
use super::state::StateArguments;
use crate::accounts::{self, Accounts};
use crate::addresses;
use crate::config::RelayIp;
use crate::doctor::{Plan, State};
use crate::http::{EmbedOrigin, Embedding, Hosts, Listener, PublicUrl, Secure};
use crate::hub::Hub;
use crate::net::guests::Room;
use crate::net::relay::RelayConfig;
use crate::outgoing::Outgoing;
use crate::reach::Reach;
use crate::webhooks::Webhooks;
use crate::{proof, push};
use greeting::Greeting;
use relay::{offered, relay_addresses, relay_config, start_relay};

/// Clients at once. A development server needs few; this bounds what a mistake can take.
const MAX_SESSIONS: usize = 10_000;

/// How often it is looked which addresses this machine has.
const LOOK: Duration = Duration::from_secs(1);

/// Try it on this machine: no configuration, http://localhost:8080
///
/// Example: dialtone dev --http 127.0.0.1:9090 --data ./state
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the web app and the WebSocket listen [default: localhost:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,

    #[command(flatten)]
    https: HttpsArguments,

    /// Where STUN and TURN listen, over UDP and TCP (repeatable)
    #[arg(long, value_name = "ADDR:PORT")]
    #[arg(default_values = ["0.0.0.0:3478", "[::]:3478"])]
    turn: Vec<SocketAddr>,

    /// Where relayed packets come from, and what clients are told if it differs (repeatable)
    /// [default: as --turn says]
    #[arg(long, value_name = "BIND[=ANNOUNCED]")]
    relay_ip: Vec<RelayIp>,

    #[command(flatten)]
    state: StateArguments,

    /// Let the relay reach these addresses, which it refuses otherwise (repeatable)
    #[arg(long, value_name = "CIDR")]
    allow_peer: Vec<Cidr>,

    /// Let push messages and webhooks go to these addresses, which are refused otherwise (repeatable)
    #[arg(long, value_name = "CIDR")]
    allow_outgoing: Vec<Cidr>,

    /// Where push services find whoever runs this server: a mailto: or https: address
    /// [default: the address of this server]
    #[arg(long, value_name = "URL", value_parser = contact)]
    contact: Option<String>,

    /// A load balancer in front: its TCP connections, also those for the web, begin with a PROXY
    /// header (version 1 or 2) that names the client (repeatable)
    #[arg(long, value_name = "CIDR")]
    proxy_from: Vec<Cidr>,

    /// Where people reach the web app by a proxy in front that does TLS: links, passkeys and cookies are
    /// for this address. The proxy has to pass the Host header on
    ///
    /// Example: --public-url https://calls.example.org
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,

    /// Pages of this site may show calls in theirs, by <dialtone-call> (repeatable)
    /// [default: nobody's]
    ///
    /// Example: --embed-origin https://example.org
    #[arg(long, value_name = "ORIGIN")]
    embed_origin: Vec<EmbedOrigin>,

    /// Connections of the web app at once, over all clients [default: 8192]. Each takes one of the
    /// files the system lets this process open (`ulimit -n`)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,

    /// Connections of one address at once [default: 512]. Raise it for an office behind one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address: Option<u32>,

    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
}

impl Arguments {
    /// What a server with these arguments would use.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let found = addresses::find();
        let relays = relay_addresses(self, &found);
        let announced: Vec<IpAddr> = relays.iter().map(|relay| relay.announced).collect();
        // Whoever knows nothing of it gets nothing from a relay that runs for a moment.
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let relay = relay_config(self, &secret, &relays, Vec::new())?;
        let https = self.https.plan(&self.state.data, &found, &announced);
        let mut plan = Plan {
            relay: RelayConfig {
                room: room(self),
                ..relay
            },
            pages: http_addresses(self)
                .into_iter()
                .map(|at| (at, "--http"))
                .collect(),
            https: None,
            certificate: https.certificate,
            state: Some(State {
                folder: self.state.data.clone(),
                store: self.state.place()?,
            }),
            secrets: https.secrets,
            embed_origins: self.embed_origin.clone(),
            troubles: Vec::new(),
            stun: None,
        };
        match https.place {
            Ok(place) => plan.https = place,
            Err(error) => plan.troubles.push(error.to_string()),
        }
        Ok(plan)
    }
}

/// Runs the development server until it is told to stop.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("The system gives no threads")?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    // Before anything is started, so that no signal finds the default behaviour in between.
    let mut signals = Signals::new()?;
    let (data, store, _alone) = arguments.state.open_to_serve().await?;
    let secret = data.relay_secret()?;
    let found = addresses::find();
    let relays = relay_addresses(&arguments, &found);
    let announced: Vec<IpAddr> = relays.iter().map(|relay| relay.announced).collect();
    let https = arguments.https.read(&data, &found, &announced)?;
    let http = http_addresses(&arguments);
    let listener = Listener::bind(&http, https.as_ref().map(|https| https.listen))?;
    let mut https = https.zip(listener.secure_address()?);
    let mut urls = vec![url(arguments.http, listener.address()?)];
    let relay = start_relay(&arguments, &secret, &relays, listener.addresses()?)?;
    let mut offered = offered(&relay, &relays, secret);
    let (mut secure, mut hosts) = (None, Hosts::default());
    let (mut front, mut first_step) = (None, None);
    if let Some((https, bound)) = &https {
        // The last resort of clients, for where only this port passes.
        offered.turn_urls.push(https.turn_url(*bound));
        secure = Some(Secure::new(&https.certificates, relay.adopter())?);
        hosts = https.hosts();
        front = https.front(*bound);
        first_step = https.first_step(listener.address()?);
        urls.push(https.url(*bound));
    }
    let listens_on = urls.join(" ");
    if let Some(public) = &arguments.public_url {
        urls.push(public.to_string());
        hosts.public = Some(public.clone());
    }
    hosts.embedding = Embedding::of(arguments.embed_origin.clone());
    let room = room(&arguments);
    let config = exchange::Config {
        verify: proof::verify,
        relay: offered.clone(),
        max_sessions: MAX_SESSIONS.max(room.in_all as usize),
    };
    let outgoing = Arc::new(Outgoing::new(arguments.allow_outgoing.clone())?);
    let webhooks = Webhooks::start(store.clone(), outgoing.clone());
    let keep = webhooks.announcing(store.clone());
    let (hub, notices) = Hub::start(config, &store, keep, relay.revoker()).await?;
    let contact = arguments.contact.clone();
    let contact = contact.unwrap_or_else(|| urls[urls.len() - 1].clone());
    let push_key = push::start(store.clone(), outgoing.clone(), contact, notices).await?;
    let reach = Reach {
        outgoing,
        webhooks,
        push_key,
    };
    let tidying = tokio::spawn(store.clone().keep_tidy());
    let listener = listener
        .behind(arguments.proxy_from.clone())
        .with_room(room)
        .with_front(front);
    // The last is that which people are given: the public one, or that by HTTPS, if there is one.
    let url = &urls[urls.len() - 1];
    let accounts = Accounts::open(store.clone(), hub.clone(), url, host(url)).await?;
    let first = accounts.first_link().await?;
    let server = listener.serve(accounts, reach, offered, secure, hosts);

    let first = first.map(|secret| accounts::welcome(url, &secret));
    let greeting = Greeting {
        urls: &urls,
        first_step: first_step.as_ref(),
        administrator: first.as_deref(),
        turn: &arguments.turn,
        relay: &relay,
        found: &found,
        state: &arguments.state,
    };
    greeting::say(&greeting.text()?);
    greeting::say(&format!("ready {listens_on}\n"));
    if !arguments.no_open {
        greeting::open_browser(greeting.first_page());
    }

    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let how = loop {
        tokio::select! {
            how = signals.first() => break how,
            _ = look.tick() => {
                relay.follow_addresses();
                if let Some((https, _)) = &mut https {
                    https.follow();
                }
            }
        }
    };
    tokio::select! {
        () = async {
            hub.shut_down(how).await;
            server.shut_down().await;
        } => {}
        _ = signals.first() => {} // Asked twice: at once, then.
    }
    relay.shutdown();
    tidying.abort();
    store.close().await;
    Ok(())
}

/// `localhost` is both of these, and browsers differ in which they try first.
fn http_addresses(arguments: &Arguments) -> Vec<SocketAddr> {
    const PORT: u16 = 8080;
    if let Some(address) = arguments.http {
        return vec![address];
    }
    if arguments.https.is_lan() {
        return vec![addresses::any(PORT)];
    }
    [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ]
    .into_iter()
    .filter(|address| address.is_ipv4() || addresses::local().contains(address))
    .map(|address| SocketAddr::new(address, PORT))
    .collect()
}

fn room(arguments: &Arguments) -> Room {
    let usual = Room::default();
    Room {
        in_all: arguments.max_connections.unwrap_or(usual.in_all),
        of_one_address: arguments
            .connections_per_address
            .unwrap_or(usual.of_one_address),
    }
}

/// A contact as push services take it (RFC 8292, section 2.1).
fn contact(text: &str) -> Result<String, &'static str> {
    match text.starts_with("mailto:") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("a contact is written like mailto:ada@example.org or https://example.org"),
    }
}

/// What a person types. Pages get camera and microphone on `localhost`, and not on its address.
fn url(given: Option<SocketAddr>, bound: SocketAddr) -> String {
    match given {
        Some(address) if !address.ip().is_loopback() && !address.ip().is_unspecified() => {
            format!("http://{bound}")
        }
        _ => format!("http://localhost:{}", bound.port()),
    }
}

/// The host in a URL of ours.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

// ---- the end ----

/// The signals that end the server.
struct Signals {
    interrupt: Signal,
    hangup: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one. Ctrl-C ends it for good; a service manager's SIGTERM may be the first half
    /// of a restart, which calls should outlive.
    async fn first(&mut self) -> exchange::Shutdown {
        tokio::select! {
            _ = self.interrupt.recv() => exchange::Shutdown::Stop,
            _ = self.hangup.recv() => exchange::Shutdown::Stop,
            _ = self.terminate.recv() => exchange::Shutdown::Restart,
        }
    }
}
