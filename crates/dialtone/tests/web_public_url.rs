//! A server behind a proxy that does TLS, and is told where people reach it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use account_support::{PASSWORD, first_token};
use serde_json::json;
use web_support::Server;

const HOST: &str = "calls.example.org";
const ORIGIN: &str = "https://calls.example.org";

#[test]
fn pages_cookies_and_links_are_of_the_public_address() {
    let server = Server::start_with(&["--public-url".to_owned(), ORIGIN.to_owned()]);
    assert!(
        server.greeting.contains(&format!("{ORIGIN}/welcome#")),
        "{}",
        server.greeting
    );
    let post = |host: &str, origin: &str| {
        let headers = [("Host", host), ("Origin", origin), ("Content-Length", "0")];
        server.request("POST", "/api/v1/tickets", &headers).status
    };
    assert_eq!(post(HOST, ORIGIN), 200);
    assert_eq!(post(HOST, "http://calls.example.org"), 403, "not by TLS");
    assert_eq!(post(HOST, "https://evil.example"), 403);
    assert_eq!(post("calls.example.org:8443", ORIGIN), 421);
    assert_eq!(post("evil.example", "https://evil.example"), 421);
    let own = server.http.to_string();
    assert_eq!(post(&own, &format!("http://{own}")), 200, "past the proxy");
    // The cookie is for TLS also where a browser names no Origin.
    let body = json!({
        "token": first_token(&server), "login": "ada", "name": "Ada", "password": PASSWORD,
    });
    let body = body.to_string();
    let answer = server.raw(
        format!(
            "POST /api/v1/accounts HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .as_bytes(),
    );
    let cookie = answer.set_cookie.as_deref().unwrap_or_default();
    assert!(
        cookie.starts_with("__Host-") && cookie.ends_with("; Secure"),
        "{answer:?}"
    );
    let server = server.start_again();
    let me = |cookie: &str| {
        let headers = [("Host", HOST), ("Cookie", cookie)];
        server.request("GET", "/api/v1/me", &headers).status
    };
    let (cookie, _) = cookie.split_once(';').unwrap();
    assert_eq!(me(cookie), 200);
    let plain = cookie.replace("__Host-", "");
    assert_eq!(me(&plain), 401, "slipped in past the proxy");
}

#[test]
fn an_address_with_more_than_a_host_is_refused() {
    let refused = web_support::output(
        web_support::bare_command().args(["--public-url", "https://calls.example.org/dialtone"]),
    );
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("like https://calls.example.org"),
        "{said}"
    );
}
