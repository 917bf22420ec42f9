//! Two servers on one machine that share their relay addresses, behind a 1:1 NAT.

use std::sync::Arc;

use super::*;

const INSIDE: &str = "10.0.0.5";

/// Two worlds of one machine, whose next relay ports differ.
pub(super) fn twins() -> (World, World) {
    let mut config = config();
    config.relays[0].bind = INSIDE.parse().unwrap();
    let siblings = Arc::new(Siblings::new(&config.relays));
    let world = |number, first_port| {
        let mut world = World::with(config.clone());
        world.server = world
            .server
            .among(siblings.clone(), Shard { number, count: 2 });
        world.next_port = first_port;
        world
    };
    (world(0, 50_000), world(1, 51_000))
}

#[test]
fn clients_of_two_siblings_talk_and_both_see_announced_addresses() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice("198.51.100.7:4000");
    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    let (of_alice, relayed_alice) = alice.allocated(&mut here);
    let (of_bob, relayed_bob) = bob.allocated(&mut there);
    assert_eq!(alice.bind(&mut here, 0x4000, &relayed_bob.to_string()), 0);
    assert_eq!(bob.bind(&mut there, 0x4001, &relayed_alice.to_string()), 0);

    let bobs_socket = SocketAddr::new(INSIDE.parse().unwrap(), relayed_bob.port());
    assert_eq!(
        alice.send_channel_data(&mut here, 0x4000, b"hi"),
        Output::ToPeer(of_alice, bobs_socket, b"hi".to_vec()),
        "within the machine, whatever the router does"
    );
    let alices_socket = format!("{INSIDE}:{}", relayed_alice.port());
    assert_eq!(
        there.send_from_peer(of_bob, &alices_socket, b"hi"),
        Output::ToClient(bob.address, channel_data(0x4001, b"hi"))
    );
}

#[test]
fn a_port_of_a_sibling_is_reached_only_while_it_lives() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice("198.51.100.7:4000");
    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    alice.allocated(&mut here);
    let (of_bob, relayed_bob) = bob.allocated(&mut there);
    let relayed_bob = relayed_bob.to_string();
    assert_eq!(alice.bind(&mut here, 0x4000, &format!("{RELAY_V4}:9")), 403);
    assert_eq!(alice.bind(&mut here, 0x4000, &relayed_bob), 0);
    assert_eq!(bob.permit(&mut there, &[RELAY_V4]), 0);
    assert_eq!(
        there.send_from_peer(of_bob, &format!("{INSIDE}:9"), b"x"),
        Output::Nothing,
        "another program on this machine"
    );

    assert_eq!(bob.refresh(&mut there, 0).code(), 0);
    assert_eq!(
        alice.send_channel_data(&mut here, 0x4000, b"x"),
        Output::Nothing
    );
    assert_eq!(alice.bind(&mut here, 0x4000, &relayed_bob), 403);
}
