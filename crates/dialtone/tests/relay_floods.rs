//! Floods from strangers: memory as it was, users served.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use relay_support::{Client, Relay, channel_data};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use turn::stun::{Class, Method, TransactionId, Writer, attribute as attr};

#[test]
fn a_flood_of_strangers_leaves_memory_as_it_was_and_users_served() {
    let relay = Relay::start(&[]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let flood = |round: u8| {
        for source in 0..40_u8 {
            let socket = UdpSocket::bind((format!("127.{round}.{source}.1"), 0)).unwrap();
            for n in 0..250_u32 {
                let mut buffer = [0; 40];
                let mut id = [round; 12];
                id[..4].copy_from_slice(&n.to_be_bytes());
                let method = [Method::BINDING, Method::ALLOCATE][n as usize % 2];
                let len = Writer::new(&mut buffer, Class::Request, method, TransactionId(id))
                    .finish()
                    .unwrap();
                socket.send_to(&buffer[..len], relay.address()).unwrap();
            }
        }
    };
    flood(1);
    let before = relay.resident();
    for round in 2..10 {
        flood(round);
    }
    let after = relay.resident();
    assert!(
        after <= before + 1024,
        "{before} kB before, {after} kB after"
    );
    assert_eq!(alice.refresh(600).code(), 0);
}

/// Kilobytes that memory may grow by, whatever strangers send.
const GROWTH: u64 = 1024;

#[test]
fn a_hundred_thousand_spoofed_sources_cost_no_memory() {
    spoofed_sources_cost_no_memory(100_000);
}

/// `cargo test --release -p dialtone --test relay_floods -- --ignored`
#[test]
#[ignore = "takes a minute"]
fn a_million_spoofed_sources_cost_no_memory() {
    spoofed_sources_cost_no_memory(1_000_000);
}

fn spoofed_sources_cost_no_memory(packets: u32) {
    let Some(forger) = Forger::new() else { return };
    let relay = Relay::start(&[]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let mut before = 0;
    for number in 0..packets {
        // The first tenth warms up what is allocated once.
        if number == packets / 10 {
            before = relay.resident();
        }
        forger.send(source(number), relay.address(), &nonsense(number));
        // Waits until the server has taken in what was sent, so that the flood is one to it, too.
        if number.is_multiple_of(100) {
            assert_eq!(alice.refresh(600).code(), 0, "users are served meanwhile");
        }
    }
    let after = relay.resident();
    assert!(
        after <= before + GROWTH,
        "{before} kB before, {after} kB after"
    );
}

/// Every number another socket: spread over 127/8 and the ports, none of them anybody's.
fn source(number: u32) -> SocketAddrV4 {
    let spread = number.wrapping_mul(2_654_435_761);
    let [a, b, c, d] = spread.to_be_bytes();
    SocketAddrV4::new(Ipv4Addr::new(127, a | 0x80, b, c), 1024 + u16::from(d))
}

/// Everything a stranger can think of, in turn.
fn nonsense(number: u32) -> Vec<u8> {
    let mut id = [0x5a; 12];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let mut buffer = vec![0; 64];
    let mut write = |class, method, attributes: &[(u16, &[u8])]| {
        let mut writer = Writer::new(&mut buffer, class, method, TransactionId(id));
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        let len = writer.finish().unwrap();
        buffer[..len].to_vec()
    };
    match number % 8 {
        0 => write(Class::Request, Method::BINDING, &[]),
        1 => write(Class::Request, Method::ALLOCATE, &[]),
        2 => write(
            Class::Request,
            Method::ALLOCATE,
            &[(attr::USERNAME, &id), (attr::MESSAGE_INTEGRITY, &[7; 20])],
        ),
        3 => write(
            Class::Request,
            Method::REFRESH,
            &[(attr::LIFETIME, &[0; 4])],
        ),
        4 => write(Class::Indication, Method::SEND, &[(attr::DATA, &id)]),
        5 => channel_data(0x4000, &id),
        6 => vec![0; 20],
        _ => id.repeat(1 + number as usize % 40),
    }
}

/// Sources that are not one host cannot be answered without hitting others.
#[test]
fn port_zero_and_addresses_of_many_are_not_answered() {
    let Some(forger) = Forger::new() else { return };
    let relay = Relay::start(&[]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    // A copy of every datagram that comes to this machine, for whomever.
    let ear = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)).unwrap();
    ear.set_read_timeout(Some(std::time::Duration::from_millis(300)))
        .unwrap();
    let binding = alice.bare(Method::BINDING, &[]);
    let ask = |source: &str| forger.send(source.parse().unwrap(), relay.address(), &binding);
    let answered = || {
        let mut ear = &ear;
        let mut buffer = [0; 2048];
        // Others on this machine are heard as well; the port of the relay is its own.
        std::iter::from_fn(|| {
            std::io::Read::read(&mut ear, &mut buffer)
                .ok()
                .map(|len| buffer[20..len].to_vec())
        })
        .filter(|udp| udp[..2] == relay.address().port().to_be_bytes())
        .count()
    };
    ask("127.77.1.1:4000");
    assert_eq!(answered(), 1, "this is how an answer would be heard");
    for source in [
        "127.77.1.1:0",
        "224.0.0.1:4000",
        "239.255.1.1:4000",
        "255.255.255.255:4000",
        "127.255.255.255:4000",
    ] {
        ask(source);
    }
    assert_eq!(answered(), 0);
    assert_eq!(alice.allocate().code(), 0);
}

/// Sends UDP datagrams in others' names. Needs root; without it, these tests say so and pass.
struct Forger(Socket);

impl Forger {
    fn new() -> Option<Forger> {
        // IPPROTO_RAW: the IP header is ours to write.
        match Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))) {
            Ok(socket) => Some(Forger(socket)),
            Err(error) => {
                eprintln!("skipped: raw sockets need root: {error}");
                None
            }
        }
    }

    fn send(&self, from: SocketAddrV4, to: SocketAddr, data: &[u8]) {
        let SocketAddr::V4(to) = to else {
            panic!("{to} is not IPv4")
        };
        let len = 8 + data.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend((20 + len).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0]); // The kernel fills in the checksum.
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        for field in [from.port(), to.port(), len, 0] {
            packet.extend(field.to_be_bytes());
        }
        packet.extend(data);
        // A full queue loses a packet, as any flood does.
        let _ = self.0.send_to(&packet, &SockAddr::from(to));
    }
}
