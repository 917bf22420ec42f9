//! A TURN client by others (crate `turn-client-proto`) against our relay: every transport, family
//! and kind of authentication it has.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use relay_support::{Relay, peer, receive};
use turn_client_proto::api::{TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::prelude::*;
use turn_client_proto::stun::agent::Transmit;
use turn_client_proto::stun::auth::Feature;
use turn_client_proto::stun::types::message::IntegrityAlgorithm;
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
const UDP: TransportType = TransportType::Udp;

/// What carries the client's messages.
enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Wire {
    fn local(&self) -> SocketAddr {
        match self {
            Wire::Udp(socket) => socket.local_addr().unwrap(),
            Wire::Tcp(stream) => stream.local_addr().unwrap(),
        }
    }

    fn transport(&self) -> TransportType {
        match self {
            Wire::Udp(_) => TransportType::Udp,
            Wire::Tcp(_) => TransportType::Tcp,
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Wire::Udp(socket) => drop(socket.send(bytes).unwrap()),
            Wire::Tcp(stream) => stream.write_all(bytes).unwrap(),
        }
    }

    /// What comes within a moment; the client counts its retransmissions by these moments.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        let len = match self {
            Wire::Udp(socket) => socket.recv(&mut buffer),
            Wire::Tcp(stream) => stream.read(&mut buffer),
        }
        .ok()?;
        assert_ne!(
            (len, self.transport()),
            (0, TransportType::Tcp),
            "the server closed"
        );
        buffer.truncate(len);
        Some(buffer)
    }
}

/// The client with the sockets and the clock it leaves to others.
struct Foreign<C> {
    client: C,
    wire: Wire,
    server: SocketAddr,
    begun: Instant,
    gave_up: bool,
    heard: Vec<(SocketAddr, Vec<u8>)>,
}

fn config() -> TurnConfig {
    TurnConfig::new(TurnCredentials::new("alice", "wonder"))
}

fn by_udp(server: SocketAddr, config: TurnConfig) -> Foreign<TurnClientUdp> {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    socket.connect(server).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let client = TurnClientUdp::allocate(socket.local_addr().unwrap(), server, config);
    Foreign::new(client, Wire::Udp(socket), server)
}

fn by_tcp(server: SocketAddr, config: TurnConfig) -> Foreign<TurnClientTcp> {
    let stream = TcpStream::connect(server).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let client = TurnClientTcp::allocate(stream.local_addr().unwrap(), server, config);
    Foreign::new(client, Wire::Tcp(stream), server)
}

impl<C: TurnClientApi> Foreign<C> {
    fn new(client: C, wire: Wire, server: SocketAddr) -> Self {
        Foreign {
            client,
            wire,
            server,
            begun: Instant::now(),
            gave_up: false,
            heard: Vec::new(),
        }
    }

    fn now(&self) -> turn_client_proto::types::Instant {
        turn_client_proto::types::Instant::from_nanos(self.begun.elapsed().as_nanos() as i64)
    }

    /// Lets the client do what it has to, and takes in what comes meanwhile.
    fn turn(&mut self) {
        let now = self.now();
        self.gave_up = matches!(self.client.poll(now), TurnPollRet::Closed);
        while let Some(transmit) = self.client.poll_transmit(now) {
            self.wire.send(&transmit.data);
        }
        let Some(bytes) = self.wire.receive() else {
            return;
        };
        let transmit = Transmit::new(bytes, self.wire.transport(), self.server, self.wire.local());
        match self.client.recv(transmit, now) {
            TurnRecvRet::Handled => {}
            TurnRecvRet::PeerData(data) => self.heard.push((data.peer, data.data().to_vec())),
            TurnRecvRet::PeerIcmp { .. } => {}
            // A second 401 is not signed, so it might be anyone's, as far as this client knows.
            TurnRecvRet::Ignored(_) => {}
        }
        while let Some(data) = self.client.poll_recv(now) {
            self.heard.push((data.peer, data.data().to_vec()));
        }
    }

    fn until<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            self.turn();
            if let Some(it) = found(self) {
                return it;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        }
    }

    fn event(&mut self) -> TurnEvent {
        self.until("an event", |it| it.client.poll_event())
    }

    fn allocated(&mut self) -> SocketAddr {
        match self.event() {
            TurnEvent::AllocationCreated(UDP, relayed) => relayed,
            other => panic!("{other:?}"),
        }
    }

    fn permitted(&mut self, peer: IpAddr) {
        let now = self.now();
        self.client.create_permission(UDP, peer, now).unwrap();
        let event = self.event();
        assert!(
            matches!(event, TurnEvent::PermissionCreated(UDP, ip) if ip == peer),
            "{event:?}"
        );
    }

    fn bound(&mut self, peer: SocketAddr) {
        let now = self.now();
        self.client.bind_channel(UDP, peer, now).unwrap();
        loop {
            match self.event() {
                TurnEvent::ChannelCreated(UDP, it) if it == peer => return,
                TurnEvent::PermissionCreated(..) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn says(&mut self, peer: SocketAddr, data: &[u8]) {
        let now = self.now();
        if let Some(transmit) = self.client.send_to(UDP, peer, data, now).unwrap() {
            self.wire.send(&transmit.data.build());
        }
    }

    /// Every size goes to a peer and comes back. This client does not pad ChannelData on TCP, as
    /// RFC 8656 section 12.5 has it, so no size is tried there that would need it.
    fn talks_with(&mut self, peer: &UdpSocket, relayed: SocketAddr) {
        let pads = self.wire.transport() == UDP;
        let sizes = [1, 2, 3, 172, 1200, 9000].into_iter();
        for len in sizes.filter(|len| pads || len % 4 == 0) {
            let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
            self.says(peer.local_addr().unwrap(), &data);
            assert_eq!(receive(peer), (data.clone(), relayed));
            peer.send_to(&data, relayed).unwrap();
            let heard = self.until("an echo", |it| it.heard.pop());
            assert_eq!(heard, (peer.local_addr().unwrap(), data));
        }
    }

    /// Allocates, talks by indications and by a channel, and deletes.
    fn lives_a_whole_life(mut self) {
        let relayed = self.allocated();
        let peer = peer("127.0.0.2:0");
        let address = peer.local_addr().unwrap();
        self.permitted(address.ip());
        self.talks_with(&peer, relayed);
        self.bound(address);
        self.talks_with(&peer, relayed);
        let now = self.now();
        self.client.delete(now).unwrap();
        self.until("its port can be had again", |_| {
            UdpSocket::bind(relayed).ok()
        });
    }
}

#[test]
fn by_udp_and_by_tcp() {
    let relay = Relay::of_both_families("127.0.0.1:0");
    by_udp(relay.address(), config()).lives_a_whole_life();
    by_tcp(relay.address(), config()).lives_a_whole_life();
}

/// IPv6 has one loopback address, and nothing but relay ports is reached on the relay's own: the
/// peer is another client.
#[test]
fn ipv6_allocations_of_ipv6_clients_reach_each_other() {
    let relay = Relay::of_both_families("[::1]:0");
    let mut config = config();
    config.set_address_family(AddressFamily::IPV6);
    let mut alice = by_udp(relay.address(), config.clone());
    let mut bob = by_tcp(relay.address(), config);
    let (at_alice, at_bob) = (alice.allocated(), bob.allocated());
    assert!(at_alice.is_ipv6() && at_bob.is_ipv6());
    alice.permitted(at_bob.ip());
    bob.bound(at_alice);
    for data in [&b"four"[..], &[7; 1200]] {
        alice.says(at_bob, data);
        let heard = bob.until("what alice says", |it| it.heard.pop());
        assert_eq!(heard, (at_alice, data.to_vec()));
        bob.says(at_alice, data);
        let heard = alice.until("what bob says", |it| it.heard.pop());
        assert_eq!(heard, (at_bob, data.to_vec()));
    }
}

#[test]
fn one_client_has_relays_of_both_families() {
    let relay = Relay::of_both_families("127.0.0.1:0");
    let mut config = config();
    config.add_address_family(AddressFamily::IPV6);
    let mut alice = by_udp(relay.address(), config.clone());
    let mut relayed = [alice.allocated(), alice.allocated()];
    relayed.sort();
    assert!(relayed[0].is_ipv4() && relayed[1].is_ipv6(), "{relayed:?}");
    let peer = peer("127.0.0.2:0");
    alice.permitted(peer.local_addr().unwrap().ip());
    alice.talks_with(&peer, relayed[0]);
    let mut bob = by_tcp(relay.address(), config);
    let mut at_bob = [bob.allocated(), bob.allocated()];
    at_bob.sort();
    alice.permitted(at_bob[1].ip());
    bob.bound(relayed[1]);
    alice.says(at_bob[1], b"four");
    assert_eq!(
        bob.until("what alice says", |it| it.heard.pop()),
        (relayed[1], b"four".to_vec())
    );
}

/// As RFC 8489 has it: SHA-256, and a name that does not cross the wire.
#[test]
fn with_sha_256_and_without_a_name() {
    let relay = Relay::of_both_families("127.0.0.1:0");
    for anonymous in [Feature::Disabled, Feature::Required] {
        let mut config = config();
        config.set_supported_integrity(IntegrityAlgorithm::Sha256);
        config.set_anonymous_username(anonymous);
        by_udp(relay.address(), config.clone()).lives_a_whole_life();
        by_tcp(relay.address(), config).lives_a_whole_life();
    }
}

#[test]
fn a_wrong_password_and_a_denied_peer_are_told_apart() {
    let relay = Relay::of_both_families("127.0.0.1:0");
    let mut wrong = TurnConfig::new(TurnCredentials::new("alice", "guess"));
    let soon = Duration::from_millis(50);
    wrong.set_request_retransmits(soon, soon, 3, soon);
    let mut guesser = by_udp(relay.address(), wrong);
    guesser.until("the end of guessing", |it| it.gave_up.then_some(()));
    assert!(guesser.client.relayed_addresses().next().is_none());
    let mut alice = by_udp(relay.address(), config());
    alice.allocated();
    let private = "10.0.0.1".parse().unwrap();
    let now = alice.now();
    alice.client.create_permission(UDP, private, now).unwrap();
    let event = alice.event();
    assert!(
        matches!(event, TurnEvent::PermissionCreateFailed(_, ip) if ip == private),
        "{event:?}"
    );
}
