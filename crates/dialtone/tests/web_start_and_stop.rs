//! `dialtone dev` when it cannot start, and when it is told to stop.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, missing_docs)]

mod web_support;

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use web_support::{Client, Server, bare_command, command, output};

/// It ends, and says why in a sentence or two on one line.
fn failure(command: &mut Command, words: &[&str]) {
    let output = output(command);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("ready"));
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    // A cause after a full stop reads as if it belonged to something else.
    assert!(!text.contains(".:"), "{text}");
}

fn on(http: &str, turn: &str, data: &Path) -> Command {
    let mut command = bare_command();
    command
        .args(["--http", http, "--turn", turn, "--data"])
        .arg(data);
    command
}

#[test]
fn a_busy_port_is_named_with_a_remedy() {
    let data = tempfile::tempdir().unwrap();
    let busy_http = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy_http.local_addr().unwrap();
    let port = address.port().to_string();
    let mut command = on(&address.to_string(), "127.0.0.1:0", data.path());
    failure(
        &mut command,
        &[&port, "taken by another program", "--http 127.0.0.1:"],
    );

    let busy_turn = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = busy_turn.local_addr().unwrap();
    let port = address.port().to_string();
    let mut command = on("127.0.0.1:0", &address.to_string(), data.path());
    failure(&mut command, &[&port, "already in use", "--turn ADDR:PORT"]);
}

#[test]
fn a_remedy_for_ipv6_can_be_typed() {
    let data = tempfile::tempdir().unwrap();
    let Ok(busy) = TcpListener::bind("[::1]:0") else {
        return; // A machine without IPv6.
    };
    let address = busy.local_addr().unwrap();
    let mut command = on(&address.to_string(), "127.0.0.1:0", data.path());
    failure(&mut command, &["--http [::1]:"]);
}

#[test]
fn an_address_of_another_machine_is_named() {
    let data = tempfile::tempdir().unwrap();
    let mut command = on("198.51.100.5:8080", "127.0.0.1:0", data.path());
    failure(
        &mut command,
        &["198.51.100.5 is not an address of this machine", "--http"],
    );
    let mut command = on("127.0.0.1:0", "198.51.100.5:3478", data.path());
    failure(
        &mut command,
        &["198.51.100.5 is not an address of this machine", "--turn"],
    );
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    failure(&mut command(&file), &["cannot be made", "--data DIR"]);
    failure(
        &mut command(&file.join("below")),
        &["cannot be made", "--data DIR"],
    );

    let secret = data.path().join("relay.secret");
    std::fs::create_dir(&secret).unwrap();
    failure(
        &mut command(data.path()),
        &["relay.secret cannot be read", "who owns"],
    );
    std::fs::remove_dir(&secret).unwrap();
    std::fs::write(&secret, "short").unwrap();
    failure(
        &mut command(data.path()),
        &["should hold 32 bytes and holds 5", "Delete it"],
    );
}

#[test]
fn a_data_folder_belongs_to_one_server() {
    let server = Server::start();
    failure(
        &mut command(server.data()),
        &["Another server uses the data folder", "--data DIR"],
    );
}

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let data = tempfile::tempdir().unwrap();
    for (url, remedy) in [
        ("mysql://ada:geheim@localhost/x", "--store wants a URL"),
        (
            "postgres://ada:geheim@127.0.0.1:1/x",
            "Check that the server runs",
        ),
    ] {
        let mut command = command(data.path());
        failure(command.args(["--store", url]), &[remedy]);
    }
    std::fs::write(data.path().join("dialtone.db"), "no database".repeat(500)).unwrap();
    failure(
        &mut command(data.path()),
        &["dialtone.db", "not a database of Dialtone"],
    );
}

#[test]
fn what_was_mistyped_is_said() {
    for arguments in [
        ["--http", "8080"],
        ["--turn", "here:1"],
        ["--allow-peer", "10.0.0.0/33"],
    ] {
        let output = output(bare_command().args(arguments));
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains(arguments[0]) && text.contains(arguments[1]),
            "{text}"
        );
    }
}

#[test]
fn the_secret_is_kept_and_nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("state");
    // It cannot start here, and has drawn its secret before it finds out.
    let start = || output(&mut on("198.51.100.5:1", "127.0.0.1:0", &folder));
    start();
    let secret = folder.join("relay.secret");
    let drawn = std::fs::read(&secret).unwrap();
    start();
    assert_eq!(std::fs::read(&secret).unwrap(), drawn);
    assert_eq!(
        secret.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

/// Where the clients are told that STUN is.
fn turn_address(joined: &serde_json::Value) -> SocketAddr {
    let urls = &joined["connections"][0]["relay"]["ice_servers"][0]["urls"];
    let url = urls[0].as_str().unwrap();
    url.strip_prefix("stun:").unwrap().parse().unwrap()
}

#[tokio::test]
async fn ctrl_c_ends_calls_and_leaves_nothing_behind() {
    for signal in ["-INT", "-HUP"] {
        let mut server = Server::start();
        let mut ada = Client::hello(&server, 1).await;
        let mut ben = Client::hello(&server, 2).await;
        let _silent = Client::open(&server).await;
        let _idle = server.connect();
        ada.join().await;
        let turn = turn_address(&ben.join().await);
        assert!(
            server.greeting.contains(&turn.to_string()),
            "{}",
            server.greeting
        );
        assert!(UdpSocket::bind(turn).is_err());
        server.signal(signal);
        for client in [&mut ada, &mut ben] {
            assert_eq!(
                client.until_type("call_ended").await["reason"],
                "server_stopped"
            );
            assert_eq!(client.until_type("go_away").await["action"], "stop");
            assert_eq!(client.closed().await, 4006);
        }
        let (status, took) = server.wait();
        assert!(status.success());
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert!(TcpStream::connect(server.http).is_err());
        assert!(UdpSocket::bind(turn).is_ok());
    }
}

#[tokio::test]
async fn a_restart_is_announced_and_ends_no_call() {
    let mut server = Server::start();
    let mut ada = Client::hello(&server, 1).await;
    ada.join().await;
    server.signal("-TERM");
    let next = ada.until(|frame| frame["t"] != "participant").await;
    assert_eq!(
        (&next["t"], &next["action"]),
        (&json!("go_away"), &json!("rejoin"))
    );
    assert_eq!(ada.closed().await, 4006);
    assert!(server.wait().0.success());
}

#[tokio::test]
async fn asked_twice_it_does_not_wait_for_anybody() {
    let mut server = Server::start();
    let _silent = Client::hello(&server, 1).await; // Never answers the close.
    server.signal("-TERM");
    server.signal("-INT");
    assert!(server.wait().0.success());
}
