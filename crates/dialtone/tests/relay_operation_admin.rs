//! The admin listener of a relay that runs.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod operation_support;
mod relay_support;

use operation_support::Operated;
use relay_support::{Client, peer, receive};

fn alice(relay: &Operated) -> Client {
    Client::allocated(relay.address(), "alice", "wonder").0
}

#[test]
fn nothing_but_health_is_told_without_the_token() {
    let relay = Operated::start("");
    for headers in [
        "",
        "Authorization: Bearer wrong-wrong-wrong\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Basic MDEyMzQ1Njc4OWFiY2RlZg==\r\n",
    ] {
        for path in ["/metrics", "/allocations", "/allocations/0-0-0", "/nothing"] {
            let answer = relay.request("GET", path, headers);
            assert_eq!(answer.status, 401, "{path} {headers}");
            assert!(
                answer.head.contains("www-authenticate: bearer"),
                "{}",
                answer.head
            );
        }
        assert_eq!(
            relay
                .request("DELETE", "/allocations?user=alice", headers)
                .status,
            401
        );
        assert_eq!(relay.request("GET", "/health", headers).status, 200);
    }
    assert_eq!(relay.ask("GET", "/metrics").status, 200);
    assert_eq!(relay.ask("GET", "/nothing").status, 404);
    assert_eq!(relay.ask("POST", "/metrics").status, 405);
}

#[test]
fn other_sites_and_rebound_names_are_refused_even_with_the_token() {
    let relay = Operated::start("");
    let token = format!("Authorization: Bearer {}\r\n", operation_support::TOKEN);
    let rebound = relay.request_for("evil.example", "GET", "/metrics", &token);
    assert_eq!(rebound.status, 421);
    assert!(!rebound.body.contains("certificate"), "it has none");
    let origin = format!("{token}Origin: http://evil.example\r\n");
    assert_eq!(
        relay
            .request("DELETE", "/allocations?user=alice", &origin)
            .status,
        403
    );
}

#[test]
fn metrics_move_while_an_allocation_lives_and_name_nobody() {
    let relay = Operated::start("");
    assert_eq!(relay.metric("dialtone_turn_allocations"), 0);
    let mut alice = alice(&relay);
    let peer = peer("127.0.0.2:0");
    assert_eq!(alice.bind(0x4000, peer.local_addr().unwrap()), 0);
    for n in 1..=3 {
        alice.send_channel_data(0x4000, b"12345");
        receive(&peer);
        assert_eq!(
            relay.metric("dialtone_turn_packets_total{way=\"to_peers\"}"),
            n
        );
        assert_eq!(
            relay.metric("dialtone_turn_bytes_total{way=\"to_peers\"}"),
            5 * n
        );
    }
    assert_eq!(relay.metric("dialtone_turn_allocations"), 1);
    let answer = relay.ask("GET", "/metrics");
    assert!(answer.head.contains("application/openmetrics-text"));
    assert!(!answer.body.contains("alice"));
    assert_eq!(alice.refresh(0).code(), 0);
    assert_eq!(relay.metric("dialtone_turn_allocations"), 0);
    assert_eq!(
        relay.metric("dialtone_turn_allocations_created_total{transport=\"udp\"}"),
        1
    );
}

#[test]
fn allocations_are_listed_page_by_page() {
    let relay = Operated::start("threads = 2\n");
    let clients: Vec<_> = (0..5)
        .map(|_| Client::allocated(relay.address(), "alice", "wonder"))
        .collect();
    let (mut relayed, mut next) = (Vec::new(), String::new());
    for left in [5_usize, 3, 1] {
        let page = relay
            .ask("GET", &format!("/allocations?limit=2{next}"))
            .json();
        let listed = page["allocations"].as_array().unwrap();
        assert_eq!(listed.len(), left.min(2));
        for allocation in listed {
            assert_eq!(allocation["username"], "alice");
            assert_eq!(allocation["transport"], "udp");
            relayed.push(allocation["relayed"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["next"].is_null(), left <= 2);
        next = format!("&after={}", page["next"].as_str().unwrap_or_default());
    }
    relayed.sort();
    let mut expected: Vec<_> = clients
        .iter()
        .map(|(_, relayed)| relayed.to_string())
        .collect();
    expected.sort();
    assert_eq!(relayed, expected);
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "after=x",
        "after=1-2-3-4",
    ] {
        assert_eq!(
            relay.ask("GET", &format!("/allocations?{bad}")).status,
            400,
            "{bad}"
        );
    }
}

#[test]
fn one_allocation_or_all_of_a_user_can_be_ended() {
    let relay = Operated::start("secret = \"north\"\n");
    let mut first = alice(&relay);
    let listed = relay.ask("GET", "/allocations").json();
    let id = listed["allocations"][0]["id"].as_str().unwrap().to_owned();
    let mut second = alice(&relay);
    let path = format!("/allocations/{id}");
    assert_eq!(relay.ask("DELETE", &path).status, 204);
    assert_eq!(relay.ask("DELETE", &path).status, 404);
    assert_eq!(relay.ask("DELETE", "/allocations/99-1-1").status, 404);
    assert_eq!(relay.ask("DELETE", "/allocations/all").status, 400);
    assert_eq!(relay.ask("DELETE", "/allocations").status, 400);
    assert_eq!(first.refresh(600).code(), 437);
    assert_eq!(second.refresh(600).code(), 0);

    let mut carols = [4_000_000_000, 4_000_000_001].map(|expiry| {
        let minted = protocol::relay::mint(b"north", "carol", expiry);
        Client::allocated(relay.address(), &minted.username, &minted.password).0
    });
    let ended = relay.ask("DELETE", "/allocations?user=carol").json();
    assert_eq!(ended["ended"], 2);
    for carol in &mut carols {
        assert_eq!(carol.refresh(600).code(), 437);
    }
    assert_eq!(second.refresh(600).code(), 0);
    relay.await_log("2 allocations of \"carol\" were ended");
}

#[test]
fn a_token_that_was_made_counts_until_another_is_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let mut command = relay_support::command();
    let (relay, _) = relay_support::Relay::started(
        command
            .args(["--listen", "127.0.0.1:0", "--relay-ip", "127.0.0.1"])
            .args([
                "--user",
                "a:b",
                "--admin",
                "127.0.0.1:0",
                "--admin-token-file",
            ])
            .arg(&path),
    );
    let relay = Operated::around(relay);
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let status = |token: &str| relay.request("GET", "/metrics", &bearer(token)).status;
    let token = std::fs::read_to_string(&path).unwrap();
    assert_eq!(status(token.trim()), 200);
    std::fs::write(&path, "another-good-token\n").unwrap();
    relay.relay.signal("-HUP");
    let begun = std::time::Instant::now();
    while status("another-good-token") != 200 {
        assert!(begun.elapsed() < operation_support::PATIENCE);
    }
    assert_eq!(status(token.trim()), 401);
}

#[test]
fn it_does_not_start_open_or_with_a_token_that_could_be_guessed() {
    for (arguments, words) in [
        (
            &["--admin", "127.0.0.1:0"][..],
            "--admin: it is never open to all",
        ),
        (
            &["--admin", "127.0.0.1:0", "--admin-token", "short"],
            "--admin-token: a token of less than 16",
        ),
    ] {
        let mut command = relay_support::command();
        command.args(["--user", "a:b"]).args(arguments);
        let output = relay_support::output(&mut command);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(words), "{error}");
    }
}
