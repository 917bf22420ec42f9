//! `dialtone turn` as a person or a service manager meets it.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;
mod tls_support;

use std::net::{IpAddr, UdpSocket};

use relay_support::{Client, Relay, command, output};
use tls_support::Identity;
use turn::stun::{Method, attribute as attr};

fn failure(arguments: &[&str]) -> String {
    let output = output(command().args(arguments));
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_says_when_it_is_ready_and_ends_cleanly_when_told() {
    for signal in ["-TERM", "-INT"] {
        let mut relay = Relay::start(&[]);
        assert!(relay.ready.ends_with('\n'));
        let address = relay.address();
        let mut client = Client::new(address, "alice", "wonder");
        assert_eq!(client.allocate().code(), 0);
        assert!(relay.end_with(signal).success());
        assert!(UdpSocket::bind(address).is_ok());
    }
}

#[test]
fn on_all_addresses_every_answer_comes_from_the_address_that_was_asked() {
    let relay = Relay::start_on(&["--listen", "0.0.0.0:0"]);
    assert!(
        relay
            .addresses
            .iter()
            .any(|address| address.ip().is_loopback())
    );
    for address in &relay.addresses {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        // `Client` checks where every answer comes from.
        let mut client = Client::at(socket, *address, "alice", "wonder");
        let request = client.bare(Method::BINDING, &[]);
        let mapped = client.exchange(&request).address(attr::XOR_MAPPED_ADDRESS);
        assert_eq!(mapped.unwrap().ip(), address.ip());
    }
}

#[test]
fn ephemeral_credentials_are_accepted_until_they_expire() {
    let relay = Relay::start(&["--secret", "south"]);
    for secret in [&b"north"[..], b"south"] {
        let good = protocol::relay::mint(secret, "carol", 4_000_000_000);
        let mut client = Client::new(relay.address(), &good.username, &good.password);
        assert_eq!(client.allocate().code(), 0);
        let late = protocol::relay::mint(secret, "carol", 1_000_000_000);
        let mut client = Client::new(relay.address(), &late.username, &late.password);
        assert_eq!(client.allocate().code(), 401);
    }
}

#[test]
fn the_announced_address_is_told() {
    let relay = Relay::start_on(&[
        "--listen",
        "127.0.0.1:0",
        "--relay-ip",
        "127.0.0.1=198.51.100.5",
    ]);
    let (_client, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    assert_eq!(relayed.ip(), "198.51.100.5".parse::<IpAddr>().unwrap());
    assert!(turn_ports().contains(&relayed.port()));
}

fn turn_ports() -> std::ops::RangeInclusive<u16> {
    49152..=65535
}

#[test]
fn a_busy_port_is_named_with_a_remedy() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let error = failure(&["--user", "a:b", "--listen", &address]);
    assert!(
        error.contains(&format!("UDP port {}", other.local_addr().unwrap().port())),
        "{error}"
    );
    assert!(
        error.contains("already in use") && error.contains("choose another"),
        "{error}"
    );
}

#[test]
fn an_address_of_another_machine_is_named_with_a_remedy() {
    for flag in ["--listen", "--relay-ip"] {
        let value = if flag == "--listen" {
            "198.51.100.5:3478"
        } else {
            "198.51.100.5"
        };
        let listen = ["--listen", "127.0.0.1:0"];
        let error = failure(&[&["--user", "a:b", flag, value][..], &listen].concat());
        assert!(
            error.contains("198.51.100.5 is not an address of this machine"),
            "{error}"
        );
    }
}

#[test]
fn what_was_mistyped_is_said() {
    for (arguments, words) in [
        (&[][..], "--user NAME:PASSWORD"),
        (&["--user", "alice"], "NAME:PASSWORD"),
        (&["--secret", ""], "empty secret"),
        (
            &["--user", "a:b", "--allow-peer", "10.0.0.0/33"],
            "`10.0.0.0/33`",
        ),
        (
            &["--user", "a:b", "--relay-ip", "here"],
            "`here` is not an IP address",
        ),
        (
            &["--user", "a:b", "--relay-ip", "0.0.0.0"],
            "clients cannot be told",
        ),
        (
            &["--user", "a:b", "--relay-ip", "127.0.0.1=::1"],
            "of its own family",
        ),
        (&["--user", "a:b", "--realm", "a\"b"], "realm"),
    ] {
        let error = failure(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    let (good, other, empty) = (Identity::new(), Identity::new(), Identity::new());
    std::fs::write(empty.cert(), "").unwrap();
    std::fs::write(empty.key(), "-----BEGIN PRIVATE KEY-----\nAAAA\n").unwrap();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(empty.path("encrypted.pem"), encrypted).unwrap();
    std::fs::write(empty.path("large.pem"), vec![b'x'; 2 << 20]).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(empty.path("broken.pem"), broken).unwrap();
    for (cert, key, words) in [
        (
            good.path("none.pem"),
            good.key(),
            "--cert: there is no file",
        ),
        (
            good.cert(),
            good.path("none.pem"),
            "--key: there is no file",
        ),
        (good.path(""), good.key(), "cannot be read"),
        (empty.cert(), good.key(), "holds no certificate"),
        (empty.path("large.pem"), good.key(), "is larger than"),
        (
            empty.path("broken.pem"),
            good.key(),
            "--cert: the certificate in",
        ),
        (good.cert(), empty.key(), "--key: the private key in"),
        (good.cert(), empty.path("encrypted.pem"), "openssl pkey"),
        (good.key(), good.cert(), "may be exchanged"),
        (good.cert(), good.cert(), "holds no private key"),
        (
            good.cert(),
            other.key(),
            "does not belong to the first certificate",
        ),
    ] {
        let error = failure(&["--user", "a:b", "--cert", &cert, "--key", &key]);
        assert!(error.contains(words), "{words}: {error}");
        assert!(error.contains(&cert) || error.contains(&key), "{error}");
    }
    for (arguments, words) in [
        (["--cert", &good.cert()], "give --key FILE"),
        (["--key", &good.key()], "give --cert FILE"),
        (["--tls", "127.0.0.1:0"], "give --cert FILE"),
    ] {
        let error = failure(&[&["--user", "a:b"], &arguments[..]].concat());
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_certificate_out_of_its_time_is_used_with_a_warning() {
    for (years, words) in [((2001, 2002), "expired on"), ((3000, 4000), "begins on")] {
        let identity = Identity::in_years(years.0, years.1);
        let mut command = command();
        command.args(identity.flags(&["--user", "a:b", "--relay-ip", "127.0.0.1", "--check"]));
        let output = output(&mut command);
        assert!(output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(words) && error.contains(&identity.cert()),
            "{error}"
        );
    }
}

#[test]
fn with_a_certificate_tls_has_its_usual_port() {
    let identity = Identity::new();
    // Nobody else's, so that the port is free there.
    let [.., a, b] = std::process::id().to_be_bytes();
    let address = format!("127.83.{a}.{b}");
    let listen = format!("{address}:0");
    let flags = identity.flags(&["--listen", &listen, "--relay-ip", "127.0.0.1"]);
    let relay = Relay::start_on(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        relay.tls_address(),
        format!("{address}:5349").parse().unwrap()
    );
    identity.client().connect(relay.tls_address());
}
