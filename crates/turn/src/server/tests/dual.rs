//! Two relayed transport addresses for one client (RFC 8656 sections 7.2 and 8.2).

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER_V4: &str = "1.1.1.1:7000";
const PEER_V6: &str = "[2606:4700::1111]:7000";

fn additional(number: u8) -> (u16, Vec<u8>) {
    (attr::ADDITIONAL_ADDRESS_FAMILY, vec![number, 0, 0, 0])
}

fn ask_both(alice: &mut Client, world: &mut World) -> Response {
    let attributes = [transport_udp(), additional(2)];
    alice.greet(world).ask(world, Method::ALLOCATE, &attributes)
}

/// All XOR-RELAYED-ADDRESSes, in their order.
fn relayed(response: &Response) -> Vec<SocketAddr> {
    let message = response.message();
    message
        .attributes()
        .filter(|(kind, _)| *kind == attr::XOR_RELAYED_ADDRESS)
        .filter_map(|(_, value)| attr::read_xor_address(value, &message.transaction()))
        .collect()
}

/// A client that has both, and their names.
fn alice_with_both(world: &mut World) -> (Client, AllocationId, AllocationId) {
    let mut alice = Client::alice(HERE);
    let relayed = relayed(&ask_both(&mut alice, world));
    let id = |at: usize| world.server.allocations.with_relayed(&relayed[at]).unwrap();
    (alice, id(0), id(1))
}

#[test]
fn both_are_granted_and_granted_again() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let attributes = [transport_udp(), additional(2), lifetime(900)];
    let request = alice
        .greet(&mut world)
        .request(Method::ALLOCATE, &attributes);
    let first = world.send(alice.address, &request);
    assert_eq!(world.send(alice.address, &request), first);
    let response = Response::of(first);
    let ips: Vec<_> = relayed(&response)
        .iter()
        .map(|at| at.ip().to_string())
        .collect();
    assert_eq!(ips, [RELAY_V4, RELAY_V6]);
    assert_eq!(response.lifetime(), Some(900));
    assert_eq!(response.first(attr::ADDRESS_ERROR_CODE), None);
    assert_eq!(world.server.counters().allocations, 2);
    assert_eq!(alice.allocate(&mut world).code(), 437);
}

/// `turnutils_uclient -Z` asks under another number.
#[test]
fn the_number_that_coturn_uses_is_understood() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let additional = (attr::ADDITIONAL_ADDRESS_FAMILY_OF_COTURN, vec![2, 0, 0, 0]);
    let response =
        alice
            .greet(&mut world)
            .ask(&mut world, Method::ALLOCATE, &[transport_udp(), additional]);
    assert_eq!(relayed(&response).len(), 2);
}

#[test]
fn what_excludes_the_additional_family_is_400() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let malformed = (attr::ADDITIONAL_ADDRESS_FAMILY, vec![2]);
    for attributes in [
        vec![transport_udp(), additional(1)],
        vec![transport_udp(), additional(3)],
        vec![transport_udp(), malformed],
        vec![transport_udp(), additional(2), family(1)],
        vec![transport_udp(), additional(2), family(2)],
        vec![
            transport_udp(),
            additional(2),
            (attr::EVEN_PORT, vec![0x80]),
        ],
        vec![
            transport_udp(),
            additional(2),
            (attr::RESERVATION_TOKEN, vec![0; 8]),
        ],
    ] {
        let response = alice.ask(&mut world, Method::ALLOCATE, &attributes);
        assert_eq!(response.code(), 400, "{attributes:?}");
    }
    let even = [transport_udp(), additional(2), (attr::EVEN_PORT, vec![0])];
    let response = alice.ask(&mut world, Method::ALLOCATE, &even);
    assert!(relayed(&response).iter().all(|at| at.port() % 2 == 0));
}

#[test]
fn if_one_family_fails_the_other_is_granted_and_the_reason_told() {
    for (kept, missing) in [(0, 2), (1, 1)] {
        let mut config = config();
        config.relays = vec![config.relays[kept]];
        let mut world = World::with(config);
        let response = ask_both(&mut Client::alice(HERE), &mut world);
        assert_eq!(relayed(&response).len(), 1);
        assert_eq!(
            response.first(attr::ADDRESS_ERROR_CODE),
            Some(vec![missing, 0, 4, 40])
        );
    }
    for (ports, missing) in [(vec![true, false], 2), (vec![false, true], 1)] {
        let mut world = World::new();
        world.next_outcomes = ports;
        let mut alice = Client::alice(HERE);
        let response = ask_both(&mut alice, &mut world);
        assert_eq!(relayed(&response).len(), 1);
        assert_eq!(
            response.first(attr::ADDRESS_ERROR_CODE),
            Some(vec![missing, 0, 5, 8])
        );
        assert_eq!(world.server.counters().allocations, 1);
        assert_eq!(alice.refresh(&mut world, 600).code(), 0);
        assert_eq!(alice.refresh(&mut world, 0).code(), 0);
        assert!(
            world
                .server
                .allocations
                .on_path(&world.path(alice.address))
                .is_none()
        );
    }
}

#[test]
fn if_both_fail_it_is_508_and_nothing_stays() {
    let mut config = config();
    config.limits.user_quota = 2;
    let mut world = World::with(config);
    world.next_outcomes = vec![false, false];
    let mut alice = Client::alice(HERE);
    assert_eq!(ask_both(&mut alice, &mut world).code(), 508);
    assert_eq!(world.server.counters().allocations, 0);
    assert_eq!(relayed(&ask_both(&mut alice, &mut world)).len(), 2, "quota");
}

#[test]
fn both_count_against_the_quota() {
    let mut config = config();
    config.limits.user_quota = 2;
    let mut world = World::with(config);
    let (mut alice, ..) = alice_with_both(&mut world);
    let mut second = Client::alice("198.51.100.7:4001");
    assert_eq!(second.greet(&mut world).allocate(&mut world).code(), 486);
    assert_eq!(
        alice
            .ask(&mut world, Method::REFRESH, &[family(2), lifetime(0)])
            .code(),
        0
    );
    assert_eq!(ask_both(&mut second, &mut world).code(), 486);
    assert_eq!(second.allocate(&mut world).code(), 0);
}

#[test]
fn peers_of_both_families_are_reached_each_through_its_own() {
    let mut world = World::new();
    let (mut alice, v4, v6) = alice_with_both(&mut world);
    let mixed = ["1.1.1.2", "2606:4700::2222"];
    assert_eq!(alice.permit(&mut world, &mixed), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER_V4), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER_V6), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER_V6), 400, "taken");
    assert_eq!(
        alice.bind(&mut world, 0x4001, "1.1.1.1:7001"),
        400,
        "taken by the other family"
    );
    for (number, id, peer) in [(0x4000, v4, PEER_V4), (0x4001, v6, PEER_V6)] {
        assert_eq!(
            alice.send_channel_data(&mut world, number, b"x"),
            Output::ToPeer(id, peer.parse().unwrap(), b"x".to_vec())
        );
        assert_eq!(
            world.send_from_peer(id, peer, b"y"),
            Output::ToClient(alice.address, channel_data(number, b"y"))
        );
    }
    for (id, peer) in [(v4, "1.1.1.2:5"), (v6, "[2606:4700::2222]:5")] {
        assert_eq!(
            alice.send_indication(&mut world, peer, b"x"),
            Output::ToPeer(id, peer.parse().unwrap(), b"x".to_vec())
        );
    }
    assert_eq!(world.mirror.len(), 2);
}

#[test]
fn permissions_of_both_families_are_installed_all_or_none() {
    let mut config = config();
    config.limits.permissions = 1;
    let mut world = World::with(config);
    let (mut alice, ..) = alice_with_both(&mut world);
    let too_many = ["1.1.1.1", "2606:4700::1", "2606:4700::2"];
    assert_eq!(alice.permit(&mut world, &too_many), 508);
    assert_eq!(
        alice.send_indication(&mut world, "1.1.1.1:5", b"x"),
        Output::Nothing
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.9", "2606:4700::1"]), 0);
}

#[test]
fn a_request_may_name_as_many_peers_as_both_allocations_can_have() {
    let mut config = config();
    config.limits.permissions = 1;
    let mut world = World::with(config);
    let (mut alice, ..) = alice_with_both(&mut world);
    let (v4, v6, denied) = ("1.1.1.1", "2606:4700::1", "10.0.0.1");
    assert_eq!(alice.permit(&mut world, &[v4, denied]), 403);
    assert_eq!(alice.permit(&mut world, &[v4, v6, denied]), 508);
    assert_eq!(alice.permit(&mut world, &[v4, v6]), 0);
}

#[test]
fn a_refresh_is_for_the_family_it_names_or_for_both() {
    let mut world = World::new();
    let (mut alice, v4, v6) = alice_with_both(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER_V6), 0);
    let longer = [family(2), lifetime(1800)];
    let response = alice.ask(&mut world, Method::REFRESH, &longer);
    assert_eq!(response.lifetime(), Some(1800));
    world.wait(599);
    assert_eq!(world.closed, []);
    world.wait(1);
    assert_eq!(world.closed, [v4], "the other was not refreshed");
    assert_eq!(
        alice.ask(&mut world, Method::REFRESH, &[family(1)]).code(),
        443
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 443);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER_V6), 0);
    let sent = alice.send_channel_data(&mut world, 0x4001, b"x");
    assert!(matches!(sent, Output::ToPeer(id, ..) if id == v6));
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.closed, [v4, v6]);

    let (mut alice, ..) = alice_with_both(&mut world);
    assert_eq!(alice.refresh(&mut world, 1200).lifetime(), Some(1200));
    world.wait(1199);
    assert_eq!(world.server.counters().allocations, 2);
    assert_eq!(alice.greet(&mut world).refresh(&mut world, 0).code(), 0);
    assert_eq!(world.server.counters().allocations, 0);
}

#[test]
fn deleting_one_family_leaves_the_channels_of_the_other() {
    let mut world = World::new();
    let (mut alice, v4, v6) = alice_with_both(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER_V4), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER_V6), 0);
    let delete = [family(2), lifetime(0)];
    let response = alice.ask(&mut world, Method::REFRESH, &delete);
    assert_eq!(response.lifetime(), Some(0));
    assert_eq!(world.closed, [v6]);
    assert_eq!(
        world.mirror.keys().copied().collect::<Vec<_>>(),
        [(v4, 0x4000)]
    );
    let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
    assert!(matches!(sent, Output::ToPeer(..)));
    let gone = alice.send_channel_data(&mut world, 0x4001, b"x");
    assert_eq!(gone, Output::Nothing);
}

#[test]
fn a_connection_that_ends_takes_both_along() {
    let mut world = World::new();
    let (alice, v4, v6) = alice_with_both(&mut world);
    let path = world.path(alice.address);
    world.server.handle_disconnected(path);
    world.drain();
    assert_eq!(world.closed, [v4, v6]);
}

/// RFC 8016 knows one allocation to move; who asks for two gets no ticket, as from a server
/// without mobility.
#[test]
fn two_allocations_do_not_move() {
    let mut config = config();
    config.mobility = true;
    let mut world = World::with(config);
    let mut alice = Client::alice(HERE);
    let ticket = (attr::MOBILITY_TICKET, vec![]);
    let attributes = [transport_udp(), additional(2), ticket];
    let response = alice
        .greet(&mut world)
        .ask(&mut world, Method::ALLOCATE, &attributes);
    assert_eq!(relayed(&response).len(), 2);
    assert_eq!(response.first(attr::MOBILITY_TICKET), None);
}
