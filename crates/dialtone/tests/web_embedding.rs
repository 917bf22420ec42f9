//! Pages of other sites: which may show calls in theirs, and nothing but calls.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use std::process::{Command, Stdio};

use account_support::admin;
use serde_json::json;
use web_support::{Answer, Server, output};

const SITE: &str = "https://example.org";
const OTHER: &str = "http://localhost:3000";
const ROOM: &str = "/Jx0Yq3o2TrmD5n8ZkV1b7A";

fn embedding() -> Server {
    let arguments = ["--embed-origin", SITE, "--embed-origin", OTHER];
    Server::start_with(&arguments.map(str::to_owned))
}

fn ancestors(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy").unwrap();
    let (_, ancestors) = policy.split_once("frame-ancestors ").unwrap();
    ancestors.to_owned()
}

#[test]
fn nobody_frames_anything_unless_the_operator_says_who() {
    let server = Server::start();
    for path in ["/", ROOM] {
        let answer = server.get(path);
        assert_eq!(ancestors(&answer), "'none'", "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("deny"), "{path}");
    }
    assert_eq!(
        server.get("/api/v1/server").json()["embed_origins"],
        json!([])
    );
}

#[test]
fn those_who_are_named_frame_calls_and_nothing_else() {
    let server = embedding();
    for path in [ROOM, &format!("{ROOM}/"), &format!("{ROOM}?x=y")] {
        let call = server.get(path);
        assert_eq!(ancestors(&call), format!("{SITE} {OTHER}"), "{path}");
        assert_eq!(call.header("x-frame-options"), None, "{path}");
        let policy = call.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    }
    for path in [
        "/",
        "/signin",
        "/welcome",
        "/settings",
        "/history",
        "/admin",
        "/check",
        "/api",
        "/api/v1/server",
        // One character less than a room, one more, bits that no room has, and a room below.
        &ROOM[..ROOM.len() - 1],
        &format!("{ROOM}A"),
        &format!("{}B", &ROOM[..ROOM.len() - 1]),
        &format!("/calls{ROOM}"),
        &format!("{ROOM}/admin"),
        &format!("/admin?{ROOM}"),
        &format!("/{ROOM}/../admin"),
    ] {
        let answer = server.get(path);
        assert_eq!(ancestors(&answer), "'none'", "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("deny"), "{path}");
    }
    let foreign = server.request("GET", ROOM, &[("Host", "evil.example")]);
    assert_eq!(
        (foreign.status, ancestors(&foreign)),
        (421, "'none'".into())
    );
    assert_eq!(
        server.get("/api/v1/server").json()["embed_origins"],
        json!([SITE, OTHER])
    );
}

/// What a client in a page of this origin asks for; with a cookie, if one is given.
fn from(server: &Server, origin: &str, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let host = format!("localhost:{}", server.http.port());
    let mut headers = vec![
        ("Host", host.as_str()),
        ("Origin", origin),
        ("Sec-Fetch-Site", "cross-site"),
        ("Content-Length", "0"),
    ];
    headers.extend(more);
    server.request(method, path, &headers)
}

#[test]
fn a_client_in_such_a_page_gets_a_ticket_and_a_socket_but_nobodys_account() {
    let server = embedding();
    let mut ada = admin(&server);
    let cookie = ada.cookie.clone().unwrap();
    let with_cookie = [("Cookie", cookie.as_str())];
    let ticket = from(&server, SITE, "POST", "/api/v1/tickets", &with_cookie);
    assert_eq!(ticket.status, 200, "{ticket:?}");
    assert_eq!(ticket.header("access-control-allow-origin"), Some(SITE));
    assert_eq!(ticket.header("access-control-allow-credentials"), None);
    assert_eq!(ticket.header("vary"), Some("origin"));
    // The cookie did nothing: where there are no guests, there is no ticket.
    let settings = json!({ "guests": false });
    ada.good(&server, "PATCH", "/api/v1/admin/settings", settings);
    let ticket = from(&server, SITE, "POST", "/api/v1/tickets", &with_cookie);
    assert_eq!(ticket.json()["code"], "guests_off");
    assert_eq!(ticket.header("access-control-allow-origin"), Some(SITE));
    let asked = from(&server, SITE, "OPTIONS", "/api/v1/tickets", &[]);
    assert_eq!(asked.status, 204);
    assert_eq!(
        asked.header("access-control-allow-headers"),
        Some("authorization, dialtone-device")
    );
    let upgrade = [
        ("Connection", "Upgrade, close"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        // Without the subprotocol it is turned away politely, and the connection ends.
    ];
    let socket = from(&server, SITE, "GET", "/api/v1/ws", &upgrade);
    assert!(socket.body.contains("subprotocol"), "{socket:?}");
    for (method, path) in [("POST", "/api/v1/tickets"), ("GET", "/api/v1/ws")] {
        for origin in [
            "https://evil.example",
            "null",
            "https://example.org.evil.example",
        ] {
            let answer = from(&server, origin, method, path, &upgrade);
            assert_eq!(answer.status, 403, "{origin} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    let asked = from(
        &server,
        "https://evil.example",
        "OPTIONS",
        "/api/v1/tickets",
        &[],
    );
    assert_eq!(asked.header("access-control-allow-origin"), None);
}

#[test]
fn who_may_frame_a_call_may_not_ask_for_anything() {
    let server = embedding();
    for path in [
        "/api/v1/login",
        "/api/v1/logout",
        "/api/v1/tokens",
        "/api/v1/tickets/x",
    ] {
        let headers = [("Origin", SITE), ("Content-Length", "0")];
        let answer = server.request("POST", path, &headers);
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn what_is_no_origin_is_an_error_that_says_what_would_be_one() {
    for (origin, said) in [
        ("*", "written like https://example.org"),
        ("https://example.org/calls", "with nothing behind it"),
        ("https://*.example.org", "without wildcards"),
        ("https://a.example;script-src", "name each origin by itself"),
        ("http://[::1]:3000", "IPv6"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
        command.args(["dev", "--no-open", "--embed-origin", origin]);
        let output = output(command.stdin(Stdio::null()));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{origin}: {text}");
        assert!(text.contains(said) && text.contains(origin), "{text}");
    }
}
