//! CreatePermission, ChannelBind, and which peers they are for.

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER: &str = "1.1.1.1:7000";

fn alice_with_allocation(world: &mut World) -> (Client, AllocationId) {
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(world);
    (alice, id)
}

#[test]
fn denied_peers_are_403_everywhere_and_send_is_dropped() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    for peer in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.77",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.1",
        "224.0.0.251",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        assert_eq!(alice.permit(&mut world, &[peer]), 403, "{peer}");
        let with_port = format!("{peer}:53");
        assert_eq!(alice.bind(&mut world, 0x4000, &with_port), 403, "{peer}");
        assert_eq!(
            alice.send_indication(&mut world, &with_port, b"x"),
            Output::Nothing
        );
    }
}

#[test]
fn denied_ipv6_peers_are_403_on_an_ipv6_allocation() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let attributes = [transport_udp(), family(2)];
    alice
        .greet(&mut world)
        .ask(&mut world, Method::ALLOCATE, &attributes);
    for peer in [
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2001::1",
        "2001:db8::7",
        "2002:a00:1::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert_eq!(alice.permit(&mut world, &[peer]), 403, "{peer}");
        let with_port = format!("[{peer}]:53");
        assert_eq!(alice.bind(&mut world, 0x4000, &with_port), 403, "{peer}");
        assert_eq!(
            alice.send_indication(&mut world, &with_port, b"x"),
            Output::Nothing
        );
    }
    assert_eq!(alice.bind(&mut world, 0x4000, "[2606:4700::1111]:53"), 0);
}

#[test]
fn one_denied_peer_refuses_the_whole_request() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1", "10.0.0.1"]), 403);
    assert_eq!(
        alice.send_indication(&mut world, PEER, b"x"),
        Output::Nothing
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.1", "1.1.1.2"]), 0);
    for peer in ["1.1.1.1:1", "1.1.1.2:2"] {
        assert!(matches!(
            alice.send_indication(&mut world, peer, b"x"),
            Output::ToPeer(..)
        ));
    }
}

#[test]
fn more_peers_than_an_allocation_can_have_are_refused_unseen() {
    let mut config = config();
    config.limits.permissions = 3;
    let mut world = World::with(config);
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"; 3]), 0);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"; 4]), 508);
    assert_eq!(alice.permit(&mut world, &["10.0.0.1"; 3]), 403);
    assert_eq!(alice.permit(&mut world, &["10.0.0.1"; 4]), 508);
}

#[test]
fn allowed_networks_are_reached() {
    let mut config = config();
    config.peers.allow = vec!["10.0.0.0/8".parse().unwrap()];
    let mut world = World::with(config);
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, "10.1.2.3:53"), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, "172.16.0.1:53"), 403);
}

#[test]
fn the_servers_own_address_has_permissions_but_only_live_relay_ports() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    let mut bob = Client::new("198.51.100.9:1", "bob", "builder");
    let (_, relayed) = bob.allocated(&mut world);
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    for port in [3478, 22, 8080, 49_999, 1] {
        let peer = format!("{RELAY_V4}:{port}");
        assert_eq!(alice.bind(&mut world, 0x4000, &peer), 403, "{port}");
        assert_eq!(
            alice.send_indication(&mut world, &peer, b"x"),
            Output::Nothing,
            "{port}"
        );
    }
    assert_eq!(alice.bind(&mut world, 0x4000, &relayed.to_string()), 0);
    assert_eq!(bob.refresh(&mut world, 0).code(), 0);
    assert_eq!(
        alice.send_channel_data(&mut world, 0x4000, b"x"),
        Output::Nothing,
        "dead port"
    );
    assert_eq!(
        alice.bind(&mut world, 0x4001, &relayed.to_string()),
        403,
        "dead port"
    );
}

#[test]
fn an_allowed_network_opens_neither_the_server_in_it_nor_its_sockets() {
    let mut config = config();
    config.peers.allow = vec!["192.0.2.0/24".parse().unwrap()];
    let mut world = World::with(config);
    let (mut alice, id) = alice_with_allocation(&mut world);
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, SERVER), 403);
    assert_eq!(alice.bind(&mut world, 0x4000, "192.0.2.1:9"), 403);
    assert_eq!(alice.bind(&mut world, 0x4000, "192.0.2.3:9"), 0);
    assert_eq!(
        world.send_from_peer(id, "192.0.2.1:9", b"x"),
        Output::Nothing
    );
}

#[test]
fn channel_numbers_end_at_4fff() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    for number in [0, 0x3fff, 0x5000, 0x7fff, 0xffff] {
        assert_eq!(alice.bind(&mut world, number, PEER), 400, "{number:#x}");
    }
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(alice.bind(&mut world, 0x4fff, "1.1.1.1:7001"), 0);
}

#[test]
fn rebinding_is_400_until_the_channel_expired() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.refresh(&mut world, 3600).code(), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(
        alice.bind(&mut world, 0x4000, PEER),
        0,
        "the same again refreshes"
    );
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:7001"), 400);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER), 400);
    world.wait(600);
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:7001"), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, PEER), 0);
}

#[test]
fn binding_a_channel_installs_the_permission_and_data_never_refreshes_it() {
    let mut world = World::new();
    let (mut alice, id) = alice_with_allocation(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    for _ in 0..5 {
        world.wait(59);
        assert!(matches!(
            world.send_from_peer(id, PEER, b"x"),
            Output::ToClient(..)
        ));
        let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
        assert!(matches!(sent, Output::ToPeer(..)));
    }
    world.wait(5);
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    assert_eq!(
        alice.send_channel_data(&mut world, 0x4000, b"x"),
        Output::Nothing
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
    assert!(
        matches!(sent, Output::ToPeer(..)),
        "the channel lives ten minutes"
    );
}

#[test]
fn malformed_requests_are_400() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.permit(&mut world, &[]), 400);
    let bad = (attr::XOR_PEER_ADDRESS, vec![0, 1, 2]);
    for attributes in [
        vec![bad.clone()],
        vec![channel_number(0x4000)],
        vec![channel_number(0x4000), bad.clone()],
    ] {
        let permitted = alice.ask(&mut world, Method::CREATE_PERMISSION, &attributes);
        assert_eq!(permitted.code(), 400);
        let bound = alice.ask(&mut world, Method::CHANNEL_BIND, &attributes);
        assert_eq!(bound.code(), 400);
    }
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:0"), 400);
}

#[test]
fn an_allocation_has_room_for_so_many_permissions_and_channels() {
    let mut config = config();
    config.limits.permissions = 3;
    config.limits.channels = 2;
    let mut world = World::with(config);
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:1"), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, "1.1.1.1:2"), 0);
    assert_eq!(alice.bind(&mut world, 0x4002, "1.1.1.1:3"), 508);
    assert_eq!(
        alice.permit(&mut world, &["1.1.1.2", "1.1.1.3", "1.1.1.4"]),
        508
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.2", "1.1.1.3"]), 0);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
}

#[test]
fn a_peer_of_the_other_family_is_443() {
    let mut world = World::new();
    let (mut alice, _) = alice_with_allocation(&mut world);
    assert_eq!(alice.permit(&mut world, &["2606:4700::1111"]), 443);
    assert_eq!(alice.bind(&mut world, 0x4000, "[2606:4700::1111]:1"), 443);
}
