//! Webhooks: what happens is told to other programs, signed, until they have heard it. And the
//! example of a client, which makes it happen.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod endpoint_support;
mod tls_support;
mod web_support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use account_support::{Browser, admin, member};
use endpoint_support::{Endpoint, Posted, server};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tls_support::Identity;
use web_support::{CALL, Client, PATIENCE, Server};

const EVENTS: [&str; 6] = [
    "call.started",
    "call.ringing",
    "call.answered",
    "call.declined",
    "call.missed",
    "call.ended",
];

fn hook(server: &Server, ada: &mut Browser, url: &str, events: &[&str]) -> Value {
    let body = json!({ "url": url, "events": events });
    ada.good(server, "POST", "/api/v1/webhooks", body)
}

fn deliveries(server: &Server, ada: &mut Browser, hook: &Value) -> Value {
    let path = format!(
        "/api/v1/webhooks/{}/deliveries",
        hook["id"].as_str().unwrap()
    );
    ada.good(server, "GET", &path, Value::Null)
}

/// Waits until the newest delivery is as wanted.
fn until_delivery(
    server: &Server,
    ada: &mut Browser,
    hook: &Value,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let all = deliveries(server, ada, hook);
        if wanted(&all[0]) {
            return all[0].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{all}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether one of the signatures is made with this secret.
fn is_signed(posted: &Posted, secret: &str) -> bool {
    let header = posted.header("dialtone-signature");
    let (time, signatures) = header.split_once(',').unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(now.abs_diff(time.parse().unwrap()) < 60);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(&posted.body);
    let expected = mac.finalize().into_bytes();
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    signatures
        .split(',')
        .any(|one| one.strip_prefix("v1=") == Some(&expected))
}

fn event(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body).unwrap()
}

/// A guest opens a call and hangs up.
async fn a_call(server: &Server) {
    let mut client = Client::hello(server, 1).await;
    client.join().await;
    client.ask(json!({ "t": "hangup", "call": CALL })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_signed_and_listed() {
    let identity = Identity::new();
    let endpoint = Endpoint::start(&identity, &[]);
    let server = server(&identity);
    let mut ada = admin(&server);
    let hook = hook(&server, &mut ada, &endpoint.url("/hook"), &EVENTS);
    let secret = hook["secret"].as_str().unwrap();
    a_call(&server).await;
    let mut told = [endpoint.next(), endpoint.next()];
    told.sort_by_key(|posted| event(posted)["at_ms"].as_u64());
    for (posted, name) in told.iter().zip(["call.started", "call.ended"]) {
        assert!(is_signed(posted, secret));
        assert!(!is_signed(posted, "whsec_another"));
        assert_eq!(posted.header("content-type"), "application/json");
        let event = event(posted);
        assert_eq!(event["event"], name);
        assert_eq!(event["call"], CALL);
        let guest = json!([{ "name": "somebody", "role": "participant" }]);
        assert_eq!(event["people"], guest, "{event}");
    }
    let last = until_delivery(&server, &mut ada, &hook, |it| it["state"] == "delivered");
    assert_eq!(
        (&last["attempts"], &last["status"]),
        (&json!(1), &json!(201))
    );
    let listed = ada.good(&server, "GET", "/api/v1/webhooks", Value::Null);
    assert_eq!(listed[0]["id"], hook["id"]);
    assert!(!listed.to_string().contains("whsec_"), "shown once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_is_told_again_also_by_the_next_server() {
    let identity = Identity::new();
    let endpoint = Endpoint::start(
        &identity,
        &["500 Oops", "302 Found\r\nLocation: /elsewhere"],
    );
    let server = server(&identity);
    let mut ada = admin(&server);
    let hook = hook(&server, &mut ada, &endpoint.url("/hook"), &["call.ended"]);
    a_call(&server).await;
    let first = endpoint.next();
    let failed = until_delivery(&server, &mut ada, &hook, |it| it["attempts"] == 1);
    assert_eq!(
        (&failed["state"], &failed["status"]),
        (&json!("waiting"), &json!(500))
    );
    let listed = ada.good(&server, "GET", "/api/v1/webhooks", Value::Null);
    assert!(listed[0]["failing_since_ms"].is_u64(), "{listed}");
    let second = endpoint.next();
    assert_eq!(second.path, "/hook");
    assert_eq!(event(&second)["id"], event(&first)["id"]);
    until_delivery(&server, &mut ada, &hook, |it| it["attempts"] == 2);
    let server = server.start_again();
    let third = endpoint.next();
    assert_eq!(third.path, "/hook", "a redirect is not followed");
    assert_eq!(event(&third)["id"], event(&first)["id"]);
    until_delivery(&server, &mut ada, &hook, |it| it["state"] == "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_told_nothing_more_until_it_is_switched_on() {
    let identity = Identity::new();
    let endpoint = Endpoint::start(&identity, &["410 Gone"]);
    let server = server(&identity);
    let mut ada = admin(&server);
    let hook = hook(&server, &mut ada, &endpoint.url("/hook"), &["call.ended"]);
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    a_call(&server).await;
    endpoint.next();
    let begun = std::time::Instant::now();
    loop {
        let listed = ada.good(&server, "GET", "/api/v1/webhooks", Value::Null);
        if listed[0]["disabled_at_ms"].is_u64() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{listed}");
    }
    ada.good(&server, "PATCH", &path, json!({ "enabled": true }));
    let again = endpoint.next();
    assert_eq!(event(&again)["event"], "call.ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_after_a_rotation() {
    let identity = Identity::new();
    let endpoint = Endpoint::start(&identity, &[]);
    let server = server(&identity);
    let mut ada = admin(&server);
    let hook = hook(&server, &mut ada, &endpoint.url("/hook"), &["call.ended"]);
    let path = format!("/api/v1/webhooks/{}/secret", hook["id"].as_str().unwrap());
    let rotated = ada.good(&server, "POST", &path, json!({}));
    a_call(&server).await;
    let posted = endpoint.next();
    assert_ne!(rotated["secret"], hook["secret"]);
    for secret in [&rotated, &hook] {
        assert!(is_signed(&posted, secret["secret"].as_str().unwrap()));
    }
}

#[test]
fn webhooks_are_an_administrators_and_lead_nowhere_private() {
    let server = Server::start();
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    let body = |url: &str| json!({ "url": url, "events": ["call.ended"] });
    let good = body("https://hooks.example.org/");
    assert_eq!(
        ben.post(&server, "/api/v1/webhooks", good.clone()).status,
        403
    );
    assert_eq!(
        Browser::new()
            .post(&server, "/api/v1/webhooks", good)
            .status,
        401
    );
    for bad in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://192.168.1.1/",
        "https://me@hooks.example.org/",
        "ftp://hooks.example.org/",
        "",
    ] {
        let answer = ada.post(&server, "/api/v1/webhooks", body(bad));
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (400, Some("bad_address"))
        );
    }
    for bad in [
        json!({ "url": "https://hooks.example.org/", "events": [] }),
        json!({ "url": "https://hooks.example.org/", "events": ["call.eavesdropped"] }),
        json!({ "events": ["call.ended"] }),
    ] {
        assert_eq!(ada.post(&server, "/api/v1/webhooks", bad).status, 400);
    }
    let missing = "/api/v1/webhooks/AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(ada.delete(&server, missing).status, 404);
    assert_eq!(
        ada.get(&server, &format!("{missing}/deliveries")).status,
        404
    );
    assert_eq!(
        ada.patch(&server, missing, json!({ "enabled": true }))
            .status,
        404
    );
    let hook = hook(
        &server,
        &mut ada,
        "https://hooks.example.org/",
        &["call.ended"],
    );
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    ada.good(
        &server,
        "PATCH",
        &path,
        json!({ "url": "https://other.example.org/", "enabled": false }),
    );
    let listed = ada.good(&server, "GET", "/api/v1/webhooks", Value::Null);
    assert_eq!(listed[0]["url"], "https://other.example.org/");
    assert!(listed[0]["disabled_at_ms"].is_u64());
    ada.good(&server, "DELETE", &path, Value::Null);
}

// ---- the examples ----

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program in Node.js, and the lines it prints. Dropping it ends it.
struct Program {
    process: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(command: &mut Command) -> Program {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("node");
        let (line, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for text in output.lines().map_while(Result::ok) {
                let _ = line.send(text);
            }
        });
        Program { process, lines }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it says nothing")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The example of a client as JavaScript, in this folder.
fn compile_client(folder: &Path) -> PathBuf {
    let compiler = repository().join("web/node_modules/typescript/bin/tsc");
    assert!(
        compiler.is_file(),
        "the web app's dependencies are not installed: cargo xtask test --only rust does"
    );
    let mut tsc = Command::new("node");
    tsc.arg(compiler)
        .arg("-p")
        .arg(repository().join("examples/client"));
    let compiled = tsc.arg("--outDir").arg(folder).output().unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
    folder.join("client.mjs")
}

fn client(script: &Path, server: &Server, token: &Value, callee: Option<&str>) -> Program {
    let mut node = Command::new("node");
    node.args(["--no-warnings", "--experimental-websocket"])
        .arg(script);
    node.arg(format!("http://localhost:{}", server.http.port()));
    node.arg(token["token"].as_str().unwrap()).args(callee);
    Program::start(&mut node)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_call_and_are_told_of_it() {
    let identity = Identity::new();
    let server = server(&identity);
    let mut ada = admin(&server);
    let mut ben = member(&server, &mut ada, "ben");
    // The receiver has a port before it has the secret: a first one tells which is free.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("https://127.0.0.1:{port}/dialtone");
    let hook = hook(&server, &mut ada, &url, &["call.ringing", "call.declined"]);
    let mut node = Command::new("node");
    node.arg(repository().join("examples/webhook-receiver/receiver.mjs"));
    node.arg(port.to_string())
        .env("WEBHOOK_SECRET", hook["secret"].as_str().unwrap())
        .env("TLS_CERT", identity.cert())
        .env("TLS_KEY", identity.key());
    let receiver = Program::start(&mut node);
    assert_eq!(receiver.next(), format!("listening on {port}"));

    let token = |who: &mut Browser, scopes: &[&str]| {
        let body = json!({ "name": "example", "scopes": scopes });
        who.good(&server, "POST", "/api/v1/tokens", body)
    };
    let folder = tempfile::tempdir().unwrap();
    let script = compile_client(folder.path());
    let bens = client(&script, &server, &token(&mut ben, &["calls"]), None);
    assert_eq!(bens.next(), "Ben is here");
    let adas_token = token(&mut ada, &["calls", "people"]);
    let adas = client(&script, &server, &adas_token, Some("ben"));
    assert_eq!(adas.next(), "calling Ben");
    assert_eq!(bens.next(), "Ada calls");
    assert_eq!(adas.next(), "it is ringing");
    assert_eq!(receiver.next(), "call.ringing Ada and Ben");
    // Ben declines on another device.
    let ticket = ben.good(&server, "POST", "/api/v1/tickets", json!({}));
    let mut phone = Client::open(&server)
        .await
        .into_session_with(ticket["ticket"].as_str().unwrap(), 3)
        .await;
    let ring = &phone.until_type("people").await["incoming"][0]["ring"];
    let declined = phone.ask(json!({ "t": "decline", "ring": ring })).await;
    assert_eq!(declined["t"], "ok", "{declined}");
    assert_eq!(bens.next(), "the call is over: declined_elsewhere");
    assert_eq!(adas.next(), "the call is over: declined");
    assert_eq!(receiver.next(), "call.declined Ada and Ben");
    // Who does not know the secret is not believed.
    let mut forged = identity.client().connect(([127, 0, 0, 1], port).into());
    let request = "POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 2\r\n\
         Dialtone-Signature: t=1,v1=00\r\n\r\n{}";
    let answer = tls_support::converse(&mut forged, request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}
