//! What anybody gets who wants to know whether they could call, and what nobody can do with it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod relay_support;
mod web_support;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use relay_support::Client as TurnClient;
use serde_json::Value;
use turn::stun::attribute as attr;
use web_support::{Answer, Server};

fn ask(server: &Server) -> Answer {
    server.request("POST", "/api/v1/check", &[("Content-Length", "0")])
}

/// Where TURN is by UDP, who asks, and the password.
fn turn(trial: &Value) -> (SocketAddr, String, String) {
    let servers = trial["ice_servers"].as_array().unwrap();
    let turn = servers.last().unwrap();
    let text = |key: &str| turn[key].as_str().unwrap().to_owned();
    let url = turn["urls"][0].as_str().unwrap();
    let address = url
        .strip_prefix("turn:")
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    (
        address.parse().unwrap(),
        text("username"),
        text("credential"),
    )
}

#[test]
fn both_ends_of_a_check_hear_each_other_by_the_relay() {
    let server = Server::start();
    let trial = ask(&server).json();
    assert_eq!(trial["expires_in_ms"], 60_000);
    let (address, username, password) = turn(&trial);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let expires: u64 = username.split(':').next().unwrap().parse().unwrap();
    assert!((now..=now + 61).contains(&expires), "{username}");
    let come = || TurnClient::allocated(address, &username, &password);
    relay_support::they_hear_each_other(come(), come());
}

#[test]
fn two_checks_have_nothing_in_common() {
    let server = Server::start();
    let [first, second] = [ask(&server).json(), ask(&server).json()];
    assert_ne!(turn(&first).1, turn(&second).1);
}

#[test]
fn an_address_can_ask_a_few_times_and_pages_of_other_sites_cannot() {
    let server = Server::start();
    let foreign = [("Content-Length", "0"), ("Origin", "https://evil.example")];
    assert_eq!(
        server.request("POST", "/api/v1/check", &foreign).status,
        403
    );
    let answers: Vec<Answer> = (0..12).map(|_| ask(&server)).collect();
    let given = answers.iter().filter(|it| it.status == 200).count();
    assert!((8..=9).contains(&given), "{given}");
    let last = &answers[11];
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").is_some());
    assert_eq!(server.get("/api/v1/check").status, 405);
}

#[test]
fn nothing_else_is_reached_whatever_is_allowed() {
    let allow = ["--allow-peer", "127.0.0.0/8", "--allow-peer", "10.0.0.0/8"];
    let server = Server::start_with(&allow.map(str::to_owned));
    let [one, other] = [ask(&server).json(), ask(&server).json()];
    let (address, username, password) = turn(&one);
    let (mut client, _) = TurnClient::allocated(address, &username, &password);
    for peer in ["1.1.1.1:53", "10.0.0.1:80", "127.0.0.2:22", "127.0.0.3:9"] {
        assert_eq!(client.permit(peer.parse().unwrap()), 403, "{peer}");
        assert_eq!(client.bind(0x4000, peer.parse().unwrap()), 403, "{peer}");
    }
    let (_, username, password) = turn(&other);
    let (mut neighbour, at_neighbour) = TurnClient::allocated(address, &username, &password);
    assert_eq!(neighbour.permit(at_neighbour), 0);
    assert_eq!(client.bind(0x4001, at_neighbour), 0);
    client.send_channel_data(0x4001, b"junk");
    assert!(neighbour.hears_nothing());
}

#[test]
fn no_refresh_makes_it_last_longer_than_a_minute() {
    let server = Server::start();
    let (address, username, password) = turn(&ask(&server).json());
    let (mut client, _) = TurnClient::allocated(address, &username, &password);
    let refreshed = client.refresh(3600);
    assert_eq!(refreshed.code(), 0);
    let lifetime = refreshed.first(attr::LIFETIME).unwrap();
    let seconds = u32::from_be_bytes(lifetime.try_into().unwrap());
    assert!((1..=60).contains(&seconds), "{seconds}");
}
