//! The keys.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as _;
use turn::{AlternateDomain, Cidr, Discovery};

use super::values::{
    DrainAnswer, PortRange, RelayIp, Secret, Span, User, address, discovery, realm,
};
use crate::net::guests::Room;

/// Every key of the relay: `relay_ip` in the file is `--relay-ip` as a flag and
/// `DIALTONE_TURN_RELAY_IP` in the environment.
// The texts are what `--help` shows.
#[derive(Clone, Debug, clap::Args)]
pub struct Keys {
    /// Where clients send to, over UDP and TCP (repeatable)
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    #[arg(default_values = ["0.0.0.0:3478", "[::]:3478"])]
    pub listen: Vec<SocketAddr>,

    /// Where clients send to over TLS (repeatable)
    /// [default with a certificate: port 5349 of the addresses of --listen]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub tls: Vec<SocketAddr>,

    /// The certificate for TLS, and behind it those that lead to a known authority (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// The private key of the certificate (PEM, without a passphrase)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// A load balancer in front, whose TCP and TLS connections begin with a PROXY header (version 1
    /// or 2) that names the client (repeatable)
    #[arg(long, value_name = "CIDR")]
    pub proxy_from: Vec<Cidr>,

    /// Where relayed packets come from, and what clients are told if it differs (repeatable)
    /// [default: the address of the default route]
    #[arg(long, value_name = "BIND[=ANNOUNCED]")]
    pub relay_ip: Vec<RelayIp>,

    /// The ports of allocations
    #[arg(long, value_name = "FIRST-LAST", default_value = "49152-65535")]
    pub relay_ports: PortRange,

    /// Only answer Binding requests; nobody gets an allocation
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub stun_only: bool,

    /// The name of this server in its users' credentials
    #[arg(long, value_parser = realm, default_value = "dialtone")]
    pub realm: String,

    /// Someone who may use the relay (repeatable)
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub user: Vec<User>,

    /// A file with a NAME:PASSWORD on every line (repeatable)
    #[arg(long, value_name = "FILE")]
    pub user_file: Vec<PathBuf>,

    /// A secret under which credentials that expire are accepted (repeatable)
    #[arg(long)]
    pub secret: Vec<Secret>,

    /// A file with such a secret on every line (repeatable)
    #[arg(long, value_name = "FILE")]
    pub secret_file: Vec<PathBuf>,

    /// How long a secret counts on after a reload in which it is no longer named
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub secret_grace: Span,

    /// Let the relay reach these addresses, which it refuses otherwise (repeatable)
    #[arg(long, value_name = "CIDR")]
    pub allow_peer: Vec<Cidr>,

    /// Never let the relay reach these addresses, whatever else is said (repeatable)
    #[arg(long, value_name = "CIDR")]
    pub deny_peer: Vec<Cidr>,

    /// Allocations of one user at a time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub user_quota: u32,

    /// Allocations of one client address (IPv6: of one /64) at a time, whoever its users are
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_quota: u32,

    /// Connections by TCP and TLS at a time
    #[arg(long, value_name = "N", default_value_t = Room::default().in_all, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// Such connections of one address (IPv6: of one /64) at a time
    #[arg(long, value_name = "N", default_value_t = Room::default().of_one_address, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: u32,

    /// Bytes a second of one allocation, both directions together; more are dropped
    #[arg(long, value_name = "BYTES", default_value_t = 12_500_000, value_parser = clap::value_parser!(u64).range(1000..))]
    pub bandwidth: u64,

    /// Bytes a second of all allocations together [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1000..))]
    pub total_bandwidth: Option<u64>,

    /// The longest lifetime an allocation is granted at once, like 1h; at least 10m
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub max_lifetime: Span,

    /// The age at which an allocation ends however often it is refreshed
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub max_allocation_age: Span,

    /// How long a nonce is good
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub nonce_lifetime: Span,

    /// Let clients find out how their NAT behaves (RFC 5780), with two addresses of this machine;
    /// strangers can have answers sent from all four sockets, so only where it is needed
    #[arg(long, value_name = "ADDR:PORT,ADDR:PORT", value_parser = discovery)]
    pub discovery: Option<Discovery>,

    /// Whether an allocation may move with its client to another address (RFC 8016)
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub mobility: bool,

    /// Let clients that come by TCP or TLS have TCP connections with peers (RFC 6062): the ports of
    /// allocations then have to be open for TCP, too
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub tcp_relay: bool,

    /// Threads that relay; clients are spread over them. The default is one for each processor
    #[arg(long, value_name = "N", default_value_t = processors(), value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: u32,

    /// How long allocations live on after SIGTERM, while new ones are refused; 0s ends them at once
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub drain: Span,

    /// The server new clients are sent to in that time (repeatable, one for IPv4 and one for IPv6)
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub drain_to: Vec<SocketAddr>,

    /// The name in that server's certificate
    #[arg(long, value_name = "DOMAIN")]
    pub drain_domain: Option<AlternateDomain>,

    /// What all others are answered: 486 (quota reached) or 508 (insufficient capacity)
    #[arg(long, value_name = "CODE", default_value = "508")]
    pub drain_answer: DrainAnswer,

    /// Metrics and administration by HTTP; keep it on an address that only you reach
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub admin: Option<SocketAddr>,

    /// What has to stand behind "Authorization: Bearer" there
    #[arg(long, value_name = "TOKEN")]
    pub admin_token: Option<Secret>,

    /// A file with that token; made, for you alone to read, if it is not there
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
}

fn processors() -> u32 {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(count).unwrap_or(256).min(256)
}

/// Those whose values are not shown.
pub const SECRET: &[&str] = &["user", "secret", "admin_token"];

/// Those that a reload takes over; what is said with the others needs a restart.
pub const LIVE: &[&str] = &[
    "realm",
    "user",
    "user_file",
    "secret",
    "secret_file",
    "secret_grace",
    "allow_peer",
    "deny_peer",
    "user_quota",
    "address_quota",
    "bandwidth",
    "total_bandwidth",
    "max_lifetime",
    "max_allocation_age",
    "nonce_lifetime",
    "drain",
    "drain_to",
    "drain_domain",
    "drain_answer",
    "cert",
    "key",
    "admin_token",
    "admin_token_file",
];

/// A command line that has the keys and nothing else.
pub fn command() -> clap::Command {
    Keys::augment_args(
        clap::Command::new("turn")
            .disable_help_flag(true)
            .disable_version_flag(true),
    )
}

/// What clap knows of a key.
pub fn find(key: &str) -> Option<clap::Arg> {
    let is_it = |argument: &clap::Arg| argument.get_id() == key;
    super::all_keys().into_iter().find(is_it)
}
