//! The server as a client sees it: datagrams in, datagrams out, on a virtual clock.
//!
//! Where the answers that implementations get wrong are tested:
//!
//! | answer | tests |
//! | --- | --- |
//! | No allocation is 437; the same Allocate again is the same success, another one 437; another user 441 | `allocations::without_an_allocation_requests_are_437`, `allocations::a_retransmitted_allocate_gets_the_same_success_and_a_new_one_437`, `authentication::another_user_on_an_allocation_is_441` |
//! | 401, then 400 for a missing part, then the algorithms, then 401 for user and integrity, then 438; REALM and NONCE in both challenges | `authentication::no_integrity_is_401_…`, `integrity_with_a_part_missing_is_400`, `unknown_user_wrong_password_and_wrong_realm_get_the_same_401`, `a_stale_or_foreign_nonce_is_438_…` |
//! | No algorithm attributes mean MD5; one alone, or a changed list, is 400; edited feature bits are 438 | `authentication::both_algorithms_of_the_offer_are_good_…`, `an_algorithm_without_the_offer_…`, `edited_feature_bits_are_438_…` |
//! | What follows the integrity attribute is ignored; of duplicates the first counts | `authentication::what_follows_the_integrity_attribute_is_ignored`, `stun::vectors::of_duplicates_the_first_counts` |
//! | Channel numbers end at 0x4FFF; rebinding is 400 until the channel expired; ChannelBind installs the permission, data never does | `channels::channel_numbers_end_at_4fff`, `rebinding_is_400_until_…`, `binding_a_channel_installs_the_permission_…`, `model` |
//! | The family is IPv4 unless asked for; a peer of the other is 443; EVEN-PORT with R excludes the additional family; no port is 508, the quota 486 | `allocations::the_family_is_ipv4_unless_asked_for`, `channels::a_peer_of_the_other_family_is_443`, `dual::what_excludes_…`, `allocations::without_a_free_port_it_is_508_…`, `a_quota_holds_per_user_…` |
//! | A lifetime is 600 seconds at least and the maximum at most; 0 deletes | `allocations::lifetimes_are_at_least_600_…`, `refresh_with_zero_deletes` |
//! | ChannelData on a stream is padded with zeros, in a datagram not | `streams::channel_data_is_padded_with_zeros` |
//! | Indications and responses are not answered; strangers leave no state; good integrity is never limited | `binding::indications_and_responses_are_never_answered`, `authentication::a_flood_from_everywhere_leaves_no_state`, `strangers_are_answered_at_a_bounded_rate_and_users_always` |
//!
//! The hop limit of relayed packets is the system's default, as the driver sets none.

mod allocations;
mod authentication;
mod binding;
mod channels;
mod discovery;
mod dual;
mod handover;
mod icmp;
mod limits;
mod mobility;
mod model;
mod operations;
mod relaying;
mod siblings;
mod streams;
mod tcp;
mod trials;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::time::{Now, Tick};

use crate::stun::{
    Class, Integrity, Key, Message, Method, PasswordAlgorithm, TransactionId, Writer,
    attribute as attr, user_hash,
};
use crate::*;

const REALM: &str = "example.org";
const SECRET: &[u8] = b"north";
const SERVER: &str = "192.0.2.1:3478";
const RELAY_V4: &str = "192.0.2.1";
const RELAY_V6: &str = "2001:db8::1";
/// Where the tests' clocks start, on the wall.
const START_UNIX: u64 = 1_700_000_000;

/// A server, its clock, and the relay ports it was given.
struct World {
    server: Server,
    now: Now,
    next_port: u16,
    /// Whether the next relay sockets can be opened.
    ports_left: usize,
    /// Whether each of the next ones can.
    next_outcomes: Vec<bool>,
    closed: Vec<AllocationId>,
    released: Vec<u16>,
    /// Connections with peers that are over, and those that took too long to be made.
    closed_peers: Vec<ConnectionId>,
    overdue_peers: Vec<ConnectionId>,
    /// What was said of the last packet to a peer.
    dont_fragment: bool,
    /// What other servers are to forward.
    forwarded: BTreeMap<FiveTuple, u16>,
    /// Channel bindings, as events tell of them.
    mirror: BTreeMap<(AllocationId, u16), Binding>,
    buffer: Box<[u8]>,
    /// What clients send by.
    transport: Transport,
}

/// What came out of one input, bytes copied.
#[derive(Debug, PartialEq)]
enum Output {
    Nothing,
    ToClient(SocketAddr, Vec<u8>),
    ToPeer(AllocationId, SocketAddr, Vec<u8>),
    /// Handed over, as it came.
    Elsewhere(u16, Vec<u8>),
    /// A connection to this peer is to be made.
    Connect(AllocationId, ConnectionId, SocketAddr),
    /// After this answer, a client's connection is one with a peer.
    Join(SocketAddr, ConnectionId, Vec<u8>),
    /// A client's connection is to go there, with this message.
    HandOver(u16, SocketAddr, Vec<u8>),
}

fn config() -> Config {
    let mut credentials = Credentials::new(REALM).unwrap();
    credentials.add_user("alice", "wonder");
    credentials.add_user("bob", "builder");
    credentials.add_secret(SECRET);
    let relay = |ip: &str| RelayAddress {
        bind: ip.parse().unwrap(),
        announced: ip.parse().unwrap(),
    };
    Config {
        credentials,
        relays: vec![relay(RELAY_V4), relay(RELAY_V6)],
        peers: PeerPolicy {
            protected: vec![SERVER.parse().unwrap()],
            ..PeerPolicy::default()
        },
        limits: Limits::default(),
        quotas: Arc::default(),
        discovery: None,
        mobility: true,
        tcp_relay: false,
    }
}

impl World {
    fn new() -> World {
        World::with(config())
    }

    fn with(config: Config) -> World {
        World {
            server: Server::new(config, Seed([7; 32])),
            now: Now {
                tick: Tick::from_micros(5_000_000),
                unix: Duration::from_secs(START_UNIX),
            },
            next_port: 50_000,
            ports_left: usize::MAX,
            next_outcomes: Vec::new(),
            closed: Vec::new(),
            released: Vec::new(),
            closed_peers: Vec::new(),
            overdue_peers: Vec::new(),
            dont_fragment: false,
            forwarded: BTreeMap::new(),
            mirror: BTreeMap::new(),
            buffer: vec![0; HEADROOM + 70_000].into_boxed_slice(),
            transport: Transport::Udp,
        }
    }

    fn wait(&mut self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.now.tick = self.now.tick + span;
        self.now.unix += span;
        self.server.handle_timeout(self.now);
        self.drain();
    }

    fn send(&mut self, client: SocketAddr, datagram: &[u8]) -> Output {
        let range = HEADROOM..HEADROOM + datagram.len();
        self.buffer[range.clone()].copy_from_slice(datagram);
        let path = self.path(client);
        let action = self
            .server
            .handle_datagram(self.now, path, &mut self.buffer, range);
        self.carry_out(action)
    }

    fn path(&self, client: SocketAddr) -> FiveTuple {
        FiveTuple {
            client,
            local: SERVER.parse().unwrap(),
            transport: self.transport,
        }
    }

    fn send_from_peer(&mut self, relay: AllocationId, peer: &str, data: &[u8]) -> Output {
        let range = HEADROOM..HEADROOM + data.len();
        self.buffer[range.clone()].copy_from_slice(data);
        let peer = peer.parse().unwrap();
        let action = self
            .server
            .handle_relayed(self.now, relay, peer, &mut self.buffer, range);
        self.carry_out(action)
    }

    fn carry_out(&mut self, action: Action) -> Output {
        let output = match action {
            Action::Nothing => Output::Nothing,
            Action::ToClient { path, datagram, .. } => {
                Output::ToClient(path.client, self.buffer[datagram].to_vec())
            }
            Action::ToPeer {
                relay,
                peer,
                datagram,
                dont_fragment,
            } => {
                self.dont_fragment = dont_fragment;
                Output::ToPeer(relay, peer, self.buffer[datagram].to_vec())
            }
            Action::OpenRelay(request) => {
                let outcome = self.open(request.port());
                let action =
                    self.server
                        .handle_relay_opened(self.now, request, outcome, &mut self.buffer);
                return self.carry_out(action);
            }
            Action::Elsewhere {
                shard, datagram, ..
            } => Output::Elsewhere(shard, self.buffer[datagram].to_vec()),
            Action::ConnectPeer {
                relay,
                connection,
                peer,
            } => Output::Connect(relay, connection, peer),
            Action::Join {
                path,
                connection,
                datagram,
            } => Output::Join(path.client, connection, self.buffer[datagram].to_vec()),
            Action::HandOver {
                shard,
                path,
                datagram,
            } => Output::HandOver(shard, path.client, self.buffer[datagram].to_vec()),
        };
        self.drain();
        output
    }

    fn open(&mut self, port: PortWish) -> Result<u16, NoRelay> {
        if !self.next_outcomes.is_empty() && !self.next_outcomes.remove(0) {
            return Err(NoRelay);
        }
        self.ports_left = self.ports_left.checked_sub(1).ok_or(NoRelay)?;
        if let PortWish::Reserved(port) = port {
            return Ok(port);
        }
        self.next_port += 1;
        if port != PortWish::Any {
            self.next_port = self.next_port.next_multiple_of(2);
        }
        let opened = self.next_port;
        self.next_port += u16::from(port == PortWish::EvenAndNext);
        Ok(opened)
    }

    fn drain(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::RelayClosed(id) => self.closed.push(id),
                Event::ReservationReleased { port, .. } => self.released.push(port),
                Event::PeerClosed(id) => self.closed_peers.push(id),
                Event::ConnectOverdue(id) => self.overdue_peers.push(id),
                Event::Forward { path, arrives_at } => {
                    assert_eq!(self.forwarded.insert(path, arrives_at), None);
                }
                Event::StopForwarding { path, arrives_at } => {
                    assert_eq!(self.forwarded.remove(&path), Some(arrives_at));
                }
                Event::BindingAdded(binding) => {
                    let name = (binding.allocation, binding.number);
                    self.mirror.insert(name, binding);
                }
                Event::BindingRemoved(binding) => {
                    let name = (binding.allocation, binding.number);
                    let removed = self.mirror.remove(&name);
                    assert_eq!(removed, Some(binding), "as it was told");
                }
            }
        }
    }
}

/// A TURN client that does what it is told, right or wrong.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    username: String,
    key: Key,
    nonce: Vec<u8>,
    transaction: u8,
}

/// A response, taken apart.
#[derive(Debug)]
struct Response {
    bytes: Vec<u8>,
}

impl Client {
    fn new(address: &str, username: &str, password: &str) -> Client {
        Client {
            address: address.parse().unwrap(),
            username: username.to_owned(),
            key: Key::long_term(username, REALM, password),
            nonce: Vec::new(),
            transaction: 0,
        }
    }

    fn alice(address: &str) -> Client {
        Client::new(address, "alice", "wonder")
    }

    fn with_minted(address: &str, user: &str, expires: u64) -> Client {
        let minted = protocol::relay::mint(SECRET, user, expires);
        Client::new(address, &minted.username, &minted.password)
    }

    /// Fetches a nonce, as any client does first.
    fn greet(&mut self, world: &mut World) -> &mut Client {
        let transaction = TransactionId([0xee; 12]);
        let request = message(Class::Request, Method::ALLOCATE, transaction, &[]);
        let response = Response::of(world.send(self.address, &request));
        assert_eq!(response.code(), 401);
        self.nonce = response.first(attr::NONCE).unwrap();
        self
    }

    /// A signed request with these attributes.
    fn request(&mut self, method: Method, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        self.transaction += 1;
        self.request_again(method, attributes)
    }

    /// The same with the transaction id of the last request.
    fn request_again(&self, method: Method, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut buffer = [0; 1500];
        let transaction = TransactionId([self.transaction; 12]);
        let mut writer = Writer::new(&mut buffer, Class::Request, method, transaction);
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        let len = writer
            .attribute(attr::USERNAME, self.username.as_bytes())
            .attribute(attr::REALM, REALM.as_bytes())
            .attribute(attr::NONCE, &self.nonce)
            .integrity(Integrity::Sha1, &self.key)
            .finish()
            .unwrap();
        buffer[..len].to_vec()
    }

    fn ask(
        &mut self,
        world: &mut World,
        method: Method,
        attributes: &[(u16, Vec<u8>)],
    ) -> Response {
        let request = self.request(method, attributes);
        let response = Response::of(world.send(self.address, &request));
        assert!(response.is_signed_by(&self.key) || matches!(response.code(), 400 | 401 | 438));
        response
    }

    fn allocate(&mut self, world: &mut World) -> Response {
        self.ask(world, Method::ALLOCATE, &[transport_udp()])
    }

    /// Allocates and gives the name of the allocation and its relayed transport address.
    fn allocated(&mut self, world: &mut World) -> (AllocationId, SocketAddr) {
        let response = self.greet(world).allocate(world);
        assert_eq!(response.code(), 0);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        (
            world.server.allocations.with_relayed(&relayed).unwrap(),
            relayed,
        )
    }

    fn refresh(&mut self, world: &mut World, seconds: u32) -> Response {
        self.ask(world, Method::REFRESH, &[lifetime(seconds)])
    }

    fn permit(&mut self, world: &mut World, peers: &[&str]) -> u16 {
        let transaction = TransactionId([self.transaction + 1; 12]);
        let peers: Vec<_> = peers
            .iter()
            .map(|peer| peer_address(peer, transaction))
            .collect();
        self.ask(world, Method::CREATE_PERMISSION, &peers).code()
    }

    fn bind(&mut self, world: &mut World, number: u16, peer: &str) -> u16 {
        let transaction = TransactionId([self.transaction + 1; 12]);
        let attributes = [channel_number(number), peer_address(peer, transaction)];
        self.ask(world, Method::CHANNEL_BIND, &attributes).code()
    }

    fn send_indication(&self, world: &mut World, peer: &str, data: &[u8]) -> Output {
        let transaction = TransactionId([0xdd; 12]);
        let attributes = [peer_address(peer, transaction), (attr::DATA, data.to_vec())];
        let indication = message(Class::Indication, Method::SEND, transaction, &attributes);
        world.send(self.address, &indication)
    }

    fn send_channel_data(&self, world: &mut World, number: u16, data: &[u8]) -> Output {
        world.send(self.address, &channel_data(number, data))
    }
}

impl Response {
    fn of(output: Output) -> Response {
        match output {
            Output::ToClient(_, bytes) => Response { bytes },
            other => panic!("no response but {other:?}"),
        }
    }

    fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    /// The error code, or 0 for success.
    fn code(&self) -> u16 {
        match self.message().class() {
            Class::Success => 0,
            Class::Error => {
                let value = self.first(attr::ERROR_CODE).unwrap();
                u16::from(value[2]) * 100 + u16::from(value[3])
            }
            class => panic!("a response is no {class:?}"),
        }
    }

    fn first(&self, kind: u16) -> Option<Vec<u8>> {
        self.message().first(kind).map(<[u8]>::to_vec)
    }

    fn address(&self, kind: u16) -> Option<SocketAddr> {
        attr::read_xor_address(&self.first(kind)?, &self.message().transaction())
    }

    fn lifetime(&self) -> Option<u32> {
        attr::read_u32(&self.first(attr::LIFETIME)?)
    }

    fn is_signed_by(&self, key: &Key) -> bool {
        self.message().verify(key)
    }
}

fn message(
    class: Class,
    method: Method,
    transaction: TransactionId,
    attributes: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let mut writer = Writer::new(&mut buffer, class, method, transaction);
    for (kind, value) in attributes {
        writer.attribute(*kind, value);
    }
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    buffer
}

fn transport_udp() -> (u16, Vec<u8>) {
    (
        attr::REQUESTED_TRANSPORT,
        vec![attr::TRANSPORT_UDP, 0, 0, 0],
    )
}

fn family(number: u8) -> (u16, Vec<u8>) {
    (attr::REQUESTED_ADDRESS_FAMILY, vec![number, 0, 0, 0])
}

fn lifetime(seconds: u32) -> (u16, Vec<u8>) {
    (attr::LIFETIME, seconds.to_be_bytes().to_vec())
}

fn channel_number(number: u16) -> (u16, Vec<u8>) {
    let [high, low] = number.to_be_bytes();
    (attr::CHANNEL_NUMBER, vec![high, low, 0, 0])
}

/// A peer's address and port; a lone address gets a port.
fn peer_address(peer: &str, transaction: TransactionId) -> (u16, Vec<u8>) {
    let peer = peer
        .parse()
        .unwrap_or_else(|_| SocketAddr::new(peer.parse().unwrap(), 9));
    let mut value = [0; 20];
    let len = attr::write_xor_address(peer, &transaction, &mut value);
    (attr::XOR_PEER_ADDRESS, value[..len].to_vec())
}

fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let header = channel_data::ChannelData::header(number, data.len()).unwrap();
    [&header[..], data].concat()
}

/// Peer and data of a Data indication.
fn read_data(bytes: &[u8]) -> (SocketAddr, Vec<u8>) {
    let message = Message::parse(bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::DATA)
    );
    let peer = message.first(attr::XOR_PEER_ADDRESS).unwrap();
    let peer = attr::read_xor_address(peer, &message.transaction()).unwrap();
    (peer, message.first(attr::DATA).unwrap().to_vec())
}
