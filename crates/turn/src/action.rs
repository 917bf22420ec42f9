//! What the server wants done, by value.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use protocol::time::Tick;

use crate::allocation::{AllocationId, FiveTuple, PeerTransport};
use crate::connections::ConnectionId;
use crate::reply::Envelope;

/// Free bytes that have to be in front of a datagram in its buffer: room for the longest header
/// that data is wrapped in, a Data indication with an IPv6 peer.
pub const HEADROOM: usize = 48;

/// The smallest buffer: an answer fits into it, unless it is asked to be padded to more (RFC 5780
/// section 7.6). Then it is lost in a buffer that is smaller.
pub const MIN_BUFFER: usize = 1024;

/// What is to be done after an input. Ranges index the buffer that was handed in; they are good
/// until it is written to again.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an action that is not carried out is a lost packet or a leaked socket"]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Send these bytes to the client of a 5-tuple, from the server address in it. On a connection
    /// they are a whole message, padded.
    ToClient {
        /// Whose client, and from which of the server's addresses.
        path: FiveTuple,
        /// The bytes.
        datagram: Range<usize>,
        /// What is lost if they are not sent.
        content: Content,
    },
    /// Send these bytes to a peer, from the relay socket of an allocation.
    ToPeer {
        /// From whose socket.
        relay: AllocationId,
        /// Where to.
        peer: SocketAddr,
        /// The bytes.
        datagram: Range<usize>,
        /// Whether the packet is to be lost rather than cut in pieces on its way: the client
        /// looks for the largest size that passes (RFC 8656 section 14). Otherwise it may be cut.
        dont_fragment: bool,
    },
    /// Open a relay socket, and hand the request with the outcome to
    /// [`Server::handle_relay_opened`](crate::Server::handle_relay_opened).
    OpenRelay(RelayRequest),
    /// Hand these bytes, which are as they came, to the server with this number, by
    /// [`Server::handle_from_shard`](crate::Server::handle_from_shard). If its queue is full they
    /// are a lost packet.
    Elsewhere {
        /// Which server.
        shard: u16,
        /// What they came on.
        path: FiveTuple,
        /// The bytes.
        datagram: Range<usize>,
    },
    /// Make a connection to a peer from the relayed transport address of an allocation, and hand the
    /// outcome to [`Server::handle_peer_connected`](crate::Server::handle_peer_connected).
    ConnectPeer {
        /// From whose address and port.
        relay: AllocationId,
        /// What it is to be known under.
        connection: ConnectionId,
        /// Where to.
        peer: SocketAddr,
    },
    /// Send these bytes on a client's connection. Behind them, and behind the message that was just
    /// handled, it carries no messages any more but what the peer of this connection sends and is
    /// sent.
    Join {
        /// What the client's connection was known under; nothing is to be told of that any more.
        path: FiveTuple,
        /// The one it is joined with.
        connection: ConnectionId,
        /// The bytes.
        datagram: Range<usize>,
    },
    /// Give a client's connection, with all it has sent, to the server with this number. These
    /// bytes, which are as they came, are the first message there.
    HandOver {
        /// Which server.
        shard: u16,
        /// Whose connection.
        path: FiveTuple,
        /// The bytes.
        datagram: Range<usize>,
    },
}

/// What a client is sent. Where there is not room for both, data goes first, as it does on any
/// congested way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The answer to a request.
    Answer,
    /// What a peer sent.
    Data,
}

/// An allocation that waits for its relay socket.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for an answer; hand the outcome back"]
pub struct RelayRequest {
    pub(crate) allocation: AllocationId,
    pub(crate) place: Place,
    /// The socket to be opened next, whatever becomes of this one: that of the other address
    /// family of the same client.
    pub(crate) then: Option<Place>,
    pub(crate) peer_transport: PeerTransport,
    pub(crate) path: FiveTuple,
    pub(crate) envelope: Envelope,
    pub(crate) lifetime: Duration,
}

/// Where a relay socket is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bind: IpAddr,
    pub(crate) announced: IpAddr,
    pub(crate) port: PortWish,
}

impl RelayRequest {
    /// The name that the socket is to be known under.
    pub fn allocation(&self) -> AllocationId {
        self.allocation
    }

    /// The address to bind.
    pub fn bind(&self) -> IpAddr {
        self.place.bind
    }

    /// Which port it is to have.
    pub fn port(&self) -> PortWish {
        self.place.port
    }

    /// What peers come by. No port may be that of two allocations, also of different transports.
    pub fn peer_transport(&self) -> PeerTransport {
        self.peer_transport
    }
}

/// Which port a relay socket is to have. Apart from this it is the driver's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortWish {
    /// Any.
    Any,
    /// An even one.
    Even,
    /// An even one, and the one above it is to be kept open, too, until it is asked for as
    /// `Reserved` or given back by [`Event::ReservationReleased`].
    EvenAndNext,
    /// This one, which is kept open.
    Reserved(u16),
}

/// An ICMP error about a packet from a relay socket, of the peer's address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// The MTU of the next hop, if the packet was too big for it.
    pub mtu: u32,
}

/// The driver has no free port, or no free socket. The client is answered 508.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRelay;

/// A connection to a peer could not be made. The client is answered 447.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotConnected;

/// A channel, and all that is needed to forward its data (RFC 8656 section 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Whose it is; together with `number` its name.
    pub allocation: AllocationId,
    /// Where ChannelData comes from and goes to.
    pub path: FiveTuple,
    /// The channel number.
    pub number: u16,
    /// Where the data goes to and comes from.
    pub peer: SocketAddr,
    /// The address of this server that the peer knows, as announced.
    pub relayed: SocketAddr,
    /// Until when data passes: the channel and the permission have to hold.
    pub expires: Tick,
}

/// What became of an allocation without the client's packet being the reason or the only effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The allocation is gone: close its relay socket. Its bindings have been removed before.
    RelayClosed(AllocationId),
    /// A channel carries data until the time in the binding: it is new, or lives longer, since
    /// it or the permission for its peer was installed or refreshed. Replaces what was told of
    /// the same allocation and number before.
    ///
    /// Whoever keeps what was added and not removed has, of those that have not expired, at every
    /// moment exactly the channels that data passes through; expired ones are removed when the
    /// client is next heard of with a request, or its allocation ends, so that no more are kept
    /// than [`Limits::channels`](crate::Limits) of each allocation. A peer on an announced address
    /// of this server is reached without the kernel, if at all.
    BindingAdded(Binding),
    /// A channel is gone, or will not carry data any more: it expired, its allocation ended or
    /// moved to another 5-tuple, or its peer is denied now.
    BindingRemoved(Binding),
    /// A client of this server is heard by another one. Let that one
    /// [forward](crate::Server::forward) to this one.
    Forward {
        /// What its datagrams come on.
        path: FiveTuple,
        /// Where they arrive.
        arrives_at: u16,
    },
    /// The other server may [stop forwarding](crate::Server::stop_forwarding).
    StopForwarding {
        /// What was forwarded.
        path: FiveTuple,
        /// Who forwards it.
        arrives_at: u16,
    },
    /// A connection with a peer, and what it is joined with, is to be closed; it is unknown now.
    PeerClosed(ConnectionId),
    /// A connection has taken too long to be made, or must not be made any more:
    /// [`Server::handle_peer_connected`](crate::Server::handle_peer_connected) waits for the news.
    ConnectOverdue(ConnectionId),
    /// Nobody came for a port that was kept: close its socket.
    ReservationReleased {
        /// The address it is bound to.
        bind: IpAddr,
        /// The port.
        port: u16,
    },
}
