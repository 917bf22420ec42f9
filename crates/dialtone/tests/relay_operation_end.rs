//! SIGTERM: a relay that sends new clients away and waits for the old ones.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod operation_support;
mod relay_support;

use operation_support::Operated;
use relay_support::{Client, Response, peer, receive};
use turn::stun::attribute as attr;

/// A relay that drains, and alice, whom it waits for.
fn draining(lines: &str) -> (Operated, Client) {
    let relay = Operated::start(lines);
    let (alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    relay.relay.signal("-TERM");
    relay.await_log("Draining: 1 allocations");
    (relay, alice)
}

fn newcomer(relay: &Operated) -> Response {
    Client::new(relay.address(), "alice", "wonder").allocate()
}

#[test]
fn new_allocations_are_refused_as_configured() {
    for (lines, code) in [
        ("drain = \"1m\"\n", 508),
        ("drain = \"1m\"\ndrain_answer = 508\n", 508),
        ("drain = \"1m\"\ndrain_answer = \"486\"\n", 486),
        // Where no alternate server is of the client's family.
        (
            "drain = \"1m\"\ndrain_answer = 486\ndrain_to = \"[2001:db8::1]:3478\"\n",
            486,
        ),
    ] {
        let (relay, mut alice) = draining(lines);
        assert_eq!(newcomer(&relay).code(), code, "{lines}");
        assert_eq!(alice.refresh(600).code(), 0);
    }
}

#[test]
fn new_clients_are_sent_to_the_other_server() {
    let lines = "drain = \"1m\"\ndrain_to = \"192.0.2.7:443\"\ndrain_domain = \"b.example.org\"\n";
    let (relay, _alice) = draining(lines);
    let answer = newcomer(&relay);
    assert_eq!(answer.code(), 300);
    let server = answer.first(attr::ALTERNATE_SERVER).unwrap();
    assert_eq!(server, [0, 1, 1, 187, 192, 0, 2, 7]);
    assert_eq!(
        answer.first(attr::ALTERNATE_DOMAIN).unwrap(),
        b"b.example.org"
    );
}

#[test]
fn those_who_are_there_go_on_until_the_last_one_leaves() {
    let (mut relay, mut alice) = draining("drain = \"1h\"\n");
    let peer = peer("127.0.0.2:0");
    assert_eq!(alice.bind(0x4000, peer.local_addr().unwrap()), 0);
    alice.send_channel_data(0x4000, b"still there");
    assert_eq!(receive(&peer).0, b"still there");
    let health = relay.request("GET", "/health", "");
    assert_eq!((health.status, health.body.as_str()), (503, "draining\n"));
    assert_eq!(relay.metric("dialtone_turn_draining"), 1);
    assert_eq!(alice.refresh(0).code(), 0);
    assert!(relay.relay.end().success());
}

#[test]
fn the_deadline_ends_it_though_somebody_is_there() {
    let (mut relay, _alice) = draining("drain = \"1s\"\n");
    assert!(relay.relay.end().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for signal in ["-TERM", "-INT"] {
        let (mut relay, _alice) = draining("drain = \"1h\"\n");
        assert!(relay.relay.end_with(signal).success());
    }
}

#[test]
fn a_reload_while_it_drains_keeps_it_draining() {
    let (relay, mut alice) = draining("drain = \"1h\"\n");
    relay.reload_well("drain = \"1h\"\nuser_quota = 7\n");
    assert_eq!(newcomer(&relay).code(), 508);
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn a_reload_while_it_drains_says_how_it_goes_on() {
    let (mut relay, mut alice) = draining("drain = \"1h\"\n");
    relay.reload_well("drain = \"1h\"\ndrain_answer = 486\n");
    assert_eq!(newcomer(&relay).code(), 486);
    relay.reload_well("drain = \"1h\"\ndrain_to = \"192.0.2.7:443\"\n");
    assert_eq!(newcomer(&relay).code(), 300);
    relay.reload(
        "drain_answer = 999\n",
        "Nothing was reloaded; the relay goes on with what it had",
    );
    assert_eq!(newcomer(&relay).code(), 300);
    assert_eq!(alice.refresh(600).code(), 0);
    relay.reload_well("drain = \"1s\"\n");
    assert!(relay.relay.end().success());
}
