//! Passkeys: making them, signing in with them, and what does not work.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod passkey_support;
mod web_support;

use account_support::*;
use passkey_support::Authenticator;
use serde_json::{Value, json};
use web_support::{Answer, Server};

fn origin(server: &Server) -> String {
    format!("http://localhost:{}", server.http.port())
}

/// Makes a passkey for somebody who is signed in.
fn add(server: &Server, browser: &mut Browser, key: &mut Authenticator) -> Answer {
    let begun = browser.good(server, "POST", "/api/v1/me/passkeys/begin", json!({}));
    let credential = key.create(&begun["options"]);
    let body = json!({ "ceremony": begun["ceremony"], "credential": credential, "name": "Phone" });
    browser.post(server, "/api/v1/me/passkeys/finish", body)
}

fn sign_in(server: &Server, key: &Authenticator) -> (Browser, Answer) {
    let mut browser = Browser::new();
    let begun = browser.good(server, "POST", "/api/v1/login/passkey/begin", json!({}));
    let credential = key.get(&begun["options"]);
    let body = json!({ "ceremony": begun["ceremony"], "credential": credential });
    let answer = browser.post(server, "/api/v1/login/passkey/finish", body);
    (browser, answer)
}

#[test]
fn a_passkey_signs_in_without_a_name() {
    let server = Server::start();
    assert_eq!(
        Browser::new().get(&server, "/api/v1/server").json()["passkeys"],
        true
    );
    let mut ada = admin(&server);
    let mut key = Authenticator::new(1, &origin(&server));
    let made = add(&server, &mut ada, &mut key);
    assert_eq!(made.status, 200, "{made:?}");
    let (mut browser, answer) = sign_in(&server, &key);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(browser.me(&server)["login"], "ada");
    let list = ada.good(&server, "GET", "/api/v1/me/passkeys", Value::Null);
    assert_eq!(
        (&list[0]["name"], &list[0]["id"]),
        (&json!("Phone"), &made.json()["id"])
    );
    assert!(list[0]["seen_at_ms"].is_u64());
    let again = add(&server, &mut ada, &mut key).json();
    assert_eq!(again["code"], "passkey_refused", "once is enough");
    let path = format!(
        "/api/v1/me/passkeys/{}",
        made.json()["id"].as_str().unwrap()
    );
    let mut ben = member(&server, &mut ada, "ben");
    let mut copy = key.clone();
    let taken = add(&server, &mut ben, &mut copy).json();
    assert_eq!(taken["code"], "passkey_taken", "it stays whose it was");
    assert_eq!(ben.delete(&server, &path).status, 404);
    assert_eq!(
        ada.delete(&server, "/api/v1/me/passkeys/rubbish!").status,
        404
    );
    assert_eq!(ada.delete(&server, &path).status, 204);
    assert_eq!(sign_in(&server, &key).1.status, 401);
}

#[test]
fn an_account_can_do_without_a_password() {
    let server = Server::start();
    let mut key = Authenticator::new(2, &origin(&server));
    let mut ada = Browser::new();
    let account = json!({ "token": first_token(&server), "login": "ada", "name": "Ada" });
    let begun = ada.good(
        &server,
        "POST",
        "/api/v1/accounts/passkey/begin",
        account.clone(),
    );
    let body = json!({
        "ceremony": begun["ceremony"], "credential": key.create(&begun["options"]),
        "passkey_name": "Laptop",
    });
    let me = ada.good(
        &server,
        "POST",
        "/api/v1/accounts/passkey/finish",
        body.clone(),
    );
    assert_eq!(
        (&me["role"], &me["has_password"]),
        (&json!("admin"), &json!(false))
    );
    assert_eq!(
        ada.post(&server, "/api/v1/accounts/passkey/finish", body)
            .status,
        410
    );
    let gone = ada.post(&server, "/api/v1/accounts/passkey/begin", account);
    assert_eq!(gone.json()["code"], "link_gone");
    assert_eq!(sign_in(&server, &key).1.status, 200);
    for guess in ["", PASSWORD] {
        assert_eq!(Browser::new().login(&server, "ada", guess).status, 401);
    }
    // It is the only way in, until there is a password.
    let list = ada.good(&server, "GET", "/api/v1/me/passkeys", Value::Null);
    let path = format!("/api/v1/me/passkeys/{}", list[0]["id"].as_str().unwrap());
    assert_eq!(ada.delete(&server, &path).json()["code"], "last_way_in");
    ada.good(
        &server,
        "PUT",
        "/api/v1/me/password",
        json!({ "new": PASSWORD }),
    );
    assert_eq!(ada.delete(&server, &path).status, 204);
    assert_eq!(Browser::new().login(&server, "ada", PASSWORD).status, 200);
}

#[test]
fn a_link_is_used_up_by_whoever_ends_first() {
    let server = Server::start();
    let mut ada = admin(&server);
    let token = invite(&server, &mut ada, "member");
    let begin = |login: &str| {
        let body = json!({ "token": token, "login": login, "name": "X" });
        Browser::new().good(&server, "POST", "/api/v1/accounts/passkey/begin", body)
    };
    let finish = |number: u8, begun: Value| {
        let mut key = Authenticator::new(number, &origin(&server));
        let body = json!({
            "ceremony": begun["ceremony"], "credential": key.create(&begun["options"]),
            "passkey_name": "X",
        });
        Browser::new().post(&server, "/api/v1/accounts/passkey/finish", body)
    };
    let (first, second) = (begin("ben"), begin("eve"));
    assert_eq!(finish(3, second).status, 200);
    assert_eq!(finish(4, first).json()["code"], "link_gone");
    let users = ada.good(&server, "GET", "/api/v1/admin/users", Value::Null);
    assert_eq!(users.as_array().unwrap().len(), 2);
}

#[test]
fn what_was_signed_elsewhere_or_by_another_is_refused() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut key = Authenticator::new(5, &origin(&server));
    assert_eq!(add(&server, &mut ada, &mut key).status, 200);
    let wrong: [fn(&mut Authenticator); 6] = [
        |key| key.origin = "https://evil.example".to_owned(),
        |key| key.origin = "http://localhost.evil.example".to_owned(),
        |key| key.rp_id = "evil.example".to_owned(),
        |key| key.flags = 0x01,       // Nobody was verified.
        |key| key.user = vec![7; 16], // Somebody else's name on it.
        |key| {
            *key = {
                let mut forged = Authenticator::new(6, &key.origin);
                (forged.id, forged.user) = (key.id.clone(), key.user.clone());
                forged
            }
        },
    ];
    for (n, change) in wrong.iter().enumerate() {
        let mut bad = key.clone();
        change(&mut bad);
        let answer = sign_in(&server, &bad).1;
        assert_eq!(answer.status, 401, "{n} {answer:?}");
        assert_eq!(answer.json()["code"], "wrong_credentials");
    }
    assert_eq!(sign_in(&server, &key).1.status, 200);
    let mut foreign = Authenticator::new(7, "https://evil.example");
    let answer = add(&server, &mut ada, &mut foreign);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (403, &json!("passkey_refused"))
    );
}

#[test]
fn an_answer_counts_once_and_for_its_own_ceremony() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut key = Authenticator::new(8, &origin(&server));
    assert_eq!(add(&server, &mut ada, &mut key).status, 200);
    let finish = |ceremony: &Value, credential: &Value| {
        let body = json!({ "ceremony": ceremony, "credential": credential });
        Browser::new().post(&server, "/api/v1/login/passkey/finish", body)
    };
    let begin = || Browser::new().good(&server, "POST", "/api/v1/login/passkey/begin", json!({}));
    let (one, two) = (begin(), begin());
    let credential = key.get(&one["options"]);
    assert_eq!(
        finish(&two["ceremony"], &credential).status,
        401,
        "another challenge"
    );
    assert_eq!(finish(&one["ceremony"], &credential).status, 200);
    assert_eq!(
        finish(&one["ceremony"], &credential).status,
        410,
        "replayed"
    );
    assert_eq!(finish(&json!("rubbish"), &credential).status, 410);
    // One begun to add a passkey signs nobody in, and is not another's.
    let added = ada.good(&server, "POST", "/api/v1/me/passkeys/begin", json!({}));
    assert_eq!(finish(&added["ceremony"], &credential).status, 410);
    let added = ada.good(&server, "POST", "/api/v1/me/passkeys/begin", json!({}));
    let mut ben = member(&server, &mut ada, "ben");
    let made = Authenticator::new(9, &origin(&server)).create(&added["options"]);
    let body = json!({ "ceremony": added["ceremony"], "credential": made, "name": "X" });
    assert_eq!(
        ben.post(&server, "/api/v1/me/passkeys/finish", body).status,
        410
    );
}

#[test]
fn a_copied_authenticator_shows() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut key = Authenticator::new(10, &origin(&server));
    key.counter = 5;
    assert_eq!(add(&server, &mut ada, &mut key).status, 200);
    key.counter = 9;
    assert_eq!(sign_in(&server, &key).1.status, 200);
    key.counter = 8;
    assert_eq!(
        sign_in(&server, &key).1.status,
        401,
        "it has counted further already"
    );
    key.counter = 10;
    assert_eq!(sign_in(&server, &key).1.status, 200);
}

#[test]
fn a_closed_account_opens_to_no_passkey() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let mut key = Authenticator::new(11, &origin(&server));
    assert_eq!(add(&server, &mut ben, &mut key).status, 200);
    let path = format!("/api/v1/admin/users/{}", id(&server, &mut ben));
    ada.good(&server, "PATCH", &path, json!({ "closed": true }));
    assert_eq!(sign_in(&server, &key).1.status, 401);
}

#[test]
fn an_address_has_no_passkeys() {
    let server = Server::start();
    let address = [("Host", server.http.to_string())];
    let info = send(&server, "GET", "/api/v1/server", &address, b"");
    assert_eq!(info.json()["passkeys"], false);
    let begun = send(
        &server,
        "POST",
        "/api/v1/login/passkey/begin",
        &address,
        b"",
    );
    assert_eq!(
        (begun.status, &begun.json()["code"]),
        (409, &json!("no_passkeys"))
    );
}

#[test]
fn ceremonies_that_are_left_do_not_pile_up() {
    let server = Server::start();
    let before = server.resident();
    let statuses: Vec<u16> = (0..300)
        .map(|_| {
            Browser::new()
                .post(&server, "/api/v1/login/passkey/begin", json!({}))
                .status
        })
        .collect();
    assert!(statuses.contains(&429), "an address has so many tries");
    assert!(
        server.resident() < before + 20_000,
        "{before} {}",
        server.resident()
    );
}
