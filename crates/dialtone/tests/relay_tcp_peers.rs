//! TCP between clients and peers by way of the relay (RFC 6062), byte by byte.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use relay_support::{Client, Relay, Response};
use socket2::{Domain, Socket, Type};
use tls_support::Identity;
use turn::stun::{Class, Method, attribute as attr};

const PATIENCE: Duration = Duration::from_secs(10);

/// With TCP to peers on 127.0.0.2.
fn relay(arguments: &[&str]) -> Relay {
    Relay::start(&[&["--tcp-relay", "--allow-peer", "127.0.0.2"], arguments].concat())
}

/// A client with a relayed transport address for TCP.
fn allocated(relay: &Relay) -> (Client, SocketAddr) {
    allocate(Client::by_tcp(relay.address(), "alice", "wonder"))
}

fn allocate(mut client: Client) -> (Client, SocketAddr) {
    let transport = (attr::REQUESTED_TRANSPORT, vec![6, 0, 0, 0]);
    let response = client.ask(Method::ALLOCATE, &[transport]);
    assert_eq!(response.code(), 0);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    (client, relayed)
}

fn connect(client: &mut Client, peer: SocketAddr) -> Response {
    let peer = client.peer_address(peer);
    client.ask(Method::CONNECT, &[peer])
}

fn connection_bind(client: &mut Client, id: Vec<u8>) -> u16 {
    let attributes = [(attr::CONNECTION_ID, id)];
    client.ask(Method::CONNECTION_BIND, &attributes).code()
}

/// The client's end of a connection with a peer.
fn joined(relay: &Relay, id: Vec<u8>) -> TcpStream {
    let mut client = Client::by_tcp(relay.address(), "alice", "wonder");
    assert_eq!(connection_bind(&mut client, id), 0);
    patient(client.socket())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Both ends of a connection that the client made.
fn pipe(relay: &Relay, alice: &mut Client, relayed: SocketAddr) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let response = connect(alice, listener.local_addr().unwrap());
    assert_eq!(response.code(), 0);
    let (peer, from) = listener.accept().unwrap();
    assert_eq!(from, relayed, "the peer sees the relayed address");
    let id = response.first(attr::CONNECTION_ID).unwrap();
    (joined(relay, id), patient(peer))
}

/// A connection from 127.0.0.`host` to a relayed address.
fn connect_from(host: u8, relayed: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let here = SocketAddr::from(([127, 0, 0, host], 0));
    socket.bind(&here.into()).unwrap();
    socket.connect(&relayed.into()).unwrap();
    patient(socket.into())
}

/// What a peer connects to is told to the client.
fn told_of(alice: &Client, peer: &TcpStream) -> Vec<u8> {
    let told = Response(alice.receive());
    let message = told.message();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::CONNECTION_ATTEMPT)
    );
    let from = told.address(attr::XOR_PEER_ADDRESS);
    assert_eq!(from, Some(peer.local_addr().unwrap()));
    told.first(attr::CONNECTION_ID).unwrap()
}

/// Bytes without a pattern that a lost or doubled piece would fit.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(step).collect()
}

/// Both ends send so much at the same time, and then say that this was all.
fn exchange(mut one: impl Read + Write + Send, other: &TcpStream, len: usize) {
    let (there, back) = (noise(1, len), noise(2, len));
    std::thread::scope(|scope| {
        let expected = &there;
        scope.spawn(|| {
            let mut other = other;
            other.write_all(&back).unwrap();
        });
        scope.spawn(move || {
            let mut came = vec![0; len];
            let mut other = other;
            other.read_exact(&mut came).unwrap();
            assert!(came == *expected, "to the peer");
        });
        let mut came = vec![0; len];
        let mut at = 0;
        for piece in there.chunks(10_000) {
            one.write_all(piece).unwrap();
            let end = (at + piece.len()).min(len);
            one.read_exact(&mut came[at..end]).unwrap();
            at = end;
        }
        assert!(came == back, "to the client");
    });
}

fn is_over(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 16]) {
        Ok(len) => len == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_client_connects_to_a_peer_and_a_megabyte_goes_both_ways() {
    for threads in ["1", "4"] {
        let relay = relay(&["--threads", threads]);
        for _ in 0..4 {
            let (mut alice, relayed) = allocated(&relay);
            let (mut client, mut peer) = pipe(&relay, &mut alice, relayed);
            exchange(&client, &peer, 1 << 20);
            client.shutdown(Shutdown::Write).unwrap();
            assert!(is_over(&mut peer), "half of it is closed");
            peer.write_all(b"the last words").unwrap();
            drop(peer);
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, b"the last words");
            let again = TcpListener::bind("127.0.0.2:0").unwrap();
            let response = connect(&mut alice, again.local_addr().unwrap());
            assert_eq!(response.code(), 0, "the allocation lives on");
        }
    }
}

#[test]
fn a_peer_connects_and_the_client_comes_for_it() {
    let relay = relay(&["--threads", "3"]);
    for _ in 0..4 {
        let (mut alice, relayed) = allocated(&relay);
        let mut stranger = connect_from(2, relayed);
        assert!(is_over(&mut stranger), "there is no permission");
        assert_eq!(alice.permit("127.0.0.2:9".parse().unwrap()), 0);
        let mut stranger = connect_from(3, relayed);
        assert!(is_over(&mut stranger), "nor one for this peer");
        let mut peer = connect_from(2, relayed);
        peer.write_all(b"too early").unwrap();
        let id = told_of(&alice, &peer);
        let mut client = joined(&relay, id.clone());
        let mut early = [0; 9];
        client.read_exact(&mut early).unwrap();
        assert_eq!(&early, b"too early", "what comes early waits");
        exchange(&client, &peer, 100_000);
        let mut late = Client::by_tcp(relay.address(), "alice", "wonder");
        assert_eq!(connection_bind(&mut late, id), 400, "it is taken");
    }
}

#[test]
fn inside_of_tls_it_is_the_same() {
    let identity = Identity::new();
    let flags = ["--tcp-relay", "--allow-peer", "127.0.0.2", "--threads", "2"];
    let flags = identity.flags(&[&flags[..], &["--tls", "127.0.0.1:0"]].concat());
    let relay = Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..3 {
        let comes = || {
            let stream = identity.client().connect(relay.tls_address());
            Client::by_tls(stream, "alice", "wonder")
        };
        let (mut alice, _relayed) = allocate(comes());
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let response = connect(&mut alice, listener.local_addr().unwrap());
        let (peer, _) = listener.accept().unwrap();
        let mut client = comes();
        let id = response.first(attr::CONNECTION_ID).unwrap();
        assert_eq!(connection_bind(&mut client, id), 0);
        patient(client.socket());
        exchange(client.into_tls(), &patient(peer), 1 << 20);
    }
}

#[test]
fn two_relayed_clients_have_a_connection() {
    let relay = relay(&["--threads", "3"]);
    for _ in 0..4 {
        let (mut alice, at_alice) = allocated(&relay);
        let bob = Client::by_tcp(relay.address(), "bob", "builder");
        let (mut bob, at_bob) = allocate(bob);
        assert_eq!(bob.permit(at_alice), 0);
        let response = connect(&mut alice, at_bob);
        assert_eq!(response.code(), 0);
        let told = Response(bob.receive());
        assert_eq!(told.address(attr::XOR_PEER_ADDRESS), Some(at_alice));
        let client = joined(&relay, response.first(attr::CONNECTION_ID).unwrap());
        let mut other = Client::by_tcp(relay.address(), "bob", "builder");
        let id = told.first(attr::CONNECTION_ID).unwrap();
        assert_eq!(connection_bind(&mut other, id), 0);
        exchange(&client, &patient(other.socket()), 100_000);
    }
}

#[test]
fn denied_peers_and_the_servers_own_ports_are_403() {
    let relay = relay(&["--threads", "2"]);
    let (mut alice, relayed) = allocated(&relay);
    let (_bob, for_datagrams) = Client::allocated(relay.address(), "bob", "builder");
    let port = relay.address().port();
    let victim = TcpListener::bind("127.0.0.3:0").unwrap();
    victim.set_nonblocking(true).unwrap();
    let denied = [
        victim.local_addr().unwrap(),
        relay.address(),
        relayed,
        for_datagrams,
        ([127, 0, 0, 1], 22).into(),
        ([0, 0, 0, 0], port).into(),
        ([10, 0, 0, 1], 80).into(),
        ([169, 254, 169, 254], 80).into(),
        ([192, 168, 0, 1], 80).into(),
        ([224, 0, 0, 1], 80).into(),
        ([255, 255, 255, 255], 80).into(),
    ];
    for peer in denied {
        assert_eq!(connect(&mut alice, peer).code(), 403, "{peer}");
    }
    assert!(victim.accept().is_err(), "nobody comes");
    let nobody = TcpListener::bind("127.0.0.2:0").unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    assert_eq!(connect(&mut alice, closed).code(), 447);
}

#[test]
fn another_users_connection_is_441_and_one_that_is_not_there_400() {
    let relay = relay(&["--threads", "4"]);
    let (mut alice, _) = allocated(&relay);
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let peer = listener.local_addr().unwrap();
    let response = connect(&mut alice, peer);
    let id = response.first(attr::CONNECTION_ID).unwrap();
    assert_eq!(connect(&mut alice, peer).code(), 446);
    for _ in 0..4 {
        let mut bob = Client::by_tcp(relay.address(), "bob", "builder");
        assert_eq!(connection_bind(&mut bob, id.clone()), 441);
        for shard in [0, 1, 2, 3, 200] {
            assert_eq!(connection_bind(&mut bob, vec![shard, 1, 2, 3]), 400);
        }
        assert_eq!(
            bob.allocate().code(),
            0,
            "its connection is as good as before"
        );
    }
    joined(&relay, id);
}

/// Who reads nothing slows the sender down; nothing piles up, and nothing is lost.
#[test]
fn a_slow_reader_slows_the_sender_down_and_costs_little() {
    const MEGABYTE: usize = 1 << 20;
    let relay = relay(&[]);
    let (mut alice, relayed) = allocated(&relay);
    let (mut client, mut peer) = pipe(&relay, &mut alice, relayed);
    exchange(&client, &peer, 100_000);
    let before = relay.resident();
    peer.set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let chunk = noise(3, MEGABYTE);
    let mut sent = 0;
    while sent < 100 * MEGABYTE {
        match peer.write(&chunk[sent % MEGABYTE..]) {
            Ok(len) => sent += len,
            Err(_) => break,
        }
    }
    assert!(sent < 100 * MEGABYTE, "it never had to wait");
    let grown = relay.resident().saturating_sub(before);
    assert!(grown < 4096, "{grown} kilobytes for one slow reader");
    peer.shutdown(Shutdown::Write).unwrap();
    let mut came = Vec::new();
    client.read_to_end(&mut came).unwrap();
    assert_eq!(came.len(), sent);
    let expected = chunk.iter().cycle();
    assert!(came.iter().eq(expected.take(sent)));
}

#[test]
fn the_bandwidth_of_an_allocation_holds_and_loses_nothing() {
    let relay = relay(&["--bandwidth", "100000"]);
    let (mut alice, relayed) = allocated(&relay);
    let (client, peer) = pipe(&relay, &mut alice, relayed);
    let begun = Instant::now();
    // Of 400,000 bytes 200,000 may pass at once.
    exchange(&client, &peer, 200_000);
    assert!(begun.elapsed() > Duration::from_millis(1800));
}

#[test]
fn connections_end_with_their_allocation_and_one_end_with_the_other() {
    let relay = relay(&["--threads", "2"]);
    for ends_by in 0..4 {
        let (mut alice, relayed) = allocated(&relay);
        let (mut client, mut peer) = pipe(&relay, &mut alice, relayed);
        let waiting = TcpListener::bind("127.0.0.2:0").unwrap();
        let response = connect(&mut alice, waiting.local_addr().unwrap());
        assert_eq!(response.code(), 0);
        match ends_by {
            0 => assert_eq!(alice.refresh(0).code(), 0),
            1 => alice.disconnect(),
            2 => {
                drop(peer);
                assert!(is_over(&mut client));
                continue;
            }
            _ => {
                drop(client);
                assert!(is_over(&mut peer));
                continue;
            }
        }
        assert!(is_over(&mut client) && is_over(&mut peer));
        let (mut waiting, _) = waiting.accept().unwrap();
        assert!(is_over(&mut waiting), "also who was not bound yet");
        let refused = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            TcpStream::connect(relayed).is_err()
        });
        assert!(refused, "nobody listens any more");
    }
}

#[test]
fn it_is_off_unless_it_is_switched_on() {
    let relay = Relay::start(&[]);
    let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
    let transport = (attr::REQUESTED_TRANSPORT, vec![6, 0, 0, 0]);
    assert_eq!(alice.ask(Method::ALLOCATE, &[transport]).code(), 442);
    assert_eq!(alice.allocate().code(), 0);
}
