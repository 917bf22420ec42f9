//! Application data, there and back, and between two clients of one server.

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER: &str = "1.1.1.1:7000";

fn peer() -> SocketAddr {
    PEER.parse().unwrap()
}

fn alice_with_channel(world: &mut World) -> (Client, AllocationId) {
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(world);
    assert_eq!(alice.bind(world, 0x4000, PEER), 0);
    (alice, id)
}

#[test]
fn channel_data_goes_both_ways_unchanged() {
    let mut world = World::new();
    let (alice, id) = alice_with_channel(&mut world);
    for len in [0, 1, 4, 172, 1200, 60_000] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let sent = alice.send_channel_data(&mut world, 0x4000, &data);
        assert_eq!(sent, Output::ToPeer(id, peer(), data.clone()));
        let came = world.send_from_peer(id, PEER, &data);
        assert_eq!(
            came,
            Output::ToClient(alice.address, channel_data(0x4000, &data))
        );
    }
    let counters = world.server.counters();
    assert_eq!((counters.to_peers, counters.to_clients), (6, 6));
    assert_eq!(counters.to_peers_bytes, 61_377);
}

#[test]
fn send_and_data_indications_go_both_ways_unchanged() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    for len in [0, 1, 2, 3, 4, 172, 1201] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let sent = alice.send_indication(&mut world, PEER, &data);
        assert_eq!(sent, Output::ToPeer(id, peer(), data.clone()));
        let Output::ToClient(to, bytes) = world.send_from_peer(id, PEER, &data) else {
            panic!("nothing came");
        };
        assert_eq!((to, read_data(&bytes)), (alice.address, (peer(), data)));
    }
}

#[test]
fn the_padding_of_a_data_indication_is_zeros() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    world.buffer.fill(0xaa);
    let Output::ToClient(_, bytes) = world.send_from_peer(id, PEER, b"x") else {
        panic!("nothing came");
    };
    assert!(bytes.ends_with(b"x\0\0\0"));
}

#[test]
fn without_permission_nothing_passes() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    assert_eq!(
        alice.send_indication(&mut world, PEER, b"x"),
        Output::Nothing
    );
    assert_eq!(
        alice.send_channel_data(&mut world, 0x4000, b"x"),
        Output::Nothing
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(
        world.send_from_peer(id, "1.1.1.2:7000", b"x"),
        Output::Nothing
    );
    assert!(matches!(
        world.send_from_peer(id, "1.1.1.1:1", b"x"),
        Output::ToClient(..)
    ));
    assert_eq!(world.server.counters().dropped, 4);
}

#[test]
fn lengths_that_lie_give_no_byte_that_was_not_sent() {
    let mut world = World::new();
    let (alice, id) = alice_with_channel(&mut world);
    // Something old lies in the buffer.
    let _ = alice.send_channel_data(&mut world, 0x4000, &[0x55; 1000]);
    for len in [5_u16, 100, 1000, 0xffff] {
        let mut datagram = channel_data(0x4000, b"four");
        datagram[2..4].copy_from_slice(&len.to_be_bytes());
        assert_eq!(
            world.send(alice.address, &datagram),
            Output::Nothing,
            "{len}"
        );
    }
    let padded = [&channel_data(0x4000, b"x")[..], &[0; 3]].concat();
    assert_eq!(
        world.send(alice.address, &padded),
        Output::ToPeer(id, peer(), b"x".to_vec())
    );
    for cut in 1..4 {
        assert_eq!(world.send(alice.address, &padded[..cut]), Output::Nothing);
    }
}

#[test]
fn a_data_attribute_that_lies_is_dropped() {
    let mut world = World::new();
    let (alice, _) = alice_with_channel(&mut world);
    let transaction = TransactionId([1; 12]);
    let attributes = [
        peer_address(PEER, transaction),
        (attr::DATA, b"four".to_vec()),
    ];
    let whole = message(Class::Indication, Method::SEND, transaction, &attributes);
    for len in [5_u16, 8, 1000, 0xffff] {
        let mut lie = whole.clone();
        let at = lie.len() - 6;
        lie[at..at + 2].copy_from_slice(&len.to_be_bytes());
        assert_eq!(world.send(alice.address, &lie), Output::Nothing, "{len}");
    }
}

#[test]
fn incomplete_or_not_understood_send_indications_are_dropped() {
    let mut world = World::new();
    let (alice, _) = alice_with_channel(&mut world);
    let transaction = TransactionId([1; 12]);
    let to = peer_address(PEER, transaction);
    let data = (attr::DATA, b"x".to_vec());
    let unknown = (0x7ffe, vec![]);
    for attributes in [
        vec![to.clone()],
        vec![data.clone()],
        vec![to, data, unknown],
    ] {
        let indication = message(Class::Indication, Method::SEND, transaction, &attributes);
        assert_eq!(world.send(alice.address, &indication), Output::Nothing);
    }
}

#[test]
fn another_address_of_the_client_has_no_part_in_the_allocation() {
    let mut world = World::new();
    let (alice, _) = alice_with_channel(&mut world);
    for address in ["198.51.100.7:4001", "198.51.100.8:4000"] {
        let datagram = channel_data(0x4000, b"x");
        assert_eq!(
            world.send(address.parse().unwrap(), &datagram),
            Output::Nothing
        );
    }
    assert_eq!(alice.address, HERE.parse().unwrap());
}

#[test]
fn data_for_an_allocation_that_is_gone_is_dropped_also_when_its_place_is_taken() {
    let mut world = World::new();
    let (mut alice, old) = alice_with_channel(&mut world);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.send_from_peer(old, PEER, b"x"), Output::Nothing);
    let (alice, new) = alice_with_channel(&mut world);
    assert_eq!(
        (old.slot(), alice.address),
        (new.slot(), HERE.parse().unwrap())
    );
    assert_eq!(world.send_from_peer(old, PEER, b"x"), Output::Nothing);
    assert!(matches!(
        world.send_from_peer(new, PEER, b"x"),
        Output::ToClient(..)
    ));
}

/// Two clients of this server with an allocation each.
fn two_clients(world: &mut World) -> (Client, SocketAddr, Client, SocketAddr) {
    let mut alice = Client::alice(HERE);
    let (_, alice_relayed) = alice.allocated(world);
    let mut bob = Client::new("203.0.113.9:5000", "bob", "builder");
    let (_, bob_relayed) = bob.allocated(world);
    (alice, alice_relayed, bob, bob_relayed)
}

#[test]
fn two_relayed_clients_of_one_server_talk_without_the_kernel() {
    let mut world = World::new();
    let (mut alice, alice_relayed, mut bob, bob_relayed) = two_clients(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, &bob_relayed.to_string()), 0);
    let unpermitted = alice.send_channel_data(&mut world, 0x4000, b"x");
    assert_eq!(unpermitted, Output::Nothing, "bob has to permit it, too");

    assert_eq!(bob.permit(&mut world, &[RELAY_V4]), 0);
    let Output::ToClient(to, bytes) = alice.send_channel_data(&mut world, 0x4000, b"hi") else {
        panic!("nothing came");
    };
    assert_eq!(
        (to, read_data(&bytes)),
        (bob.address, (alice_relayed, b"hi".to_vec()))
    );

    assert_eq!(bob.bind(&mut world, 0x4abc, &alice_relayed.to_string()), 0);
    let came = alice.send_channel_data(&mut world, 0x4000, b"hi");
    assert_eq!(
        came,
        Output::ToClient(bob.address, channel_data(0x4abc, b"hi"))
    );
    let came = bob.send_indication(&mut world, &alice_relayed.to_string(), b"ho");
    assert_eq!(
        came,
        Output::ToClient(alice.address, channel_data(0x4000, b"ho"))
    );
    assert_eq!(world.server.counters().direct, 3);
    assert_eq!(world.server.counters().to_peers, 0);
}

#[test]
fn they_also_do_behind_a_1_to_1_nat() {
    let mut config = config();
    config.relays[0] = RelayAddress {
        bind: "10.0.0.5".parse().unwrap(),
        announced: "192.0.2.200".parse().unwrap(),
    };
    let mut world = World::with(config);
    let (mut alice, alice_relayed, mut bob, bob_relayed) = two_clients(&mut world);
    assert_eq!(
        alice_relayed.ip(),
        "192.0.2.200".parse::<std::net::IpAddr>().unwrap()
    );
    assert_eq!(alice.bind(&mut world, 0x4000, &bob_relayed.to_string()), 0);
    assert_eq!(bob.bind(&mut world, 0x4000, &alice_relayed.to_string()), 0);
    let came = alice.send_channel_data(&mut world, 0x4000, b"hi");
    assert_eq!(
        came,
        Output::ToClient(bob.address, channel_data(0x4000, b"hi"))
    );
    assert_eq!(alice.permit(&mut world, &["10.0.0.5"]), 403);
}

#[test]
fn a_client_that_sends_to_itself_gets_its_packet_once() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, relayed) = alice.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, &relayed.to_string()), 0);
    let came = alice.send_channel_data(&mut world, 0x4000, b"me");
    assert_eq!(
        came,
        Output::ToClient(alice.address, channel_data(0x4000, b"me"))
    );
    assert_eq!(world.server.counters().direct, 1);
}

#[test]
fn channel_data_takes_nothing_from_the_heap() {
    let mut world = World::new();
    let (alice, id) = alice_with_channel(&mut world);
    let mut carol = Client::alice("198.51.100.9:4000");
    let (_, carol_relayed) = carol.allocated(&mut world);
    let mut bob = Client::new("203.0.113.9:5000", "bob", "builder");
    let (_, bob_relayed) = bob.allocated(&mut world);
    assert_eq!(carol.bind(&mut world, 0x4000, &bob_relayed.to_string()), 0);
    assert_eq!(bob.bind(&mut world, 0x4000, &carol_relayed.to_string()), 0);
    let message = channel_data(0x4000, &[7; 172]);
    let whole = HEADROOM..HEADROOM + message.len();
    let data = whole.start + 4..whole.end;
    let (of_alice, of_carol) = (world.path(alice.address), world.path(carol.address));
    let World {
        server,
        now,
        buffer,
        ..
    } = &mut world;
    let mut up = 0;
    let mut down = 0;
    let mut direct = 0;
    let taken = allocation_counter::measure(|| {
        for _ in 0..1000 {
            buffer[whole.clone()].copy_from_slice(&message);
            let action = server.handle_datagram(*now, of_alice, buffer, whole.clone());
            up += u32::from(matches!(action, Action::ToPeer { .. }));
            let action = server.handle_relayed(*now, id, peer(), buffer, data.clone());
            down += u32::from(matches!(action, Action::ToClient { .. }));
            let action = server.handle_datagram(*now, of_carol, buffer, whole.clone());
            direct += u32::from(matches!(action, Action::ToClient { .. }));
        }
    });
    assert_eq!((up, down, direct), (1000, 1000, 1000));
    assert_eq!(taken.count_total, 0);
}
