//! How a server is set up.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::discovery::Discovery;
use crate::peers::PeerPolicy;
use crate::quota::Quotas;
use crate::throttle::Rate;

/// The shortest lifetime an allocation is given, and the one it gets if it asks for none
/// (RFC 8656 section 3.2).
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// Everything a server is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who may allocate.
    pub credentials: Credentials,
    /// Where relay sockets are opened. None at all is a STUN server that answers 440 to Allocate.
    pub relays: Vec<RelayAddress>,
    /// Which peers may be reached.
    pub peers: PeerPolicy,
    /// What one user, one allocation, one stranger may use up.
    pub limits: Limits,
    /// What is in use. Servers that are to count together are given the same table.
    pub quotas: Arc<Quotas>,
    /// With which addresses clients may find out how their NATs behave (RFC 5780). Off unless there
    /// is a reason: see [`Discovery`] for what it can be abused for.
    pub discovery: Option<Discovery>,
    /// Whether allocations may move with their clients (RFC 8016). If not, who asks for it is
    /// answered 405 and can allocate without.
    pub mobility: bool,
    /// Whether clients that come by TCP or TLS may have TCP connections with peers (RFC 6062). If
    /// not, who asks for it is answered 442.
    pub tcp_relay: bool,
}

/// An address that allocations are made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// What relay sockets are bound to.
    pub bind: IpAddr,
    /// What clients are told: the public address of a 1:1 NAT or a port-forward, else the same.
    /// Of the same family as `bind`; no two relay addresses may announce the same.
    pub announced: IpAddr,
}

/// Limits. Every one has a default that is safe on the open internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Allocations of one user at a time. A browser makes one for each of its network interfaces
    /// and each TURN URL; less than about 16 breaks people with several devices, more lets one
    /// user take more of the ports.
    pub user_quota: u32,
    /// Allocations of one client address (IPv6: of one /64) at a time, whoever its users are. Less
    /// breaks large networks behind one address, more lets one machine with many accounts take
    /// more of the ports, of which an address has 16,384 as a rule.
    pub address_quota: u32,
    /// The longest lifetime granted at once; at least [`DEFAULT_LIFETIME`]. More saves Refresh
    /// requests, less frees the ports of vanished clients sooner.
    pub max_lifetime: Duration,
    /// The age at which an allocation ends however often it is refreshed. It bounds how long an
    /// expired credential goes on being useful.
    pub max_allocation_age: Duration,
    /// Permissions of one allocation, and addresses in one request for such. Each costs 40 bytes and
    /// a comparison per packet.
    pub permissions: usize,
    /// Channels of one allocation. Each costs 48 bytes and a comparison per packet.
    pub channels: usize,
    /// Addresses that an allocation may get permissions for and has none for yet. Less hinders
    /// scanning networks through the relay, more lets a client with many candidates begin faster.
    pub new_peers: Rate,
    /// Bytes of application data a second of one allocation, both directions together; what is
    /// over it is dropped. Twice as much may pass at once, and at least the largest datagram. Less
    /// hurts calls in high definition and files, more lets one client use up the line.
    pub bandwidth: u64,
    /// The same for all allocations together; data between two clients of this server counts for
    /// both. Servers that share a line divide it. `u64::MAX` is as much as the machine can.
    pub total_bandwidth: u64,
    /// How long a nonce is good. Less costs clients a round trip more often, more lets a
    /// recorded request be replayed longer (RFC 8656 section 5 asks for an hour at most).
    pub nonce_lifetime: Duration,
    /// Challenges (401) to requests without credentials, per source prefix. Each is about three
    /// times the size of a small request, so this bounds what a forged source is hit with.
    pub challenges: Rate,
    /// Answers to requests with wrong credentials, per source prefix: guesses at passwords.
    pub guesses: Rate,
}

impl Limits {
    /// The limits of each of several servers that together have these.
    pub fn shared_by(self, servers: u32) -> Limits {
        let total_bandwidth = match self.total_bandwidth {
            u64::MAX => u64::MAX,
            total => total / u64::from(servers.max(1)),
        };
        Limits {
            total_bandwidth,
            ..self
        }
    }

    /// The same, with nothing in it that RFC 8656 rules out.
    pub(crate) fn sound(self) -> Limits {
        Limits {
            max_lifetime: self.max_lifetime.max(DEFAULT_LIFETIME),
            ..self
        }
    }
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Limits = Limits {
        user_quota: 256,
        address_quota: 4096,
        max_lifetime: Duration::from_secs(3600),
        max_allocation_age: Duration::from_secs(24 * 3600),
        permissions: 128,
        channels: 128,
        new_peers: Rate {
            per_second: 20,
            burst: 128,
        },
        bandwidth: 12_500_000,
        total_bandwidth: u64::MAX,
        nonce_lifetime: Duration::from_secs(3600),
        challenges: Rate {
            per_second: 1000,
            burst: 1000,
        },
        guesses: Rate {
            per_second: 10,
            burst: 100,
        },
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
