//! HTTPS, secure WebSockets and TURN over TLS on one port.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod proxy_support;
mod relay_support;
mod tls_support;
mod web_support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proxy_support::TRUST;
use relay_support::{Client as TurnClient, they_hear_each_other};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tls_support::{Identity, NAME, Tls, converse};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use turn::stun::{Method, attribute as attr};
use web_support::{Client, Server};

const AT_ONCE: Duration = Duration::from_secs(5);

/// `dialtone dev` with HTTPS on a port that the system chooses.
fn start(identity: &Identity, more: &[&str]) -> (Server, SocketAddr) {
    let https = ["--https", "127.0.0.1:0"];
    let server = Server::start_with(&identity.flags(&[&https, more].concat()));
    let address = server.https.unwrap();
    (server, address)
}

fn get(stream: &mut Tls, host: &str, more: &str) -> String {
    let request =
        format!("GET /api/v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    converse(stream, request.as_bytes())
}

/// A WebSocket in TLS, as a browser opens it.
async fn open_wss(identity: &Identity, at: SocketAddr) -> Secure {
    let config = identity.client().alpn(&["http/1.1"]).config();
    let tcp = tokio::net::TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    Client::open_at(&format!("wss://{NAME}:{}", at.port()), stream).await
}

fn is_over(stream: &mut Tls) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(len) => len == 0,
        Err(error) => {
            matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
            )
        }
    }
}

/// Where the relay sees a client.
fn mapped(stream: Tls) -> SocketAddr {
    let mut client = TurnClient::by_tls(stream, "nobody", "nothing");
    let request = client.bare(Method::BINDING, &[]);
    let response = client.exchange(&request);
    response.address(attr::XOR_MAPPED_ADDRESS).unwrap()
}

type Secure = Client<TlsStream<tokio::net::TcpStream>>;

/// Two people in a call, and the entry about TURN in what the first one is told.
async fn call(identity: &Identity, server: &Server, at: SocketAddr) -> (Value, [Secure; 2]) {
    let mut first = open_wss(identity, at).await.into_session(server, 1).await;
    first.join().await;
    let mut second = open_wss(identity, at).await.into_session(server, 2).await;
    second.join().await;
    let connection = first.until_type("connection").await;
    let servers = connection["relay"]["ice_servers"].as_array().unwrap();
    (servers.last().unwrap().clone(), [first, second])
}

#[test]
fn the_web_answers_by_name_and_by_address_with_and_without_alpn() {
    let identity = Identity::new();
    let (_server, at) = start(&identity, &[]);
    let port = at.port();
    for alpn in [&[][..], &["http/1.1"], &["h2", "http/1.1"]] {
        for host in [NAME, "127.0.0.1", "localhost"] {
            let mut stream = identity.client().alpn(alpn).connect(at);
            let answer = get(&mut stream, &format!("{host}:{port}"), "");
            assert!(
                answer.starts_with("HTTP/1.1 200 "),
                "{host} {alpn:?}: {answer}"
            );
            assert!(!answer.to_lowercase().contains("strict-transport-security"));
        }
    }
    let answer = get(&mut identity.client().connect(at), "evil.example.org", "");
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

#[test]
fn pages_of_other_sites_and_of_plain_http_are_refused() {
    let identity = Identity::new();
    let (_server, at) = start(&identity, &[]);
    let port = at.port();
    let ask = |origin: &str| {
        let request = format!(
            "POST /api/v1/tickets HTTP/1.1\r\nHost: {NAME}:{port}\r\nOrigin: {origin}\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = converse(&mut identity.client().connect(at), request.as_bytes());
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(ask(&format!("https://{NAME}:{port}")), 200);
    for foreign in [
        "https://evil.example",
        &format!("http://{NAME}:{port}"),
        &format!("https://{NAME}"),
    ] {
        assert_eq!(ask(foreign), 403, "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_wss_is_offered_turn_on_the_same_port_and_can_use_it() {
    let identity = Identity::new();
    let (server, at) = start(&identity, &[]);
    let (turn, _people) = call(&identity, &server, at).await;
    let urls: Vec<&str> = turn["urls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|url| url.as_str().unwrap())
        .collect();
    let expected = format!("turns:{NAME}:{}?transport=tcp", at.port());
    assert_eq!(urls.last(), Some(&&*expected), "{urls:?}");
    let username = turn["username"].as_str().unwrap();
    let password = turn["credential"].as_str().unwrap();
    let come = |alpn: &[&str]| {
        let stream = identity.client().alpn(alpn).connect(at);
        TurnClient::allocated_by_tls(stream, username, password)
    };
    tokio::task::block_in_place(|| {
        they_hear_each_other(come(&["stun.turn"]), come(&[]));
        they_hear_each_other(come(&["stun.nat-discovery"]), come(&["stun.turn"]));
        let answer = get(&mut identity.client().connect(at), NAME, "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    });
}

#[test]
fn what_a_client_named_is_what_it_has_to_speak() {
    let identity = Identity::new();
    let (_server, at) = start(&identity, &[]);
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42transaction!";
    let http = format!("GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n").into_bytes();
    let mut named_turn = identity.client().alpn(&["stun.turn"]).connect(at);
    named_turn.write_all(&http).unwrap();
    assert!(is_over(&mut named_turn));
    let mut named_web = identity.client().alpn(&["http/1.1"]).connect(at);
    let answer = converse(&mut named_web, binding);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer:?}"
    );
    for neither in [
        &[0xff; 64][..],
        b"\x40\0\0\x04data",
        b"get / http/1.1\r\n\r\n",
        &[0; 64],
    ] {
        let mut stream = identity.client().connect(at);
        stream.write_all(neither).unwrap();
        assert!(is_over(&mut stream), "{neither:?}");
    }
    assert!(identity.client().alpn(&["h2"]).try_connect(at).is_err());
}

#[test]
fn a_first_request_in_pieces_goes_to_the_right_service() {
    let identity = Identity::new();
    let (_server, at) = start(&identity, &[]);
    let request =
        format!("GET /api/v1/health HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42transaction!".to_vec();
    for (bytes, answer) in [
        (request.into_bytes(), &b"HTTP/1.1 200 "[..]),
        (binding, b"\x01\x01\0"),
    ] {
        let mut stream = identity.client().connect(at);
        for byte in bytes.chunks(1) {
            stream.write_all(byte).unwrap();
        }
        let mut began = vec![0; answer.len()];
        stream.read_exact(&mut began).unwrap();
        assert_eq!(began, answer);
    }
}

#[test]
fn who_does_not_say_what_it_wants_is_closed_in_time() {
    let identity = Identity::new();
    let (server, at) = start(&identity, &[]);
    let silent = TcpStream::connect(at).unwrap();
    silent
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut undecided = identity.client().connect(at);
    let mut named = identity.client().alpn(&["stun.turn"]).connect(at);
    let begun = Instant::now();
    assert!(matches!((&silent).read(&mut [0; 1]), Ok(0)));
    let held = begun.elapsed().as_secs();
    assert!((8..15).contains(&held), "{held} s");
    assert!(is_over(&mut undecided));
    assert!(is_over(&mut named), "the relay's own time-out holds for it");
    let answer = get(&mut identity.client().connect(at), NAME, "");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(server);
}

#[test]
fn one_address_has_so_many_turn_connections_and_not_more() {
    let identity = Identity::new();
    let (_server, at) = start(&identity, &[]);
    let client = identity.client().alpn(&["stun.turn"]);
    let mut open: Vec<Tls> = (0..512).map(|_| client.connect(at)).collect();
    let binding = b"\0\x01\0\0\x21\x12\xa4\x42transaction!";
    for stream in &mut open {
        stream.write_all(binding).unwrap();
        stream.read_exact(&mut [0; 32]).unwrap();
    }
    assert!(is_over(&mut client.connect(at)));
    // They count as the relay's, and not any more as those of the web.
    let answer = get(&mut identity.client().connect(at), NAME, "");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn plain_protocols_on_the_port_of_tls_are_closed() {
    let identity = Identity::new();
    let (server, at) = start(&identity, &[]);
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\0\x01\0\0\x21\x12\xa4\x42transaction!",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    ] {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(AT_ONCE)).unwrap();
        stream.write_all(bytes).unwrap();
        let mut all = Vec::new();
        let ended = stream.read_to_end(&mut all);
        assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
        assert!(
            !all.starts_with(b"HTTP") && !all.starts_with(&[1, 1]),
            "{all:?}"
        );
    }
    // And STUN on the plain web port.
    let answer = server.raw(b"\0\x01\0\0\x21\x12\xa4\x42transaction!\r\n\r\n");
    assert!(matches!(answer.status, 0 | 400), "{answer:?}");
}

#[test]
fn the_flags_say_what_is_missing() {
    let identity = Identity::new();
    let failure = |arguments: &[&str]| {
        let data = tempfile::tempdir().unwrap();
        let output = web_support::output(web_support::command(data.path()).args(arguments));
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failure(&["--https", "127.0.0.1:0"]).contains("--cert"));
    let flags = identity.flags(&["--https", "127.0.0.1:0", "--name", "other.example.org"]);
    let error = failure(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        error.contains("other.example.org") && error.contains(NAME),
        "{error}"
    );
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let flags = identity.flags(&["--https", &address]);
    let error = failure(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(error.contains("--https 127.0.0.1:"), "{error}");
}

#[test]
fn behind_a_balancer_both_services_see_the_client() {
    let identity = Identity::new();
    let (server, at) = start(&identity, &TRUST);
    // What the web gives one address it gives to each client, and not to the balancer.
    let ticket = |client: &str| {
        let mut stream = proxy_support::connect(server.http, &proxy_support::text(client));
        let request = "POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
                       Connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert!((0..500).any(|n| ticket(&format!("203.0.113.7:{}", 1000 + n)) == "429"));
    assert_eq!(ticket("203.0.113.8:1000"), "200");

    let header = proxy_support::binary("203.0.113.9:5000");
    let secure = || proxy_support::connect(at, &header);
    let mut web = identity.client().try_connect_on(secure()).unwrap();
    assert!(get(&mut web, NAME, "").starts_with("HTTP/1.1 200 "));
    let turn = identity.client().try_connect_on(secure()).unwrap();
    assert_eq!(mapped(turn), "203.0.113.9:5000".parse().unwrap());

    let mut silent = proxy_support::connect(at, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(matches!(silent.read(&mut [0; 1]), Ok(0) | Err(_)));
    let direct = server.raw(&proxy_support::text("203.0.113.7:5000"));
    assert!(matches!(direct.status, 0 | 400), "{direct:?}");
    assert_eq!(server.get("/api/v1/health").status, 200);
}

#[test]
fn on_a_socket_for_both_families_clients_have_the_address_they_have() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // This machine has no IPv6.
    }
    let identity = Identity::new();
    let flags = [&["--https", "[::]:0"], &TRUST[..]].concat();
    let server = Server::start_with(&identity.flags(&flags));
    let at = server.https.unwrap();
    let direct = TcpStream::connect(at).unwrap();
    let own = direct.local_addr().unwrap();
    let proxied = proxy_support::connect(at, &proxy_support::text("203.0.113.9:5000"));
    for (stream, expected) in [
        (direct, own),
        (proxied, "203.0.113.9:5000".parse().unwrap()),
    ] {
        let stream = identity.client().try_connect_on(stream).unwrap();
        assert_eq!(mapped(stream), expected);
    }
}
