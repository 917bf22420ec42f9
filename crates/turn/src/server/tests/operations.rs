//! What an operator does to a server that runs.

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER: &str = "1.1.1.1:7000";

fn reconfigure(world: &mut World, config: Config) {
    let now = world.now;
    world
        .server
        .reconfigure(now, config.credentials, config.peers, config.limits);
    world.drain();
}

fn denying(range: &str) -> Config {
    let mut config = config();
    config.peers.deny = vec![range.parse().unwrap()];
    config
}

#[test]
fn allocations_outlive_their_credential_and_even_the_realm() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    let mut config = config();
    config.credentials = Credentials::new("elsewhere").unwrap();
    config.credentials.add_user("alice", "changed");
    reconfigure(&mut world, config);
    assert_eq!(alice.refresh(&mut world, 700).lifetime(), Some(700));
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
    assert!(matches!(sent, Output::ToPeer(..)));
    assert!(matches!(
        world.send_from_peer(id, PEER, b"x"),
        Output::ToClient(..)
    ));
    let mut again = Client::alice("198.51.100.7:4001");
    assert_eq!(again.greet(&mut world).allocate(&mut world).code(), 401);
}

#[test]
fn what_is_denied_now_stops_passing_at_once_and_may_come_back() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    let other = "8.8.8.8:1";
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(alice.bind(&mut world, 0x4001, other), 0);
    reconfigure(&mut world, denying("1.1.0.0/16"));
    assert_eq!(
        alice.send_channel_data(&mut world, 0x4000, b"x"),
        Output::Nothing
    );
    assert_eq!(
        alice.send_indication(&mut world, PEER, b"x"),
        Output::Nothing
    );
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 403);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 403);
    let sent = alice.send_channel_data(&mut world, 0x4001, b"x");
    assert!(matches!(sent, Output::ToPeer(..)), "another peer");
    assert_eq!(
        world.mirror.keys().copied().collect::<Vec<_>>(),
        [(id, 0x4001)]
    );
    reconfigure(&mut world, config());
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
}

#[test]
fn a_network_that_is_not_allowed_any_more_stops_passing_too() {
    let mut allowing = config();
    allowing.peers.allow = vec!["10.0.0.0/8".parse().unwrap()];
    let mut world = World::with(allowing);
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, "10.1.2.3:9"), 0);
    reconfigure(&mut world, config());
    assert_eq!(
        world.send_from_peer(id, "10.1.2.3:9", b"x"),
        Output::Nothing
    );
    assert!(world.mirror.is_empty());
}

#[test]
fn an_address_this_machine_gains_stops_being_a_peer_and_what_is_said_else_stays() {
    let mut world = World::with(denying("8.8.0.0/16"));
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    let here = PEER.parse::<SocketAddr>().unwrap().ip();
    world.server.set_local(world.now, vec![here]);
    world.drain();
    assert!(world.mirror.is_empty());
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 403);
    assert_eq!(alice.permit(&mut world, &["8.8.8.8"]), 403);
    world.server.set_local(world.now, Vec::new());
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0, "another's again");
}

#[test]
fn new_limits_hold_for_what_is_new() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let mut config = config();
    config.limits.user_quota = 1;
    config.limits.max_lifetime = Duration::from_secs(1200);
    config.limits.nonce_lifetime = Duration::from_secs(60);
    config.limits.challenges.per_second = 0;
    reconfigure(&mut world, config);
    assert_eq!(alice.refresh(&mut world, 3600).lifetime(), Some(1200));
    let mut second = Client::alice(HERE);
    second.address.set_port(1);
    let bare = message(
        Class::Request,
        Method::ALLOCATE,
        TransactionId([1; 12]),
        &[],
    );
    assert_eq!(world.send(second.address, &bare), Output::Nothing);
    world.wait(60);
    assert_eq!(alice.refresh(&mut world, 3600).code(), 438);
}

#[test]
fn a_draining_server_takes_nobody_and_keeps_whom_it_has() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let request = alice
        .greet(&mut world)
        .request(Method::ALLOCATE, &[transport_udp()]);
    let granted = world.send(alice.address, &request);
    let mut late = Client::alice("198.51.100.7:4001");
    late.greet(&mut world);
    for (otherwise, code) in [(Full::QuotaReached, 486), (Full::InsufficientCapacity, 508)] {
        world.server.drain(Some(Drain {
            alternates: vec!["[2001:db8::2]:3478".parse().unwrap()],
            domain: None,
            otherwise,
        }));
        assert_eq!(
            late.allocate(&mut world).code(),
            code,
            "no server of its family"
        );
    }
    assert_eq!(world.send(alice.address, &request), granted, "repeated");
    assert_eq!(alice.refresh(&mut world, 700).lifetime(), Some(700));
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(world.server.counters().allocations, 1);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.server.counters().allocations, 0);
    world.server.drain(None);
    assert_eq!(late.allocate(&mut world).code(), 0);
}

#[test]
fn a_client_is_sent_to_a_server_of_its_family_first_and_told_its_name() {
    let mut world = World::new();
    let alternates = ["203.0.113.5:3478", "203.0.113.6:3478", "[2001:db8::2]:5349"];
    world.server.drain(Some(Drain {
        alternates: alternates.map(|text| text.parse().unwrap()).to_vec(),
        domain: Some("turn2.example.org".parse().unwrap()),
        otherwise: Full::default(),
    }));
    for (client, first, second) in [
        (HERE, alternates[0], alternates[2]),
        ("[2001:db8::7]:4000", alternates[2], alternates[0]),
    ] {
        let mut alice = Client::alice(client);
        let response = alice.greet(&mut world).allocate(&mut world);
        assert_eq!(response.code(), 300);
        assert!(response.is_signed_by(&alice.key));
        let message = response.message();
        let told: Vec<_> = message
            .attributes()
            .filter(|(kind, _)| *kind == attr::ALTERNATE_SERVER)
            .filter_map(|(_, value)| attr::read_address(value))
            .map(|address| address.to_string())
            .collect();
        assert_eq!(told, [first, second]);
        assert_eq!(
            message.first(attr::ALTERNATE_DOMAIN),
            Some(&b"turn2.example.org"[..])
        );
    }
}

#[test]
fn what_is_no_domain_name_is_refused() {
    for text in ["", "a b", "a\r\n", &"x".repeat(256)] {
        assert_eq!(text.parse::<AlternateDomain>(), Err(BadDomain));
    }
}

#[test]
fn the_list_says_who_has_what_and_how_much_has_passed() {
    let mut world = World::new();
    let mut carol = Client::with_minted(HERE, "carol", START_UNIX + 60);
    let (id, relayed) = carol.allocated(&mut world);
    assert_eq!(carol.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(carol.permit(&mut world, &["1.1.1.2", "1.1.1.3"]), 0);
    for _ in 0..3 {
        let _ = carol.send_channel_data(&mut world, 0x4000, b"four");
    }
    let _ = carol.send_indication(&mut world, "1.1.1.2:5", b"seven77");
    let _ = carol.send_indication(&mut world, "9.9.9.9:5", b"not permitted");
    let _ = world.send_from_peer(id, PEER, b"answer");
    world.wait(100);
    let all: Vec<_> = world.server.allocations(world.now, None, 9).collect();
    let expected = AllocationStatus {
        id,
        path: world.path(carol.address),
        relayed,
        username: carol.username.as_str().into(),
        age: Duration::from_secs(100),
        expires_in: Duration::from_secs(500),
        permissions: 3,
        channels: 1,
        traffic: Traffic {
            to_peers: Volume {
                packets: 4,
                bytes: 19,
            },
            to_client: Volume {
                packets: 1,
                bytes: 6,
            },
        },
    };
    assert_eq!(all, [expected]);
    world.wait(250);
    let status = world.server.allocations(world.now, None, 9).next().unwrap();
    assert_eq!((status.permissions, status.channels), (0, 1));
}

#[test]
fn the_list_comes_in_pages() {
    let mut world = World::new();
    let mut ids: Vec<_> = (0..5)
        .map(|n| {
            let address = format!("198.51.100.7:{}", 4000 + n);
            Client::alice(&address).allocated(&mut world).0
        })
        .collect();
    ids.sort();
    let page = |after, limit| {
        let page = world.server.allocations(world.now, after, limit);
        page.map(|status| status.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2), ids[..2]);
    assert_eq!(page(Some(ids[1]), 2), ids[2..4]);
    assert_eq!(page(Some(ids[3]), 2), ids[4..]);
    assert_eq!(page(Some(ids[4]), 2), []);
    assert_eq!(page(None, 0), []);
}

#[test]
fn direct_data_counts_on_both_sides() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let mut bob = Client::new("198.51.100.9:1", "bob", "builder");
    let (_, at_alice) = alice.allocated(&mut world);
    let (_, at_bob) = bob.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, &at_bob.to_string()), 0);
    assert_eq!(bob.permit(&mut world, &[&at_alice.to_string()]), 0);
    let _ = alice.send_channel_data(&mut world, 0x4000, b"four");
    let volume = Volume {
        packets: 1,
        bytes: 4,
    };
    let traffic: Vec<_> = world
        .server
        .allocations(world.now, None, 9)
        .map(|status| (status.traffic.to_peers, status.traffic.to_client))
        .collect();
    assert_eq!(
        traffic,
        [(volume, Volume::default()), (Volume::default(), volume)]
    );
}

#[test]
fn a_kick_ends_one_allocation_or_all_of_a_user() {
    let mut world = World::new();
    let ids: Vec<_> = (0..4)
        .map(|n| {
            let user = if n < 3 { "carol" } else { "dave" };
            let address = format!("198.51.100.7:{}", 4000 + n);
            let mut client = Client::with_minted(&address, user, START_UNIX + 60 + n);
            client.allocated(&mut world).0
        })
        .collect();
    let name: AllocationId = ids[0].to_string().parse().unwrap();
    assert!(world.server.kick(name));
    assert!(!world.server.kick(name), "gone");
    assert_eq!(
        world
            .server
            .kick_user(&format!("{}:carol", START_UNIX + 61)),
        1
    );
    assert_eq!(world.server.kick_user("carol"), 1);
    assert_eq!(world.server.kick_user("nobody"), 0);
    world.drain();
    assert_eq!(world.closed, ids[..3]);
    assert_eq!(world.server.counters().allocations, 1);
}

#[test]
fn what_is_taken_back_allocates_and_refreshes_no_more() {
    let mut world = World::new();
    let client = |n: u64, user| {
        let address = format!("198.51.100.7:{}", 4000 + n);
        Client::with_minted(&address, user, START_UNIX + 60 + n)
    };
    let (mut carol, mut later, mut dave) =
        (client(0, "carol"), client(1, "carol"), client(2, "dave"));
    let (ended, _) = carol.allocated(&mut world);
    later.allocated(&mut world);
    dave.allocated(&mut world);
    assert_eq!(world.server.revoke(world.now, "carol", START_UNIX + 60), 1);
    world.drain();
    assert_eq!(world.closed, [ended]);
    // Also what somebody has a fresh nonce for, and on another 5-tuple.
    assert_eq!(carol.refresh(&mut world, 600).code(), 401);
    assert_eq!(carol.permit(&mut world, &["192.0.2.9:9"]), 401);
    assert_eq!(carol.allocate(&mut world).code(), 401);
    let mut elsewhere = Client::with_minted("198.51.100.8:1", "carol", START_UNIX + 60);
    assert_eq!(elsewhere.greet(&mut world).allocate(&mut world).code(), 401);
    // Others, and what was made later, go on.
    assert_eq!(later.refresh(&mut world, 600).code(), 0);
    assert_eq!(dave.refresh(&mut world, 600).code(), 0);
    assert_eq!(world.server.revoke(world.now, "nobody", START_UNIX + 60), 0);
}

#[test]
fn an_old_name_does_not_hit_who_has_the_place_now() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (old, _) = alice.allocated(&mut world);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    let (new, _) = alice.allocated(&mut world);
    assert_eq!(old.slot(), new.slot());
    assert!(!world.server.kick(old));
    for text in ["", "1", "1-", "-1", "+1-1", "1-1-1", "99999999999-1", "a-b"] {
        assert_eq!(text.parse::<AllocationId>(), Err(NotAllocationId), "{text}");
    }
}

#[test]
fn two_servers_with_one_table_count_together() {
    let mut config = config();
    config.limits.user_quota = 2;
    let mut here = World::with(config.clone());
    let mut there = World::with(config);
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut here);
    let mut second = Client::alice("198.51.100.7:4001");
    second.allocated(&mut there);
    let mut third = Client::alice("198.51.100.7:4002");
    assert_eq!(third.greet(&mut here).allocate(&mut here).code(), 486);
    assert_eq!(third.greet(&mut there).allocate(&mut there).code(), 486);
    drop(here);
    assert_eq!(third.allocate(&mut there).code(), 0);
}

#[test]
fn one_address_has_so_many_allocations_whoever_asks() {
    let mut config = config();
    config.limits.address_quota = 2;
    let mut world = World::with(config);
    let codes: Vec<_> = (0..4)
        .map(|n| {
            let address = if n < 3 { HERE } else { "198.51.100.8:1" };
            let mut client = Client::with_minted(address, &format!("user{n}"), START_UNIX + 60);
            client.address.set_port(4000 + n);
            client.greet(&mut world).allocate(&mut world).code()
        })
        .collect();
    assert_eq!(codes, [0, 0, 486, 0]);
}

#[test]
fn bindings_are_told_with_their_end_and_taken_back_when_they_are_over() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, relayed) = alice.allocated(&mut world);
    let start = world.now.tick;
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(alice.refresh(&mut world, 3600).code(), 0);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    let binding = Binding {
        allocation: id,
        path: world.path(alice.address),
        number: 0x4000,
        peer: PEER.parse().unwrap(),
        relayed,
        expires: at(300),
    };
    let told = |world: &World| world.mirror.get(&(id, 0x4000)).copied();
    assert_eq!(told(&world), Some(binding));
    world.wait(250);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(told(&world).unwrap().expires, at(550), "the permission");
    world.wait(250);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(told(&world).unwrap().expires, at(600), "the channel");
    world.wait(100);
    assert!(told(&world).is_some(), "it says itself that it is over");
    assert_eq!(alice.refresh(&mut world, 3600).code(), 0);
    assert_eq!(told(&world), None);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert!(told(&world).is_some());
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert!(world.mirror.is_empty());
    assert_eq!(world.closed, [id]);
}
