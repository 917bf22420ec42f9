//! The web server against pages of other sites, rebinding names and impatient clients.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod web_support;

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use web_support::{Answer, Server};

const UPGRADE: &[(&str, &str)] = &[
    ("Connection", "close, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn upgrade(server: &Server, more: &[(&str, &str)]) -> Answer {
    server.request("GET", "/api/v1/ws", &[UPGRADE, more].concat())
}

#[test]
fn pages_of_other_sites_are_refused() {
    let server = Server::start();
    let own = format!("http://{}", server.http);
    let other_port = "http://127.0.0.1:1".to_owned();
    for foreign in ["http://evil.example", "null", "", &other_port] {
        let origin = [
            ("Origin", foreign),
            ("Sec-WebSocket-Protocol", "dialtone.v1"),
        ];
        assert_eq!(upgrade(&server, &origin).status, 403, "{foreign:?}");
        let post = [("Origin", foreign), ("Content-Length", "0")];
        let answer = server.request("POST", "/api/v1/tickets", &post);
        assert_eq!(answer.status, 403, "{foreign:?}");
        assert!(!answer.body.contains("ticket"));
    }
    let post = [("Origin", &*own), ("Content-Length", "0")];
    assert_eq!(server.request("POST", "/api/v1/tickets", &post).status, 200);
}

#[test]
fn names_that_are_not_ours_are_refused() {
    let server = Server::start();
    for host in [
        "evil.example",
        "localhost.evil.example",
        "",
        "[::1",
        "127.0.0.1.nip.io",
    ] {
        for path in ["/", "/api/v1/health", "/api/v1/ws"] {
            let answer = server.request("GET", path, &[("Host", host)]);
            assert_eq!(answer.status, 421, "{host:?} {path}");
        }
    }
    let none = server.raw(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(none.status, 421);
    let port = server.http.port();
    let named = server.request(
        "GET",
        "/api/v1/health",
        &[("Host", &format!("localhost:{port}"))],
    );
    assert_eq!(named.status, 200);
}

#[test]
fn the_subprotocol_has_to_be_asked_for() {
    let server = Server::start();
    for protocols in [&[][..], &[("Sec-WebSocket-Protocol", "dialtone.v9, chat")]] {
        let answer = upgrade(&server, protocols);
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("dialtone.v1"), "{}", answer.body);
    }
    assert!((400..500).contains(&server.get("/api/v1/ws").status));
}

#[test]
fn every_answer_carries_the_security_headers() {
    let server = Server::start();
    let foreign = [("Origin", "http://evil.example"), ("Content-Length", "0")];
    for answer in [
        server.get("/"),
        server.get("/missing.js"),
        server.get("/api/v1/health"),
        server.get("/api/nothing"),
        server.get("/api/v1/ws"),
        server.request("POST", "/", &[("Content-Length", "0")]),
        server.request("POST", "/api/v1/tickets", &[("Content-Length", "0")]),
        server.request("POST", "/api/v1/tickets", &foreign),
        server.request("GET", "/", &[("Host", "evil.example")]),
    ] {
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{answer:?}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("permissions-policy").is_some());
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn paths_are_the_apps_and_missing_files_are_missing() {
    let server = Server::start();
    let page = server.get("/");
    // Without the built app the page says how to build it.
    let built = !page.body.contains("cargo xtask web");
    assert_eq!(page.status, if built { 200 } else { 503 });
    for path in [
        "/Jx0Yq3o2TrmD5n8ZkV1b7A",
        "/check",
        "/a/b/c",
        "/?x=../..",
        "/%00",
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, &answer.body),
            (page.status, &page.body),
            "{path}"
        );
    }
    for path in ["/missing.js", "/assets/index-00000000.js", "/favicon.ico"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(server.get("/api/v1/nothing").json()["code"], "not_found");
}

#[test]
fn no_path_leads_out_of_the_app() {
    let server = Server::start();
    let page = server.get("/").body;
    for path in [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../../Cargo.toml",
        "/assets/..%5c..%5cCargo.toml",
        "//etc/passwd",
        "/etc/passwd%00.js",
        "/relay.secret",
    ] {
        let answer = server.get(path);
        assert!(
            answer.status == 404 || answer.body == page,
            "{path}: {answer:?}"
        );
        assert_eq!(answer.header("location"), None);
    }
}

#[test]
fn a_flood_of_tickets_is_told_when_to_come_back() {
    let server = Server::start();
    let post = || server.request("POST", "/api/v1/tickets", &[("Content-Length", "0")]);
    let refused = (0..1000)
        .map(|_| post())
        .find(|answer| answer.status != 200)
        .unwrap();
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(refused.json()["code"], "limit");
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(post().status, 200);
}

#[test]
fn health_says_how_many_and_not_who() {
    let server = Server::start();
    let health = server.get("/api/v1/health");
    assert_eq!(
        health.json(),
        serde_json::json!({ "calls": 0, "sessions": 0 })
    );
    assert_eq!(health.header("cache-control"), Some("no-store"));
}

#[test]
fn one_who_never_finishes_asking_is_closed() {
    let server = Server::start();
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        .unwrap();
    let begun = Instant::now();
    // One more header line every now and then does not help.
    while begun.elapsed() < Duration::from_secs(25) {
        std::thread::sleep(Duration::from_millis(500));
        if slow.write_all(b"X-More: 1\r\n").is_err() {
            break;
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "still open");
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn headers_that_are_too_long_are_refused() {
    let server = Server::start();
    let long = "x".repeat(100_000);
    let answer = server.request("GET", "/", &[("X-Long", &long)]);
    assert!(
        answer.status == 431 || answer.status == 0,
        "{}",
        answer.status
    );
    let many: Vec<_> = (0..1000).map(|_| ("X-Many", "1")).collect();
    let answer = server.request("GET", "/", &many);
    assert!(
        answer.status == 431 || answer.status == 0,
        "{}",
        answer.status
    );
}
