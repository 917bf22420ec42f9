//! Entry points for fuzz targets. They panic when a promise of this crate is broken; that bytes
//! of a network make them panic would be a bug of ours.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::time::{Now, Tick};

use crate::channel_data::{ChannelData, HEADER_LEN};
use crate::proxy_header::{self, Endpoints, Progress};
use crate::stream::{Framer, MAX_MESSAGE};
use crate::stun::{
    Class, Integrity, Key, Message, Method, TransactionId, Writer, attribute as attr,
};
use crate::*;

const REALM: &str = "r";
const SERVER: &str = "192.0.2.1:3478";
/// For NAT behaviour discovery.
const OTHER: &str = "192.0.2.9:3479";
const MAX_STEPS: usize = 256;
const LIMITS: Limits = Limits {
    user_quota: 6,
    permissions: 4,
    channels: 3,
    ..Limits::DEFAULT
};

/// What is read of a message must be what is written again.
pub fn stun_message(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    assert!(message.attributes().count() <= bytes.len() / 4);
    let _ = message.verify(&Key::long_term("u", REALM, "p"));
    let mut buffer = vec![0; bytes.len()];
    let transaction = message.transaction();
    let mut writer = Writer::new(&mut buffer, message.class(), message.method(), transaction);
    for (kind, value) in message.attributes() {
        let _ = attr::read_xor_address(value, &transaction);
        writer.attribute(kind, value);
    }
    let len = writer.finish().expect("it fitted before");
    let again = Message::parse(&buffer[..len]).expect("we write what we read");
    assert!(again.attributes().eq(message.attributes()));
    assert_eq!(
        (again.class(), again.method()),
        (message.class(), message.method())
    );
}

/// What is read of ChannelData lies inside of it.
pub fn channel_data(bytes: &[u8]) {
    let Some(parsed) = ChannelData::parse(bytes) else {
        return;
    };
    assert!(ChannelData::looks_like(bytes));
    assert!(HEADER_LEN + parsed.len <= bytes.len());
    let header = ChannelData::header(parsed.number, parsed.len).expect("it was one");
    assert_eq!(header, bytes[..HEADER_LEN]);
}

/// A stream gives the same messages whether it comes at once or byte by byte, and they lie in it
/// one behind the other.
pub fn stream(bytes: &[u8]) {
    let (whole, in_step) = cut(bytes, bytes.len());
    assert_eq!((whole.clone(), in_step), cut(bytes, 1));
    let mut rest = bytes;
    for message in whole {
        assert!(message.len() <= MAX_MESSAGE && rest.starts_with(&message));
        let is_channel_data = ChannelData::parse(&message).is_some();
        assert!(is_channel_data || Message::looks_like_stun(&message));
        rest = &rest[message.len().next_multiple_of(4)..];
    }
}

/// A PROXY header is read to its last byte and not beyond, and is never longer than it may be.
pub fn proxy_header(bytes: &[u8]) {
    let mut len = 0;
    let endpoints = loop {
        match proxy_header::read(&bytes[..len]) {
            Ok(Progress::Needs(more)) => {
                assert!(more > 0 && len + more <= 536);
                len += more;
                if len > bytes.len() {
                    return;
                }
            }
            Ok(Progress::Whole(endpoints)) => break endpoints,
            Err(_) => return,
        }
    };
    for shorter in 0..len {
        assert!(!matches!(
            proxy_header::read(&bytes[..shorter]),
            Ok(Progress::Whole(_))
        ));
    }
    let Some(Endpoints { client, local }) = endpoints else {
        return;
    };
    // Both mean the same in the words of version 1.
    let family = if client.is_ipv4() && local.is_ipv4() {
        "TCP4"
    } else {
        "TCP6"
    };
    let six = |ip: IpAddr| match ip {
        IpAddr::V4(ip) if family == "TCP6" => IpAddr::V6(ip.to_ipv6_mapped()),
        ip => ip,
    };
    let (from, to) = (six(client.ip()), six(local.ip()));
    let text = format!(
        "PROXY {family} {from} {to} {} {}\r\n",
        client.port(),
        local.port()
    );
    let again = proxy_header::read(text.as_bytes());
    assert_eq!(again, Ok(Progress::Whole(endpoints)), "{text}");
}

/// All messages of a stream in pieces of this size, and whether it stays in step.
fn cut(bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, bool) {
    let mut framer = Framer::default();
    let mut messages = Vec::new();
    for piece in bytes.chunks(size.max(1)) {
        framer.push(piece);
        loop {
            match framer.next_message(MAX_MESSAGE) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}

/// A server under a sequence of inputs. Each step is an operation byte, a client byte, a length
/// byte and so many bytes of payload; signed requests are made of the payload's attributes, so
/// that a fuzzer need not guess keys.
pub fn turn_server(bytes: &[u8]) {
    run(&mut World::new(), bytes);
}

fn run(world: &mut World, bytes: &[u8]) {
    let mut rest = bytes;
    for _ in 0..MAX_STEPS {
        let Some(([operation, client, len], tail)) = rest.split_first_chunk::<3>() else {
            return;
        };
        let (payload, tail) = tail.split_at(tail.len().min(usize::from(*len)));
        world.step(*operation, *client, payload);
        rest = tail;
    }
}

fn credentials() -> Credentials {
    let mut credentials = Credentials::new(REALM).expect("it is short");
    credentials.add_user("a", "p");
    credentials.add_user("b", "p");
    credentials
}

struct World {
    server: Server,
    now: Now,
    next_port: u16,
    transactions: u32,
    open: Vec<AllocationId>,
    /// Channels, as events tell of them.
    bindings: BTreeMap<(AllocationId, u16), Binding>,
    /// All that were ever given out.
    tickets: Vec<Vec<u8>>,
    /// Connections with peers that exist.
    peers: Vec<ConnectionId>,
    /// Those of them that are being made, and those that are joined.
    connecting: Vec<ConnectionId>,
    joined: Vec<ConnectionId>,
    buffer: Vec<u8>,
}

impl World {
    fn new() -> World {
        let ip = |text: &str| text.parse().expect("it is an address");
        let relay = |text| RelayAddress {
            bind: ip(text),
            announced: ip(text),
        };
        let config = Config {
            credentials: credentials(),
            relays: vec![relay("192.0.2.1"), relay("2001:db8::1")],
            peers: PeerPolicy::default(),
            limits: LIMITS,
            quotas: Arc::default(),
            discovery: Discovery::new(
                SERVER.parse().expect("it is an address"),
                OTHER.parse().expect("it is an address"),
            )
            .ok(),
            mobility: true,
            tcp_relay: true,
        };
        World {
            server: Server::new(config, Seed([1; 32])),
            now: Now {
                tick: Tick::from_micros(1_000_000),
                unix: Duration::from_secs(1_700_000_000),
            },
            next_port: 49_152,
            transactions: 0,
            open: Vec::new(),
            bindings: BTreeMap::new(),
            tickets: Vec::new(),
            peers: Vec::new(),
            connecting: Vec::new(),
            joined: Vec::new(),
            buffer: vec![0; HEADROOM + 4096],
        }
    }

    fn step(&mut self, operation: u8, client: u8, payload: &[u8]) {
        const METHODS: [Method; 4] = [
            Method::ALLOCATE,
            Method::REFRESH,
            Method::CREATE_PERMISSION,
            Method::CHANNEL_BIND,
        ];
        match operation % 8 {
            _ if operation >= 0xf0 => self.operate(operation, client),
            _ if operation >= 0xe0 => self.relay_tcp(operation, client, payload),
            method @ 0..4 => self.request(METHODS[usize::from(method)], client, payload),
            4 => self.datagram(client, payload),
            5 => self.peer_data(client, payload),
            6 => self.indication(client, payload),
            _ if client >= 0xf8 => self.disconnect(payload.first().copied().unwrap_or(0x40)),
            _ => self.wait(u64::from(client)),
        }
        self.check();
    }

    fn request(&mut self, method: Method, client: u8, payload: &[u8]) {
        let nonce = self.nonce(client);
        let user = if client & 0x80 == 0 { "a" } else { "b" };
        self.transactions += 1;
        let mut buffer = [0; 2048];
        let transaction = transaction(self.transactions);
        let mut writer = Writer::new(&mut buffer, Class::Request, method, transaction);
        write_attributes(&mut writer, payload, &self.tickets, &self.peers);
        let len = writer
            .attribute(attr::USERNAME, user.as_bytes())
            .attribute(attr::REALM, REALM.as_bytes())
            .attribute(attr::NONCE, &nonce)
            .integrity(Integrity::Sha1, &Key::long_term(user, REALM, "p"))
            .finish();
        if let Some(len) = len {
            self.datagram(client, &buffer[..len]);
        }
    }

    fn indication(&mut self, client: u8, payload: &[u8]) {
        let mut buffer = [0; 2048];
        let mut writer = Writer::new(&mut buffer, Class::Indication, Method::SEND, transaction(0));
        write_attributes(&mut writer, payload, &self.tickets, &self.peers);
        if let Some(len) = writer.finish() {
            self.datagram(client, &buffer[..len]);
        }
    }

    fn nonce(&mut self, client: u8) -> Vec<u8> {
        let mut buffer = [0; 20];
        let _ = Writer::new(
            &mut buffer,
            Class::Request,
            Method::ALLOCATE,
            transaction(0),
        );
        let range = self.put(&buffer);
        let action = self
            .server
            .handle_datagram(self.now, path(client), &mut self.buffer, range);
        let Action::ToClient { datagram, .. } = action else {
            return Vec::new();
        };
        let response = Message::parse(&self.buffer[datagram]).expect("answers are well-formed");
        response.first(attr::NONCE).unwrap_or_default().to_vec()
    }

    fn datagram(&mut self, client: u8, bytes: &[u8]) {
        let range = self.put(bytes);
        let action = self
            .server
            .handle_datagram(self.now, path(client), &mut self.buffer, range);
        self.carry_out(action);
    }

    fn peer_data(&mut self, which: u8, payload: &[u8]) {
        let Some(id) = self
            .open
            .get(usize::from(which) % self.open.len().max(1))
            .copied()
        else {
            return;
        };
        let Some((from, data)) = payload.split_first_chunk::<3>() else {
            return;
        };
        let peer = SocketAddr::new(
            [1, 1, 1, from[0]].into(),
            u16::from_be_bytes([from[1], from[2]]),
        );
        let range = self.put(data);
        let action = self
            .server
            .handle_relayed(self.now, id, peer, &mut self.buffer, range);
        assert!(!matches!(
            action,
            Action::OpenRelay(_) | Action::ToPeer { .. }
        ));
        self.carry_out(action);
    }

    /// Requests of RFC 6062, and what a driver tells of connections with peers.
    fn relay_tcp(&mut self, operation: u8, which: u8, payload: &[u8]) {
        let pick = |all: &[ConnectionId]| all.get(usize::from(which) % all.len().max(1)).copied();
        match operation % 8 {
            0 | 1 => self.request(Method::CONNECT, which, payload),
            2 | 3 => self.request(Method::CONNECTION_BIND, which, payload),
            4 => {
                let outcome = match payload.first() {
                    Some(1) => Err(NotConnected),
                    _ => Ok(()),
                };
                if let Some(id) = pick(&self.connecting) {
                    self.connecting.retain(|it| *it != id);
                    self.peers.retain(|it| outcome.is_ok() || *it != id);
                    let action =
                        self.server
                            .handle_peer_connected(self.now, id, outcome, &mut self.buffer);
                    assert!(matches!(action, Action::ToClient { .. }), "it is answered");
                    self.carry_out(action);
                }
            }
            5 => {
                let pick = usize::from(which) % self.open.len().max(1);
                let Some(id) = self.open.get(pick).copied() else {
                    return;
                };
                let peer = SocketAddr::new([1, 1, 1, payload.len() as u8].into(), 9);
                let taken = self
                    .server
                    .handle_peer_accepted(self.now, id, peer, &mut self.buffer);
                if let Some((connection, told)) = taken {
                    self.peers.push(connection);
                    self.carry_out(told);
                }
            }
            6 => {
                if let Some(id) = pick(&self.joined) {
                    self.forget_peer(id);
                    self.server.handle_peer_closed(id);
                }
            }
            _ => {
                if let Some(id) = pick(&self.joined) {
                    let (now, to_peer) = (self.now.tick, Direction::ToPeer);
                    assert!(self.server.admit(now, id, to_peer, 1), "it is idle");
                }
            }
        }
    }

    fn forget_peer(&mut self, id: ConnectionId) {
        for all in [&mut self.peers, &mut self.connecting, &mut self.joined] {
            all.retain(|it| *it != id);
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now.tick = self.now.tick + Duration::from_secs(seconds);
        self.now.unix += Duration::from_secs(seconds);
        self.server.handle_timeout(self.now);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Nothing => {}
            Action::ToClient { datagram, .. } => {
                let bytes = &self.buffer[datagram];
                if let Ok(message) = Message::parse(bytes)
                    && let Some(ticket) = message.first(attr::MOBILITY_TICKET)
                {
                    self.tickets.push(ticket.to_vec());
                }
                let sound = Message::parse(bytes).is_ok() || ChannelData::parse(bytes).is_some();
                assert!(sound, "{bytes:02x?}");
            }
            Action::ToPeer {
                relay,
                peer,
                datagram,
                ..
            } => {
                assert!(self.open.contains(&relay));
                assert!(is_public(peer.ip()) && peer.port() != 0, "{peer}");
                assert!(datagram.start >= HEADROOM && datagram.end <= self.buffer.len());
            }
            Action::OpenRelay(request) => self.open_relay(request),
            Action::ConnectPeer {
                relay,
                connection,
                peer,
            } => {
                assert!(self.open.contains(&relay) && !self.peers.contains(&connection));
                assert!(peer.port() != 0, "{peer}");
                self.peers.push(connection);
                self.connecting.push(connection);
            }
            Action::Join {
                path,
                connection,
                datagram,
            } => {
                assert!(path.transport.is_stream() && !self.server.has_allocation(&path));
                assert!(Message::parse(&self.buffer[datagram]).is_ok());
                assert!(self.peers.contains(&connection) && !self.connecting.contains(&connection));
                assert!(!self.joined.contains(&connection), "only once");
                self.joined.push(connection);
            }
            Action::Elsewhere { .. } | Action::HandOver { .. } => {
                panic!("there is no other server")
            }
        }
    }

    fn open_relay(&mut self, request: RelayRequest) {
        let id = request.allocation();
        self.next_port = self.next_port.wrapping_add(2).max(49_152);
        let outcome = match request.port() {
            PortWish::Reserved(port) => Ok(port),
            _ if self.next_port.is_multiple_of(22) => Err(NoRelay),
            _ => Ok(self.next_port),
        };
        if outcome.is_ok() {
            self.open.push(id);
        }
        let action = self
            .server
            .handle_relay_opened(self.now, request, outcome, &mut self.buffer);
        assert!(matches!(
            action,
            Action::ToClient { .. } | Action::OpenRelay(_)
        ));
        self.carry_out(action);
    }

    /// What an operator does.
    fn operate(&mut self, operation: u8, which: u8) {
        match operation % 4 {
            0 => {
                let deny = (which & 1 == 1).then(|| "1.1.1.0/25".parse().expect("it is a range"));
                let peers = PeerPolicy {
                    deny: deny.into_iter().collect(),
                    ..PeerPolicy::default()
                };
                self.server
                    .reconfigure(self.now, credentials(), peers, LIMITS);
            }
            1 => {
                let drain = Drain {
                    alternates: vec![SERVER.parse().expect("it is an address")],
                    domain: None,
                    otherwise: Full::QuotaReached,
                };
                self.server.drain((which & 1 == 1).then_some(drain));
            }
            2 => {
                if let Some(id) = self.open.get(usize::from(which)) {
                    assert!(self.server.kick(*id));
                }
            }
            _ => {
                let name = if which & 1 == 1 { "a" } else { "b" };
                self.server.kick_user(name);
            }
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::RelayClosed(id) => {
                    let before = self.open.len();
                    self.open.retain(|open| *open != id);
                    assert_eq!(self.open.len() + 1, before, "closed once, and only if open");
                    assert!(!self.bindings.keys().any(|(of, _)| *of == id));
                }
                Event::PeerClosed(id) => {
                    assert!(self.peers.contains(&id), "closed once, and only if there");
                    self.forget_peer(id);
                }
                Event::ConnectOverdue(id) => assert!(self.connecting.contains(&id)),
                Event::BindingAdded(binding) => {
                    assert!(self.open.contains(&binding.allocation));
                    let name = (binding.allocation, binding.number);
                    self.bindings.insert(name, binding);
                }
                Event::BindingRemoved(binding) => {
                    let name = (binding.allocation, binding.number);
                    assert_eq!(self.bindings.remove(&name), Some(binding));
                }
                _ => {}
            }
        }
        for status in self.server.allocations(self.now, None, usize::MAX) {
            let told = self.bindings.keys().filter(|(of, _)| *of == status.id);
            assert!((status.channels..=3).contains(&told.count()));
        }
        assert_eq!(self.server.counters().allocations, self.open.len() as u64);
        assert!(self.open.len() <= 12, "two users, six each");
        assert!(
            self.server
                .poll_timeout()
                .is_none_or(|at| at > self.now.tick)
        );
    }

    fn disconnect(&mut self, client: u8) {
        let path = path(client);
        self.server.handle_disconnected(path);
        assert!(!self.server.has_allocation(&path));
    }

    fn put(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let range = HEADROOM..HEADROOM + bytes.len();
        self.buffer[range.clone()].copy_from_slice(bytes);
        range
    }
}

/// Attributes of a payload: a type byte each, then what that type needs.
fn write_attributes(
    writer: &mut Writer<'_>,
    mut payload: &[u8],
    tickets: &[Vec<u8>],
    connections: &[ConnectionId],
) {
    while let Some(([kind, a, b, c], rest)) = payload.split_first_chunk::<4>() {
        payload = rest;
        match kind % 15 {
            _ if *kind == 0xff => writer.attribute(attr::REQUESTED_TRANSPORT, &[6, *a, *b, *c]),
            _ if *kind == 0xfe => {
                let id = connections.iter().rev().nth(usize::from(*a % 4));
                let id = id.map_or([0, *a, *b, *c], |id| id.to_bytes());
                writer.attribute(attr::CONNECTION_ID, &id)
            }
            0 => writer.attribute(attr::REQUESTED_TRANSPORT, &[17, *a, *b, *c]),
            1 => writer.attribute(attr::LIFETIME, &[0, 0, *a, *b]),
            2 => writer.attribute(attr::CHANNEL_NUMBER, &[0x40 | (a & 1), *b, 0, 0]),
            3 => writer.xor_address(
                attr::XOR_PEER_ADDRESS,
                SocketAddr::new([1, 1, 1, *a].into(), u16::from(*b)),
            ),
            4 => writer.xor_address(
                attr::XOR_PEER_ADDRESS,
                SocketAddr::new([192, 0, 2, 1].into(), 49_152 + 2 * u16::from(*a)),
            ),
            5 => writer.attribute(attr::REQUESTED_ADDRESS_FAMILY, &[*a, 0, 0, 0]),
            6 => writer.attribute(attr::EVEN_PORT, &[*a]),
            7 => writer.attribute(attr::MOBILITY_TICKET, &[]),
            8 | 9 => {
                // Rather the last ones than those before them.
                let ticket = tickets.iter().rev().nth(usize::from(*a % 4));
                writer.attribute(attr::MOBILITY_TICKET, ticket.map_or(&[*b], |it| it))
            }
            10 => writer.attribute(attr::DATA, &[*a, *b, *c]),
            11 => writer.attribute(attr::ADDITIONAL_ADDRESS_FAMILY, &[*a, 0, 0, 0]),
            12 => writer.attribute(attr::DONT_FRAGMENT, &[]),
            13 => writer.xor_address(
                attr::XOR_PEER_ADDRESS,
                SocketAddr::new([0x2606, 0x4700, 0, 0, 0, 0, 0, u16::from(*a)].into(), 9),
            ),
            _ => writer.attribute(attr::PASSWORD_ALGORITHM, &[0, *a, 0, 0]),
        };
    }
}

fn transaction(number: u32) -> TransactionId {
    let mut id = [0; 12];
    id[..4].copy_from_slice(&number.to_be_bytes());
    TransactionId(id)
}

fn path(client: u8) -> FiveTuple {
    FiveTuple {
        client: SocketAddr::new([203, 0, 113, client & 0x0f].into(), 4000),
        local: SERVER.parse().expect("it is an address"),
        transport: match client >> 5 & 0b11 {
            0b10 => Transport::Tcp,
            0b11 => Transport::Tls,
            _ => Transport::Udp,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Steps with sensible lengths, so that most of them reach the state machine.
    fn steps() -> impl Strategy<Value = Vec<u8>> {
        let payload = vec(any::<[u8; 4]>(), 0..4).prop_map(|attributes| attributes.concat());
        let client = (0..4_u8, 0..4_u8).prop_map(|(client, transport)| client | transport << 5);
        let step = (any::<u8>(), client, any::<bool>(), payload);
        vec(step, 0..60).prop_map(|steps| {
            let mut bytes = Vec::new();
            for (operation, client, is_other_user, payload) in steps {
                let client = client | if is_other_user { 0x80 } else { 0 };
                bytes.extend([operation, client, payload.len() as u8]);
                bytes.extend(payload);
            }
            bytes
        })
    }

    /// What the fuzzer has to find: each of the steps that are new with RFC 6062.
    #[test]
    fn connections_with_peers_are_reached() {
        let mut world = World::new();
        let permission = [3, 0, 9, 0];
        let steps: [(u8, u8, &[u8]); 6] = [
            (0, 0x40, &[0xff, 0, 0, 0]),
            (0xe0, 0x40, &[3, 1, 9, 0]),
            (0xe4, 0, &[]),
            (0xe2, 0x41, &[0xfe, 0, 0, 0]),
            (2, 0x40, &permission),
            (0xe5, 0, &[]),
        ];
        for (operation, client, payload) in steps {
            let step = [&[operation, client, payload.len() as u8], payload].concat();
            run(&mut world, &step);
        }
        assert_eq!((world.peers.len(), world.joined.len()), (2, 1));
        run(&mut world, &[0xe7, 0, 0, 0xe6, 0, 0]);
        assert_eq!((world.peers.len(), world.joined.len()), (1, 0));
    }

    proptest! {
        #[test]
        fn a_server_keeps_its_promises_under_any_sequence(bytes in steps()) {
            turn_server(&bytes);
        }

        #[test]
        fn messages_are_read_as_they_were_written(bytes in vec(any::<u8>(), 0..200)) {
            stun_message(&bytes);
            channel_data(&bytes);
        }

        #[test]
        fn a_proxy_header_ends_where_it_ends(tail in vec(any::<u8>(), 0..100), family in any::<u8>()) {
            let start = [b"\r\n\r\n\0\r\nQUIT\n", &[0x21, family, 0, 40][..]].concat();
            for start in [&start[..], b"PROXY ", b""] {
                proxy_header(&[start, &tail].concat());
            }
        }
    }
}
