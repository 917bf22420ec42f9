//! What accounts and calls have to do with each other: members' sockets, what they are told, and how
//! they end when a sign-in does.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod relay_support;
mod web_support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use account_support::*;
use relay_support::Client as TurnClient;
use serde_json::{Value, json};
use web_support::{CALL, Client, ROOM, Server};

/// A socket with a ticket of this browser, and its welcome.
async fn connect(server: &Server, browser: &Browser) -> (Client, Value) {
    let ticket = browser.clone().ticket(server);
    let mut client = Client::open(server).await;
    let hello = client.hello_frame(&ticket);
    let welcome = client.ask(hello).await;
    assert_eq!(welcome["t"], "welcome", "{welcome}");
    (client, welcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_socket_knows_whose_it_is_and_hears_what_changes() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let (ada_id, ben_id) = (id(&server, &mut ada), id(&server, &mut ben));
    let (mut client, welcome) = connect(&server, &ada).await;
    assert_eq!(
        welcome["you"]["account"]["user"],
        ada_id.as_str(),
        "{welcome}"
    );
    let people = client.until_type("people").await;
    assert_eq!(people["contacts"], json!([]));
    let devices = ada.good(&server, "GET", "/api/v1/me/devices", Value::Null);
    assert_eq!(
        (&devices[0]["current"], &devices[0]["online"]),
        (&json!(true), &json!(true))
    );
    ada.good(
        &server,
        "PUT",
        &format!("/api/v1/contacts/{ben_id}"),
        json!({}),
    );
    let people = client.until_type("people").await;
    assert_eq!(people["contacts"][0]["name"], "Ben");
    ada.good(
        &server,
        "PATCH",
        "/api/v1/me",
        json!({ "name": "Ada L.", "do_not_disturb": true }),
    );
    let people = client.until_type("people").await;
    assert_eq!(
        (&people["me"]["name"], &people["me"]["do_not_disturb"]),
        (&json!("Ada L."), &json!(true))
    );
    let (_guest, welcome) = connect(&server, &Browser::new()).await;
    assert!(welcome["you"]["account"].is_null(), "{welcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_a_device_out_ends_its_socket_and_no_ticket_brings_it_back() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut other = Browser::new();
    other.login(&server, "ada", PASSWORD);
    let (mut mine, _) = connect(&server, &ada).await;
    let (mut others, welcome) = connect(&server, &other).await;
    let unused = other
        .clone()
        .good(&server, "POST", "/api/v1/tickets", Value::Null);
    let device = other.me(&server)["this_device"]
        .as_str()
        .unwrap()
        .to_owned();
    ada.good(
        &server,
        "DELETE",
        &format!("/api/v1/me/devices/{device}"),
        Value::Null,
    );
    assert_eq!(others.closed().await, 4008);
    assert_eq!(
        other.post(&server, "/api/v1/tickets", json!({})).status,
        401
    );
    // Neither a ticket from before nor one of somebody else takes the session up again.
    let guests = Browser::new().good(&server, "POST", "/api/v1/tickets", Value::Null);
    let adas = ada.good(&server, "POST", "/api/v1/tickets", Value::Null);
    for ticket in [unused, guests, adas] {
        let ticket = ticket["ticket"].as_str().unwrap();
        let mut again = Client::open(&server).await;
        let frame = again.resume_frame(ticket, &welcome);
        again.send(frame).await;
        let answer = again.next().await;
        assert!(
            !matches!(&answer, Ok(frame) if frame["t"] == "resumed"),
            "{answer:?}"
        );
    }
    mine.send(json!({ "t": "ping" })).await;
    mine.until_type("pong").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_a_sign_in_can_end_ends_its_socket() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let user = format!("/api/v1/admin/users/{}", id(&server, &mut ben));
    let sign_in = |password: &str| {
        let mut browser = Browser::new();
        assert_eq!(browser.login(&server, "ben", password).status, 200);
        browser
    };
    let (mut client, _) = connect(&server, &ben).await;
    ben.good(&server, "POST", "/api/v1/logout", Value::Null);
    assert_eq!(client.closed().await, 4008, "signed out");

    let (mut ben, elsewhere) = (sign_in(PASSWORD), sign_in(PASSWORD));
    let (mut own, _) = connect(&server, &ben).await;
    let (mut client, _) = connect(&server, &elsewhere).await;
    let change = json!({ "old": PASSWORD, "new": "another horse" });
    ben.good(&server, "PUT", "/api/v1/me/password", change);
    assert_eq!(client.closed().await, 4008, "a new password");

    let made = json!({ "name": "bot", "scopes": ["calls"] });
    let made = ben.good(&server, "POST", "/api/v1/tokens", made);
    let bot = Browser::with_token(made["token"].as_str().unwrap());
    let (mut client, _) = connect(&server, &bot).await;
    let token = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    ben.good(&server, "DELETE", &token, Value::Null);
    assert_eq!(client.closed().await, 4008, "a token that was taken back");

    let elsewhere = sign_in("another horse");
    let (mut client, _) = connect(&server, &elsewhere).await;
    ben.good(&server, "DELETE", "/api/v1/me/devices", Value::Null);
    assert_eq!(client.closed().await, 4008, "all others");

    own.send(json!({ "t": "ping" })).await;
    own.until_type("pong").await;
    ada.good(&server, "PATCH", &user, json!({ "closed": true }));
    assert_eq!(own.closed().await, 4008, "a closed account");
    ada.good(&server, "PATCH", &user, json!({ "closed": false }));
    let ben = sign_in("another horse");
    let (mut client, _) = connect(&server, &ben).await;
    let link = ada.good(&server, "POST", &format!("{user}/reset"), json!({}));
    let link = token_of(&link);
    let body = json!({ "token": link, "password": PASSWORD });
    Browser::new().good(&server, "POST", "/api/v1/accounts", body);
    assert_eq!(client.closed().await, 4008, "a reset");
}

fn token_of(link: &Value) -> String {
    token(link["link"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_see_calls_and_end_them() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let calls = |ada: &mut Browser| ada.good(&server, "GET", "/api/v1/admin/calls", Value::Null);
    assert_eq!(calls(&mut ada), json!([]));
    let (mut client, _) = connect(&server, &ben).await;
    client.join().await;
    let list = calls(&mut ada);
    assert_eq!(
        (&list[0]["call"], &list[0]["connected"]),
        (&json!(CALL), &json!(false))
    );
    assert_eq!(list[0]["participants"][0]["user"], ben.me(&server)["user"]);
    assert!(list[0]["started_at_ms"].is_u64(), "{list}");
    let path = format!("/api/v1/admin/calls/{CALL}");
    assert_eq!(ben.delete(&server, &path).status, 403);
    assert_eq!(ada.delete(&server, &path).status, 204);
    client.until_type("call_ended").await;
    assert_eq!(ada.delete(&server, &path).status, 404);
    assert_eq!(calls(&mut ada), json!([]));
    // Nobody walks right back in, and a restart makes no difference.
    let join = json!({
        "t": "join", "room": ROOM, "call": CALL, "name": "Ben",
        "media": { "audio": true, "video": true },
    });
    assert_eq!(client.ask(join.clone()).await["code"], "gone");
    let server = server.start_again();
    let (mut client, _) = connect(&server, &ben).await;
    assert_eq!(client.ask(join).await["code"], "gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ticket_outlives_a_sign_in_however_they_hurry() {
    let server = Server::start();
    let ada = admin(&server);
    for _ in 0..10 {
        let mut browser = Browser::new();
        browser.login(&server, "ada", PASSWORD);
        // Tickets are asked for while the sign-in ends.
        let tickets: Vec<Value> = std::thread::scope(|scope| {
            let ask = || {
                let mut browser = browser.clone();
                scope.spawn({
                    let server = &server;
                    move || browser.post(server, "/api/v1/tickets", json!({}))
                })
            };
            let asked: Vec<_> = (0..4).map(|_| ask()).collect();
            let out = browser.clone().post(&server, "/api/v1/logout", json!({}));
            assert_eq!(out.status, 204);
            let answers = asked.into_iter().map(|thread| thread.join().unwrap());
            let good = answers.filter(|answer| answer.status == 200);
            good.map(|answer| answer.json()["ticket"].clone()).collect()
        });
        for ticket in tickets {
            let mut client = Client::open(&server).await;
            let hello = client.hello_frame(ticket.as_str().unwrap());
            client.send(hello).await;
            // Refused, or closed in this moment.
            assert!([4001, 4008].contains(&client.closed().await));
        }
    }
    assert_eq!(ada.clone().me(&server)["login"], "ada");
}

/// A client of the relay with what the connection of a call came with.
fn relayed(connection: &Value) -> TurnClient {
    let servers = connection["relay"]["ice_servers"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let server = servers.iter().find(|server| server["username"].is_string());
    let server = server.expect("credentials");
    let url = text(&server["urls"][0]);
    let address = url.trim_start_matches("turn:").split('?').next().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let (username, credential) = (text(&server["username"]), text(&server["credential"]));
    TurnClient::allocated(address, &username, &credential).0
}

/// Waits until the relay takes this client for somebody without a credential.
fn until_refused(client: &mut TurnClient) {
    let begun = Instant::now();
    while client.refresh(600).code() != 401 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
    }
    assert_eq!(client.allocate().code(), 401, "and makes nothing new");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_put_out_of_a_call_uses_the_relay_no_more() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let (mut at_ada, _) = connect(&server, &ada).await;
    at_ada.join().await;
    let at_ben = Client::open(&server).await;
    let ticket = ben.clone().ticket(&server);
    let mut at_ben = at_ben.into_session_with(&ticket, 2).await;
    let joined = at_ben.join().await;
    let mut bens = relayed(&joined["connections"][0]);
    let mut adas = relayed(&at_ada.until_type("connection").await);
    assert_eq!(ben.post(&server, "/api/v1/logout", json!({})).status, 204);
    until_refused(&mut bens);
    assert_eq!(adas.refresh(600).code(), 0, "nobody has signed her out");
    // And an administrator ends the next one.
    at_ada.until_type("call_ended").await;
    at_ada.join().await;
    let mut guest = Client::hello(&server, 7).await;
    let joined = guest.join().await;
    let mut guests = relayed(&joined["connections"][0]);
    let path = format!("/api/v1/admin/calls/{CALL}");
    assert_eq!(ada.delete(&server, &path).status, 204);
    until_refused(&mut guests);
    until_refused(&mut adas);
}
