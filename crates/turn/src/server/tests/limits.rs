//! What one allocation, and all of them together, may use up; and the numbers that tell.

use super::*;

const HERE: &str = "198.51.100.7:4000";
const PEER: &str = "1.1.1.1:7000";

fn with_limits(change: impl FnOnce(&mut Limits)) -> World {
    let mut config = config();
    change(&mut config.limits);
    World::with(config)
}

/// Sends as much as passes now, by channel 0x4000; gives how many datagrams that was.
fn send_all(alice: &Client, world: &mut World, data: &[u8]) -> u64 {
    let mut passed = 0;
    while alice.send_channel_data(world, 0x4000, data) != Output::Nothing {
        passed += 1;
        assert!(passed < 1_000_000, "there is no limit");
    }
    passed
}

#[test]
fn an_allocation_relays_so_many_bytes_a_second_both_ways_together() {
    let mut world = with_limits(|limits| limits.bandwidth = 100_000);
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(send_all(&alice, &mut world, &[0; 1000]), 200, "at once");
    assert_eq!(
        world.send_from_peer(id, PEER, &[0; 1000]),
        Output::Nothing,
        "the other direction"
    );
    assert_eq!(world.server.counters().drops.over_bandwidth, 2);
    let mut passed = 0;
    for _ in 0..10 {
        world.wait(1);
        passed += send_all(&alice, &mut world, &[0; 1000]);
    }
    assert_eq!(passed, 1000);
    let status = world.server.allocations(world.now, None, 1).next().unwrap();
    assert_eq!(
        status.traffic.to_peers.bytes, 1_200_000,
        "drops do not count"
    );
    let mut bob = Client::new("198.51.100.8:1", "bob", "builder");
    bob.allocated(&mut world);
    assert_eq!(bob.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(send_all(&bob, &mut world, &[0; 1000]), 200, "its own");
}

#[test]
fn the_largest_datagram_passes_the_slowest_allocation_at_some_time() {
    let mut world = with_limits(|limits| limits.bandwidth = 1000);
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(send_all(&alice, &mut world, &[0; 60_000]), 1);
    world.wait(61);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(send_all(&alice, &mut world, &[0; 60_000]), 1);
}

#[test]
fn all_together_relay_so_many_bytes_a_second() {
    let mut world = with_limits(|limits| limits.total_bandwidth = 50_000);
    let mut alice = Client::alice(HERE);
    let mut bob = Client::new("198.51.100.8:1", "bob", "builder");
    alice.allocated(&mut world);
    bob.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(bob.bind(&mut world, 0x4000, PEER), 0);
    assert_eq!(send_all(&alice, &mut world, &[0; 1000]), 100);
    assert_eq!(send_all(&bob, &mut world, &[0; 1000]), 0);
    world.wait(1);
    assert_eq!(send_all(&bob, &mut world, &[0; 1000]), 50);
}

#[test]
fn servers_that_share_a_line_divide_it() {
    let limits = Limits {
        total_bandwidth: 1000,
        ..Limits::default()
    };
    assert_eq!(limits.shared_by(4).total_bandwidth, 250);
    assert_eq!(limits.shared_by(4).bandwidth, limits.bandwidth);
    assert_eq!(Limits::default().shared_by(4), Limits::default());
}

#[test]
fn direct_data_uses_up_both_allocations() {
    let mut world = with_limits(|limits| limits.bandwidth = 100_000);
    let mut alice = Client::alice(HERE);
    let mut bob = Client::new("198.51.100.9:1", "bob", "builder");
    let (_, at_alice) = alice.allocated(&mut world);
    let (of_bob, at_bob) = bob.allocated(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, &at_bob.to_string()), 0);
    assert_eq!(bob.permit(&mut world, &[&at_alice.to_string(), PEER]), 0);
    assert_eq!(send_all(&alice, &mut world, &[0; 1000]), 200);
    assert_eq!(world.send_from_peer(of_bob, PEER, b"x"), Output::Nothing);
}

#[test]
fn new_peers_come_at_a_bounded_rate_and_known_ones_are_refreshed_at_any() {
    let rate = Rate {
        per_second: 2,
        burst: 3,
    };
    let mut world = with_limits(|limits| limits.new_peers = rate);
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let permit = |alice: &mut Client, world: &mut World, n: u8| {
        alice.permit(world, &[&format!("1.1.1.{n}")])
    };
    for (n, code) in [(1, 0), (2, 0), (3, 0), (4, 508), (1, 0), (2, 0), (5, 508)] {
        assert_eq!(permit(&mut alice, &mut world, n), code, "{n}");
    }
    assert_eq!(
        alice.bind(&mut world, 0x4000, "1.1.1.4:1"),
        508,
        "the same by channel"
    );
    assert_eq!(alice.bind(&mut world, 0x4000, "1.1.1.1:1"), 0);
    world.wait(1);
    assert_eq!(alice.permit(&mut world, &["1.1.1.4", "1.1.1.5"]), 0);
    assert_eq!(permit(&mut alice, &mut world, 6), 508);
    assert_eq!(world.server.counters().refusals.insufficient_capacity, 4);
}

#[test]
fn a_refused_request_uses_up_nothing_of_the_rate() {
    let rate = Rate {
        per_second: 1,
        burst: 2,
    };
    let mut world = with_limits(|limits| limits.new_peers = rate);
    let mut alice = Client::alice(HERE);
    alice.allocated(&mut world);
    let three = ["1.1.1.1", "1.1.1.2", "1.1.1.3"];
    assert_eq!(alice.permit(&mut world, &three), 508);
    assert_eq!(alice.permit(&mut world, &three[..2]), 0);
}

#[test]
fn every_drop_and_every_refusal_has_its_number() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let stranger = Client::alice("198.51.100.7:9");
    let _ = stranger.send_channel_data(&mut world, 0x4000, b"x");
    let _ = stranger.send_indication(&mut world, PEER, b"x");
    let (id, _) = alice.allocated(&mut world);
    let _ = alice.send_channel_data(&mut world, 0x4000, b"x");
    let _ = alice.send_indication(&mut world, PEER, b"x");
    let _ = world.send_from_peer(id, PEER, b"x");
    let _ = world.send_from_peer(id, "192.0.2.1:9", b"x");
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    let _ = alice.send_indication(&mut world, "192.0.2.1:9", b"x");
    let counters = world.server.counters();
    let expected = Drops {
        unbound: 3,
        unpermitted: 2,
        denied: 2,
        ..Drops::default()
    };
    assert_eq!((counters.drops, counters.dropped), (expected, 7));

    assert_eq!(alice.permit(&mut world, &["10.0.0.1"]), 403);
    assert_eq!(alice.permit(&mut world, &[]), 400);
    assert_eq!(alice.permit(&mut world, &["2606:4700::1111"]), 443);
    assert_eq!(alice.allocate(&mut world).code(), 437);
    let unknown = (0x7ffe, vec![]);
    assert_eq!(
        alice.ask(&mut world, Method::REFRESH, &[unknown]).code(),
        420
    );
    let counters = world.server.counters();
    let expected = Refusals {
        forbidden: 1,
        bad_request: 1,
        other: 1,
        allocation_mismatch: 1,
        unknown_attribute: 1,
        ..Refusals::default()
    };
    assert_eq!((counters.refusals, counters.refused), (expected, 5));
    assert_eq!(counters.allocations_created_udp, 1);
    let sum: Counters = [counters, counters].into_iter().sum();
    assert_eq!((sum.drops.unbound, sum.refusals.forbidden), (6, 2));
}
