//! Clients that come by TLS, as they do where only that passes.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use relay_support::{
    Client, Relay, channel_data, data_goes_both_ways, peer, receive, they_hear_each_other,
    who_never_reads_costs_little,
};
use tls_support::{Identity, Tls, TlsClient};
use turn::stun::{Method, attribute as attr};

const PATIENCE: Duration = Duration::from_secs(5);

/// A relay with this certificate, which may reach 127.0.0.2/31.
fn relay(identity: &Identity) -> Relay {
    let peers = ["--allow-peer", "127.0.0.2/31", "--tls", "127.0.0.1:0"];
    let flags = identity.flags(&peers);
    Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

fn alice(relay: &Relay, client: &TlsClient) -> (Client, SocketAddr) {
    Client::allocated_by_tls(client.connect(relay.tls_address()), "alice", "wonder")
}

/// Whether the server ends a connection, whatever it says before.
fn is_over(mut stream: &TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).unwrap();
    loop {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn data_goes_both_ways_in_every_size_and_version() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for version in rustls::ALL_VERSIONS {
        let client = identity.client().version(&identity, version);
        let (alice, relayed) = alice(&relay, &client);
        data_goes_both_ways(alice, relayed);
    }
}

#[test]
fn relayed_clients_reach_each_other_whatever_they_come_by() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let at = relay.address();
    let alice = || alice(&relay, &identity.client());
    they_hear_each_other(alice(), alice());
    they_hear_each_other(alice(), Client::allocated(at, "bob", "builder"));
    they_hear_each_other(alice(), Client::allocated_by_tcp(at, "bob", "builder"));
}

#[test]
fn a_client_may_name_stun_or_turn_or_nothing_and_nothing_else() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for (offered, agreed) in [
        (&[][..], None),
        (&["stun.turn"], Some("stun.turn")),
        (&["stun.nat-discovery"], Some("stun.nat-discovery")),
        (&["http/1.1", "stun.turn"], Some("stun.turn")),
    ] {
        let stream = identity.client().alpn(offered).connect(relay.tls_address());
        assert_eq!(stream.conn.alpn_protocol(), agreed.map(str::as_bytes));
        Client::allocated_by_tls(stream, "alice", "wonder");
    }
    let web = identity.client().alpn(&["http/1.1"]);
    assert!(web.try_connect(relay.tls_address()).is_err());
}

#[test]
fn sessions_are_resumed() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for version in rustls::ALL_VERSIONS {
        let client = identity.client().version(&identity, version);
        let kinds = [(); 2].map(|()| {
            let mut stream = client.connect(relay.tls_address());
            let kind = stream.conn.handshake_kind();
            // Tickets come behind the handshake; an answer comes behind them.
            let request = [&b"\0\x01\0\0\x21\x12\xa4\x42"[..], b"transaction!"].concat();
            stream.write_all(&request).unwrap();
            stream.read_exact(&mut [0; 20]).unwrap();
            kind
        });
        let expected = [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed];
        assert_eq!(kinds, expected.map(Some), "{version:?}");
    }
}

#[test]
fn a_certificate_is_replaced_while_connections_live() {
    let mut identity = Identity::new();
    let relay = relay(&identity);
    let old = identity.client();
    let peer = peer("127.0.0.2:0");
    let (mut alice, relayed) = alice(&relay, &old);
    assert_eq!(alice.bind(0x4000, peer.local_addr().unwrap()), 0);

    std::fs::write(identity.cert(), "not a certificate").unwrap();
    relay.signal("-HUP");
    std::thread::sleep(Duration::from_millis(200));
    let unchanged = old.fresh().try_connect(relay.tls_address());
    assert!(unchanged.is_ok(), "bad files change nothing");
    identity.replace();
    relay.signal("-HUP");
    let new = identity.client();
    let begun = Instant::now();
    while new.try_connect(relay.tls_address()).is_err() {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(old.fresh().try_connect(relay.tls_address()).is_err());

    alice.send_channel_data(0x4000, b"still there");
    assert_eq!(receive(&peer), (b"still there".to_vec(), relayed));
    peer.send_to(b"so am I", relayed).unwrap();
    assert_eq!(alice.receive(), channel_data(0x4000, b"so am I"));
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn other_protocols_are_closed_at_once() {
    let identity = Identity::new();
    let relay = relay(&identity);
    for hello in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"\0\x01\0\0\x21\x12\xa4\x42transaction!",
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3],
        &[0; 1200],
        &[0xff; 1200],
    ] {
        let mut stream = TcpStream::connect(relay.tls_address()).unwrap();
        stream.write_all(hello).unwrap();
        assert!(is_over(&stream, PATIENCE), "{hello:02x?}");
        let mut inside = identity.client().connect(relay.tls_address());
        if hello[0] != 0 || hello[1] != 1 {
            inside.write_all(hello).unwrap();
            assert!(inside.read(&mut [0; 64]).is_err(), "{hello:02x?}");
        }
    }
}

#[test]
fn garbage_after_the_handshake_ends_the_connection_and_nothing_else() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let (mut bystander, _) = alice(&relay, &identity.client());
    for garbage in [
        &[0xff; 64][..],
        // A record that cannot be deciphered, one that is too long, an alert of no kind.
        &[&[0x17, 3, 3, 0, 32], &[7; 32][..]].concat(),
        &[0x17, 3, 3, 0xff, 0xff, 0],
        &[0x15, 3, 3, 0, 2, 9, 9],
    ] {
        let (alice, _) = alice(&relay, &identity.client());
        let socket = alice.socket();
        (&socket).write_all(garbage).unwrap();
        assert!(is_over(&socket, PATIENCE), "{garbage:02x?}");
    }
    assert_eq!(bystander.refresh(600).code(), 0);
}

#[test]
fn who_does_not_finish_is_closed_in_time() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let connect = || TcpStream::connect(relay.tls_address()).unwrap();
    let silent = connect();
    // A handshake byte by byte, a handshake half done, one done and a request byte by byte.
    let mut slow = identity.client().begin(connect());
    let mut hello = Vec::new();
    slow.conn.write_tls(&mut hello).unwrap();
    let mut hello = hello.chunks(1);
    let mut half = identity.client().begin(connect());
    half.conn.write_tls(&mut half.sock).unwrap();
    let mut slow_inside = identity.client().connect(relay.tls_address());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        let _ = slow.sock.write_all(hello.next().unwrap());
        let _ = slow_inside.write_all(&[0]);
        std::thread::sleep(Duration::from_millis(200));
        if is_over(&slow.sock, Duration::from_millis(1)) {
            break;
        }
    }
    let held = begun.elapsed().as_secs();
    assert!((8..15).contains(&held), "{held} s");
    for socket in [&silent, &half.sock, &slow_inside.sock] {
        assert!(is_over(socket, PATIENCE));
    }
    let (mut alice, _) = alice(&relay, &identity.client());
    assert_eq!(alice.refresh(600).code(), 0, "who speaks is not affected");
}

#[test]
fn who_never_reads_loses_data_and_costs_little() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let come = || alice(&relay, &identity.client());
    // As much as by TCP, and what waits inside of TLS.
    who_never_reads_costs_little(&relay, come, 160 + 64);
}

#[test]
fn who_asks_and_never_takes_the_answers_is_closed() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let mut alice = Client::by_tcp(relay.address(), "alice", "wonder");
    let many = alice.bare(Method::BINDING, &[]).repeat(1000);
    let mut stream: Tls = identity.client().connect(relay.tls_address());
    stream.sock.set_write_timeout(Some(PATIENCE)).unwrap();
    // As `write_all` on the stream would read answers, too.
    let refused = (0..2000).any(|_| {
        stream.conn.writer().write_all(&many).unwrap();
        let mut sent = Ok(1);
        while sent.is_ok() && stream.conn.wants_write() {
            sent = stream.conn.write_tls(&mut stream.sock);
        }
        sent.is_err()
    });
    assert!(refused, "2 million answers are not kept for anyone");
    assert_eq!(alice.allocate().code(), 0);
}

#[test]
fn an_allocation_ends_with_its_connection_and_quotas_hold() {
    let identity = Identity::new();
    let flags = identity.flags(&["--tls", "127.0.0.1:0", "--user-quota", "1"]);
    let relay = Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let (first, _) = alice(&relay, &identity.client());
    let stream = identity.client().connect(relay.tls_address());
    let mut again = Client::by_tls(stream, "alice", "wonder");
    assert_eq!(again.allocate().code(), 486);
    first.disconnect();
    let begun = Instant::now();
    while again.allocate().code() == 486 {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn the_own_tls_port_is_no_peer() {
    let identity = Identity::new();
    let relay = relay(&identity);
    let (mut alice, _) = alice(&relay, &identity.client());
    assert_eq!(alice.bind(0x4000, relay.tls_address()), 403);
    assert_eq!(
        alice
            .ask(Method::REFRESH, &[(attr::LIFETIME, vec![0; 4])])
            .code(),
        0
    );
}
