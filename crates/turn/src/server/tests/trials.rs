//! Users who only find out whether they could call, and get at nothing else.

use protocol::relay::TRIAL;

use super::siblings::twins;
use super::tcp::transport_tcp;
use super::*;

const HERE: &str = "198.51.100.7:4000";
const THERE: &str = "198.51.100.7:4001";

/// A client of the trial with this number.
fn trial(address: &str, number: u32) -> Client {
    Client::with_minted(address, &format!("{TRIAL}{number}"), START_UNIX + 60)
}

#[test]
fn both_ends_of_one_trial_reach_each_other() {
    let mut world = World::new();
    let (mut one, mut two) = (trial(HERE, 1), trial(THERE, 1));
    let (_, first) = one.allocated(&mut world);
    let (_, second) = two.allocated(&mut world);
    assert_eq!(one.bind(&mut world, 0x4000, &second.to_string()), 0);
    assert_eq!(two.bind(&mut world, 0x4001, &first.to_string()), 0);
    let arrived = one.send_channel_data(&mut world, 0x4000, b"hello");
    assert!(matches!(arrived, Output::ToClient(..)), "{arrived:?}");
}

#[test]
fn nothing_else_is_reached() {
    let mut world = World::new();
    let mut one = trial(HERE, 1);
    one.allocated(&mut world);
    for peer in ["1.1.1.1", "8.8.8.8"] {
        assert_eq!(one.permit(&mut world, &[peer]), 403);
        assert_eq!(one.bind(&mut world, 0x4000, &format!("{peer}:7000")), 403);
    }
    assert_eq!(
        one.permit(&mut world, &[RELAY_V4, "1.1.1.1"]),
        403,
        "all or none"
    );
    // Who may call is not held back.
    let mut alice = Client::alice("198.51.100.8:1");
    alice.allocated(&mut world);
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
}

#[test]
fn relayed_addresses_of_others_are_not_reached_although_they_permit_it() {
    let mut world = World::new();
    let (mut one, mut other) = (trial(HERE, 1), trial(THERE, 2));
    let mut alice = Client::alice("198.51.100.8:1");
    let (_, relayed) = one.allocated(&mut world);
    let (_, stranger) = other.allocated(&mut world);
    let (_, call) = alice.allocated(&mut world);
    for client in [&mut other, &mut alice] {
        assert_eq!(client.permit(&mut world, &[RELAY_V4]), 0);
    }
    for (number, peer) in [(0x4000, stranger), (0x4001, call)] {
        assert_eq!(one.bind(&mut world, number, &peer.to_string()), 0);
        let sent = one.send_channel_data(&mut world, number, b"junk");
        assert_eq!(sent, Output::Nothing);
    }
    // Nor by a Send indication, and nobody else gets at a trial.
    assert_eq!(
        one.send_indication(&mut world, &call.to_string(), b"junk"),
        Output::Nothing
    );
    let back = alice.send_indication(&mut world, &relayed.to_string(), b"junk");
    assert_eq!(back, Output::Nothing);
    assert_eq!(world.server.counters().drops.denied, 4);
}

#[test]
fn ends_on_two_threads_reach_each_other_and_still_nobody_else() {
    let (mut here, mut there) = twins();
    let (mut one, mut two) = (trial(HERE, 1), trial(THERE, 1));
    let mut alice = Client::alice("198.51.100.8:1");
    let (of_one, first) = one.allocated(&mut here);
    let (of_two, second) = two.allocated(&mut there);
    let (of_alice, call) = alice.allocated(&mut there);
    assert_eq!(one.bind(&mut here, 0x4000, &second.to_string()), 0);
    assert_eq!(two.bind(&mut there, 0x4000, &first.to_string()), 0);
    assert!(matches!(
        one.send_channel_data(&mut here, 0x4000, b"hello"),
        Output::ToPeer(id, _, _) if id == of_one
    ));
    let inside = |relayed: SocketAddr| format!("10.0.0.5:{}", relayed.port());
    assert!(matches!(
        there.send_from_peer(of_two, &inside(first), b"hello"),
        Output::ToClient(..)
    ));

    assert_eq!(one.bind(&mut here, 0x4001, &call.to_string()), 0);
    assert_eq!(
        one.send_channel_data(&mut here, 0x4001, b"junk"),
        Output::Nothing
    );
    // A call does not look whom it sends to, so a trial looks from whom it hears.
    assert_eq!(alice.bind(&mut there, 0x4001, &first.to_string()), 0);
    assert!(matches!(
        alice.send_channel_data(&mut there, 0x4001, b"junk"),
        Output::ToPeer(id, _, _) if id == of_alice
    ));
    assert_eq!(
        here.send_from_peer(of_one, &inside(call), b"junk"),
        Output::Nothing
    );
}

#[test]
fn an_address_that_was_a_trials_and_is_a_calls_now_is_not_reached() {
    let mut world = World::new();
    let (mut one, mut two) = (trial(HERE, 1), trial(THERE, 1));
    one.allocated(&mut world);
    let (_, second) = two.allocated(&mut world);
    assert_eq!(one.bind(&mut world, 0x4000, &second.to_string()), 0);
    assert_eq!(two.refresh(&mut world, 0).code(), 0);
    world.next_port = second.port() - 1;
    let mut alice = Client::alice("198.51.100.8:1");
    assert_eq!(alice.allocated(&mut world).1, second);
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    let sent = one.send_channel_data(&mut world, 0x4000, b"junk");
    assert_eq!(sent, Output::Nothing);
    assert_eq!(world.server.counters().drops.denied, 1);
}

#[test]
fn a_static_user_may_be_called_the_same() {
    let mut config = config();
    let name = format!("{TRIAL}1");
    config.credentials.add_user(&name, "secret");
    let mut world = World::with(config);
    let mut client = Client::new(HERE, &name, "secret");
    client.allocated(&mut world);
    assert_eq!(client.permit(&mut world, &["1.1.1.1"]), 0);
}

#[test]
fn it_is_over_after_a_minute_however_it_is_refreshed() {
    let mut world = World::new();
    let mut one = trial(HERE, 1);
    one.allocated(&mut world);
    assert_eq!(world.server.counters().allocations, 1);
    world.wait(30);
    assert_eq!(one.refresh(&mut world, 3600).code(), 0);
    world.wait(31);
    assert_eq!(world.server.counters().allocations, 0);
}

#[test]
fn a_port_that_was_kept_is_over_as_soon_and_there_is_no_tcp() {
    let mut config = config();
    config.tcp_relay = true;
    let mut world = World::with(config);
    let mut one = trial(HERE, 1);
    let even = [transport_udp(), (attr::EVEN_PORT, vec![0x80])];
    let kept = one
        .greet(&mut world)
        .ask(&mut world, Method::ALLOCATE, &even);
    let token = kept.first(attr::RESERVATION_TOKEN).unwrap();
    let mut two = trial(THERE, 1);
    let with_token = [transport_udp(), (attr::RESERVATION_TOKEN, token)];
    let other = two
        .greet(&mut world)
        .ask(&mut world, Method::ALLOCATE, &with_token);
    assert_eq!(other.lifetime(), Some(60));
    assert_eq!(two.permit(&mut world, &["1.1.1.1"]), 403);

    world.transport = Transport::Tcp;
    let tcp = [transport_tcp()];
    let refused =
        trial("198.51.100.9:1", 1)
            .greet(&mut world)
            .ask(&mut world, Method::ALLOCATE, &tcp);
    assert_eq!(refused.code(), 403);
    world.wait(61);
    assert_eq!(world.server.counters().allocations, 0);
}

#[test]
fn all_of_them_together_leave_room_for_calls() {
    let mut config = config();
    config.limits.address_quota = u32::MAX;
    config.limits.challenges.burst = 2000;
    let mut world = World::with(config);
    let codes: Vec<u16> = (0..1100)
        .map(|n| {
            trial(&format!("198.51.100.7:{}", 5000 + n), n)
                .greet(&mut world)
                .allocate(&mut world)
                .code()
        })
        .collect();
    assert_eq!(
        codes.iter().filter(|code| **code == 0).count(),
        crate::trial::IN_ALL
    );
    Client::alice("198.51.100.8:1").allocated(&mut world);
    world.wait(61);
    let mut later = Client::with_minted(HERE, &format!("{TRIAL}later"), START_UNIX + 120);
    assert_eq!(later.greet(&mut world).allocate(&mut world).code(), 0);
}

#[test]
fn it_takes_few_ports_and_little_of_the_line() {
    let mut world = World::new();
    let clients = (0..40).map(|port| trial(&format!("198.51.100.7:{}", 5000 + port), 1));
    let codes: Vec<u16> = clients
        .map(|mut client| client.greet(&mut world).allocate(&mut world).code())
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 32);
    assert!(codes[32..].iter().all(|code| *code == 486), "{codes:?}");

    let mut world = World::new();
    let (mut one, mut two) = (trial(HERE, 1), trial(THERE, 1));
    let (_, first) = one.allocated(&mut world);
    let (_, second) = two.allocated(&mut world);
    assert_eq!(one.bind(&mut world, 0x4000, &second.to_string()), 0);
    assert_eq!(two.bind(&mut world, 0x4001, &first.to_string()), 0);
    let passed = (0..10_000)
        .take_while(|_| one.send_channel_data(&mut world, 0x4000, &[0; 1000]) != Output::Nothing)
        .count();
    assert_eq!(passed, 500, "two seconds' worth at once");
}
