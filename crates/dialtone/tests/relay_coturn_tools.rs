//! coturn's own clients (Debian package `coturn`) against our relay.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};

use relay_support::{Process, Relay, output};
use tls_support::Identity;

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

fn echo_server() -> (Process, u16) {
    echo_server_on(PEER)
}

/// The tools' echo server on a free port, and the next port, which the client's RTCP goes to.
fn echo_server_on(ip: &str) -> (Process, u16) {
    let socket = UdpSocket::bind((ip.parse::<IpAddr>().unwrap(), 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let child = Command::new("turnutils_peer")
        .args(["-L", ip, "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Process(child), port)
}

/// Runs the client against the first address of the relay; gives what it printed.
fn uclient(relay: &Relay, arguments: &[&str]) -> String {
    let server = if arguments.contains(&"-S") {
        relay.tls_address()
    } else {
        relay.address()
    };
    uclient_of(server, arguments, Command::new("turnutils_uclient"))
}

fn uclient_of(server: SocketAddr, arguments: &[&str], mut command: Command) -> String {
    command
        .args(["-p", &server.port().to_string()])
        .args(arguments)
        .arg(server.ip().to_string());
    let output = output(&mut command);
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs the client with an echo server for its peer and nothing lost on the way.
fn talks_to_a_peer(relay: &Relay, peer: &str, arguments: &[&str]) {
    let (_peer, port) = echo_server_on(peer);
    let port = port.to_string();
    let usual = ["-u", "alice", "-w", "wonder", "-e", peer, "-r", &port];
    let amount = ["-n", "20", "-m", "4", "-l", "171"];
    let arguments = [&usual, arguments, &amount].concat();
    assert_nothing_lost(&uclient(relay, &arguments), 80);
}

fn assert_nothing_lost(printed: &str, messages: usize) {
    let all = format!("tot_send_msgs={messages}, tot_recv_msgs={messages}");
    assert!(printed.contains(&all), "{printed}");
    assert!(printed.contains("Total lost packets 0 "), "{printed}");
}

fn relay() -> Relay {
    // The files are read at the start, and not needed afterwards.
    let identity = Identity::new();
    let flags = identity.flags(&["--allow-peer", PEER, "--tls", "127.0.0.1:0"]);
    Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
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

#[test]
fn send_indications_by_tls_to_a_peer() {
    send_indications(&["-t", "-S"]);
}

fn send_indications(transport: &[&str]) {
    if have_tools() {
        talks_to_a_peer(&relay(), PEER, &[transport, &["-s"]].concat());
    }
}

/// Each of these asks more of the server than a browser does.
#[test]
fn further_requests_padding_disconnects_and_whole_packets() {
    if !have_tools() {
        return;
    }
    let relay = relay();
    at_once(&[
        &|| talks_to_a_peer(&relay, PEER, &["-s", "-G"]),
        &|| talks_to_a_peer(&relay, PEER, &["-s", "-t", "-D"]),
        &|| talks_to_a_peer(&relay, PEER, &["-s", "-B"]),
        &|| talks_to_a_peer(&relay, PEER, &["-s", "-c", "-g"]),
    ]);
}

/// The tool changes its port as it goes, and its allocations come along.
#[test]
fn mobility() {
    if !have_tools() {
        return;
    }
    let relay = relay();
    at_once(&[&|| talks_to_a_peer(&relay, PEER, &["-s", "-M"]), &|| {
        clients_to_clients_of(&relay, &["-M"])
    }]);
}

/// Clients of the tool with connections between their relayed addresses (RFC 6062). Its `-P` is not
/// tried: with coturn's own server, too, half of what it sends does not come back.
#[test]
fn connections_with_peers() {
    if !have_tools() {
        return;
    }
    let relay = tcp_relay();
    at_once(&[&|| clients_to_clients_of(&relay, &["-T"]), &|| {
        clients_to_clients_of(&relay, &["-T", "-S"])
    }]);
}

fn tcp_relay() -> Relay {
    let identity = Identity::new();
    let flags = identity.flags(&["--tcp-relay", "--threads", "2", "--tls", "127.0.0.1:0"]);
    Relay::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The tool spends most of its time waiting.
fn at_once(jobs: &[&(dyn Fn() + Sync)]) {
    std::thread::scope(|scope| {
        for job in jobs {
            scope.spawn(job);
        }
    });
}

#[test]
fn relays_of_either_family_for_clients_of_either() {
    if !have_tools() {
        return;
    }
    // IPv6 has one loopback address, and nothing but relay ports is reached on the relay's own:
    // IPv6 clients talk to each other.
    let six = Relay::of_both_families("[::1]:0");
    let four = Relay::of_both_families("127.0.0.1:0");
    at_once(&[
        &|| talks_to_a_peer(&six, PEER, &["-s", "-X"]),
        &|| clients_to_clients_of(&six, &["-x"]),
        &|| clients_to_clients_of(&four, &["-t", "-x"]),
        &|| talks_to_a_peer(&four, PEER, &["-s", "-Z"]),
    ]);
}

/// The tool sends requests with random mistakes in them, and random bytes. It waits for answers
/// that garbage does not deserve, with coturn's server as well, so its own end is not waited for.
/// What counts is that nothing of it is left behind.
#[test]
fn a_client_that_sends_garbage_costs_nothing() {
    if !have_tools() {
        return;
    }
    let relay = Relay::start(&["--allow-peer", PEER, "--user-quota", "8"]);
    let (_peer, port) = echo_server();
    let port = port.to_string();
    std::thread::scope(|scope| {
        for mode in ["-N", "-R", "-NR", "-NRt"] {
            let (address, port) = (relay.address(), &port);
            scope.spawn(move || {
                let mut limited = Command::new("timeout");
                limited.args(["3", "turnutils_uclient"]);
                let user = ["-s", "-c", "-u", "bob", "-w", "builder"];
                let arguments = [&[mode][..], &user, &["-e", PEER, "-r", port]].concat();
                uclient_of(address, &arguments, limited);
            });
        }
    });
    talks_to_a_peer(&relay, PEER, &["-s"]);
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

/// It moves each of its allocations once, before it sends.
#[test]
fn clients_that_move() {
    send_indications(&["-M"]);
    clients_to_clients(&["-M"]);
}

#[test]
fn client_to_client() {
    clients_to_clients(&[]);
}

#[test]
fn client_to_client_by_tcp() {
    clients_to_clients(&["-t"]);
}

#[test]
fn client_to_client_by_tls() {
    clients_to_clients(&["-t", "-S"]);
}

fn clients_to_clients(transport: &[&str]) {
    if have_tools() {
        clients_to_clients_of(&relay(), transport);
    }
}

fn clients_to_clients_of(relay: &Relay, mode: &[&str]) {
    let arguments = [
        "-y", "-s", "-c", "-u", "alice", "-w", "wonder", "-n", "20", "-m", "4",
    ];
    assert_nothing_lost(&uclient(relay, &[mode, &arguments].concat()), 80);
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

#[test]
fn channel_data_by_tls_to_a_peer() {
    channel_data(&["-t", "-S"]);
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
