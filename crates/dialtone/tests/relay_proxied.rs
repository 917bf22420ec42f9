//! The relay behind a load balancer that says who its clients are.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod proxy_support;
mod relay_support;
mod tls_support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use proxy_support::{TRUST, binary, connect, local, raw_binary, text};
use relay_support::{Client, Relay, they_hear_each_other};
use tls_support::Identity;
use turn::stun::{Method, attribute as attr};

const AT_ONCE: Duration = Duration::from_secs(5);

fn relay(identity: &Identity) -> Relay {
    let flags = identity.flags(&[&TRUST[..], &["--tls", "127.0.0.1:0"]].concat());
    Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Where the relay sees a client.
fn mapped(client: &mut Client) -> SocketAddr {
    let request = client.bare(Method::BINDING, &[]);
    client
        .exchange(&request)
        .address(attr::XOR_MAPPED_ADDRESS)
        .unwrap()
}

/// Whether the relay ends a connection with no more than an alert of TLS.
fn is_over(mut stream: &TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut said = Vec::new();
    let ended = match stream.read_to_end(&mut said) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    ended && said.first().is_none_or(|first| *first == 0x15)
}

fn by_tcp(relay: &Relay, header: &[u8]) -> Client {
    Client::on_stream(connect(relay.address(), header), "alice", "wonder")
}

fn by_tls(relay: &Relay, identity: &Identity, header: &[u8]) -> Client {
    let stream = connect(relay.tls_address(), header);
    let stream = identity.client().try_connect_on(stream).unwrap();
    Client::by_tls(stream, "alice", "wonder")
}

#[test]
fn clients_are_who_the_balancer_says() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for client in ["203.0.113.7:5000", "[2001:db8::7]:5000"] {
        for header in [text(client), binary(client)] {
            let expected = client.parse().unwrap();
            assert_eq!(mapped(&mut by_tcp(&relay, &header)), expected);
            assert_eq!(mapped(&mut by_tls(&relay, &identity, &header)), expected);
        }
    }
}

#[test]
fn a_balancer_may_speak_for_itself() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for header in [local(), b"PROXY UNKNOWN\r\n".to_vec()] {
        let mut client = by_tcp(&relay, &header);
        let own = client.socket().local_addr().unwrap();
        assert_eq!(mapped(&mut client), own);
    }
}

#[test]
fn their_calls_are_relayed_beside_those_who_come_directly() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let allocate = |mut client: Client| {
        let response = client.allocate();
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        (client, relayed)
    };
    let alice = allocate(by_tcp(&relay, &binary("203.0.113.7:5000")));
    let bob = allocate(by_tls(&relay, &identity, &text("203.0.113.8:5000")));
    they_hear_each_other(alice, bob);
    let alice = allocate(by_tls(&relay, &identity, &binary("203.0.113.9:5000")));
    they_hear_each_other(alice, Client::allocated(relay.address(), "bob", "builder"));
    let alice = allocate(by_tcp(&relay, &text("203.0.113.10:5000")));
    they_hear_each_other(
        alice,
        Client::allocated_by_tcp(relay.address(), "bob", "builder"),
    );
}

#[test]
fn a_header_may_come_byte_by_byte_and_with_what_follows() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for header in [text("203.0.113.7:5000"), binary("203.0.113.7:5001")] {
        let mut stream = connect(relay.address(), &[]);
        stream.set_nodelay(true).unwrap();
        for byte in header.chunks(1) {
            stream.write_all(byte).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut client = Client::on_stream(stream, "alice", "wonder");
        assert_eq!(
            mapped(&mut client).ip(),
            SocketAddr::from(([203, 0, 113, 7], 0)).ip()
        );
    }
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42transaction!";
    let all = [&text("203.0.113.7:5002")[..], binding].concat();
    let mut answer = [0; 2];
    connect(relay.address(), &all)
        .read_exact(&mut answer)
        .unwrap();
    assert_eq!(answer, [1, 1]);
}

#[test]
fn a_balancer_that_says_nothing_or_nonsense_is_closed() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for nonsense in [
        &b"\0\x01\0\0\x21\x12\xa4\x42transaction!"[..],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PROXY TCP4 203.0.113.7 198.51.100.1 5000\r\n",
        b"PROXY TCP4 203.0.113.777 198.51.100.1 5000 443\r\n",
        &[b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(),
        &raw_binary(0x21, 0x11, &[1; 11]),
        &raw_binary(0x21, 0x12, &[1; 12]),
        &raw_binary(0x31, 0x11, &[1; 12]),
        &raw_binary(0x21, 0x11, &[1; 4000]),
        &[&text("203.0.113.7:5000")[..], &text("203.0.113.7:5000")].concat(),
    ] {
        for at in [relay.address(), relay.tls_address()] {
            assert!(is_over(&connect(at, nonsense), AT_ONCE), "{nonsense:02x?}");
        }
    }
    let unfinished = [
        connect(relay.address(), b"PROXY TCP4 "),
        connect(relay.tls_address(), &[]),
    ];
    let begun = Instant::now();
    for stream in &unfinished {
        assert!(is_over(stream, 3 * AT_ONCE));
    }
    let held = begun.elapsed().as_secs();
    assert!((8..15).contains(&held), "{held} s");
}

#[test]
fn nobody_else_is_believed() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for at in [relay.address(), relay.tls_address()] {
        for header in [
            text("203.0.113.7:5000"),
            binary("203.0.113.7:5000"),
            local(),
        ] {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.write_all(&header).unwrap();
            assert!(is_over(&stream, AT_ONCE), "{header:02x?}");
        }
    }
    let mut direct = Client::by_tcp(relay.address(), "alice", "wonder");
    let own = direct.socket().local_addr().unwrap();
    assert_eq!(mapped(&mut direct), own);
}

#[test]
fn limits_are_those_of_the_clients() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42transaction!";
    let begin = |client: &str| {
        let mut stream = connect(relay.address(), &[&binary(client)[..], binding].concat());
        let answered = stream.read_exact(&mut [0; 32]);
        (stream, answered.is_ok())
    };
    let many: Vec<_> = (0..512)
        .map(|n| begin(&format!("203.0.113.7:{}", 1000 + n)))
        .collect();
    assert!(many.iter().all(|(_, answered)| *answered));
    assert!(!begin("203.0.113.7:5000").1, "one too many");
    assert!(begin("203.0.113.8:5000").1, "somebody else");
}

#[test]
fn a_client_that_comes_again_by_the_same_port_takes_the_place_of_its_old_connection() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let mut old = by_tcp(&relay, &binary("203.0.113.7:5000"));
    assert_eq!(old.allocate().code(), 0);
    let mut new = by_tcp(&relay, &binary("203.0.113.7:5000"));
    assert_eq!(
        new.refresh(600).code(),
        437,
        "the allocation went with the old one"
    );
    assert!(is_over(&old.socket(), AT_ONCE));
    assert_eq!(new.allocate().code(), 0);
}
