//! coturn's own clients (Debian package `coturn`) against our relay.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::UdpSocket;
use std::process::{Command, Stdio};

use relay_support::{Process, Relay, output};

/// Where the tools' echo server is; allowed by name, as nothing else on it should be reached.
const PEER: &str = "127.0.0.2";

/// Whether the tools are here. Without them these tests say so and pass.
fn have_tools() -> bool {
    let found = Command::new("turnutils_peer")
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: turnutils_peer is not installed (Debian package coturn)");
    }
    found
}

/// The tools' echo server on a free port.
fn echo_server() -> (Process, u16) {
    let socket = UdpSocket::bind((PEER, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let child = Command::new("turnutils_peer")
        .args(["-L", PEER, "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Process(child), port)
}

/// Runs the client; gives what it printed.
fn uclient(relay: &Relay, arguments: &[&str]) -> String {
    let port = relay.address().port().to_string();
    let mut command = Command::new("turnutils_uclient");
    command
        .args(["-p", &port, "-r", "example.org"])
        .args(arguments)
        .arg("127.0.0.1");
    let output = output(&mut command);
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn assert_nothing_lost(printed: &str, messages: usize) {
    let all = format!("tot_send_msgs={messages}, tot_recv_msgs={messages}");
    assert!(printed.contains(&all), "{printed}");
    assert!(printed.contains("Total lost packets 0 "), "{printed}");
}

fn relay() -> Relay {
    Relay::start(&["--allow-peer", PEER])
}

#[test]
fn stunclient_learns_its_address() {
    if !have_tools() {
        return;
    }
    let relay = relay();
    let port = relay.address().port().to_string();
    let output = output(Command::new("turnutils_stunclient").args(["-p", &port, "127.0.0.1"]));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        printed.contains("UDP reflexive addr: 127.0.0.1:"),
        "{printed}"
    );
}

/// With its RTCP connections, for which it reserves ports.
#[test]
fn send_indications_to_a_peer() {
    send_indications(&[]);
}

#[test]
fn send_indications_by_tcp_to_a_peer() {
    send_indications(&["-t"]);
}

fn send_indications(transport: &[&str]) {
    if !have_tools() {
        return;
    }
    let relay = relay();
    let (_peer, port) = echo_server();
    let port = port.to_string();
    let arguments = ["-s", "-u", "alice", "-w", "wonder", "-e", PEER, "-r", &port];
    let amount = ["-n", "20", "-m", "4", "-l", "171"];
    let arguments = [transport, &arguments, &amount].concat();
    assert_nothing_lost(&uclient(&relay, &arguments), 80);
}

#[test]
fn ephemeral_credentials() {
    if !have_tools() {
        return;
    }
    let relay = relay();
    let (_peer, port) = echo_server();
    let port = port.to_string();
    let arguments = [
        "-s", "-c", "-u", "carol", "-W", "north", "-e", PEER, "-r", &port,
    ];
    let arguments = [&arguments[..], &["-n", "20", "-m", "2"]].concat();
    assert_nothing_lost(&uclient(&relay, &arguments), 40);
}

#[test]
fn client_to_client() {
    clients_to_clients(&[]);
}

#[test]
fn client_to_client_by_tcp() {
    clients_to_clients(&["-t"]);
}

fn clients_to_clients(transport: &[&str]) {
    if !have_tools() {
        return;
    }
    let arguments = [
        "-y", "-s", "-c", "-u", "alice", "-w", "wonder", "-n", "20", "-m", "4",
    ];
    assert_nothing_lost(&uclient(&relay(), &[transport, &arguments].concat()), 80);
}

/// The tool picks channel numbers up to 0x7FFF as RFC 5766 allowed; RFC 8656 ends at 0x4FFF, and
/// so do we. One in four attempts has a number both agree on.
#[test]
fn channel_data_to_a_peer() {
    channel_data(&[]);
}

#[test]
fn channel_data_by_tcp_to_a_peer() {
    channel_data(&["-t"]);
}

fn channel_data(transport: &[&str]) {
    if !have_tools() {
        return;
    }
    let relay = relay();
    let (_peer, port) = echo_server();
    let port = port.to_string();
    let arguments = ["-c", "-u", "alice", "-w", "wonder", "-e", PEER, "-r", &port];
    let amount = ["-n", "20", "-m", "1", "-l", "171"];
    let arguments = [transport, &arguments, &amount].concat();
    for _ in 0..100 {
        let printed = uclient(&relay, &arguments);
        if !printed.contains("channel bind: error 400") {
            return assert_nothing_lost(&printed, 20);
        }
    }
    panic!("no channel number of a hundred was good");
}

#[test]
fn a_wrong_password_gets_nowhere() {
    if !have_tools() {
        return;
    }
    let arguments = [
        "-y", "-s", "-c", "-u", "alice", "-w", "guess", "-n", "1", "-m", "1",
    ];
    let printed = uclient(&relay(), &arguments);
    assert!(printed.contains("Cannot complete Allocation"), "{printed}");
}
