//! The server: inputs come in here and are sorted; the modules below decide.

mod allocate;
mod authenticate;
mod binding;
mod bindings;
mod data;
mod events;
mod icmp;
mod moving;
mod operations;
mod permissions;
mod refresh;
mod tcp;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

pub use operations::{AllocationStatus, AlternateDomain, BadDomain, Drain, Full};
use protocol::time::{Now, Tick};
use siphasher::sip::SipHasher13;
pub use tcp::Direction;

use events::Events;

use crate::action::{Action, Content, Event};
use crate::allocation::{AllocationId, FiveTuple};
use crate::bucket::Bucket;
use crate::channel_data::ChannelData;
use crate::config::{Config, Limits, RelayAddress};
use crate::connections::{ConnectionId, Connections};
use crate::counters::{Counters, Refusals};
use crate::credentials::Credentials;
use crate::discovery::Discoverer;
use crate::mobility::{Shard, Tickets};
use crate::nonce::{Features, Nonces};
use crate::peers::Peers;
use crate::quota::Quotas;
use crate::reply::{self, Answer, Challenge, Envelope, Refusal, UnknownAttributes};
use crate::reservations::Reservations;
use crate::revoked::Revoked;
use crate::seed::{KeyedHasher, Seed};
use crate::siblings::Siblings;
use crate::stun::{Class, Message, Method, TransactionId, attribute as attr};
use crate::table::Allocations;
use crate::throttle::Throttle;

/// A STUN and TURN server; see the crate's documentation for how to drive it.
#[derive(Debug)]
pub struct Server {
    credentials: Credentials,
    /// Those of them that were taken back.
    revoked: Revoked,
    relays: Vec<RelayAddress>,
    limits: Limits,
    /// What all allocations have relayed lately.
    bandwidth: Bucket,
    quotas: Arc<Quotas>,
    peers: Peers,
    nonces: Nonces,
    challenges: Throttle,
    guesses: Throttle,
    allocations: Allocations,
    reservations: Reservations,
    events: Events,
    /// Set while no new allocations are made.
    drain: Option<Drain>,
    counters: Counters,
    indications: Indications,
    siblings: Arc<Siblings>,
    discoverer: Option<Discoverer>,
    mobility: bool,
    tcp_relay: bool,
    connections: Connections,
    tickets: Tickets,
    /// Which of the siblings this is.
    shard: Shard,
    /// Which sibling handed over what is being handled.
    arrives_at: Option<u16>,
    /// 5-tuples of clients of this server that arrive at a sibling.
    visitors: HashMap<FiveTuple, u16, KeyedHasher>,
    /// 5-tuples that arrive here and belong to clients of a sibling.
    away: HashMap<FiveTuple, u16, KeyedHasher>,
}

/// What a request comes to, before anything is written over it.
enum Decision {
    Ignore,
    Answer(Envelope, Answer),
    Act(Action),
    /// The request is for the server with this number.
    Elsewhere(u16),
    /// The same, and the connection it came on has to go there.
    HandOver(u16),
    /// A client's connection becomes part of this one.
    Join(Envelope, ConnectionId),
}

impl Server {
    /// A server without allocations.
    pub fn new(config: Config, seed: Seed) -> Server {
        let limits = config.limits.sound();
        Server {
            siblings: Arc::new(Siblings::new(&config.relays)),
            peers: Peers::new(config.peers, config.relays.clone()),
            nonces: Nonces::new(&seed, limits.nonce_lifetime),
            challenges: Throttle::new(&seed, "challenges", limits.challenges),
            guesses: Throttle::new(&seed, "guesses", limits.guesses),
            allocations: Allocations::new(&seed),
            reservations: Reservations::new(&seed),
            events: Events::default(),
            drain: None,
            revoked: Revoked::default(),
            counters: Counters::default(),
            indications: Indications::new(&seed),
            discoverer: config.discovery.map(|it| Discoverer::new(&seed, it)),
            mobility: config.mobility,
            tcp_relay: config.tcp_relay,
            connections: Connections::new(&seed),
            tickets: Tickets::new(&seed),
            shard: Shard::ALONE,
            arrives_at: None,
            visitors: HashMap::with_hasher(seed.hasher("visitors")),
            away: HashMap::with_hasher(seed.hasher("away")),
            credentials: config.credentials,
            relays: config.relays,
            bandwidth: Bucket::default(),
            quotas: config.quotas,
            limits,
        }
    }

    /// Lets this server relay between its clients and those of others that make their allocations
    /// on the same addresses, and hand over what is for one of them. All have the same seed, and
    /// each a number of its own. To be called before it has any allocation.
    #[must_use]
    pub fn among(mut self, siblings: Arc<Siblings>, shard: Shard) -> Server {
        self.reservations.set_shard(shard.number);
        self.connections.set_shard(shard.number);
        Server {
            siblings,
            shard,
            ..self
        }
    }

    /// Takes a datagram that a client (or a stranger) sent to a server address, or a message that
    /// came whole on a connection.
    ///
    /// `buffer` is at least [`MIN_BUFFER`](crate::MIN_BUFFER) bytes long; the datagram lies in it
    /// at `datagram`, with [`HEADROOM`](crate::HEADROOM) bytes in front. An answer is written over
    /// the buffer. Where there is too little room, the effect is a lost packet.
    ///
    /// # Panics
    /// If `datagram` is not inside of `buffer`.
    pub fn handle_datagram(
        &mut self,
        now: Now,
        path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        match self.forwards_to(&path) {
            Some(shard) => Action::Elsewhere {
                shard,
                path,
                datagram,
            },
            None => self.handle_here(now, path, buffer, datagram),
        }
    }

    fn handle_here(
        &mut self,
        now: Now,
        path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        if !is_answerable(path.client) {
            return self.ignore();
        }
        self.expire(now.tick);
        let bytes = &buffer[datagram.clone()];
        if ChannelData::looks_like(bytes) {
            self.handle_channel_data(now.tick, path, buffer, datagram)
        } else if Message::looks_like_stun(bytes) {
            self.handle_stun(now, path, buffer, datagram)
        } else {
            self.ignore()
        }
    }

    /// Takes a datagram that reached the relay socket of an allocation. The buffer is as in
    /// [`Server::handle_datagram`], with three bytes free behind the datagram for padding.
    ///
    /// # Panics
    /// If `datagram` is not inside of `buffer`.
    pub fn handle_relayed(
        &mut self,
        now: Now,
        relay: AllocationId,
        peer: SocketAddr,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        self.expire(now.tick);
        self.handle_peer_data(now.tick, relay, peer, buffer, datagram)
    }

    /// Takes note that a client's connection is over, and with it the 5-tuple that names its
    /// allocation (RFC 8656 section 3): nobody could use or refresh it any more, unless the client
    /// has a ticket to move it.
    pub fn handle_disconnected(&mut self, path: FiveTuple) {
        let ids: Vec<_> = self
            .allocations
            .all_on_path(&path)
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.detach(id, path);
        }
    }

    /// Whether a client has an allocation, here or at the server that its messages are
    /// [forwarded](Server::forward) to.
    pub fn has_allocation(&self, path: &FiveTuple) -> bool {
        self.allocations.on_path(path).is_some() || self.forwards_to(path).is_some()
    }

    /// The time by which [`Server::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Tick> {
        let allocation = self.allocations.next_deadline();
        allocation
            .map(|(deadline, _)| deadline)
            .filter(|deadline| *deadline != crate::allocation::NEVER)
            .into_iter()
            .chain(self.reservations.next_deadline())
            .chain(self.connections.next_deadline())
            .min()
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: Now) {
        self.expire(now.tick);
    }

    /// What else happened; to be polled until it gives `None`.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// The counters as they stand.
    pub fn counters(&self) -> Counters {
        Counters {
            allocations: self.allocations.len() as u64,
            ..self.counters
        }
    }

    fn handle_stun(
        &mut self,
        now: Now,
        mut path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        let Ok(message) = Message::parse(&buffer[datagram.clone()]) else {
            return self.ignore();
        };
        let decision = match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => {
                let decision = self.decide_binding(now.tick, &mut path, &message);
                return self.emit(path, buffer, decision);
            }
            (
                Class::Request,
                Method::ALLOCATE
                | Method::REFRESH
                | Method::CREATE_PERMISSION
                | Method::CHANNEL_BIND,
            ) => self.decide_request(now, path, &message),
            (Class::Request, Method::CONNECT | Method::CONNECTION_BIND) if self.tcp_relay => {
                self.decide_request(now, path, &message)
            }
            (Class::Indication, Method::SEND) => {
                return self.handle_send(now.tick, path, buffer, datagram);
            }
            _ => Decision::Ignore,
        };
        match decision {
            Decision::Elsewhere(shard) => Action::Elsewhere {
                shard,
                path,
                datagram,
            },
            Decision::HandOver(shard) => Action::HandOver {
                shard,
                path,
                datagram,
            },
            decision => self.emit(path, buffer, decision),
        }
    }

    /// A request that needs a credential: who, then whether it is understood, then what.
    fn decide_request(&mut self, now: Now, path: FiveTuple, message: &Message<'_>) -> Decision {
        let elsewhere = self.ticket_elsewhere(&path, message);
        if let Some(elsewhere) = elsewhere.or_else(|| self.connection_elsewhere(&path, message)) {
            return elsewhere;
        }
        let user = match self.authenticate(now, path, message) {
            Ok(user) => user,
            Err(None) => return Decision::Ignore,
            Err(Some(otherwise)) => {
                let (envelope, answer) = *otherwise;
                return Decision::Answer(envelope, answer);
            }
        };
        let also_known: &[u16] = match message.method() {
            Method::CONNECTION_BIND => &[attr::CONNECTION_ID],
            _ => &[],
        };
        let decided = match UnknownAttributes::beyond(message, also_known) {
            Some(unknown) => Ok(Answer::Unknown(unknown)),
            None => match message.method() {
                Method::ALLOCATE => return self.decide_allocate(path, message, user),
                Method::REFRESH => self.refresh(now.tick, path, message, &user),
                Method::CREATE_PERMISSION => self.create_permission(now.tick, path, message),
                Method::CONNECT => return self.decide_connect(now.tick, path, message, user),
                Method::CONNECTION_BIND => {
                    return self.decide_connection_bind(path, message, user);
                }
                _ => self.channel_bind(now.tick, path, message),
            },
        };
        Decision::Answer(user.envelope, decided.unwrap_or_else(Answer::Refused))
    }

    /// Carries a decision out as far as that is possible in here.
    fn emit(&mut self, path: FiveTuple, buffer: &mut [u8], decision: Decision) -> Action {
        match decision {
            Decision::Ignore | Decision::Elsewhere(_) | Decision::HandOver(_) => self.ignore(),
            Decision::Join(envelope, connection) => {
                let answer = Decision::Answer(envelope, Answer::Done);
                match self.emit(path, buffer, answer) {
                    Action::ToClient { path, datagram, .. } => Action::Join {
                        path,
                        connection,
                        datagram,
                    },
                    other => other,
                }
            }
            Decision::Act(action) => action,
            Decision::Answer(envelope, answer) => {
                self.count(&answer);
                let realm = self.credentials.realm();
                match reply::write(buffer, &envelope, &answer, path.client, realm) {
                    Some(len) => Action::ToClient {
                        path,
                        datagram: 0..len,
                        content: Content::Answer,
                    },
                    None => Action::Nothing,
                }
            }
        }
    }

    fn ignore(&mut self) -> Action {
        self.counters.ignored += 1;
        Action::Nothing
    }

    fn count(&mut self, answer: &Answer) {
        if let Some(by_code) = refusals_with(&mut self.counters.refusals, answer) {
            *by_code += 1;
        }
        let counter = match answer {
            Answer::Mapped | Answer::Discovered(_) => &mut self.counters.bindings,
            Answer::Allocated(_)
            | Answer::Refreshed { .. }
            | Answer::Done
            | Answer::Connected(_) => &mut self.counters.granted,
            Answer::TryAlternate(_) | Answer::Refused(_) | Answer::Unknown(_) => {
                &mut self.counters.refused
            }
            Answer::Challenge(..) => &mut self.counters.challenges,
        };
        *counter += 1;
    }

    /// Removes allocations, reservations and connections whose time is over. Costs three comparisons
    /// when there are none.
    fn expire(&mut self, now: Tick) {
        while let Some((deadline, id)) = self.allocations.next_deadline()
            && deadline <= now
        {
            self.close(id);
        }
        while let Some(reservation) = self.reservations.expire(now) {
            self.events.push(Event::ReservationReleased {
                bind: reservation.bind,
                port: reservation.port,
            });
        }
        self.expire_connections(now);
    }

    fn close(&mut self, id: AllocationId) {
        if let Some(allocation) = self.allocations.remove(id) {
            if allocation.is_open() {
                let transport = allocation.peer_transport;
                self.siblings.remove(allocation.relayed, transport);
                if allocation.is_trial {
                    self.siblings.remove_trial(allocation.relayed);
                }
            }
            let connections = self.connections.of(id).collect();
            self.close_connections(connections);
            for path in allocation.paths() {
                self.bid_farewell(path);
            }
            self.events.push_closed(id, allocation.into_bindings(id));
        }
    }

    /// The allocations that a request is about (RFC 8656 section 5): one, or one of each address
    /// family.
    fn allocations_on(&mut self, path: FiveTuple) -> Result<Vec<AllocationId>, Refusal> {
        let open = self.allocations.all_on_path(&path);
        let open = open.filter(|(_, allocation)| allocation.is_open());
        let ids: Vec<_> = open
            .map(|(id, allocation)| (id, allocation.is_moving_to(&path)))
            .collect();
        if ids.is_empty() {
            return Err(Refusal::AllocationMismatch);
        }
        for (id, _) in ids.iter().filter(|(_, is_moving)| *is_moving) {
            self.settle(*id);
        }
        Ok(ids.into_iter().map(|(id, _)| id).collect())
    }

    /// The one of them that is for peers of this address family.
    fn allocation_for(&mut self, path: FiveTuple, family: u8) -> Result<AllocationId, Refusal> {
        let ids = self.allocations_on(path)?;
        self.of_family(&ids, family)
    }

    /// The same, of allocations that were looked up before.
    fn of_family(&self, ids: &[AllocationId], family: u8) -> Result<AllocationId, Refusal> {
        let is_of_family = |id: &AllocationId| {
            let allocation = self.allocations.get(*id);
            allocation.is_some_and(|allocation| allocation.family() == family)
        };
        let found = ids.iter().copied().find(is_of_family);
        found.ok_or(Refusal::PeerFamilyMismatch)
    }

    fn challenge(&self, now: Now, path: FiveTuple, kind: Challenge) -> Answer {
        let features = Features {
            hidden_names: self.credentials.can_hide_names(),
        };
        let nonce = self.nonces.mint(now.tick, path.client, features);
        Answer::Challenge(kind, nonce)
    }
}

/// Transaction ids of Data indications: nobody answers them, they only must not repeat.
#[derive(Debug)]
struct Indications {
    hasher: SipHasher13,
    sent: u64,
}

impl Indications {
    fn new(seed: &Seed) -> Indications {
        let mut key = [0; 16];
        key.copy_from_slice(&seed.derive("indications")[..16]);
        Indications {
            hasher: SipHasher13::new_with_key(&key),
            sent: 0,
        }
    }

    fn next(&mut self) -> TransactionId {
        self.sent += 1;
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.sent.to_be_bytes()[4..]);
        id[4..].copy_from_slice(&self.hasher.hash(&self.sent.to_be_bytes()).to_be_bytes());
        TransactionId(id)
    }
}

/// The counter of the error code of an answer.
fn refusals_with<'c>(counters: &'c mut Refusals, answer: &Answer) -> Option<&'c mut u64> {
    Some(match answer {
        Answer::TryAlternate(_) => &mut counters.try_alternate,
        Answer::Unknown(_) => &mut counters.unknown_attribute,
        Answer::Refused(refusal) => match refusal {
            Refusal::BadRequest => &mut counters.bad_request,
            Refusal::Forbidden => &mut counters.forbidden,
            Refusal::AllocationMismatch => &mut counters.allocation_mismatch,
            Refusal::QuotaReached => &mut counters.quota_reached,
            Refusal::InsufficientCapacity => &mut counters.insufficient_capacity,
            _ => &mut counters.other,
        },
        _ => return None,
    })
}

/// Whether an answer to this source could reach a single host.
fn is_answerable(client: SocketAddr) -> bool {
    let is_one_host = match client.ip() {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
    };
    is_one_host && client.port() != 0
}

/// Whole seconds, as LIFETIME carries them.
fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}
