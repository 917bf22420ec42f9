//! NAT behaviour discovery (RFC 5780) on two loopback addresses.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};

use relay_support::{Relay, output, peer, receive};
use turn::stun::{Class, Message, Method, TransactionId, Writer, attribute as attr};

const PRIMARY: &str = "127.0.0.1";
const ALTERNATE: &str = "127.0.0.3";

/// A relay that listens on two addresses with two ports each, and the first and last of them.
fn relay() -> (Relay, SocketAddr, SocketAddr) {
    for _ in 0..16 {
        let free = || UdpSocket::bind((PRIMARY, 0)).unwrap();
        let (one, two) = (free(), free());
        let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
        let primary = SocketAddr::new(PRIMARY.parse().unwrap(), port(&one));
        let alternate = SocketAddr::new(ALTERNATE.parse().unwrap(), port(&two));
        drop((one, two));
        let discovery = format!("{primary},{alternate}");
        let listen = primary.to_string();
        let arguments = ["--listen", &listen, "--relay-ip", PRIMARY];
        let arguments = [&arguments[..], &["--discovery", &discovery]].concat();
        // Between asking for a free port and taking it, another test may have taken it.
        if let Some(relay) = Relay::try_start_on(&arguments) {
            return (relay, primary, alternate);
        }
    }
    panic!("no ports that are free on both addresses");
}

fn binding(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut buffer = vec![0; 2000];
    let id = TransactionId([7; 12]);
    let mut writer = Writer::new(&mut buffer, Class::Request, Method::BINDING, id);
    for (kind, value) in attributes {
        writer.attribute(*kind, value);
    }
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    buffer
}

#[test]
fn answers_come_from_all_four_sockets() {
    let (_relay, primary, alternate) = relay();
    let client = peer("127.0.0.1:0");
    let crossed = |ip: SocketAddr, port: SocketAddr| SocketAddr::new(ip.ip(), port.port());
    for (flags, from) in [
        (0, primary),
        (2, crossed(primary, alternate)),
        (4, crossed(alternate, primary)),
        (6, alternate),
    ] {
        let request = binding(&[(attr::CHANGE_REQUEST, &[0, 0, 0, flags])]);
        client.send_to(&request, primary).unwrap();
        let (response, came_from) = receive(&client);
        assert_eq!(came_from, from);
        let message = Message::parse(&response).unwrap();
        let address = |kind| attr::read_address(message.first(kind).unwrap()).unwrap();
        assert_eq!(address(attr::RESPONSE_ORIGIN), from);
        assert_eq!(address(attr::OTHER_ADDRESS), alternate);
    }
}

#[test]
fn an_answer_finds_another_port_and_is_padded() {
    let (_relay, primary, _) = relay();
    let (client, other) = (peer("127.0.0.1:0"), peer("127.0.0.1:0"));
    let port = other.local_addr().unwrap().port().to_be_bytes();
    let request = binding(&[(attr::RESPONSE_PORT, &port)]);
    client.send_to(&request, primary).unwrap();
    assert_eq!(receive(&other).1, primary);
    let request = binding(&[(attr::PADDING, &[0; 1500])]);
    client.send_to(&request, primary).unwrap();
    let (response, _) = receive(&client);
    let message = Message::parse(&response).unwrap();
    assert_eq!(message.first(attr::PADDING).map(<[u8]>::len), Some(1500));
}

/// Without the key a request for it is what it is to any STUN server: unknown.
#[test]
fn it_is_off_by_default() {
    let relay = Relay::start(&[]);
    let client = peer("127.0.0.1:0");
    let request = binding(&[(attr::CHANGE_REQUEST, &[0, 0, 0, 6])]);
    client.send_to(&request, relay.address()).unwrap();
    let (response, from) = receive(&client);
    assert_eq!(from, relay.address());
    assert_eq!(relay_support::Response(response).code(), 420);
}

/// Debian's tool comes to the right conclusion about a network without a NAT.
#[test]
fn natdiscovery_finds_no_nat() {
    let found = Command::new("turnutils_natdiscovery")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: turnutils_natdiscovery is not installed (Debian package coturn)");
        return;
    }
    let (_relay, primary, alternate) = relay();
    let port = primary.port().to_string();
    for padding in [&[][..], &["-P"]] {
        let mut command = Command::new("turnutils_natdiscovery");
        command.args(["-m", "-f", "-L", PRIMARY, "-p", &port]);
        let output = output(command.args(padding).arg(PRIMARY));
        let printed = String::from_utf8_lossy(&output.stdout);
        for conclusion in [
            "No NAT! (Endpoint Independent Mapping)",
            "NAT with Endpoint Independent Filtering!",
            &format!("Response origin: : {alternate}"),
        ] {
            assert!(printed.contains(conclusion), "{conclusion}: {printed}");
        }
        assert!(!printed.contains("timeout"), "{printed}");
    }
}
