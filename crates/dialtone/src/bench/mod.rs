//! Load generators. [`signaling`] has the one for calls; the rest is the one for TURN servers, ours or others: clients that make allocations as the RFCs
//! ask, peers behind them, and packets between the two that are sent at an even pace and counted
//! where they arrive.
//!
//! One thread does it all. It shares its machine with the server it measures, so it never sleeps
//! while packets are due (a sleeper's wake-up would be paid for by the server's send calls) and
//! never takes more than one core.

mod clients;
pub mod dialogue;
mod forwarder;
mod histogram;
mod load;
mod measure;
mod peers;
mod poller;
mod process;
mod report;
pub mod signaling;
mod strangers;
mod stream;
mod trust;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use dialogue::{Credential, Refusal};
pub use forwarder::forward;
pub use load::Direction;
pub use measure::measure;
pub use strangers::strangers;
pub use stream::Trust;
pub use wire::Transport;

/// What to do to which server.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub server: SocketAddr,
    /// How clients reach it.
    pub transport: Transport,
    /// Who the clients are. Without, the server is a bare forwarder that sends to the first peer.
    pub credential: Option<Credential>,
    /// Where clients send from.
    pub client_ip: IpAddr,
    /// Where peers are.
    pub peer_ip: IpAddr,
    /// The port of the first peer; 0 lets the system choose.
    pub peer_port: u16,
    /// How many allocations are made.
    pub allocations: usize,
    /// The server's process, to know what it costs.
    pub pid: Option<u32>,
    /// What is sent, one after the other; nothing to only hold the allocations.
    pub directions: Vec<Direction>,
    /// How much is sent in each direction.
    pub amount: Amount,
}

/// A load.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Packets per second over all allocations.
    pub rate: u32,
    /// Bytes of application data in each.
    pub size: usize,
    /// How many packets a sender sends at once; 1 is voice, a video frame is many.
    pub burst: u32,
    /// For how long, after half a second of the same that does not count.
    pub span: Duration,
}

/// Application data has at least so many bytes: it carries when it was sent.
pub const MIN_SIZE: usize = load::STAMP_LEN;
/// And at most so many, which with its headers is still one UDP datagram.
pub const MAX_SIZE: usize = 65_000;
/// Permissions last five minutes, and they are not renewed.
pub const MAX_SPAN: Duration = Duration::from_secs(200);

/// Why there is no measurement: what happened, whose fault it is, what helps.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server says no.
    #[error("the server refuses {what} of client {client} of {of}: {refusal}{}", hint(.refusal.code))]
    Refused {
        what: &'static str,
        client: usize,
        of: usize,
        refusal: Refusal,
    },
    /// The server does not answer.
    #[error(
        "{0} does not answer {1}; is a TURN server running there, and does a firewall let it through?"
    )]
    Silent(SocketAddr, &'static str),
    /// An answer that is not what was asked for.
    #[error("the server's answer to {0} has no {1}; it is not a TURN server that can be measured")]
    Nonsense(&'static str, &'static str),
    /// Nothing of a whole run came through.
    #[error(
        "of {sent} packets in direction `{direction}` none arrived; does the server relay to {peer}? (ours needs `--allow-peer`, coturn `--allow-loopback-peers` for peers on this machine)"
    )]
    NothingArrived {
        sent: u64,
        direction: Direction,
        peer: IpAddr,
    },
    /// The process cannot be looked at.
    #[error(
        "process {0} cannot be observed ({1}); is --pid the server's, on this machine, and yours?"
    )]
    Process(u32, String),
    /// Too few files may be open.
    #[error(
        "the system gives no more sockets after {0} clients; raise the limit with `ulimit -n {1}`"
    )]
    OpenFiles(usize, usize),
    /// An address is not ours.
    #[error(
        "no socket on {0}: {1}; --client-ip and --peer-ip have to be addresses of this machine"
    )]
    Address(SocketAddr, io::Error),
    /// The connection to the server does not come about or does not last.
    #[error("the connection to {0} fails: {1}")]
    Connection(SocketAddr, io::Error),
    /// Strangers come from addresses of this machine alone.
    #[error("many strangers can only be played on loopback: {0} is not in 127.0.0.0/8")]
    NotLoopback(SocketAddr),
    /// Something else.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

impl From<nix::Error> for Trouble {
    fn from(error: nix::Error) -> Trouble {
        Trouble::System(error.into())
    }
}

/// What helps against an error code.
fn hint(code: u16) -> &'static str {
    match code {
        401 => " (is the password right, and the secret the server's?)",
        403 => {
            " (it may not relay to this peer: ours allows it with `--allow-peer`, coturn with `--allow-loopback-peers`)"
        }
        440 | 443 => " (it has no relay address of the peers' family; --peer-ip chooses it)",
        486 => {
            " (one user, or one address, may not have so many: raise `--user-quota` and `--address-quota` of the server, or ask for fewer --allocations)"
        }
        508 => {
            " (its ports or open files are used up: raise its limits, or ask for fewer --allocations)"
        }
        _ => "",
    }
}

/// Bytes that nobody foresees.
fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}
