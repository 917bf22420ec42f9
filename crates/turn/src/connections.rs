//! Connections between this server and peers (RFC 6062), and which of them wait for something.
//!
//! ```text
//! Connect ──► connecting ── made ──┐
//!                 │ failed, 30 s   ▼         ConnectionBind
//!                 └──► gone ◄── pending ───────────────────► joined ──► gone
//! a peer connects ──────────────►  │ 30 s                   one side closes
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use protocol::time::Tick;

use crate::allocation::{AllocationId, FiveTuple};
use crate::reply::Envelope;
use crate::seed::{Seed, keyed_hash};

/// How long a connection to a peer may take to be made, and how long one that was made waits for
/// its ConnectionBind (RFC 6062 sections 5.2 and 5.3 ask for at least 30 seconds).
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Connections of one allocation at a time. Each costs two open files and, while the slower side
/// lags behind, two buffers; RFC 6062 is for a few file transfers, not for browsing.
pub(crate) const MOST: usize = 16;

/// Names the connection between this server and a peer, as CONNECTION-ID does. Nobody can guess it
/// who was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u32);

impl ConnectionId {
    pub(crate) fn read(value: &[u8]) -> Option<ConnectionId> {
        Some(ConnectionId(u32::from_be_bytes(value.try_into().ok()?)))
    }

    pub(crate) fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Which of several servers has the connection.
    pub(crate) fn shard(self) -> u16 {
        (self.0 >> 24) as u16
    }
}

/// Who waits for a connection to be made: where the answer goes, and its head.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) path: FiveTuple,
    pub(crate) envelope: Envelope,
}

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum State {
    /// It is being made.
    Connecting(Box<Waiting>),
    /// It waits for a connection of the client.
    Pending,
    /// It has one.
    Joined,
}

/// A connection with a peer.
#[derive(Debug)]
pub(crate) struct PeerConnection {
    pub(crate) allocation: AllocationId,
    /// As the client knows it.
    pub(crate) peer: SocketAddr,
    pub(crate) state: State,
    /// Unless it waits for nothing any more.
    deadline: Option<Tick>,
}

/// What has to be done about a connection that waited long enough.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// The driver is to stop trying.
    Connecting(ConnectionId),
    /// It is gone.
    Pending(ConnectionId),
}

/// All of them. An allocation has at most one with each peer.
#[derive(Debug)]
pub(crate) struct Connections {
    by_id: BTreeMap<ConnectionId, PeerConnection>,
    by_peer: BTreeMap<(AllocationId, SocketAddr), ConnectionId>,
    deadlines: BTreeSet<(Tick, ConnectionId)>,
    key: [u8; 32],
    made: u64,
    /// The number of this server, with which every name begins.
    shard: u16,
}

impl Connections {
    pub(crate) fn new(seed: &Seed) -> Connections {
        Connections {
            by_id: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            key: seed.derive("connections"),
            made: 0,
            shard: 0,
        }
    }

    pub(crate) fn set_shard(&mut self, shard: u16) {
        self.shard = shard;
    }

    /// Adds a connection that is to get on within [`PATIENCE`]. There must be none with this peer.
    pub(crate) fn insert(
        &mut self,
        now: Tick,
        allocation: AllocationId,
        peer: SocketAddr,
        state: State,
    ) -> ConnectionId {
        let id = self.unused_id();
        let deadline = now + PATIENCE;
        let connection = PeerConnection {
            allocation,
            peer,
            state,
            deadline: Some(deadline),
        };
        self.by_id.insert(id, connection);
        self.by_peer.insert((allocation, peer), id);
        self.deadlines.insert((deadline, id));
        id
    }

    /// The number of the server, and 24 bits that follow from its seed. They only fall on a name
    /// that is in use if there are thousands.
    fn unused_id(&mut self) -> ConnectionId {
        loop {
            self.made += 1;
            let pieces = [&self.shard.to_be_bytes()[..], &self.made.to_be_bytes()];
            let hash = keyed_hash(&self.key, &pieces);
            let bits = u32::from_be_bytes([0, hash[0], hash[1], hash[2]]);
            let id = ConnectionId(u32::from(self.shard) << 24 | bits);
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&PeerConnection> {
        self.by_id.get(&id)
    }

    pub(crate) fn exists(&self, allocation: AllocationId, peer: SocketAddr) -> bool {
        self.by_peer.contains_key(&(allocation, peer))
    }

    /// All of an allocation.
    pub(crate) fn of(&self, allocation: AllocationId) -> impl Iterator<Item = ConnectionId> {
        let least = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        self.by_peer
            .range((allocation, least)..)
            .take_while(move |((of, _), _)| *of == allocation)
            .map(|(_, id)| *id)
    }

    /// All with such peers.
    pub(crate) fn with_peers(&self, such: impl Fn(SocketAddr) -> bool) -> Vec<ConnectionId> {
        let all = self.by_id.iter();
        all.filter(|(_, connection)| such(connection.peer))
            .map(|(id, _)| *id)
            .collect()
    }

    /// A connection was made, and waits for the client from now on; gives who has waited for it.
    pub(crate) fn connected(&mut self, now: Tick, id: ConnectionId) -> Option<Waiting> {
        let connection = self.by_id.get_mut(&id)?;
        let waiting = match std::mem::replace(&mut connection.state, State::Pending) {
            State::Connecting(waiting) => waiting,
            other => {
                connection.state = other;
                return None;
            }
        };
        let deadline = now + PATIENCE;
        if let Some(before) = connection.deadline.replace(deadline) {
            self.deadlines.remove(&(before, id));
        }
        self.deadlines.insert((deadline, id));
        Some(*waiting)
    }

    /// A client has come for a connection, which waits for nothing any more.
    pub(crate) fn join(&mut self, id: ConnectionId) {
        let Some(connection) = self.by_id.get_mut(&id) else {
            return;
        };
        connection.state = State::Joined;
        if let Some(before) = connection.deadline.take() {
            self.deadlines.remove(&(before, id));
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<PeerConnection> {
        let connection = self.by_id.remove(&id)?;
        self.by_peer
            .remove(&(connection.allocation, connection.peer));
        if let Some(deadline) = connection.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        Some(connection)
    }

    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out one that has waited long enough. One that is still being made stays until the
    /// driver says that it is not.
    pub(crate) fn expire(&mut self, now: Tick) -> Option<Overdue> {
        let (_, id) = *self
            .deadlines
            .first()
            .filter(|(deadline, _)| *deadline <= now)?;
        let connection = self.by_id.get_mut(&id)?;
        if !matches!(connection.state, State::Connecting(_)) {
            self.remove(id);
            return Some(Overdue::Pending(id));
        }
        if let Some(deadline) = connection.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        Some(Overdue::Connecting(id))
    }
}
