//! Text that would be script, paths that would lead elsewhere, rubbish at every door.

use serde_json::{Value, json};

use crate::account_support::*;
use crate::speech::*;
use crate::web_support::frames::{invite, join};
use crate::web_support::*;

#[tokio::test(flavor = "multi_thread")]
async fn script_stays_text() {
    const SCRIPT: &str = "</script><img src=//evil.example/x onerror=alert(1)>'\"\u{202e}";
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let ben_id = id(&server, &mut ben);
    let name = &SCRIPT[..40];
    ada.good(&server, "PATCH", "/api/v1/me", json!({ "name": name }));
    let mut caller = connect(&server, &ada, 1).await;
    let mut phone = connect(&server, &ben, 2).await;
    let (call, id) = (fresh('C'), fresh('R'));
    good(&mut caller, join(ROOM, &call), "joined").await;
    good(&mut caller, invite(&id, &call, &ben_id), "ok").await;
    assert_eq!(phone.until_type("ring").await["from"]["name"], name);
    good(&mut caller, about("cancel", &id), "ok").await;
    let left = json!({ "t": "leave_message", "ring": id, "chat": fresh('M'), "body": SCRIPT });
    good(&mut caller, left, "ok").await;
    // A guest with such a name, and what is said.
    let mut guest = connect(&server, &Browser::new(), 3).await;
    let mut coming = join(ROOM, &call);
    coming["name"] = name.into();
    good(&mut guest, coming, "joined").await;
    let seen = caller.until_type("participant").await;
    assert_eq!(seen["participant"]["name"], name);
    let chat = json!({ "t": "chat", "call": call, "chat": fresh('M'), "body": SCRIPT });
    good(&mut guest, chat, "ok").await;
    let got = caller.until_type("chat").await;
    assert_eq!((&got["body"], &got["name"]), (&json!(SCRIPT), &json!(name)));
    // A device that calls itself so, a token.
    let mut headers = vec![("Host", format!("localhost:{}", server.http.port()))];
    headers.push(("Content-Type", "application/json".to_owned()));
    headers.push(("User-Agent", format!("Firefox/1 Linux {}", &SCRIPT[..30])));
    let login = json!({ "name": "ada", "password": PASSWORD }).to_string();
    let answer = send(&server, "POST", "/api/v1/login", &headers, login.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let made = json!({ "name": name, "scopes": ["calls"] });
    ada.good(&server, "POST", "/api/v1/tokens", made);
    for (browser, path, place, text) in [
        (&ben, "/api/v1/people", "/0/name", name),
        (&ben, "/api/v1/history", "/entries/0/peer/name", name),
        (&ben, "/api/v1/history", "/entries/0/message/body", SCRIPT),
        (&ada, "/api/v1/me", "/name", name),
        (&ada, "/api/v1/tokens", "/0/name", name),
        (&ada, "/api/v1/me/devices", "/0/name", "Firefox on Linux"),
        (&ada, "/api/v1/admin/users", "/0/name", name),
        (&ada, "/api/v1/admin/calls", "/0/participants/0/name", name),
    ] {
        let answer = browser.clone().get(&server, path);
        assert_eq!(answer.json().pointer(place), Some(&json!(text)), "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{path}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn no_path_of_the_api_leads_elsewhere() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let page = server.get("/").body;
    for path in [
        "/api/v1/../v1/admin/users",
        "/api/v1/me/devices/../../admin/users",
        "/api/v1/me/devices/..%2f..%2fadmin%2fusers",
        "/api/v1/%61dmin/users",
        "/api/v1/admin%2fusers",
        "/api/v1//admin/users",
        "/api/v1/./admin/users",
        "/api/v1/admin/users/",
        "/api/v1/admin/users;x=1",
        "/api/v1/admin/users%00",
        "/api/v1/admin/users?%00=\u{1}",
        "/API/v1/admin/users",
        "//api/v1/admin/users",
        "/api\\v1\\admin\\users",
        "/api/v1/people?query=%ff",
        "/api/v1/people?query=x&query=y",
        "/api/v1/history?before=-1",
        "/api/v1/history?before=18446744073709551615&limit=4294967295",
        "/api/v1/history?before=18446744073709551616",
        "/api/v1/history?limit=0",
    ] {
        let answer = ben.get(&server, path);
        assert!(
            answer.status < 500 || answer.body == page,
            "{path}: {answer:?}"
        );
        assert!(!(300..400).contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.body.contains("\"role\""), "{path}: {answer:?}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
    for path in [
        "/api/v1/contacts/..%2f..%2fme",
        "/api/v1/contacts/%00",
        "/api/v1/blocks/AAAAAAAAAAAAAAAAAAAAAB",
        "/api/v1/blocks/%ff",
        "/api/v1/contacts/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = ben.put(&server, path, json!({}));
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    for path in [
        "/api/v1/history/18446744073709551615",
        "/api/v1/history/-1",
        "/api/v1/history/1%27%20OR%201=1",
        "/api/v1/me/passkeys/%00",
        "/api/v1/me/passkeys/A",
        "/api/v1/tokens/..",
        "/api/v1/me/devices/%2e%2e",
    ] {
        let answer = ben.delete(&server, path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    assert_eq!(ben.me(&server)["login"], "ben");
}

/// A request whose body is announced with another length than it has.
fn speak(
    server: &Server,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    length: usize,
    body: &[u8],
) -> Answer {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n",
        server.http.port()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    server.raw(&[text.as_bytes(), b"\r\n", body].concat())
}

#[test]
fn every_door_of_the_api_withstands_rubbish() {
    let server = Server::start();
    let mut ada = admin(&server);
    let cookie = ada.cookie.clone().unwrap();
    let own = format!("http://localhost:{}", server.http.port());
    let document = server.get("/api/v1/openapi.json").json();
    let before = server.resident();
    let fields = [
        "token",
        "login",
        "name",
        "password",
        "old",
        "new",
        "role",
        "guests",
        "scopes",
        "ceremony",
        "credential",
        "passkey_name",
        "closed",
        "do_not_disturb",
        "call_waiting",
        "expires_in_h",
    ];
    let wrong: Value = fields
        .iter()
        .map(|f| ((*f).to_owned(), json!([7])))
        .collect();
    let (wrong, deep) = (wrong.to_string(), "[".repeat(10_000));
    let null = format!("{{\"{}\":null", fields.join("\":null,\""));
    let mut doors = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase();
            if method == "GET" {
                continue;
            }
            doors += 1;
            let parts = path.split('/').map(|part| match part.starts_with('{') {
                true => "AAAAAAAAAAAAAAAAAAAAAA",
                false => part,
            });
            let path = parts.collect::<Vec<_>>().join("/");
            let takes = operation["requestBody"].is_object();
            // She would be gone.
            let cookie = if path.ends_with("/logout") {
                "x=y"
            } else {
                &*cookie
            };
            let json = ("Content-Type", "application/json");
            let ask = |headers: &[(&str, &str)], length: usize, body: &[u8]| {
                let headers = [&[("Cookie", cookie)], headers].concat();
                speak(&server, (&method, &path), &headers, length, body)
            };
            let what = format!("{method} {path}");
            for foreign in [
                ("Origin", "http://evil.example"),
                ("Origin", "null"),
                ("Origin", ""),
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Site", "same-site"),
            ] {
                let answer = ask(&[json, foreign], 2, b"{}");
                assert_eq!(answer.status, 403, "{what} {foreign:?}");
                assert_eq!(answer.json()["code"], "foreign_origin", "{what}");
            }
            // A program need not say where it comes from, and a page of ours does.
            for origin in [("X-None", "1"), ("Origin", &*own)] {
                let plain = ask(&[("Content-Type", "text/plain"), origin], 2, b"{}");
                let none = ask(&[origin], 2, b"{}");
                // Only the beginning is sent: nobody waits for the rest.
                let huge = ask(&[json, origin], 10_000_000, &[b' '; 17_000]);
                let bodies: [&[u8]; 8] = [
                    b"",
                    b"[]",
                    b"7",
                    b"\"\xff\"",
                    b"{\"a\":\0}",
                    deep.as_bytes(),
                    wrong.as_bytes(),
                    null.as_bytes(),
                ];
                let bad = bodies.map(|body| ask(&[json, origin], body.len(), body));
                for answer in bad.iter().chain([&plain, &none, &huge]) {
                    let refused = (400..500).contains(&answer.status);
                    let unread = !takes && [0, 200, 204].contains(&answer.status);
                    assert!(refused || unread, "{what} {answer:?}");
                }
                if takes {
                    assert!([404, 415].contains(&plain.status), "{what} {plain:?}");
                    assert!([404, 415].contains(&none.status), "{what} {none:?}");
                    assert!([404, 413].contains(&huge.status), "{what} {huge:?}");
                }
            }
        }
    }
    assert!(doors > 20, "{doors}");
    let grown = server.resident() - before;
    assert!(grown < 16_000, "{grown} KB");
    assert_eq!(ada.me(&server)["name"], "Ada");
}
