//! TCP between this server and peers (RFC 6062). What passes is not seen here: the driver joins two
//! connections, and asks how much may pass.
//!
//! ```text
//! client ─ control connection ─ Connect ────────► ConnectPeer ────────► peer
//!    │  ◄─ CONNECTION-ID ──────────────────────── handle_peer_connected()
//!    └─ another connection ─ ConnectionBind ────► Join ═══ bytes ═════► peer
//! client ◄ ConnectionAttempt, CONNECTION-ID ───── handle_peer_accepted() ◄ peer
//! ```

use std::net::SocketAddr;

use protocol::time::{Now, Tick};

use super::authenticate::User;
use super::{Decision, Server};
use crate::action::{Action, Content, Event, NotConnected};
use crate::allocation::{Allocation, AllocationId, FiveTuple, PeerTransport};
use crate::connections::{ConnectionId, MOST, Overdue, State, Waiting};
use crate::peers::Verdict;
use crate::reply::{Answer, Refusal};
use crate::stun::attribute::{self as attr, family_of};
use crate::stun::{Class, Message, Method, Writer};

/// Which way bytes pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the peer.
    ToPeer,
    /// From the peer to the client.
    ToClient,
}

impl Server {
    /// Takes the outcome of [`Action::ConnectPeer`]. The answer to the client is written over
    /// `buffer`, which is at least [`MIN_BUFFER`](crate::MIN_BUFFER) bytes long.
    pub fn handle_peer_connected(
        &mut self,
        now: Now,
        connection: ConnectionId,
        outcome: Result<(), NotConnected>,
        buffer: &mut [u8],
    ) -> Action {
        let Some(waiting) = self.connections.connected(now.tick, connection) else {
            return Action::Nothing;
        };
        let answer = match outcome {
            Ok(()) => Answer::Connected(connection),
            Err(NotConnected) => {
                self.connections.remove(connection);
                Answer::Refused(Refusal::ConnectionFailed)
            }
        };
        let decision = Decision::Answer(waiting.envelope, answer);
        self.emit(waiting.path, buffer, decision)
    }

    /// Takes a connection that a peer has made to a relayed transport address. `None` if it is to
    /// be closed at once; otherwise its name, and what the client is told. Bytes that the peer sends
    /// are to wait until the client has come for them. `buffer` is as above.
    pub fn handle_peer_accepted(
        &mut self,
        now: Now,
        relay: AllocationId,
        peer: SocketAddr,
        buffer: &mut [u8],
    ) -> Option<(ConnectionId, Action)> {
        self.expire(now.tick);
        let peer = match self.siblings.outside(peer, PeerTransport::Tcp) {
            Some(relayed) => relayed,
            None => Some(peer).filter(|peer| self.peers.is_open(*peer))?,
        };
        let allocation = self.allocations.get(relay)?;
        let path = allocation.path;
        if !allocation.permits(peer.ip(), now.tick) || !self.has_room_for(relay, peer) {
            return None;
        }
        let connection = self
            .connections
            .insert(now.tick, relay, peer, State::Pending);
        let (class, method) = (Class::Indication, Method::CONNECTION_ATTEMPT);
        let len = Writer::new(buffer, class, method, self.indications.next())
            .xor_address(attr::XOR_PEER_ADDRESS, peer)
            .attribute(attr::CONNECTION_ID, &connection.to_bytes())
            .finish()?;
        let told = Action::ToClient {
            path,
            datagram: 0..len,
            content: Content::Answer,
        };
        Some((connection, told))
    }

    /// Takes note that a connection with a peer is over: the peer has gone, or who was joined with
    /// it.
    pub fn handle_peer_closed(&mut self, connection: ConnectionId) {
        self.connections.remove(connection);
    }

    /// Whether so many bytes may pass now between two connections that are joined; if so, they
    /// count. At most 65,535 can be asked for at once. Otherwise they have to wait, not to be lost.
    pub fn admit(
        &mut self,
        now: Tick,
        connection: ConnectionId,
        direction: Direction,
        len: usize,
    ) -> bool {
        let Some(id) = self.connections.get(connection).map(|it| it.allocation) else {
            return false;
        };
        if !self.is_within_bandwidth(now, id, len) {
            return false;
        }
        let traffic = self.allocations.get_mut(id).map(|it| &mut it.traffic);
        let (of_all, of_allocation) = match direction {
            Direction::ToPeer => (
                &mut self.counters.to_peers_bytes,
                traffic.map(|it| &mut it.to_peers),
            ),
            Direction::ToClient => (
                &mut self.counters.to_clients_bytes,
                traffic.map(|it| &mut it.to_client),
            ),
        };
        *of_all += len as u64;
        if let Some(volume) = of_allocation {
            volume.bytes += len as u64;
        }
        true
    }

    /// Connect (RFC 6062 section 5.2).
    pub(super) fn decide_connect(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
        user: User<'_>,
    ) -> Decision {
        let (id, peer, to) = match self.connectable(now, path, message) {
            Ok(connectable) => connectable,
            Err(refusal) => return Decision::Answer(user.envelope, Answer::Refused(refusal)),
        };
        let waiting = Waiting {
            path,
            envelope: user.envelope,
        };
        let state = State::Connecting(Box::new(waiting));
        Decision::Act(Action::ConnectPeer {
            relay: id,
            connection: self.connections.insert(now, id, peer, state),
            peer: to,
        })
    }

    /// Whose connection it will be, with whom, and how that one is reached from this machine.
    fn connectable(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<(AllocationId, SocketAddr, SocketAddr), Refusal> {
        self.allocations_on(path)?;
        let peer = peer_in(message).ok_or(Refusal::BadRequest)?;
        let id = self.allocation_for(path, family_of(peer.ip()))?;
        if self.connections.exists(id, peer) {
            return Err(Refusal::ConnectionExists);
        }
        self.check_peer(&[id], peer.ip())?;
        let allocation = self.allocations.get(id);
        let allocation = allocation.ok_or(Refusal::AllocationMismatch)?;
        if allocation.peer_transport != PeerTransport::Tcp {
            return Err(Refusal::BadRequest);
        }
        let to = match self.siblings.inside(peer, PeerTransport::Tcp) {
            // The two ends of a connection with itself would be the same.
            Some(inside) if peer != allocation.relayed => inside,
            None if self.peers.is_open(peer) => peer,
            _ => return Err(Refusal::Forbidden),
        };
        // Each counts as a new peer, also another port of the same: who looks for open ports is as
        // slow as who looks for machines.
        let rate = self.limits.new_peers;
        let is_slow_enough = |it: &mut Allocation| rate.admit(&mut it.new_peers, now);
        if self.has_room_for(id, peer) && self.allocations.get_mut(id).is_some_and(is_slow_enough) {
            Ok((id, peer, to))
        } else {
            Err(Refusal::InsufficientCapacity)
        }
    }

    fn has_room_for(&self, id: AllocationId, peer: SocketAddr) -> bool {
        self.connections.of(id).count() < MOST && !self.connections.exists(id, peer)
    }

    /// ConnectionBind (RFC 6062 section 5.4).
    pub(super) fn decide_connection_bind(
        &mut self,
        path: FiveTuple,
        message: &Message<'_>,
        user: User<'_>,
    ) -> Decision {
        match self.joinable(path, message, &user) {
            Ok(connection) => {
                self.connections.join(connection);
                Decision::Join(user.envelope, connection)
            }
            Err(refusal) => Decision::Answer(user.envelope, Answer::Refused(refusal)),
        }
    }

    fn joinable(
        &self,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<ConnectionId, Refusal> {
        if !path.transport.is_stream() || self.has_allocation(&path) {
            return Err(Refusal::BadRequest);
        }
        let id = connection_in(message).ok_or(Refusal::BadRequest)?;
        let connection = self.connections.get(id).ok_or(Refusal::BadRequest)?;
        let owner = self.allocations.get(connection.allocation);
        if owner.is_none_or(|owner| owner.share.username() != &*user.name) {
            return Err(Refusal::WrongCredentials);
        }
        match connection.state {
            State::Pending => Ok(id),
            State::Connecting(_) | State::Joined => Err(Refusal::BadRequest),
        }
    }

    /// The allocation whose connection with a peer a request is about, whoever sent it.
    pub(super) fn with_connection(
        &self,
        message: &Message<'_>,
    ) -> Option<(AllocationId, &Allocation)> {
        if message.method() != Method::CONNECTION_BIND {
            return None;
        }
        let id = self.connections.get(connection_in(message)?)?.allocation;
        Some((id, self.allocations.get(id)?))
    }

    /// Which other server a client connection has to move to, as the one of the peer is there. Who
    /// sends this is for that server to find out.
    pub(super) fn connection_elsewhere(
        &self,
        path: &FiveTuple,
        message: &Message<'_>,
    ) -> Option<Decision> {
        if message.method() != Method::CONNECTION_BIND || message.integrity().is_none() {
            return None;
        }
        let shard = connection_in(message)?.shard();
        let is_free = path.transport.is_stream() && !self.has_allocation(path);
        (is_free && self.shard.has_other(shard)).then_some(Decision::HandOver(shard))
    }

    /// Gives up connections that have waited long enough.
    pub(super) fn expire_connections(&mut self, now: Tick) {
        while let Some(overdue) = self.connections.expire(now) {
            self.events.push(match overdue {
                Overdue::Connecting(id) => Event::ConnectOverdue(id),
                Overdue::Pending(id) => Event::PeerClosed(id),
            });
        }
    }

    /// Ends connections with peers that are denied now.
    pub(super) fn forbid_connections(&mut self) {
        let is_denied = |peer: SocketAddr| self.peers.judge(peer.ip()) == Verdict::Denied;
        for id in self.connections.with_peers(is_denied) {
            let connection = self.connections.get(id);
            if connection.is_some_and(|it| matches!(it.state, State::Connecting(_))) {
                // Its client waits for an answer.
                self.events.push(Event::ConnectOverdue(id));
            } else {
                self.close_connections(vec![id]);
            }
        }
    }

    /// Ends connections.
    pub(super) fn close_connections(&mut self, ids: Vec<ConnectionId>) {
        for id in ids {
            self.connections.remove(id);
            self.events.push(Event::PeerClosed(id));
        }
    }
}

fn peer_in(message: &Message<'_>) -> Option<SocketAddr> {
    let value = message.first(attr::XOR_PEER_ADDRESS)?;
    let peer = attr::read_xor_address(value, &message.transaction())?;
    (peer.port() != 0).then_some(peer)
}

fn connection_in(message: &Message<'_>) -> Option<ConnectionId> {
    ConnectionId::read(message.first(attr::CONNECTION_ID)?)
}
