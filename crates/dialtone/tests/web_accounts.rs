//! Accounts: the first run, invitations, signing in and out, what one changes of oneself, people,
//! administration, API tokens.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use account_support::*;
use serde_json::{Value, json};
use web_support::{Answer, Server};

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["code"], code, "{answer:?}");
    assert!(body["message"].as_str().unwrap().ends_with('.'), "{body}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_first_run_makes_an_administrator_once() {
    let server = Server::start();
    let info = server.get("/api/v1/server").json();
    assert_eq!(
        (&info["first_run"], &info["guests"]),
        (&json!(true), &json!(true))
    );
    let token = first_token(&server);
    let mut ada = Browser::new();
    let look = json!({ "token": token });
    let seen = ada.good(&server, "POST", "/api/v1/invitations/look", look.clone());
    assert_eq!(
        (&seen["role"], &seen["first_run"]),
        (&json!("admin"), &json!(true))
    );
    let mut ada = admin(&server);
    let me = ada.me(&server);
    assert_eq!(me["login"], "ada");
    assert_eq!(me["role"], "admin");
    assert_eq!(me["has_password"], true);
    assert_eq!(server.get("/api/v1/server").json()["first_run"], false);
    let again = json!({ "token": token, "login": "eve", "name": "Eve", "password": PASSWORD });
    let again = Browser::new().post(&server, "/api/v1/accounts", again);
    refused(&again, 404, "link_gone");
    let look = Browser::new().post(&server, "/api/v1/invitations/look", look);
    refused(&look, 404, "link_gone");
}

#[test]
fn the_next_start_prints_another_link_until_there_is_an_administrator() {
    let server = Server::start();
    let first = first_token(&server);
    let server = server.start_again();
    let second = first_token(&server);
    assert_ne!(first, second);
    let look = |token: &str| {
        let body = json!({ "token": token });
        Browser::new()
            .post(&server, "/api/v1/invitations/look", body)
            .status
    };
    assert_eq!((look(&first), look(&second)), (404, 200));
    let mut ada = admin(&server);
    let server = server.start_again();
    assert!(
        !server.greeting.contains("administrator"),
        "{}",
        server.greeting
    );
    assert_eq!(ada.me(&server)["login"], "ada", "still signed in");
}

#[test]
fn who_was_invited_signs_in_and_out() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    assert_eq!(ben.me(&server)["role"], "member");
    let mut elsewhere = Browser::new();
    assert_eq!(elsewhere.login(&server, "BEN", PASSWORD).status, 200);
    assert_eq!(elsewhere.me(&server)["name"], "Ben");
    assert_ne!(elsewhere.cookie, ben.cookie);
    let old = elsewhere.clone();
    elsewhere.good(&server, "POST", "/api/v1/logout", Value::Null);
    assert_eq!(elsewhere.cookie, None);
    refused(&elsewhere.get(&server, "/api/v1/me"), 401, "signed_out");
    // The cookie is good for nothing, and is taken away.
    let answer = old.clone().get(&server, "/api/v1/me");
    refused(&answer, 401, "signed_out");
    assert!(answer.set_cookie.unwrap().contains("Max-Age=0"));
    elsewhere.good(&server, "POST", "/api/v1/logout", Value::Null);
    assert_eq!(ben.me(&server)["login"], "ben");
}

#[test]
fn names_and_passwords_have_rules() {
    let server = Server::start();
    let mut ada = admin(&server);
    let token = invite(&server, &mut ada, "member");
    let ask = |login: &str, name: &str, password: &str| {
        let body = json!({ "token": token, "login": login, "name": name, "password": password });
        Browser::new().post(&server, "/api/v1/accounts", body)
    };
    for bad in ["", "a b", "ada'--", "é", "a/b", &"x".repeat(33)] {
        refused(&ask(bad, "Ben", PASSWORD), 400, "bad_request");
    }
    for bad in ["", "   ", "a\u{202e}b", "a\u{0}b", "a\nb", &"x".repeat(65)] {
        refused(&ask("ben", bad, PASSWORD), 400, "bad_request");
    }
    for bad in [
        "short",
        "ben-ben-",
        "password",
        "Password1",
        "zzzzzzzzzzz",
        &"ab".repeat(129),
    ] {
        let login = if bad == "ben-ben-" { bad } else { "ben" };
        refused(&ask(login, "Ben", bad), 400, "unsuitable_password");
    }
    refused(&ask("ADA", "Ben", PASSWORD), 409, "login_taken");
    // None of it has used up the invitation. Unicode and 256 characters are fine.
    let long = "pässwört".repeat(32);
    assert_eq!(ask("ben", " Ben 🐝 ", &long).status, 200);
    let mut ben = Browser::new();
    assert_eq!(ben.login(&server, "ben", &long).status, 200);
    assert_eq!(ben.me(&server)["name"], "Ben 🐝");
}

#[test]
fn text_stays_text() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    for name in [
        "'; DROP TABLE users; --",
        "<script>alert(1)</script>",
        "\"><img src=x>",
        "100%_\\",
        "{{7*7}} ${7*7} %s%n",
    ] {
        let me = ben.good(&server, "PATCH", "/api/v1/me", json!({ "name": name }));
        assert_eq!(me["name"], name);
        let query: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let found = ada.good(
            &server,
            "GET",
            &format!("/api/v1/people?query={query}"),
            Value::Null,
        );
        assert_eq!(found[0]["name"], name);
        assert_eq!(found.as_array().unwrap().len(), 1);
        let answer = ada.get(&server, "/api/v1/people");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let none = ada.good(&server, "GET", "/api/v1/people?query=%25%25", Value::Null);
    assert_eq!(none, json!([]), "wildcards are characters");
    let none = ada.good(&server, "GET", "/api/v1/people?query=%00", Value::Null);
    assert_eq!(none, json!([]));
}

#[test]
fn one_changes_ones_profile() {
    let server = Server::start();
    let mut ada = admin(&server);
    let change = json!({ "do_not_disturb": true, "call_waiting": false });
    let me = ada.good(&server, "PATCH", "/api/v1/me", change);
    assert_eq!(
        (&me["do_not_disturb"], &me["call_waiting"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(me["name"], "Ada");
    ada.good(&server, "PATCH", "/api/v1/me", json!({ "name": "Ada L." }));
    let me = ada.me(&server);
    assert_eq!(
        (&me["name"], &me["do_not_disturb"]),
        (&json!("Ada L."), &json!(true))
    );
    refused(
        &ada.patch(&server, "/api/v1/me", json!({ "name": "" })),
        400,
        "bad_request",
    );
    refused(
        &ada.patch(&server, "/api/v1/me", json!({ "call_waiting": 1 })),
        400,
        "bad_request",
    );
}

#[test]
fn a_new_password_signs_the_others_out_and_ends_api_tokens() {
    let server = Server::start();
    let mut ada = admin(&server);
    let bot = json!({ "name": "bot", "scopes": ["people"] });
    let bot = ada.good(&server, "POST", "/api/v1/tokens", bot);
    let mut bot = Browser::with_token(bot["token"].as_str().unwrap());
    let mut other = Browser::new();
    other.login(&server, "ada", PASSWORD);
    let set =
        |browser: &mut Browser, body: Value| browser.put(&server, "/api/v1/me/password", body);
    let wrong = set(
        &mut ada,
        json!({ "old": "not that one", "new": "another horse" }),
    );
    refused(&wrong, 403, "wrong_credentials");
    refused(
        &set(&mut ada, json!({ "new": "another horse" })),
        403,
        "wrong_credentials",
    );
    let bad = set(&mut ada, json!({ "old": PASSWORD, "new": "password" }));
    refused(&bad, 400, "unsuitable_password");
    assert_eq!(other.me(&server)["login"], "ada");
    assert_eq!(bot.get(&server, "/api/v1/contacts").status, 200);
    let good = set(&mut ada, json!({ "old": PASSWORD, "new": "another horse" }));
    refused(&bot.get(&server, "/api/v1/contacts"), 401, "unknown_token");
    assert_eq!(good.status, 204);
    assert_eq!(ada.me(&server)["login"], "ada");
    refused(&other.get(&server, "/api/v1/me"), 401, "signed_out");
    assert_eq!(Browser::new().login(&server, "ada", PASSWORD).status, 401);
    assert_eq!(
        Browser::new().login(&server, "ada", "another horse").status,
        200
    );
}

#[test]
fn devices_are_listed_and_signed_out() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut browsers: Vec<Browser> = (0..3).map(|_| Browser::new()).collect();
    for browser in &mut browsers {
        browser.login(&server, "ada", PASSWORD);
    }
    let list = ada.good(&server, "GET", "/api/v1/me/devices", Value::Null);
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 4);
    let current: Vec<&Value> = list
        .iter()
        .filter(|device| device["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["id"], ada.me(&server)["this_device"]);
    assert!(list.iter().all(|device| device["online"] == false));
    let id = browsers[0].me(&server)["this_device"]
        .as_str()
        .unwrap()
        .to_owned();
    // Nobody else can, and nobody learns whether it exists.
    let mut ben = member(&server, &mut ada, "ben");
    let path = format!("/api/v1/me/devices/{id}");
    refused(&ben.delete(&server, &path), 404, "not_found");
    refused(
        &ben.delete(&server, "/api/v1/me/devices/rubbish"),
        404,
        "not_found",
    );
    assert_eq!(ada.delete(&server, &path).status, 204);
    refused(&browsers[0].get(&server, "/api/v1/me"), 401, "signed_out");
    refused(&ada.delete(&server, &path), 404, "not_found");
    assert_eq!(browsers[1].me(&server)["login"], "ada");
    assert_eq!(ada.delete(&server, "/api/v1/me/devices").status, 204);
    refused(&browsers[1].get(&server, "/api/v1/me"), 401, "signed_out");
    assert_eq!(ada.me(&server)["login"], "ada");
    assert_eq!(ben.me(&server)["login"], "ben");
}

#[test]
fn people_are_found_added_and_blocked() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    member(&server, &mut ada, "benedict");
    let (ada_id, ben_id) = (id(&server, &mut ada), id(&server, &mut ben));
    let find = |ada: &mut Browser, query: &str| {
        let found = ada.good(
            &server,
            "GET",
            &format!("/api/v1/people?query={query}"),
            Value::Null,
        );
        let found = found.as_array().unwrap().clone();
        let logins = found
            .iter()
            .map(|it| it["login"].as_str().unwrap().to_owned());
        logins.collect::<Vec<_>>()
    };
    assert_eq!(find(&mut ada, "BEN"), ["ben", "benedict"]);
    assert_eq!(find(&mut ada, "dict"), ["benedict"]);
    assert_eq!(find(&mut ada, ""), ["ben", "benedict"], "not oneself");
    assert_eq!(find(&mut ada, "nobody"), [""; 0]);
    for list in ["contacts", "blocks"] {
        let path = format!("/api/v1/{list}/{ben_id}");
        for _ in 0..2 {
            assert_eq!(ada.put(&server, &path, json!({})).status, 204);
        }
        let listed = ada.good(&server, "GET", &format!("/api/v1/{list}"), Value::Null);
        assert_eq!(listed[0]["login"], "ben");
        let field = if list == "contacts" {
            "contact"
        } else {
            "blocked"
        };
        assert_eq!(listed[0][field], true);
        let others = ben.good(&server, "GET", &format!("/api/v1/{list}"), Value::Null);
        assert_eq!(others, json!([]));
        for unknown in [&ada_id, "AAAAAAAAAAAAAAAAAAAAAA", "rubbish", "%00"] {
            let path = format!("/api/v1/{list}/{unknown}");
            refused(&ada.put(&server, &path, json!({})), 404, "not_found");
        }
        for _ in 0..2 {
            assert_eq!(ada.delete(&server, &path).status, 204);
        }
        let listed = ada.good(&server, "GET", &format!("/api/v1/{list}"), Value::Null);
        assert_eq!(listed, json!([]));
    }
}

#[test]
fn history_is_empty_at_first_and_asks_for_numbers() {
    let server = Server::start();
    let mut ada = admin(&server);
    let page = ada.good(&server, "GET", "/api/v1/history?limit=10", Value::Null);
    assert_eq!(page, json!({ "entries": [], "unseen": 0, "more": false }));
    ada.good(&server, "POST", "/api/v1/history/seen", json!({}));
    refused(&ada.delete(&server, "/api/v1/history/1"), 404, "not_found");
    refused(&ada.delete(&server, "/api/v1/history/x"), 404, "not_found");
    for query in ["limit=many", "before=-1", "limit=99999999999"] {
        let answer = ada.get(&server, &format!("/api/v1/history?{query}"));
        refused(&answer, 400, "bad_request");
    }
}

#[test]
fn only_administrators_administer() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let user = id(&server, &mut ben);
    let requests = [
        ("GET", "/api/v1/admin/users".to_owned(), Value::Null),
        (
            "PATCH",
            format!("/api/v1/admin/users/{user}"),
            json!({ "role": "admin" }),
        ),
        (
            "POST",
            format!("/api/v1/admin/users/{user}/reset"),
            json!({}),
        ),
        ("GET", "/api/v1/admin/invitations".to_owned(), Value::Null),
        (
            "POST",
            "/api/v1/admin/invitations".to_owned(),
            json!({ "role": "admin", "expires_in_h": 1 }),
        ),
        (
            "DELETE",
            format!("/api/v1/admin/invitations/{user}"),
            Value::Null,
        ),
        ("GET", "/api/v1/admin/settings".to_owned(), Value::Null),
        (
            "PATCH",
            "/api/v1/admin/settings".to_owned(),
            json!({ "guests": false }),
        ),
    ];
    for (method, path, body) in requests {
        let body = (!body.is_null()).then_some(body);
        refused(
            &ben.ask(&server, method, &path, body.clone()),
            403,
            "forbidden",
        );
        refused(
            &Browser::new().ask(&server, method, &path, body),
            401,
            "signed_out",
        );
    }
    assert_eq!(ben.me(&server)["role"], "member");
}

#[test]
fn administrators_change_and_close_accounts() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let user = id(&server, &mut ben);
    let path = format!("/api/v1/admin/users/{user}");
    let change = json!({ "role": "admin", "name": "Benjamin" });
    assert_eq!(ada.patch(&server, &path, change).status, 204);
    let me = ben.me(&server);
    assert_eq!(
        (&me["role"], &me["name"]),
        (&json!("admin"), &json!("Benjamin"))
    );
    let listed = ben.good(&server, "GET", "/api/v1/admin/users", Value::Null);
    let listed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["login"].clone())
        .collect();
    assert_eq!(listed, ["ada", "ben"]);
    assert_eq!(
        ada.patch(&server, &path, json!({ "closed": true })).status,
        204
    );
    refused(&ben.get(&server, "/api/v1/me"), 401, "signed_out");
    refused(
        &Browser::new().login(&server, "ben", PASSWORD),
        401,
        "wrong_credentials",
    );
    let found = ada.good(&server, "GET", "/api/v1/people?query=ben", Value::Null);
    assert_eq!(found, json!([]));
    assert_eq!(
        ada.patch(&server, &path, json!({ "closed": false })).status,
        204
    );
    assert_eq!(Browser::new().login(&server, "ben", PASSWORD).status, 200);
    for unknown in ["AAAAAAAAAAAAAAAAAAAAAA", "rubbish"] {
        let path = format!("/api/v1/admin/users/{unknown}");
        refused(
            &ada.patch(&server, &path, json!({ "closed": true })),
            404,
            "not_found",
        );
        let reset = ada.post(&server, &format!("{path}/reset"), json!({}));
        refused(&reset, 404, "not_found");
    }
}

#[test]
fn the_last_administrator_stays() {
    let server = Server::start();
    let mut ada = admin(&server);
    let path = format!("/api/v1/admin/users/{}", id(&server, &mut ada));
    for change in [
        json!({ "role": "member" }),
        json!({ "closed": true }),
        json!({ "closed": true, "role": "admin" }),
    ] {
        refused(
            &ada.patch(&server, &path, change),
            409,
            "last_administrator",
        );
    }
    assert_eq!(ada.me(&server)["role"], "admin");
    // Two who demote each other at once leave one.
    let mut ben = member(&server, &mut ada, "ben");
    let other = format!("/api/v1/admin/users/{}", id(&server, &mut ben));
    ada.good(&server, "PATCH", &other, json!({ "role": "admin" }));
    let demote = |browser: &Browser, path: &str| {
        browser
            .clone()
            .patch(&server, path, json!({ "role": "member" }))
            .status
    };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| demote(&ada, &other));
        let second = scope.spawn(|| demote(&ben, &path));
        (first.join().unwrap(), second.join().unwrap())
    });
    assert_ne!(first == 204, second == 204, "{first} {second}");
}

#[test]
fn a_reset_link_sets_a_password_and_signs_everything_else_out() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let user = id(&server, &mut ben);
    let made = json!({ "name": "bot", "scopes": ["people"] });
    let made = ben.good(&server, "POST", "/api/v1/tokens", made);
    let mut bot = Browser::with_token(made["token"].as_str().unwrap());
    assert_eq!(bot.get(&server, "/api/v1/contacts").status, 200);
    let path = format!("/api/v1/admin/users/{user}/reset");
    let link = ada.good(&server, "POST", &path, json!({}));
    let token = token(link["link"].as_str().unwrap());
    assert_eq!(ben.me(&server)["login"], "ben", "nothing has changed yet");
    let look = json!({ "token": token });
    let seen = Browser::new().good(&server, "POST", "/api/v1/invitations/look", look);
    assert_eq!(seen["resets"], json!({ "login": "ben", "name": "Ben" }));
    let mut back = Browser::new();
    let body = json!({ "token": token, "password": "a new password" });
    let me = back.good(&server, "POST", "/api/v1/accounts", body.clone());
    assert_eq!(me["user"], user.as_str());
    refused(&ben.get(&server, "/api/v1/me"), 401, "signed_out");
    refused(&bot.get(&server, "/api/v1/contacts"), 401, "unknown_token");
    refused(
        &back.post(&server, "/api/v1/accounts", body),
        404,
        "link_gone",
    );
    assert_eq!(Browser::new().login(&server, "ben", PASSWORD).status, 401);
    assert_eq!(
        Browser::new()
            .login(&server, "ben", "a new password")
            .status,
        200
    );
}

#[test]
fn invitations_are_listed_taken_back_and_end() {
    let server = Server::start();
    let mut ada = admin(&server);
    let body = json!({ "role": "member", "expires_in_h": 5 });
    let made = ada.good(&server, "POST", "/api/v1/admin/invitations", body);
    let link = made["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("http://localhost:{}/welcome#", server.http.port())));
    let list = ada.good(&server, "GET", "/api/v1/admin/invitations", Value::Null);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["id"], made["id"]);
    assert_eq!(list[0].get("link"), None, "it is shown once");
    let path = format!("/api/v1/admin/invitations/{}", made["id"].as_str().unwrap());
    assert_eq!(ada.delete(&server, &path).status, 204);
    refused(&ada.delete(&server, &path), 404, "not_found");
    let body =
        json!({ "token": token(&link), "login": "ben", "name": "Ben", "password": PASSWORD });
    refused(
        &Browser::new().post(&server, "/api/v1/accounts", body),
        404,
        "link_gone",
    );
    for bad in [json!(0), json!(8761), json!(-1), json!("1")] {
        let body = json!({ "role": "member", "expires_in_h": bad });
        refused(
            &ada.post(&server, "/api/v1/admin/invitations", body),
            400,
            "bad_request",
        );
    }
    let body = json!({ "role": "owner" });
    refused(
        &ada.post(&server, "/api/v1/admin/invitations", body),
        400,
        "bad_request",
    );
}

#[test]
fn guests_can_be_switched_off() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut guest = Browser::new();
    guest.good(&server, "POST", "/api/v1/tickets", Value::Null);
    ada.good(
        &server,
        "PATCH",
        "/api/v1/admin/settings",
        json!({ "guests": false }),
    );
    refused(
        &guest.post(&server, "/api/v1/tickets", json!({})),
        403,
        "guests_off",
    );
    ada.good(&server, "POST", "/api/v1/tickets", Value::Null);
    assert_eq!(server.get("/api/v1/server").json()["guests"], false);
    let server = server.start_again();
    refused(
        &guest.post(&server, "/api/v1/tickets", json!({})),
        403,
        "guests_off",
    );
    ada.good(
        &server,
        "PATCH",
        "/api/v1/admin/settings",
        json!({ "guests": true }),
    );
    guest.good(&server, "POST", "/api/v1/tickets", Value::Null);
    // Whose cookie is not good any more is told, and comes as a guest the next time.
    let mut stale = Browser {
        cookie: Some(format!("dialtone_login={}", "A".repeat(43))),
        token: None,
    };
    refused(
        &stale.post(&server, "/api/v1/tickets", json!({})),
        401,
        "signed_out",
    );
    stale.good(&server, "POST", "/api/v1/tickets", Value::Null);
}

#[test]
fn a_token_does_what_its_scopes_say_and_nothing_else() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let make = |owner: &mut Browser, scopes: Value| {
        let body = json!({ "name": "bot", "scopes": scopes });
        let made = owner.good(&server, "POST", "/api/v1/tokens", body);
        Browser::with_token(made["token"].as_str().unwrap())
    };
    let contact = format!("/api/v1/contacts/{ben_id}");
    let user = format!("/api/v1/admin/users/{ben_id}");
    // Which scope opens it; none: only a browser that is signed in.
    let doors: [(&str, &str, &str, Value); 18] = [
        ("calls", "POST", "/api/v1/tickets", json!({})),
        ("people", "GET", "/api/v1/people", Value::Null),
        ("people", "GET", "/api/v1/contacts", Value::Null),
        ("people", "PUT", &contact, json!({})),
        ("people", "GET", "/api/v1/blocks", Value::Null),
        ("history", "GET", "/api/v1/history", Value::Null),
        ("history", "POST", "/api/v1/history/seen", json!({})),
        ("admin", "GET", "/api/v1/admin/users", Value::Null),
        ("admin", "PATCH", &user, json!({ "role": "member" })),
        ("admin", "GET", "/api/v1/admin/settings", Value::Null),
        ("admin", "GET", "/api/v1/admin/invitations", Value::Null),
        ("", "PATCH", "/api/v1/me", json!({ "name": "Mallory" })),
        (
            "",
            "PUT",
            "/api/v1/me/password",
            json!({ "old": PASSWORD, "new": "another horse" }),
        ),
        ("", "GET", "/api/v1/me/passkeys", Value::Null),
        ("", "POST", "/api/v1/me/passkeys/begin", json!({})),
        ("", "GET", "/api/v1/me/devices", Value::Null),
        ("", "DELETE", "/api/v1/me/devices", Value::Null),
        (
            "",
            "POST",
            "/api/v1/tokens",
            json!({ "name": "x", "scopes": ["admin"] }),
        ),
    ];
    for scope in ["calls", "people", "history", "admin"] {
        let mut bot = make(&mut ada, json!([scope]));
        assert_eq!(bot.me(&server)["login"], "ada");
        for (needed, method, path, body) in &doors {
            let body = (!body.is_null()).then(|| body.clone());
            let answer = bot.ask(&server, method, path, body);
            match *needed == scope {
                true => assert!(
                    (200..300).contains(&answer.status),
                    "{scope} {path} {answer:?}"
                ),
                false => refused(&answer, 403, "forbidden"),
            }
        }
    }
    // The scope does not make its owner an administrator.
    let mut bot = make(&mut ben, json!(["admin"]));
    refused(&bot.get(&server, "/api/v1/admin/users"), 403, "forbidden");
    let list = ada.good(&server, "GET", "/api/v1/tokens", Value::Null);
    assert_eq!(list.as_array().unwrap().len(), 4);
    assert_eq!(list[0].get("token"), None, "it is shown once");
    assert_eq!(list[0]["scopes"], json!(["calls"]));
    let mut bot = make(&mut ada, json!(["people"]));
    let list = ada.good(&server, "GET", "/api/v1/tokens", Value::Null);
    let token = list[4]["id"].as_str().unwrap();
    let path = format!("/api/v1/tokens/{token}");
    refused(&ben.delete(&server, &path), 404, "not_found");
    assert_eq!(ada.delete(&server, &path).status, 204);
    refused(&bot.get(&server, "/api/v1/contacts"), 401, "unknown_token");
    for bad in [
        json!({ "name": "x", "scopes": [] }),
        json!({ "name": "x", "scopes": ["root"] }),
        json!({ "name": "", "scopes": ["calls"] }),
    ] {
        refused(
            &ada.post(&server, "/api/v1/tokens", bad),
            400,
            "bad_request",
        );
    }
}
