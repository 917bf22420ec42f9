//! Clients that come by TCP, as they do where UDP is blocked.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use relay_support::{
    Client, Relay, channel_data, data_goes_both_ways, peer, receive, they_hear_each_other,
    who_never_reads_costs_little,
};
use turn::stun::{Method, attribute as attr};

/// How a client with an allocation comes.
type Arrival = fn(SocketAddr, &str, &str) -> (Client, SocketAddr);

const PEERS: [&str; 2] = ["--allow-peer", "127.0.0.2/31"];

/// How soon the server ends a connection after these bytes; fails if it takes longer than this.
fn is_closed_within(relay: &Relay, bytes: &[u8], patience: Duration) -> Duration {
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.write_all(bytes).unwrap();
    let begun = Instant::now();
    assert!(is_over(&stream, patience), "{bytes:02x?}");
    begun.elapsed()
}

/// Whether the server ends a connection without another word.
fn is_over(mut stream: &TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(len) => len == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn at_once() -> Duration {
    Duration::from_secs(5)
}

#[test]
fn data_goes_both_ways_in_every_size() {
    let relay = Relay::start(&PEERS);
    let (alice, relayed) = Client::allocated_by_tcp(relay.address(), "alice", "wonder");
    data_goes_both_ways(alice, relayed);
}

#[test]
fn two_relayed_clients_reach_each_other_whatever_they_come_by() {
    let relay = Relay::start(&[]);
    for bob_comes in [Client::allocated, Client::allocated_by_tcp] as [Arrival; 2] {
        let (alice, at_alice) = Client::allocated_by_tcp(relay.address(), "alice", "wonder");
        let (bob, at_bob) = bob_comes(relay.address(), "bob", "builder");
        they_hear_each_other((alice, at_alice), (bob, at_bob));
    }
}

#[test]
fn connections_are_spread_over_the_threads_and_reach_each_other() {
    let relay = Relay::start(&["--threads", "3"]);
    // One behind the other, so that each has another thread.
    let clients: [_; 4] =
        std::array::from_fn(|_| Client::allocated_by_tcp(relay.address(), "alice", "wonder"));
    let [a, b, c, d] = clients;
    they_hear_each_other(a, b);
    they_hear_each_other(c, d);
    assert_eq!(relay.busy_threads(), 3);
}

#[test]
fn an_allocation_ends_with_its_connection() {
    let relay = Relay::start(&["--user-quota", "1"]);
    let (alice, _) = Client::allocated_by_tcp(relay.address(), "alice", "wonder");
    let mut again = Client::by_tcp(relay.address(), "alice", "wonder");
    assert_eq!(again.allocate().code(), 486);
    alice.disconnect();
    // Whose bytes are read first, the end of one connection or a request on another, is open.
    let begun = Instant::now();
    while again.allocate().code() == 486 {
        assert!(begun.elapsed() < at_once());
    }
    assert_eq!(again.refresh(600).code(), 0);
}

#[test]
fn reconnecting_again_and_again_does_not_get_round_a_quota_nor_use_it_up() {
    let relay = Relay::start(&["--user-quota", "3"]);
    for _ in 0..100 {
        let mut client = Client::by_tcp(relay.address(), "alice", "wonder");
        let code = client.allocate().code();
        assert!(matches!(code, 0 | 486), "{code}");
        client.disconnect();
    }
    let mut clients: Vec<Client> = (0..5)
        .map(|_| Client::by_tcp(relay.address(), "alice", "wonder"))
        .collect();
    let codes: Vec<u16> = clients
        .iter_mut()
        .map(|client| client.allocate().code())
        .collect();
    assert_eq!(codes, [0, 0, 0, 486, 486]);
}

#[test]
fn other_protocols_are_closed_at_once() {
    let relay = Relay::start(&[]);
    for hello in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"POST / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"SSH-2.0-x\r\n",
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3],
        &[0; 20],
        &[0xff; 1200],
    ] {
        is_closed_within(&relay, hello, at_once());
    }
}

#[test]
fn lengths_that_lie_end_the_connection_and_nothing_else() {
    let relay = Relay::start(&PEERS);
    let (mut bystander, _) = Client::allocated_by_tcp(relay.address(), "bob", "builder");
    for length in [4096_u16, 65_516, 65_520, 65_532] {
        let [high, low] = length.to_be_bytes();
        is_closed_within(&relay, &[0, 1, high, low], at_once());
        is_closed_within(&relay, &[0x40, 0, high, low | 3], at_once());
    }
    let victim = peer("127.0.0.2:0");
    let (mut alice, _) = Client::allocated_by_tcp(relay.address(), "alice", "wonder");
    assert_eq!(alice.bind(0x4000, victim.local_addr().unwrap()), 0);
    // What follows a length that promises too much belongs to the data, as no one can tell.
    let mut lie = channel_data(0x4000, b"four");
    lie[3] = 8;
    alice.send(&lie);
    victim.set_nonblocking(true).unwrap();
    assert!(alice.hears_nothing());
    assert!(victim.recv_from(&mut [0; 16]).is_err());
    alice.send(&[0; 4]);
    victim.set_nonblocking(false).unwrap();
    assert_eq!(receive(&victim).0, b"four\0\0\0\0");
    assert_eq!(alice.refresh(600).code(), 0, "in step again");
    assert_eq!(bystander.refresh(600).code(), 0);
}

#[test]
fn who_does_not_finish_a_message_is_closed_in_time() {
    let relay = Relay::start(&[]);
    let silent = TcpStream::connect(relay.address()).unwrap();
    let mut slow = TcpStream::connect(relay.address()).unwrap();
    let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
    let request = alice.bare(Method::BINDING, &[(attr::DATA, vec![b'x'; 400])]);
    let begun = Instant::now();
    let mut bytes = request.chunks(4);
    while begun.elapsed() < Duration::from_secs(15) {
        // A byte now and then does not buy more time.
        let _ = slow.write_all(bytes.next().unwrap());
        std::thread::sleep(Duration::from_millis(250));
        if is_over(&slow, Duration::from_millis(1)) {
            break;
        }
    }
    let held = begun.elapsed().as_secs();
    assert!((9..15).contains(&held), "{held} s");
    assert!(is_over(&silent, at_once()));
    assert_eq!(alice.allocate().code(), 0, "who speaks is not affected");
}

#[test]
fn who_never_reads_loses_data_and_costs_little() {
    let relay = Relay::start(&PEERS);
    let come = || Client::allocated_by_tcp(relay.address(), "alice", "wonder");
    who_never_reads_costs_little(&relay, come, 160);
}

#[test]
fn who_asks_and_never_takes_the_answers_is_closed() {
    let relay = Relay::start(&[]);
    let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
    let request = alice.bare(Method::BINDING, &[]);
    let mut stream = TcpStream::connect(relay.address()).unwrap();
    stream.set_write_timeout(Some(at_once())).unwrap();
    let many = request.repeat(1000);
    let refused = (0..2000).any(|_| stream.write_all(&many).is_err());
    assert!(refused, "2 million answers are not kept for anyone");
    assert_eq!(alice.allocate().code(), 0);
}

#[test]
fn one_address_has_so_many_connections_and_not_more() {
    let relay = Relay::start(&[]);
    let mut open: Vec<TcpStream> = (0..512)
        .map(|_| TcpStream::connect(relay.address()).unwrap())
        .collect();
    let one_more = TcpStream::connect(relay.address()).unwrap();
    assert!(is_over(&one_more, at_once()));
    open.truncate(500);
    // Whose news is read first, the end of those or the next connection, is open.
    let begun = Instant::now();
    let stays = || {
        !is_over(
            &TcpStream::connect(relay.address()).unwrap(),
            Duration::from_millis(100),
        )
    };
    while !stays() {
        assert!(begun.elapsed() < at_once());
    }
    let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
    assert_eq!(alice.allocate().code(), 0);
}

#[test]
fn there_are_as_many_connections_as_configured() {
    for key in ["--max-connections", "--connections-per-address"] {
        let relay = Relay::start(&[key, "1"]);
        let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
        assert_eq!(alice.allocate().code(), 0);
        let one_more = TcpStream::connect(relay.address()).unwrap();
        assert!(is_over(&one_more, at_once()), "{key}");
        assert_eq!(alice.refresh(600).code(), 0);
    }
}

#[test]
fn a_port_that_is_busy_for_tcp_alone_is_named_with_its_protocol() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let output = relay_support::output(
        relay_support::command().args(["--user", "a:b", "--listen", &address]),
    );
    let error = String::from_utf8(output.stderr).unwrap();
    let port = other.local_addr().unwrap().port();
    assert!(error.contains(&format!("TCP port {port}")), "{error}");
    assert!(error.contains("ss -ltnp"), "{error}");
}
