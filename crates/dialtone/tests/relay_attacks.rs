//! What will be tried against the relay, and what comes of it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::{SocketAddr, UdpSocket};

use relay_support::{Client, Relay, channel_data, peer};
use turn::stun::{Class, Method, TransactionId, Writer, attribute as attr};

#[test]
fn denied_peers_are_refused_and_nothing_is_sent_to_them() {
    let relay = Relay::start(&[]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let victim = peer("127.0.0.2:0");
    for ip in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.2",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        let address = SocketAddr::new(ip.parse().unwrap(), victim.local_addr().unwrap().port());
        assert_eq!(alice.permit(address), 403, "{ip}");
        assert_eq!(alice.bind(0x4000, address), 403, "{ip}");
        alice.send_indication(address, b"x");
    }
    victim.set_nonblocking(true).unwrap();
    assert!(victim.recv_from(&mut [0; 16]).is_err());
    assert!(alice.hears_nothing());
}

#[test]
fn the_servers_own_ports_are_closed_and_its_relay_ports_open() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.0/8"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let (_bob, at_bob) = Client::allocated(relay.address(), "bob", "builder");
    let service = peer("127.0.0.1:0");
    let service_address = service.local_addr().unwrap();
    assert_eq!(alice.permit(service_address), 0, "permissions know no port");
    for closed in [service_address, relay.address()] {
        assert_eq!(alice.bind(0x4000, closed), 403);
        alice.send_indication(closed, b"x");
    }
    service.set_nonblocking(true).unwrap();
    assert!(service.recv_from(&mut [0; 16]).is_err());
    assert_eq!(alice.bind(0x4000, at_bob), 0);
}

#[test]
fn not_even_its_name_opens_the_server_itself() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.1/32"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let service = peer("127.0.0.1:0");
    assert_eq!(alice.bind(0x4000, service.local_addr().unwrap()), 403);
    assert_eq!(alice.bind(0x4001, relay.address()), 403);
}

#[test]
fn strangers_get_small_answers_or_none() {
    let relay = Relay::start(&[]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let binding = alice.bare(Method::BINDING, &[]);
    assert!(alice.exchange(&binding).0.len() * 10 <= binding.len() * 16);
    for datagram in [
        &b""[..],
        &[0; 20],
        &[0xff; 1200],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &channel_data(0x4000, b"x"),
        &binding[..19],
    ] {
        alice.send(datagram);
    }
    for class in [Class::Indication, Class::Success, Class::Error] {
        let mut buffer = [0; 20];
        let _ = Writer::new(&mut buffer, class, Method::BINDING, TransactionId([0; 12]));
        alice.send(&buffer);
    }
    assert!(alice.hears_nothing());
}

#[test]
fn lengths_that_lie_bring_nothing_through_and_nothing_down() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.2/32"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let victim = peer("127.0.0.2:0");
    assert_eq!(alice.bind(0x4000, victim.local_addr().unwrap()), 0);
    for lie in [5_u16, 1000, 0xfffc, 0xffff] {
        let mut datagram = channel_data(0x4000, b"four");
        datagram[2..4].copy_from_slice(&lie.to_be_bytes());
        alice.send(&datagram);
        let mut request = alice.bare(Method::ALLOCATE, &[(attr::USERNAME, b"four".to_vec())]);
        request[22..24].copy_from_slice(&lie.to_be_bytes());
        alice.send(&request);
        request[2..4].copy_from_slice(&lie.to_be_bytes());
        alice.send(&request);
    }
    assert!(alice.hears_nothing());
    victim.set_nonblocking(true).unwrap();
    assert!(victim.recv_from(&mut [0; 16]).is_err());
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn a_flood_of_strangers_leaves_memory_as_it_was_and_users_served() {
    let relay = Relay::start(&[]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let flood = |round: u8| {
        for source in 0..40_u8 {
            let socket = UdpSocket::bind((format!("127.{round}.{source}.1"), 0)).unwrap();
            for n in 0..250_u32 {
                let mut buffer = [0; 40];
                let mut id = [round; 12];
                id[..4].copy_from_slice(&n.to_be_bytes());
                let method = [Method::BINDING, Method::ALLOCATE][n as usize % 2];
                let len = Writer::new(&mut buffer, Class::Request, method, TransactionId(id))
                    .finish()
                    .unwrap();
                socket.send_to(&buffer[..len], relay.address()).unwrap();
            }
        }
    };
    flood(1);
    let before = relay.resident();
    for round in 2..10 {
        flood(round);
    }
    let after = relay.resident();
    assert!(
        after <= before + 1024,
        "{before} kB before, {after} kB after"
    );
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn a_quota_holds_and_is_right_afterwards() {
    let relay = Relay::start(&["--user-quota", "3"]);
    let mut clients: Vec<Client> = (0..5)
        .map(|_| Client::new(relay.address(), "alice", "wonder"))
        .collect();
    let codes: Vec<u16> = clients
        .iter_mut()
        .map(|client| client.allocate().code())
        .collect();
    assert_eq!(codes, [0, 0, 0, 486, 486]);
    assert_eq!(
        Client::new(relay.address(), "bob", "builder")
            .allocate()
            .code(),
        0
    );
    assert_eq!(clients[0].refresh(0).code(), 0);
    assert_eq!(clients[3].allocate().code(), 0);
    assert_eq!(clients[4].allocate().code(), 486);
}
