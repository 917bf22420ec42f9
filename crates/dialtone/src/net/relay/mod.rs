//! The STUN and TURN server on real sockets: threads of which each owns a [`turn::Server`], a
//! socket on every address clients send to, and one socket for every allocation of its clients. The
//! system spreads clients over the threads by their address and port. Nothing on a packet's way is
//! shared, so nothing there is locked.

mod adoption;
mod connection;
mod connections;
mod datagrams;
mod errors;
mod fragments;
mod handover;
mod listeners;
mod operations;
mod pace;
mod pipes;
mod ports;
mod preamble;
mod ready;
mod revoker;
mod sockets;
mod stream;
mod worker;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use mio::Waker;
use turn::{
    Cidr, Credentials, Discovery, Limits, PeerPolicy, RelayAddress, Seed, Server, Siblings,
};

use crate::addresses;
use crate::certificates::{Certificates, Service};
use crate::net::guests::{Guests, Room};
use listeners::Opened;
pub use operations::{Listed, ListedId};
use ports::Ports;
pub use sockets::raise_open_files_limit;
use worker::{Desk, Order, Worker};

pub use adoption::{Adopted, Adopter};
pub use revoker::Revoker;

/// The ports IANA leaves to everyone (RFC 6335), which RFC 8656 section 7.2 asks for.
pub const PORTS: RangeInclusive<u16> = 49152..=65535;

/// How to run a relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Where clients send to, by UDP and by TCP. An unspecified address stands for all addresses of
    /// this machine, each with a socket of its own, so that an answer leaves from the address that
    /// was asked. Port 0 lets the system choose one.
    pub listen: Vec<SocketAddr>,
    /// Where they send to by TLS.
    pub tls: Option<TlsConfig>,
    /// Load balancers in front: connections from there begin with a PROXY header, which names the
    /// client. From elsewhere such a header is no STUN, and ends the connection.
    pub proxies: Vec<Cidr>,
    /// Where allocations are made. At most one of each family is needed.
    pub relays: Vec<RelayAddress>,
    /// The ports of allocations.
    pub ports: RangeInclusive<u16>,
    /// Who may allocate.
    pub credentials: Credentials,
    /// Peers that may be reached although they are not public.
    pub allow_peers: Vec<Cidr>,
    /// Peers that must not be reached, whatever else is said.
    pub deny_peers: Vec<Cidr>,
    /// Other sockets of this program, which must not be reached through the relay.
    pub protected: Vec<SocketAddr>,
    /// What one user, one allocation, one stranger may use up.
    pub limits: Limits,
    /// With which addresses clients may find out how their NATs behave (RFC 5780). All four have to
    /// be among those to listen on.
    pub discovery: Option<Discovery>,
    /// Whether allocations may move with their clients (RFC 8016).
    pub mobility: bool,
    /// Whether clients that come by TCP or TLS may have TCP connections with peers (RFC 6062).
    pub tcp_relay: bool,
    /// How many connections clients may have, by TCP and TLS together.
    pub room: Room,
    /// How many threads do the work, at least one. More than there are processors is of no use.
    pub threads: u32,
}

/// How to take clients that come by TLS.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Where they send to; as in [`RelayConfig::listen`].
    pub listen: Vec<SocketAddr>,
    /// What they are shown. It may be replaced while the relay runs.
    pub certificates: Arc<Certificates>,
}

/// A protocol that a port belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// Why a relay did not start, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program has the port.
    #[error(
        "{} port {} of {} is already in use; stop the program that uses it (`{}` names it) or choose another port",
        .0, .1.port(), .1.ip(), .0.lister()
    )]
    Busy(Protocol, SocketAddr),
    /// Ports below 1024 are not for everyone.
    #[error(
        "this user may not listen on {} port {}; choose one above 1023, or allow it with `setcap cap_net_bind_service=+ep` on the program",
        .0, .1.port()
    )]
    Forbidden(Protocol, SocketAddr),
    /// The address is not one of this machine's.
    #[error("{0} is not an address of this machine; `ip address` lists those it has")]
    NotOurs(IpAddr),
    /// Nothing to listen on.
    #[error("there is no address to listen on; name one that this machine has")]
    NoAddress,
    /// Bind and announced address differ in family, or two relay addresses announce the same.
    #[error(
        "{0} cannot be announced: every relay address needs an announced one of its own family that no other has"
    )]
    BadAnnouncement(IpAddr),
    /// The system refused for another reason.
    #[error("the system gives no {0} socket on {1}: {2}")]
    Socket(Protocol, SocketAddr, std::io::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The system refused a thread, an event queue or randomness.
    #[error("the system does not let the relay start: {0}")]
    System(#[from] std::io::Error),
}

impl Protocol {
    /// What lists the sockets that listen.
    fn lister(self) -> &'static str {
        match self {
            Protocol::Udp => "ss -lunp",
            Protocol::Tcp => "ss -ltnp",
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
        })
    }
}

/// A running relay. Dropping it ends it.
#[derive(Debug)]
pub struct Relay {
    addresses: Vec<SocketAddr>,
    tls_addresses: Vec<SocketAddr>,
    /// What must not be reached through it.
    protected: Vec<SocketAddr>,
    /// The addresses of this machine, as the threads know them.
    local: Mutex<Vec<IpAddr>>,
    certificates: Option<Arc<Certificates>>,
    shards: Vec<Shard>,
}

/// One of its threads.
#[derive(Debug)]
struct Shard {
    orders: mpsc::Sender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Opens the sockets and starts the threads. When this returns, clients are answered.
    pub fn start(config: RelayConfig) -> Result<Relay, StartError> {
        sockets::raise_open_files_limit();
        check_relays(&config.relays)?;
        let count = config.threads.clamp(1, u16::MAX.into()) as u16;
        let threads = usize::from(count);
        let mut listeners = listeners::open(&config.listen, threads)?;
        let addresses = addresses_of(&listeners);
        let for_tls = open_for_tls(config.tls.as_ref())?;
        let tls_addresses = addresses_of(&for_tls);
        listeners.extend(for_tls);
        let protected = [&config.protected[..], &addresses_of(&listeners)].concat();
        let certificates = config.tls.as_ref().map(|tls| tls.certificates.clone());
        let siblings = Arc::new(Siblings::new(&config.relays));
        let ports: Vec<_> = config
            .relays
            .iter()
            .map(|relay| Ports::new(relay.bind, config.ports.clone()))
            .collect();
        let proxies = config.proxies.clone().into();
        let room = config.room;
        let local = addresses::local();
        let server_config = server_config(config, protected.clone(), local.clone());
        let seed = seed()?;
        // All of them before the first thread starts: none is alone in its group of sockets for a
        // while, so that the system spreads clients in the same way from the first one on.
        let desks: Vec<_> = std::iter::repeat_with(Desk::new)
            .take(threads)
            .collect::<Result<_, _>>()?;
        let wakers: Vec<_> = desks.iter().map(|desk| desk.waker.clone()).collect();
        let places = desks.into_iter().zip(handover::introduce(&wakers));
        let shares = listeners::share_out(listeners, &proxies, threads);
        let guests = Guests::new(room);
        let mut workers = Vec::new();
        for ((number, share), (desk, colleagues)) in (0..).zip(shares).zip(places) {
            let shard = turn::Shard { number, count };
            let waker = desk.waker.clone();
            let server = Server::new(server_config.clone(), seed).among(siblings.clone(), shard);
            let ports = ports.iter().map(Ports::for_another_thread).collect();
            let (orders, inbox) = mpsc::channel();
            let worker = Worker::new(
                server,
                share,
                ports,
                inbox,
                guests.clone(),
                desk,
                colleagues,
            )?;
            workers.push((worker, orders, waker));
        }
        let shards = workers
            .into_iter()
            .map(|(worker, orders, waker)| Shard::start(worker, orders, waker))
            .collect::<Result<_, _>>()?;
        Ok(Relay {
            addresses,
            tls_addresses,
            protected,
            local: Mutex::new(local),
            certificates,
            shards,
        })
    }

    /// The addresses clients are answered on by UDP and TCP; unspecified ones and port 0 resolved.
    pub fn listen_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Those they are answered on by TLS.
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        &self.tls_addresses
    }

    /// The port clients send to by UDP and TCP.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Where connections can be handed over that were accepted elsewhere.
    pub fn adopter(&self) -> Adopter {
        // The thread that accepts connections itself.
        let Shard { orders, waker, .. } = &self.shards[0];
        Adopter::new(orders.clone(), waker.clone())
    }

    /// Whether one of its threads is over although nobody told it to: its clients are served no
    /// more, and the system gives those of the others to the wrong thread. Only a new relay helps.
    pub fn has_failed(&self) -> bool {
        let is_over = |shard: &Shard| shard.thread.as_ref().is_none_or(JoinHandle::is_finished);
        self.shards.iter().any(is_over)
    }

    /// Ends the relay: all allocations and sockets with it.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Shard {
    fn start(
        worker: Worker,
        orders: mpsc::Sender<Order>,
        waker: Arc<Waker>,
    ) -> std::io::Result<Shard> {
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || worker.run())?;
        Ok(Shard {
            orders,
            waker,
            thread: Some(thread),
        })
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked is over as well.
            let _ = thread.join();
        }
    }
}

fn open_for_tls(config: Option<&TlsConfig>) -> Result<Vec<Opened>, StartError> {
    match config {
        None => Ok(Vec::new()),
        Some(config) => {
            let server = Arc::new(config.certificates.config(&[Service::Turn])?);
            listeners::open_for_tls(&config.listen, &server)
        }
    }
}

fn addresses_of(listeners: &[Opened]) -> Vec<SocketAddr> {
    listeners.iter().map(|listener| listener.address).collect()
}

fn server_config(
    config: RelayConfig,
    protected: Vec<SocketAddr>,
    local: Vec<IpAddr>,
) -> turn::Config {
    turn::Config {
        peers: peer_policy(&config, protected, local),
        credentials: config.credentials,
        relays: config.relays,
        limits: config.limits.shared_by(config.threads),
        quotas: Arc::default(),
        discovery: config.discovery,
        mobility: config.mobility,
        tcp_relay: config.tcp_relay,
    }
}

fn peer_policy(config: &RelayConfig, protected: Vec<SocketAddr>, local: Vec<IpAddr>) -> PeerPolicy {
    PeerPolicy {
        allow: config.allow_peers.clone(),
        deny: config.deny_peers.clone(),
        local,
        protected,
    }
}

fn seed() -> Result<Seed, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
    Ok(Seed(seed))
}

/// Finds out now, rather than at the first call, that allocations could not be made.
fn check_relays(relays: &[RelayAddress]) -> Result<(), StartError> {
    for (at, relay) in relays.iter().enumerate() {
        let announced_before = relays[..at]
            .iter()
            .any(|other| other.announced == relay.announced);
        if announced_before || relay.announced.is_ipv4() != relay.bind.is_ipv4() {
            return Err(StartError::BadAnnouncement(relay.announced));
        }
        sockets::open(SocketAddr::new(relay.bind, 0))?;
    }
    Ok(())
}
