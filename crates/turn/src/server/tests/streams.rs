//! Clients that come by TCP and TLS.

use super::*;

const HERE: &str = "198.51.100.7:4000";
const THERE: &str = "198.51.100.8:5000";
const PEER: &str = "1.1.1.1:7000";

#[test]
fn equal_addresses_with_another_transport_are_somebody_else() {
    let mut world = World::new();
    let mut by_udp = Client::alice(HERE);
    let mut by_tcp = Client::alice(HERE);
    let (udp, _) = by_udp.allocated(&mut world);
    world.transport = Transport::Tcp;
    let (tcp, _) = by_tcp.allocated(&mut world);
    assert_ne!(udp, tcp);
    assert_eq!(by_tcp.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.closed, [tcp]);
    assert_eq!(by_tcp.refresh(&mut world, 600).code(), 437);
    world.transport = Transport::Tls;
    assert_eq!(by_udp.refresh(&mut world, 600).code(), 437);
    world.transport = Transport::Udp;
    assert_eq!(by_udp.refresh(&mut world, 600).code(), 0);
}

#[test]
fn an_allocation_ends_with_its_connection_and_no_other_does() {
    let mut world = World::new();
    let mut by_udp = Client::alice(HERE);
    by_udp.allocated(&mut world);
    world.transport = Transport::Tcp;
    let mut by_tcp = Client::alice(HERE);
    let (tcp, _) = by_tcp.allocated(&mut world);
    let path = world.path(by_tcp.address);
    assert!(world.server.has_allocation(&path));
    for _ in 0..2 {
        world.server.handle_disconnected(path);
        world.drain();
    }
    assert_eq!(world.closed, [tcp]);
    assert!(!world.server.has_allocation(&path));
    assert_eq!(world.server.counters().allocations, 1);
    by_tcp.allocated(&mut world);
}

#[test]
fn channel_data_is_padded_with_zeros() {
    let mut world = World::new();
    for transport in [Transport::Tcp, Transport::Tls] {
        world.transport = transport;
        let mut alice = Client::alice(HERE);
        let (id, _) = alice.allocated(&mut world);
        assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
        for len in [0, 1, 2, 3, 4, 172, 60_001] {
            world.buffer.fill(0xaa);
            let data = vec![7; len];
            let mut expected = channel_data(0x4000, &data);
            expected.resize(4 + len.next_multiple_of(4), 0);
            let came = world.send_from_peer(id, PEER, &data);
            assert_eq!(came, Output::ToClient(alice.address, expected));
        }
    }
}

#[test]
fn a_client_by_udp_and_one_by_tcp_reach_each_other_directly() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, at_alice) = alice.allocated(&mut world);
    world.transport = Transport::Tcp;
    let mut bob = Client::new(THERE, "bob", "builder");
    let (_, at_bob) = bob.allocated(&mut world);
    assert_eq!(bob.bind(&mut world, 0x4001, &at_alice.to_string()), 0);
    world.transport = Transport::Udp;
    assert_eq!(alice.bind(&mut world, 0x4000, &at_bob.to_string()), 0);
    let to_bob = alice.send_channel_data(&mut world, 0x4000, b"hello");
    let padded = [&channel_data(0x4001, b"hello")[..], &[0; 3]].concat();
    assert_eq!(to_bob, Output::ToClient(bob.address, padded));
    world.transport = Transport::Tcp;
    let to_alice = bob.send_channel_data(&mut world, 0x4001, b"hello");
    let exact = channel_data(0x4000, b"hello");
    assert_eq!(to_alice, Output::ToClient(alice.address, exact));
}
