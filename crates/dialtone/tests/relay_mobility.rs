//! Allocations that move with their clients (RFC 8016), with one thread and between threads.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::{SocketAddr, UdpSocket};

use relay_support::{Client, Relay, channel_data, peer, receive};
use turn::stun::{Method, attribute as attr};

const ALLOW: [&str; 2] = ["--allow-peer", "127.0.0.2"];

/// A client with an allocation that a channel leads through, and what it needs to move it.
struct Mover {
    client: Client,
    relayed: SocketAddr,
    ticket: Vec<u8>,
}

impl Mover {
    fn new(mut client: Client, peer: &UdpSocket) -> Mover {
        let attributes = [
            (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
            (attr::MOBILITY_TICKET, vec![]),
        ];
        let response = client.ask(Method::ALLOCATE, &attributes);
        assert_eq!(response.code(), 0);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        let ticket = response.first(attr::MOBILITY_TICKET).unwrap();
        assert_eq!(client.bind(0x4000, peer.local_addr().unwrap()), 0);
        Mover {
            client,
            relayed,
            ticket,
        }
    }

    /// From now on the allocation is that of another client of the same user.
    fn move_to(&mut self, client: Client) {
        self.client = client;
        let attributes = [(attr::MOBILITY_TICKET, self.ticket.clone())];
        let response = self.client.ask(Method::REFRESH, &attributes);
        assert_eq!(response.code(), 0);
        self.ticket = response.first(attr::MOBILITY_TICKET).unwrap();
    }

    /// The peer sees no change.
    fn talk(&mut self, peer: &UdpSocket) {
        self.client.send_channel_data(0x4000, b"to the peer");
        assert_eq!(receive(peer), (b"to the peer".to_vec(), self.relayed));
        peer.send_to(b"and back", self.relayed).unwrap();
        assert_eq!(self.client.receive(), channel_data(0x4000, b"and back"));
    }
}

/// However the system spreads the addresses of a client over threads.
#[test]
fn an_allocation_follows_its_client_from_thread_to_thread() {
    for threads in ["1", "4"] {
        let relay = Relay::start(&[&ALLOW[..], &["--threads", threads]].concat());
        let server = relay.address();
        let peer = peer("127.0.0.2:0");
        let mut alice = Mover::new(Client::new(server, "alice", "wonder"), &peer);
        alice.talk(&peer);
        for _ in 0..16 {
            alice.move_to(Client::new(server, "alice", "wonder"));
            alice.talk(&peer);
            assert_eq!(alice.client.permit(peer.local_addr().unwrap()), 0);
        }
        assert_eq!(alice.client.refresh(0).code(), 0);
        assert_eq!(alice.client.refresh(600).code(), 437);
        let (_bob, relayed) = Client::allocated(server, "bob", "builder");
        assert_ne!(relayed, alice.relayed, "what it left stands for nobody");
    }
}

/// From UDP to TCP, from connection to connection, and back, as the ways of a phone change.
#[test]
fn an_allocation_follows_its_client_from_transport_to_transport() {
    let relay = Relay::start(&[&ALLOW[..], &["--threads", "3"]].concat());
    let server = relay.address();
    let peer = peer("127.0.0.2:0");
    for _ in 0..6 {
        let mut alice = Mover::new(Client::new(server, "alice", "wonder"), &peer);
        alice.move_to(Client::by_tcp(server, "alice", "wonder"));
        alice.talk(&peer);
        let next = Client::by_tcp(server, "alice", "wonder");
        let before = std::mem::replace(&mut alice.client, next);
        before.disconnect();
        let next = Client::by_tcp(server, "alice", "wonder");
        alice.move_to(next);
        alice.talk(&peer);
        assert_eq!(alice.client.permit(peer.local_addr().unwrap()), 0);
        alice.move_to(Client::new(server, "alice", "wonder"));
        alice.talk(&peer);
        alice.move_to(Client::by_tcp(server, "alice", "wonder"));
        assert_eq!(alice.client.refresh(0).code(), 0);
    }
}

/// Whoever has read a ticket on the wire can do nothing with it.
#[test]
fn other_users_tickets_and_used_ones_move_nothing() {
    let relay = Relay::start(&[&ALLOW[..], &["--threads", "2"]].concat());
    let server = relay.address();
    let peer = peer("127.0.0.2:0");
    let mut alice = Mover::new(Client::new(server, "alice", "wonder"), &peer);
    let first = alice.ticket.clone();
    alice.move_to(Client::new(server, "alice", "wonder"));
    for _ in 0..8 {
        let mut bob = Client::new(server, "bob", "builder");
        let attributes = [(attr::MOBILITY_TICKET, alice.ticket.clone())];
        assert_eq!(bob.ask(Method::REFRESH, &attributes).code(), 441);
        let mut late = Client::new(server, "alice", "wonder");
        let attributes = [(attr::MOBILITY_TICKET, first.clone())];
        assert_eq!(late.ask(Method::REFRESH, &attributes).code(), 400);
    }
    alice.talk(&peer);
}

#[test]
fn an_operator_can_switch_it_off() {
    let relay = Relay::start(&["--mobility", "false"]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let attributes = [
        (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
        (attr::MOBILITY_TICKET, vec![]),
    ];
    assert_eq!(alice.ask(Method::ALLOCATE, &attributes).code(), 405);
    assert_eq!(alice.allocate().code(), 0);
}
