//! `dialtone bench turn` against `dialtone turn`: what it counts is what happened.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use relay_support::{Relay, output};
use serde_json::Value;
use tls_support::Identity;

const LOOPBACK: [&str; 2] = ["--allow-peer", "127.0.0.0/8"];

fn bench(server: &str, arguments: &[&str]) -> Output {
    output(
        Command::new(env!("CARGO_BIN_EXE_dialtone"))
            .args(["bench", "turn", "--server", server])
            .args(arguments)
            .stdin(Stdio::null()),
    )
}

/// Against a relay of ours, whose process it looks at.
fn measure(relay: &Relay, arguments: &[&str]) -> Value {
    measure_at(relay, relay.address(), arguments)
}

fn measure_at(relay: &Relay, server: SocketAddr, arguments: &[&str]) -> Value {
    let pid = relay.process.0.id().to_string();
    let common = ["--user", "alice:wonder", "--json", "--pid", &pid];
    let arguments = [&common, arguments].concat();
    let output = bench(&server.to_string(), &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn refusal(server: &str, arguments: &[&str]) -> String {
    let output = bench(server, arguments);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn at_a_low_rate_nothing_is_lost_in_any_direction() {
    nothing_is_lost(&[]);
}

#[test]
fn at_a_low_rate_nothing_is_lost_by_tcp() {
    nothing_is_lost(&["--transport", "tcp"]);
}

#[test]
fn at_a_low_rate_nothing_is_lost_by_tls() {
    let identity = Identity::new();
    let flags = identity.flags(&["--tls", "127.0.0.1:0"]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let relay = Relay::start(&[&LOOPBACK[..], &flags].concat());
    let cert = identity.cert();
    let transport = ["--transport", "tls", "--tls-ca", &cert];
    nothing_is_lost_at(&relay, relay.tls_address(), &transport);
    // Nobody vouches for it.
    let stranger = Identity::new();
    let other = stranger.cert();
    let arguments = [
        "--user",
        "alice:wonder",
        "--transport",
        "tls",
        "--tls-ca",
        &other,
    ];
    let said = refusal(&relay.tls_address().to_string(), &arguments);
    assert!(said.contains("certificate"), "{said}");
}

fn nothing_is_lost(transport: &[&str]) {
    let relay = Relay::start(&LOOPBACK);
    nothing_is_lost_at(&relay, relay.address(), transport);
}

fn nothing_is_lost_at(relay: &Relay, server: SocketAddr, transport: &[&str]) {
    let amount = ["--allocations", "10", "--rate", "500", "--seconds", "1"];
    let report = measure_at(relay, server, &[transport, &amount].concat());
    let runs = report["runs"].as_array().unwrap();
    let directions: Vec<_> = runs.iter().map(|run| &run["direction"]).collect();
    assert_eq!(directions, ["up", "down", "relay"]);
    for run in runs {
        assert!(run["sent"].as_u64().unwrap() > 0, "{run}");
        assert_eq!(run["received"], run["sent"], "{run}");
        assert_eq!(run["lost"], 0, "{run}");
        let latency = |part: &str| run["latency_us"][part].as_f64().unwrap();
        assert!(
            0.0 < latency("p50") && latency("p50") <= latency("p99"),
            "{run}"
        );
        assert!(latency("p99") <= latency("max"), "{run}");
        assert!(run["cpu_us_per_packet"].as_f64().unwrap() > 0.0, "{run}");
    }
    assert!(report["memory"]["before"].as_u64().unwrap() > 0);
}

/// Every run gives its allocations back: in the end the quota is there again.
#[test]
fn idle_allocations_are_made_weighed_and_given_back() {
    let relay = Relay::start(&LOOPBACK);
    for _ in 0..2 {
        let report = measure(&relay, &["--idle", "200"]);
        assert_eq!(report["allocations"], 200);
        assert!(report["set_up"]["allocations_per_second"].as_f64().unwrap() > 0.0);
        let memory = &report["memory"];
        assert!(
            memory["idle"].as_u64() >= memory["before"].as_u64(),
            "{memory}"
        );
    }
}

#[test]
fn strangers_cost_a_relay_no_memory() {
    let relay = Relay::start(&[]);
    let server = relay.address().to_string();
    let pid = relay.process.0.id().to_string();
    let arguments = ["--strangers", "20000", "--rate", "20000", "--json", "--pid"];
    let output = bench(&server, &[&arguments[..], &[&pid]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["addresses"], 20_000);
    assert!(report["answers"].as_u64().unwrap() > 0, "{report}");
    let memory = |when: &str| report["memory"][when].as_u64().unwrap();
    assert!(memory("after") < memory("before") + (1 << 20), "{report}");
}

#[test]
fn credentials_can_come_from_a_secret() {
    let relay = Relay::start(&LOOPBACK);
    let arguments = ["--secret", "north", "--rate", "100", "--seconds", "0.2"];
    let output = bench(&relay.address().to_string(), &arguments);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains(" 0 lost"), "{printed}");
}

#[test]
fn what_goes_wrong_is_said_with_what_helps() {
    let relay = Relay::start(&[]);
    let server = relay.address().to_string();
    for (arguments, expected) in [
        (&["--user", "alice:guess"][..], "401"),
        (&["--user", "alice:wonder"], "`--allow-peer`"),
        (
            &["--user", "alice:wonder", "--idle", "4", "--pid", "1x"],
            "--pid",
        ),
        (
            &["--user", "alice:wonder", "--allocations", "3"],
            "even number",
        ),
    ] {
        let said = refusal(&server, arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let quota = Relay::start(&["--allow-peer", "127.0.0.0/8", "--user-quota", "5"]);
    let said = refusal(&quota.address().to_string(), &["--user", "alice:wonder"]);
    assert!(
        said.contains("486") && said.contains("--user-quota"),
        "{said}"
    );
}

#[test]
fn another_machine_is_left_alone_unless_it_is_said_to_be_ones_own() {
    let said = refusal("192.0.2.1:3478", &["--user", "alice:wonder"]);
    assert!(said.contains("--this-server-is-mine"), "{said}");
}

#[test]
fn where_nobody_listens_is_said() {
    let relay = Relay::start(&[]);
    let server = relay.address().to_string();
    drop(relay);
    let said = refusal(&server, &["--user", "alice:wonder"]);
    assert!(said.contains(&server), "{said}");
}
