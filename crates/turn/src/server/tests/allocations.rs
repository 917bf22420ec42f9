//! Allocate and Refresh (RFC 8656 sections 7 and 8).

use super::*;

const HERE: &str = "198.51.100.7:4000";

#[test]
fn an_allocation_tells_its_address_the_clients_and_its_lifetime() {
    let mut world = World::new();
    let response = Client::alice(HERE).greet(&mut world).allocate(&mut world);
    let relayed = "192.0.2.1:50001".parse().unwrap();
    assert_eq!(response.address(attr::XOR_RELAYED_ADDRESS), Some(relayed));
    assert_eq!(
        response.address(attr::XOR_MAPPED_ADDRESS),
        Some(HERE.parse().unwrap())
    );
    assert_eq!(response.lifetime(), Some(600));
    assert_eq!(world.server.counters().allocations, 1);
}

#[test]
fn the_announced_address_is_told_and_the_other_is_bound() {
    let mut config = config();
    config.relays[0].bind = "10.0.0.5".parse().unwrap();
    let mut server = World::with(config);
    let mut alice = Client::alice(HERE);
    let request = alice
        .greet(&mut server)
        .request(Method::ALLOCATE, &[transport_udp()]);
    server.buffer[HEADROOM..HEADROOM + request.len()].copy_from_slice(&request);
    let path = FiveTuple {
        client: alice.address,
        local: SERVER.parse().unwrap(),
        transport: Transport::Udp,
    };
    let range = HEADROOM..HEADROOM + request.len();
    let action = server
        .server
        .handle_datagram(server.now, path, &mut server.buffer, range);
    let Action::OpenRelay(request) = action else {
        panic!("{action:?}");
    };
    assert_eq!(
        request.bind(),
        "10.0.0.5".parse::<std::net::IpAddr>().unwrap()
    );
    let response = Response::of(server.carry_out(Action::OpenRelay(request)));
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(relayed.ip(), RELAY_V4.parse::<std::net::IpAddr>().unwrap());
}

#[test]
fn lifetimes_are_at_least_600_and_at_most_the_maximum() {
    for (asked, granted) in [
        (0, 600),
        (1, 600),
        (600, 600),
        (601, 601),
        (3600, 3600),
        (u32::MAX, 3600),
    ] {
        let mut world = World::new();
        let mut alice = Client::alice(HERE);
        let attributes = [transport_udp(), lifetime(asked)];
        let response = alice
            .greet(&mut world)
            .ask(&mut world, Method::ALLOCATE, &attributes);
        assert_eq!(response.lifetime(), Some(granted), "Allocate {asked}");
        if asked > 0 {
            assert_eq!(
                alice.refresh(&mut world, asked).lifetime(),
                Some(granted),
                "{asked}"
            );
        }
    }
}

#[test]
fn an_allocation_ends_at_its_deadline_and_its_socket_is_given_back() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    let deadline = world.server.poll_timeout().unwrap();
    assert_eq!(deadline, world.now.tick + Duration::from_secs(600));
    world.wait(599);
    assert_eq!(world.closed, []);
    world.wait(1);
    assert_eq!(world.closed, [id]);
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(world.server.poll_timeout(), None);
}

#[test]
fn a_late_timer_does_not_prolong_an_allocation() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    world.now.tick = world.now.tick + Duration::from_secs(600);
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(world.closed.len(), 1);
}

#[test]
fn refresh_with_zero_deletes() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.refresh(&mut world, 0).lifetime(), Some(0));
    assert_eq!(world.closed, [id]);
    assert_eq!(alice.refresh(&mut world, 0).code(), 437);
    assert_eq!(alice.allocate(&mut world).code(), 0);
}

#[test]
fn without_an_allocation_requests_are_437() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 437);
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:1"), 437);
}

#[test]
fn a_retransmitted_allocate_gets_the_same_success_and_a_new_one_437() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let request = alice
        .greet(&mut world)
        .request(Method::ALLOCATE, &[transport_udp()]);
    let first = world.send(alice.address, &request);
    world.wait(3);
    assert_eq!(world.send(alice.address, &request), first);
    assert_eq!(world.server.counters().allocations_created, 1);
    assert_eq!(alice.allocate(&mut world).code(), 437);
}

#[test]
fn while_a_socket_is_being_opened_copies_of_the_request_wait() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let request = alice
        .greet(&mut world)
        .request(Method::ALLOCATE, &[transport_udp()]);
    let range = HEADROOM..HEADROOM + request.len();
    world.buffer[range.clone()].copy_from_slice(&request);
    let path = FiveTuple {
        client: alice.address,
        local: SERVER.parse().unwrap(),
        transport: Transport::Udp,
    };
    let opening = world
        .server
        .handle_datagram(world.now, path, &mut world.buffer, range);
    assert_eq!(world.send(alice.address, &request), Output::Nothing);
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(world.server.poll_timeout(), None);
    assert_eq!(Response::of(world.carry_out(opening)).code(), 0);
}

#[test]
fn only_udp_is_relayed() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    for (value, code) in [
        (vec![6, 0, 0, 0], 442),
        (vec![0, 0, 0, 0], 442),
        (vec![17], 400),
    ] {
        let attributes = [(attr::REQUESTED_TRANSPORT, value)];
        assert_eq!(
            alice.ask(&mut world, Method::ALLOCATE, &attributes).code(),
            code
        );
    }
    assert_eq!(alice.ask(&mut world, Method::ALLOCATE, &[]).code(), 400);
}

#[test]
fn the_family_is_ipv4_unless_asked_for() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let attributes = [transport_udp(), family(2)];
    let response = alice.ask(&mut world, Method::ALLOCATE, &attributes);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(relayed.ip(), RELAY_V6.parse::<std::net::IpAddr>().unwrap());
    for number in [1, 3] {
        let refreshed = alice.ask(&mut world, Method::REFRESH, &[family(number)]);
        assert_eq!(refreshed.code(), 443);
    }
    assert_eq!(
        alice.ask(&mut world, Method::REFRESH, &[family(2)]).code(),
        0
    );
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 443);
    assert_eq!(alice.permit(&mut world, &["2606:4700::1111"]), 0);
}

#[test]
fn a_family_that_is_unknown_or_not_configured_is_440() {
    let mut config = config();
    config.relays.truncate(1);
    let mut world = World::with(config);
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    for number in [2, 3, 0] {
        let attributes = [transport_udp(), family(number)];
        assert_eq!(
            alice.ask(&mut world, Method::ALLOCATE, &attributes).code(),
            440
        );
    }
    let malformed = [transport_udp(), (attr::REQUESTED_ADDRESS_FAMILY, vec![1])];
    assert_eq!(
        alice.ask(&mut world, Method::ALLOCATE, &malformed).code(),
        400
    );
}

#[test]
fn who_names_no_family_gets_ipv6_where_there_is_no_other() {
    let mut config = config();
    config.relays.retain(|relay| relay.bind.is_ipv6());
    let mut world = World::with(config);
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let asked = [transport_udp(), family(1)];
    assert_eq!(alice.ask(&mut world, Method::ALLOCATE, &asked).code(), 440);
    let response = alice.ask(&mut world, Method::ALLOCATE, &[transport_udp()]);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert!(relayed.is_ipv6());
}

#[test]
fn without_a_free_port_it_is_508_and_nothing_stays() {
    let mut world = World::new();
    world.ports_left = 1;
    Client::alice(HERE).allocated(&mut world);
    let mut late = Client::alice("198.51.100.7:4001");
    assert_eq!(late.greet(&mut world).allocate(&mut world).code(), 508);
    assert_eq!(world.server.counters().allocations, 1);
    assert_eq!(world.closed, []);
    world.ports_left = 1;
    assert_eq!(late.allocate(&mut world).code(), 0);
}

#[test]
fn a_quota_holds_per_user_and_is_right_afterwards() {
    let mut config = config();
    config.limits.user_quota = 3;
    let mut world = World::with(config);
    let mut codes = Vec::new();
    let mut clients = Vec::new();
    for n in 0..5 {
        let expires = START_UNIX + 100 + n;
        let mut client =
            Client::with_minted(&format!("198.51.100.7:{}", 4000 + n), "carol", expires);
        codes.push(client.greet(&mut world).allocate(&mut world).code());
        clients.push(client);
    }
    assert_eq!(codes, [0, 0, 0, 486, 486]);
    assert_eq!(
        Client::alice(HERE.replace('7', "8").as_str())
            .greet(&mut world)
            .allocate(&mut world)
            .code(),
        0
    );
    assert_eq!(clients[0].refresh(&mut world, 0).code(), 0);
    assert_eq!(clients[3].allocate(&mut world).code(), 0);
    assert_eq!(clients[4].allocate(&mut world).code(), 486);
    world.wait(600);
    assert_eq!(world.server.counters().allocations, 0);
    let mut later = Client::with_minted(HERE, "carol", START_UNIX + 10_000);
    assert_eq!(later.greet(&mut world).allocate(&mut world).code(), 0);
}

#[test]
fn a_thousand_attempts_at_once_leave_the_quota_right() {
    let mut world = World::new();
    let mut granted = 0;
    for n in 0..1000_u16 {
        let mut client = Client::alice(&format!("198.51.100.7:{}", 4000 + n));
        match client.greet(&mut world).allocate(&mut world).code() {
            0 => granted += 1,
            code => assert_eq!(code, 486),
        }
        world.now.tick = world.now.tick + Duration::from_millis(2);
    }
    assert_eq!(granted, Limits::default().user_quota);
    world.wait(600);
    assert_eq!(world.closed.len(), granted as usize);
    assert_eq!(
        Client::alice(HERE)
            .greet(&mut world)
            .allocate(&mut world)
            .code(),
        0
    );
}

#[test]
fn a_malformed_lifetime_is_400() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let attributes = [(attr::LIFETIME, vec![0, 0])];
    assert_eq!(
        alice.ask(&mut world, Method::REFRESH, &attributes).code(),
        400
    );
}

fn even_port(flags: u8) -> (u16, Vec<u8>) {
    (attr::EVEN_PORT, vec![flags])
}

/// Asks for a pair of ports; gives the first and the token for the second.
fn reserve(alice: &mut Client, world: &mut World) -> (u16, Vec<u8>) {
    let attributes = [transport_udp(), even_port(0x80)];
    let response = alice.greet(world).ask(world, Method::ALLOCATE, &attributes);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    (
        relayed.port(),
        response.first(attr::RESERVATION_TOKEN).unwrap(),
    )
}

fn claim(client: &mut Client, world: &mut World, token: &[u8]) -> Response {
    let attributes = [transport_udp(), (attr::RESERVATION_TOKEN, token.to_vec())];
    client
        .greet(world)
        .ask(world, Method::ALLOCATE, &attributes)
}

#[test]
fn an_even_port_is_even_and_nothing_is_kept() {
    let mut world = World::new();
    for n in 0..3 {
        let mut alice = Client::alice(&format!("198.51.100.7:{}", 4000 + n));
        let attributes = [transport_udp(), even_port(0)];
        let response = alice
            .greet(&mut world)
            .ask(&mut world, Method::ALLOCATE, &attributes);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!(relayed.port() % 2, 0);
        assert_eq!(response.first(attr::RESERVATION_TOKEN), None);
    }
}

#[test]
fn a_reserved_port_is_had_once_by_its_user() {
    let mut world = World::new();
    let (port, token) = reserve(&mut Client::alice(HERE), &mut world);
    let mut bob = Client::new("198.51.100.9:1", "bob", "builder");
    assert_eq!(claim(&mut bob, &mut world, &token).code(), 508);
    let mut second = Client::alice("198.51.100.7:4001");
    let response = claim(&mut second, &mut world, &token);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!((port % 2, relayed.port()), (0, port + 1));
    let mut third = Client::alice("198.51.100.7:4002");
    assert_eq!(claim(&mut third, &mut world, &token).code(), 508);
    world.wait(31);
    assert!(world.released.is_empty());
}

#[test]
fn a_reserved_port_is_given_back_after_thirty_seconds() {
    let mut world = World::new();
    let (port, token) = reserve(&mut Client::alice(HERE), &mut world);
    world.wait(29);
    assert!(world.released.is_empty());
    world.wait(1);
    assert_eq!(world.released, [port + 1]);
    let mut late = Client::alice("198.51.100.7:4001");
    assert_eq!(claim(&mut late, &mut world, &token).code(), 508);
}

#[test]
fn reservations_count_against_the_quota_until_they_end() {
    let mut config = config();
    config.limits.user_quota = 3;
    let mut world = World::with(config);
    let mut alice = Client::alice(HERE);
    reserve(&mut alice, &mut world);
    let mut second = Client::alice("198.51.100.7:4001");
    let pair = [transport_udp(), even_port(0x80)];
    second.greet(&mut world);
    assert_eq!(second.ask(&mut world, Method::ALLOCATE, &pair).code(), 486);
    assert_eq!(second.allocate(&mut world).code(), 0);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    let mut third = Client::alice("198.51.100.7:4002");
    third.greet(&mut world);
    assert_eq!(third.ask(&mut world, Method::ALLOCATE, &pair).code(), 486);
    world.wait(30);
    assert_eq!(third.ask(&mut world, Method::ALLOCATE, &pair).code(), 0);
}

#[test]
fn a_retransmitted_request_for_a_pair_reserves_once() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let request = alice.request(Method::ALLOCATE, &[transport_udp(), even_port(0x80)]);
    let first = world.send(alice.address, &request);
    assert_eq!(world.send(alice.address, &request), first);
    world.wait(30);
    assert_eq!(world.released.len(), 1);
}

#[test]
fn what_excludes_each_other_is_400() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    let token = (attr::RESERVATION_TOKEN, vec![0; 8]);
    let additional = (attr::ADDITIONAL_ADDRESS_FAMILY, vec![2, 0, 0, 0]);
    for attributes in [
        vec![transport_udp(), even_port(0), token.clone()],
        vec![transport_udp(), family(1), token],
        vec![transport_udp(), even_port(0x80), additional],
        vec![transport_udp(), (attr::RESERVATION_TOKEN, vec![0; 7])],
        vec![transport_udp(), (attr::EVEN_PORT, vec![])],
    ] {
        assert_eq!(
            alice.ask(&mut world, Method::ALLOCATE, &attributes).code(),
            400
        );
    }
}
