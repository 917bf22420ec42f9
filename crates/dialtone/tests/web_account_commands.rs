//! `dialtone user …` and `dialtone invite`, also beside a running server.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod account_support;
mod web_support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use account_support::*;
use serde_json::{Value, json};
use web_support::{Server, output};

/// What the command says, and whether it did it.
fn run(data: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
    command.args(arguments);
    if !arguments.contains(&"--help") {
        command.arg("--data").arg(data);
    }
    command
        .env_remove("DIALTONE_LOG")
        .env_remove("DIALTONE_STORE");
    let output = output(&mut command);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn good(data: &Path, arguments: &[&str]) -> String {
    let (done, text) = run(data, arguments);
    assert!(done, "{arguments:?} {text}");
    text
}

#[test]
fn accounts_are_invited_listed_and_changed() {
    let server = Server::start();
    let data = server.data();
    assert!(good(data, &["user", "list"]).contains("no accounts"));
    let mut ada = admin(&server);
    let made: Value =
        serde_json::from_str(&good(data, &["invite", "--expires", "2", "--json"])).unwrap();
    assert_eq!(made["role"], "member");
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("http://localhost:{}/welcome#", server.http.port())));
    let body = json!({ "token": token(link), "login": "ben", "name": "Ben", "password": PASSWORD });
    let mut ben = Browser::new();
    ben.good(&server, "POST", "/api/v1/accounts", body);
    let listed: Value = serde_json::from_str(&good(data, &["user", "list", "--json"])).unwrap();
    assert_eq!(
        listed,
        ada.good(&server, "GET", "/api/v1/admin/users", Value::Null)
    );
    let text = good(data, &["user", "list"]);
    assert!(
        text.lines().count() == 2 && text.contains("seen just now"),
        "{text}"
    );
    good(data, &["user", "role", "BEN", "admin"]);
    assert_eq!(ben.me(&server)["role"], "admin");
    let text = good(data, &["user", "reset", "ben"]);
    let body =
        json!({ "token": token(text.lines().next().unwrap()), "password": "a new password" });
    Browser::new().good(&server, "POST", "/api/v1/accounts", body);
    assert_eq!(ben.get(&server, "/api/v1/me").status, 401);
    good(data, &["user", "close", "ben"]);
    let (done, text) = run(data, &["user", "reset", "ben"]);
    assert!(!done && text.contains("reopen ben"), "{text}");
    good(data, &["user", "reopen", "ben"]);
    assert_eq!(
        Browser::new()
            .login(&server, "ben", "a new password")
            .status,
        200
    );
    good(data, &["user", "role", "ben", "member"]);
    for last in [
        &["user", "close", "ada"][..],
        &["user", "role", "ada", "member"],
    ] {
        let (done, text) = run(data, last);
        assert!(!done && text.contains("last administrator"), "{text}");
    }
    let (done, text) = run(data, &["user", "close", "nobody"]);
    assert!(
        !done && text.contains("There is no account nobody"),
        "{text}"
    );
}

#[test]
fn an_administrator_can_be_invited_before_there_is_one() {
    let server = Server::start();
    let text = good(
        server.data(),
        &["invite", "--role", "admin", "--url", "https://x.example/"],
    );
    assert!(text.starts_with("https://x.example/welcome#"), "{text}");
    let body = json!({
        "token": token(text.lines().next().unwrap()), "login": "ada", "name": "Ada",
        "password": PASSWORD,
    });
    Browser::new().good(&server, "POST", "/api/v1/accounts", body);
    // Then the first run is over, and its link makes no second one.
    let body = json!({ "token": first_token(&server) });
    let look = Browser::new().post(&server, "/api/v1/invitations/look", body);
    assert_eq!(look.status, 404);
}

#[test]
fn a_running_server_notices_within_a_second() {
    let server = Server::start();
    let mut ada = admin(&server);
    let ben = member(&server, &mut ada, "ben");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut client = runtime.block_on(async {
        let ticket = ben
            .clone()
            .good(&server, "POST", "/api/v1/tickets", Value::Null);
        let ticket = ticket["ticket"].as_str().unwrap().to_owned();
        let mut client = web_support::Client::open(&server).await;
        let hello = client.hello_frame(&ticket);
        assert_eq!(client.ask(hello).await["t"], "welcome");
        client
    });
    good(server.data(), &["user", "close", "ben"]);
    let closed = Instant::now();
    assert_eq!(runtime.block_on(client.closed()), 4008);
    assert!(
        closed.elapsed() < Duration::from_secs(5),
        "{:?}",
        closed.elapsed()
    );
    assert_eq!(ben.clone().get(&server, "/api/v1/me").status, 401);
}

#[test]
fn help_has_an_example_and_slips_are_explained() {
    let nowhere = tempfile::tempdir().unwrap();
    for command in [
        &["user", "--help"][..],
        &["user", "list", "--help"],
        &["user", "reset", "--help"],
        &["user", "close", "--help"],
        &["user", "reopen", "--help"],
        &["user", "role", "--help"],
        &["invite", "--help"],
    ] {
        assert!(
            good(nowhere.path(), command).contains("Example: dialtone "),
            "{command:?}"
        );
    }
    let missing = nowhere.path().join("missing");
    let (done, text) = run(&missing, &["user", "list"]);
    assert!(!done && text.contains("--data DIR"), "{text}");
    assert!(!missing.exists(), "nothing is made");
    for wrong in [
        &["invite", "--expires", "0"][..],
        &["invite", "--role", "owner"],
        &["user", "close", "a b"],
    ] {
        assert!(!run(nowhere.path(), wrong).0, "{wrong:?}");
    }
}
