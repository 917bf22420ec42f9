//! Join tokens: a site lets its visitors into one call each, and what else is tried with them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use account_support::*;
use serde_json::{Value, json};
use web_support::frames::{id_of, join};
use web_support::{Answer, CALL, Client, ROOM, Server};

/// A program of an administrator with an API token of these scopes.
fn program(server: &Server, admin: &mut Browser, scopes: &[&str]) -> Browser {
    let body = json!({ "name": "Site", "scopes": scopes });
    let made = admin.good(server, "POST", "/api/v1/tokens", body);
    Browser::with_token(made["token"].as_str().unwrap())
}

fn make(server: &Server, site: &mut Browser, more: Value) -> Value {
    let mut body = json!({ "room": ROOM, "name": "Patient" });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    site.good(server, "POST", "/api/v1/join-tokens", body)
}

fn token_of(made: &Value) -> &str {
    made["token"].as_str().unwrap()
}

/// The device's public key, as it stands in its `hello`.
fn key(client: &Client) -> String {
    let frame = client.hello_frame("");
    frame["device"]["key"].as_str().unwrap().to_owned()
}

/// Asks for a ticket with a join token, for the device of this client.
fn ask(server: &Server, token: &str, device: &str) -> Answer {
    let headers = [
        ("Host", format!("localhost:{}", server.http.port())),
        ("Authorization", format!("Bearer {token}")),
        ("Dialtone-Device", device.to_owned()),
    ];
    send(server, "POST", "/api/v1/tickets", &headers, b"")
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or("").to_owned();
    (answer.status, code)
}

/// A device of this number that has not said who it is.
async fn device(server: &Server, number: u8) -> Client {
    Client::open(server).await.with_key(number)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_comes_in_by_a_token_also_where_guests_are_switched_off() {
    let server = Server::start();
    let mut ada = admin(&server);
    let settings = json!({ "guests": false });
    ada.good(&server, "PATCH", "/api/v1/admin/settings", settings);
    let mut site = program(&server, &mut ada, &["join"]);
    let made = make(&server, &mut site, json!({}));
    assert!(token_of(&made).starts_with("dialtone_join_"));
    let mut hosts = ada.connect(&server, 1).await;
    hosts.join().await;
    assert_eq!(
        code(&server.request("POST", "/api/v1/tickets", &[("Content-Length", "0")])),
        (403, "guests_off".into())
    );
    let visitor = device(&server, 2).await;
    let shown = ask(&server, token_of(&made), &key(&visitor)).json();
    assert_eq!(
        shown["visit"],
        json!({ "room": ROOM, "name": "Patient" }),
        "{shown}"
    );
    let ticket = shown["ticket"].as_str().unwrap();
    let mut visitor = visitor.into_session_with(ticket, 2).await;
    // Another room is none; theirs knows them by the name in the token.
    let other = visitor.ask(join(&id_of('r', 1), &id_of('c', 1))).await;
    assert_eq!(other["code"], "not_found", "{other}");
    visitor.join().await;
    let seen = hosts.until_type("participant").await;
    assert_eq!(seen["participant"]["name"], "Patient", "{seen}");
    // Whoever takes it back puts them out.
    let path = format!("/api/v1/join-tokens/{}", made["id"].as_str().unwrap());
    site.good(&server, "DELETE", &path, Value::Null);
    assert_eq!(visitor.closed().await, 4008);
    assert_eq!(
        code(&ask(
            &server,
            token_of(&made),
            &key(&device(&server, 2).await)
        )),
        (401, "unknown_token".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_one_devices_and_of_no_use_to_who_finds_it() {
    let server = Server::start();
    let mut site = program(&server, &mut admin(&server), &["join"]);
    let made = make(&server, &mut site, json!({}));
    let (token, visitor) = (token_of(&made), device(&server, 2).await);
    let first = ask(&server, token, &key(&visitor)).json();
    let thief = device(&server, 3).await;
    let used = (401, "token_used".to_owned());
    assert_eq!(code(&ask(&server, token, &key(&thief))), used);
    // With the name of the visitor's device, and without its key.
    let stolen = ask(&server, token, &key(&visitor)).json();
    let mut thief = thief;
    let frame = thief.hello_frame(stolen["ticket"].as_str().unwrap());
    let answer = thief.ask(frame).await;
    assert_eq!(answer["code"], "unauthorized", "{answer}");
    // The visitor is as good as before, also after a restart.
    visitor
        .into_session_with(first["ticket"].as_str().unwrap(), 2)
        .await;
    let server = server.start_again();
    let visitor = device(&server, 2).await;
    let again = ask(&server, token, &key(&visitor)).json();
    let ticket = again["ticket"].as_str().unwrap();
    visitor.into_session_with(ticket, 2).await.join().await;
    let thief = device(&server, 3).await;
    assert_eq!(code(&ask(&server, token, &key(&thief))), used);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_what_is_on_at_once() {
    let server = Server::start();
    let mut site = program(&server, &mut admin(&server), &["join"]);
    let with = json!({ "audio": true, "video": false });
    let made = make(&server, &mut site, json!({ "join_with": with }));
    let shown = ask(&server, token_of(&made), &key(&device(&server, 2).await)).json();
    assert_eq!(shown["visit"]["join_with"], with, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_short_lived() {
    let server = Server::start();
    let mut site = program(&server, &mut admin(&server), &["join"]);
    let made = make(&server, &mut site, json!({ "expires_in_s": 1 }));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let device = device(&server, 2).await;
    assert_eq!(
        code(&ask(&server, token_of(&made), &key(&device))),
        (401, "token_expired".into())
    );
    for seconds in [0, 3601] {
        let body = json!({ "room": ROOM, "name": "x", "expires_in_s": seconds });
        let answer = site.post(&server, "/api/v1/join-tokens", body);
        assert_eq!(code(&answer), (400, "bad_request".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_with_the_scope_makes_tokens_and_they_are_good_for_nothing_else() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let body = json!({ "room": ROOM, "name": "Patient" });
    let mut refused = vec![
        (Browser::new(), 401),
        (ben.clone(), 403),
        (program(&server, &mut ben, &["join"]), 403),
        (program(&server, &mut ada, &["calls", "admin"]), 403),
    ];
    let mut site = program(&server, &mut ada, &["join"]);
    let made = make(&server, &mut site, json!({}));
    refused.push((Browser::with_token(token_of(&made)), 401));
    for (browser, status) in &mut refused {
        let answer = browser.post(&server, "/api/v1/join-tokens", body.clone());
        assert_eq!(answer.status, *status, "{answer:?}");
    }
    let mut visitor = Browser::with_token(token_of(&made));
    for path in ["/api/v1/me", "/api/v1/admin/calls", "/api/v1/contacts"] {
        assert_eq!(visitor.get(&server, path).status, 401, "{path}");
    }
    // The scope is for nothing else either, and others' tokens are not there.
    assert_eq!(site.get(&server, "/api/v1/admin/calls").status, 403);
    let path = format!("/api/v1/join-tokens/{}", made["id"].as_str().unwrap());
    let mut cem = member(&server, &mut ada, "cem");
    assert_eq!(cem.delete(&server, &path).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_or_no_device_is_refused_in_words() {
    let server = Server::start();
    let mut site = program(&server, &mut admin(&server), &["join"]);
    let made = make(&server, &mut site, json!({}));
    let token = token_of(&made).to_owned();
    let key = key(&device(&server, 2).await);
    for device in [
        "",
        "x",
        &key[1..],
        &format!("{key}AA"),
        "é",
        &"A".repeat(9000),
    ] {
        let answer = ask(&server, &token, device);
        assert_eq!(code(&answer), (400, "bad_request".into()), "{device}");
    }
    for bad in [
        "dialtone_join_",
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("dialtone_join_{}", "A".repeat(43)),
        &token.replace("_join", ""),
    ] {
        let answer = ask(&server, bad, &key);
        assert_eq!(code(&answer), (401, "unknown_token".into()), "{bad}");
    }
    for room in ["", "x", &format!("{ROOM}A"), CALL.get(1..).unwrap()] {
        let body = json!({ "room": room, "name": "Patient" });
        let answer = site.post(&server, "/api/v1/join-tokens", body);
        assert_eq!(code(&answer), (400, "bad_request".into()), "{room}");
    }
    // Nothing of all that used the token up.
    assert_eq!(ask(&server, &token, &key).status, 200);
}
