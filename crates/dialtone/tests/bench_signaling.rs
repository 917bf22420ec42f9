//! `dialtone bench signaling` against `dialtone dev`: what it counts is what happened.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod web_support;

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use web_support::{Server, output};

fn bench(url: &str, arguments: &[&str]) -> Output {
    output(
        Command::new(env!("CARGO_BIN_EXE_dialtone"))
            .args(["bench", "signaling", url, "--json"])
            .args(arguments)
            .stdin(Stdio::null()),
    )
}

fn measure(server: &Server, arguments: &[&str]) -> Value {
    let output = bench(&format!("http://{}", server.http), arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn calls_are_set_up_and_ended() {
    let server = Server::start();
    let found = measure(&server, &["--clients", "10", "--seconds", "3"]);
    let done = found["done"].as_u64().unwrap();
    // A pair begins a call every 0.6 s, and no sooner.
    assert!((1..=30).contains(&done), "{found}");
    let [median, p99] = ["p50_us", "p99_us"].map(|part| found["message"][part].as_f64().unwrap());
    assert!(0.0 < median && median <= p99, "{found}");
}

#[test]
fn nothing_is_lost_when_all_connections_are_cut() {
    let server = Server::start();
    let found = measure(&server, &["--clients", "40", "--resume-storm"]);
    for (what, count) in [("sessions", 40), ("kept", 40), ("lost", 0), ("doubled", 0)] {
        assert_eq!(found[what], count, "{what} in {found}");
    }
    assert_eq!(server.sessions(), 40);
}

#[test]
fn trouble_is_said_in_a_sentence() {
    let server = Server::start();
    for (url, arguments, word) in [
        ("https://127.0.0.1", &[][..], "http://"),
        ("http://127.0.0.1:1", &["--clients", "3"], "even number"),
        ("http://192.0.2.1:80", &[], "--this-server-is-mine"),
        (&format!("http://{}", server.http), &["--idle"], "--pid"),
    ] {
        let output = bench(url, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{url} {arguments:?}");
        assert!(said.contains(word), "{said}");
    }
}
