//! DONT-FRAGMENT, and what the network says about packets (RFC 8656 sections 11.5, 14 and 18.13).

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER: &str = "1.1.1.1:7000";

fn report(world: &mut World, id: AllocationId, peer: &str, kind: u8, code: u8) -> Output {
    let error = IcmpError {
        kind,
        code,
        mtu: 1280,
    };
    let peer = peer.parse().unwrap();
    let action = world
        .server
        .handle_peer_error(world.now, id, peer, error, &mut world.buffer);
    world.carry_out(action)
}

/// The peer and the value of ICMP in a Data indication.
fn read_icmp(output: Output) -> (SocketAddr, Vec<u8>) {
    let Output::ToClient(to, bytes) = output else {
        panic!("the client is not told");
    };
    assert_eq!(to, HERE.parse().unwrap());
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::DATA)
    );
    assert_eq!(message.first(attr::DATA), None);
    let peer = message.first(attr::XOR_PEER_ADDRESS).unwrap();
    let peer = attr::read_xor_address(peer, &message.transaction()).unwrap();
    (peer, message.first(attr::ICMP).unwrap().to_vec())
}

#[test]
fn errors_of_permitted_peers_are_told_and_others_not() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(report(&mut world, id, PEER, 3, 3), Output::Nothing);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    for (kind, code, value) in [
        (3, 3, [0, 0, 6, 3, 0, 0, 0, 0]),
        (3, 4, [0, 0, 6, 4, 0, 0, 5, 0]),
        (11, 0, [0, 0, 22, 0, 0, 0, 0, 0]),
    ] {
        let told = read_icmp(report(&mut world, id, PEER, kind, code));
        assert_eq!(told, (PEER.parse().unwrap(), value.to_vec()));
    }
    for kind in [0, 4, 5, 8, 12] {
        assert_eq!(report(&mut world, id, PEER, kind, 0), Output::Nothing);
    }
    assert_eq!(world.server.counters().peer_errors, 3);
    world.wait(300);
    assert_eq!(report(&mut world, id, PEER, 3, 3), Output::Nothing);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert_eq!(report(&mut world, id, PEER, 3, 3), Output::Nothing);
}

#[test]
fn of_icmpv6_unreachable_too_big_and_time_exceeded_are_told() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let peer = "[2606:4700::1111]:53";
    let attributes = [transport_udp(), family(2)];
    alice.greet(&mut world);
    let response = alice.ask(&mut world, Method::ALLOCATE, &attributes);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    let id = world.server.allocations.with_relayed(&relayed).unwrap();
    assert_eq!(alice.bind(&mut world, 0x4000, peer), 0);
    for (kind, code, value) in [
        (1, 4, [0, 0, 2, 4, 0, 0, 0, 0]),
        (2, 0, [0, 0, 4, 0, 0, 0, 5, 0]),
        (3, 0, [0, 0, 6, 0, 0, 0, 0, 0]),
    ] {
        let told = read_icmp(report(&mut world, id, peer, kind, code));
        assert_eq!(told, (peer.parse().unwrap(), value.to_vec()));
    }
    for kind in [0, 4, 11, 128, 255] {
        assert_eq!(report(&mut world, id, peer, kind, 0), Output::Nothing);
    }
}

#[test]
fn errors_of_the_servers_own_ports_are_not_told() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    assert_eq!(
        report(&mut world, id, "192.0.2.1:22", 3, 3),
        Output::Nothing
    );
}

#[test]
fn dont_fragment_is_understood_in_allocate_and_asked_of_the_packet_it_comes_with() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let dont_fragment = (attr::DONT_FRAGMENT, vec![]);
    let attributes = [transport_udp(), dont_fragment.clone()];
    let response = alice
        .greet(&mut world)
        .ask(&mut world, Method::ALLOCATE, &attributes);
    assert_eq!(response.code(), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    for (attributes, expected) in [(vec![dont_fragment], true), (vec![], false)] {
        let transaction = TransactionId([0xdd; 12]);
        let mut attributes = attributes;
        attributes.push(peer_address(PEER, transaction));
        attributes.push((attr::DATA, b"probe".to_vec()));
        let indication = message(Class::Indication, Method::SEND, transaction, &attributes);
        let sent = world.send(alice.address, &indication);
        assert!(matches!(sent, Output::ToPeer(..)));
        assert_eq!(world.dont_fragment, expected);
    }
    world.dont_fragment = true;
    let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
    assert!(matches!(sent, Output::ToPeer(..)));
    assert!(!world.dont_fragment, "ChannelData may always be cut");
}
