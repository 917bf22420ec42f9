//! A STUN (RFC 8489) and TURN (RFC 8656) server as a state machine without I/O.
//!
//! [`Server`] is handed datagrams, outcomes and the time, and gives back [`Action`]s by value; it
//! opens no socket, reads no clock and draws no randomness. The same seed and the same inputs
//! give the same outputs, so a whole relay runs in a unit test.
//!
//! # Driving it
//! 1. Hand every datagram of a client to [`Server::handle_datagram`] and every datagram that
//!    reaches a relay socket to [`Server::handle_relayed`], in a buffer with [`HEADROOM`] bytes
//!    free in front of it.
//! 2. Poll [`Server::poll_event`] until it is empty, and close what it names: the slot of an
//!    allocation that ended may be that of the one the action is about.
//! 3. Carry out the [`Action`]. If it is [`Action::OpenRelay`], hand the outcome to
//!    [`Server::handle_relay_opened`] and go on with 2.
//! 4. Cut what comes on a connection (TCP, or TLS once it is deciphered) into messages with a
//!    [`stream::Framer`], treat each as a datagram, and tell [`Server::handle_disconnected`] when
//!    the connection is over.
//! 5. Hand ICMP errors about packets from a relay socket to [`Server::handle_peer_error`].
//! 6. Where TCP is relayed (RFC 6062), make the connections that [`Action::ConnectPeer`] asks for,
//!    and tell [`Server::handle_peer_connected`]; listen on the relay sockets of such allocations,
//!    and tell [`Server::handle_peer_accepted`]. [`Action::Join`] joins a client's connection with
//!    one of these; how much may pass says [`Server::admit`]. If one side is over, close the other
//!    and tell [`Server::handle_peer_closed`].
//! 7. Call [`Server::handle_timeout`] no later than [`Server::poll_timeout`] says; spurious calls
//!    are harmless. Then poll events again.
//!
//! Several servers, one on each thread, share their addresses and the work: see
//! [`Server::among`], and [`Action::Elsewhere`], [`Event::Forward`] and
//! [`Server::handle_from_shard`] for the packets that one hears and another has to handle.
//!
//! While it runs, an operator can [replace its settings](Server::reconfigure),
//! [drain](Server::drain) it, [look inside](Server::allocations) and [end](Server::kick) what is
//! there. Events are polled after these, too.
//!
//! A panic in here is a bug of ours, never the effect of what a network sent.

#![forbid(unsafe_code)]

mod action;
mod allocation;
mod bucket;
pub mod channel_data;
mod cidr;
mod config;
mod connections;
mod counters;
mod credentials;
mod discovery;
#[doc(hidden)]
pub mod fuzzing;
mod mobility;
mod nonce;
mod peers;
mod port_set;
pub mod proxy_header;
mod quota;
mod reply;
mod reservations;
mod revoked;
mod seed;
mod server;
mod siblings;
pub mod stream;
pub mod stun;
mod table;
mod throttle;
mod trial;

pub use action::{
    Action, Binding, Content, Event, HEADROOM, IcmpError, MIN_BUFFER, NoRelay, NotConnected,
    PortWish, RelayRequest,
};
pub use allocation::{
    AllocationId, FiveTuple, NotAllocationId, PeerTransport, Traffic, Transport, Volume,
};
pub use cidr::{Cidr, NotCidr, is_public};
pub use config::{Config, DEFAULT_LIFETIME, Limits, RelayAddress};
pub use connections::ConnectionId;
pub use counters::{Counters, Drops, Refusals};
pub use credentials::{BadRealm, Credentials, MAX_REALM_LEN};
pub use discovery::{BadDiscovery, Discovery};
pub use mobility::Shard;
pub use peers::PeerPolicy;
pub use port_set::PortSet;
pub use quota::Quotas;
pub use seed::Seed;
pub use server::{AllocationStatus, AlternateDomain, BadDomain, Direction, Drain, Full, Server};
pub use siblings::Siblings;
pub use throttle::Rate;
