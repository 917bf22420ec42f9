//! What one user can take of a relay, and that it all comes back.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use relay_support::{Client, Relay, Response};
use turn::stun::{Method, attribute as attr};

#[test]
fn a_quota_holds_and_is_right_afterwards() {
    let relay = Relay::start(&["--user-quota", "3"]);
    let mut clients: Vec<Client> = (0..5)
        .map(|_| Client::new(relay.address(), "alice", "wonder"))
        .collect();
    let codes: Vec<u16> = clients
        .iter_mut()
        .map(|client| client.allocate().code())
        .collect();
    assert_eq!(codes, [0, 0, 0, 486, 486]);
    assert_eq!(
        Client::new(relay.address(), "bob", "builder")
            .allocate()
            .code(),
        0
    );
    assert_eq!(clients[0].refresh(0).code(), 0);
    assert_eq!(clients[3].allocate().code(), 0);
    assert_eq!(clients[4].allocate().code(), 486);
}

#[test]
fn a_thousand_allocations_on_one_credential() {
    let relay = Relay::start(&["--user-quota", "100"]);
    let mut clients: Vec<Client> = (0..1000)
        .map(|_| Client::new(relay.address(), "alice", "wonder"))
        .collect();
    for _ in 0..3 {
        // All requests are on their way before the first answer is looked at.
        let requests: Vec<Vec<u8>> = clients.iter_mut().map(Client::allocate_request).collect();
        let sent = clients.iter().zip(&requests);
        sent.for_each(|(client, request)| client.send(request));
        let asked = clients.iter().zip(&requests);
        // Not asked again: a second copy that is late would be granted what others give back.
        let codes: Vec<u16> = asked
            .map(|(client, request)| client.await_answer(request).code())
            .collect();
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 100);
        assert!(codes.iter().all(|code| matches!(code, 0 | 486)));
        for (client, code) in clients.iter_mut().zip(codes) {
            assert_eq!(client.refresh(0).code(), if code == 0 { 0 } else { 437 });
        }
    }
}

/// Moving neither gets round a quota nor uses it up, and what has moved is one allocation.
#[test]
fn a_thousand_moves_on_one_credential() {
    let relay = Relay::start(&["--user-quota", "3"]);
    let mut clients: Vec<Client> = (0..10)
        .map(|_| Client::new(relay.address(), "alice", "wonder"))
        .collect();
    let transport = (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
    let mobile = [transport, (attr::MOBILITY_TICKET, Vec::new())];
    let mut at = 0;
    let mut response = clients[at].ask(Method::ALLOCATE, &mobile);
    for step in 1..=1000 {
        let ticket = response.first(attr::MOBILITY_TICKET).unwrap();
        at = step % clients.len();
        response = clients[at].ask(Method::REFRESH, &[(attr::MOBILITY_TICKET, ticket)]);
        assert_eq!(response.code(), 0, "move {step}");
    }
    // From where it was last, an allocation that moved is gone once it is used where it is now.
    clients[at].permit("8.8.8.8:5000".parse().unwrap());
    let others = clients
        .iter_mut()
        .enumerate()
        .filter(|(number, _)| *number != at);
    let codes: Vec<u16> = others.map(|(_, client)| client.allocate().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 2);
    assert!(
        codes.iter().all(|code| matches!(code, 0 | 486)),
        "{codes:?}"
    );
    assert_eq!(clients[at].refresh(0).code(), 0);
    let mut last = Client::new(relay.address(), "alice", "wonder");
    assert_eq!(last.allocate().code(), 0, "and its place is free");
}

/// Ports below those that the system gives to others.
const PORTS: &str = "21800-21819";

fn with_few_ports(ip: &str, more: &[&str]) -> Relay {
    let here = [
        "--listen",
        "127.0.0.1:0",
        "--relay-ip",
        ip,
        "--relay-ports",
        PORTS,
    ];
    Relay::start_on(&[&here[..], more].concat())
}

fn allocate_all(relay: &Relay) -> (Vec<Client>, HashSet<u16>) {
    let mut clients = Vec::new();
    let mut ports = HashSet::new();
    loop {
        let mut client = Client::new(relay.address(), "alice", "wonder");
        let response = client.allocate();
        if response.code() != 0 {
            assert_eq!(response.code(), 508);
            return (clients, ports);
        }
        assert!(ports.insert(relayed(&response).port()), "a port twice");
        clients.push(client);
    }
}

fn relayed(response: &Response) -> SocketAddr {
    response.address(attr::XOR_RELAYED_ADDRESS).unwrap()
}

#[test]
fn when_all_ports_are_taken_it_is_508_and_every_port_returns() {
    let relay = with_few_ports("127.0.0.81", &[]);
    for _ in 0..5 {
        let (mut clients, ports) = allocate_all(&relay);
        assert_eq!(ports, (21_800..=21_819).collect());
        for client in &mut clients {
            assert_eq!(client.refresh(0).code(), 0);
        }
    }
}

/// As [`when_all_ports_are_taken_it_is_508_and_every_port_returns`], by a thousand pairs.
#[test]
fn a_thousand_even_ports_and_their_neighbours_return() {
    let relay = with_few_ports("127.0.0.82", &[]);
    let mut first = Client::new(relay.address(), "alice", "wonder");
    let mut second = Client::new(relay.address(), "alice", "wonder");
    for _ in 0..1000 {
        let pair = allocate_even(&mut first);
        assert_eq!(pair.code(), 0);
        assert_eq!(relayed(&pair).port() % 2, 0);
        let claimed = claim(&mut second, pair.first(attr::RESERVATION_TOKEN).unwrap());
        assert_eq!(relayed(&claimed).port(), relayed(&pair).port() + 1);
        assert_eq!(first.refresh(0).code(), 0);
        assert_eq!(second.refresh(0).code(), 0);
    }
    assert_eq!(allocate_all(&relay).1.len(), 20);
}

#[test]
fn reserved_ports_that_nobody_claims_return() {
    let relay = with_few_ports("127.0.0.83", &[]);
    let mut clients: Vec<Client> = (0..1000)
        .map(|_| Client::new(relay.address(), "alice", "wonder"))
        .collect();
    let codes: Vec<u16> = clients
        .iter_mut()
        .map(|it| allocate_even(it).code())
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 10);
    assert!(codes.iter().all(|code| matches!(code, 0 | 508)));
    for client in &mut clients {
        client.refresh(0);
    }
    assert_eq!(
        allocate_all(&relay).1.len(),
        10,
        "the others are kept for whom they were reserved"
    );
    // Thirty seconds (RFC 8656 section 7.2), which nobody should have to wait much longer.
    let begun = Instant::now();
    while allocate_all(&relay).1.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(90));
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn what_is_another_users_is_refused() {
    let relay = Relay::start(&[]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let mut bob = alice.as_another("bob", "builder");
    let peer = "8.8.8.8:5000".parse().unwrap();
    assert_eq!(bob.refresh(0).code(), 441);
    assert_eq!(bob.permit(peer), 441);
    assert_eq!(bob.bind(0x4000, peer), 441);
    assert_eq!(bob.allocate().code(), 441);
    let mut elsewhere = Client::new(relay.address(), "alice", "wonder");
    assert_eq!(elsewhere.refresh(0).code(), 437);
    assert_eq!(elsewhere.permit(peer), 437);
    assert_eq!(elsewhere.bind(0x4000, peer), 437);
    assert_eq!(alice.refresh(0).code(), 0);
    let pair = allocate_even(&mut alice);
    let token = pair.first(attr::RESERVATION_TOKEN).unwrap();
    let mut bob = Client::new(relay.address(), "bob", "builder");
    assert_eq!(claim(&mut bob, token.clone()).code(), 508);
    assert_eq!(claim(&mut elsewhere, vec![7; 8]).code(), 508);
    assert_eq!(claim(&mut elsewhere, token).code(), 0);
}

/// With the next port reserved.
fn allocate_even(client: &mut Client) -> Response {
    let transport = (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
    client.ask(
        Method::ALLOCATE,
        &[transport, (attr::EVEN_PORT, vec![0x80])],
    )
}

fn claim(client: &mut Client, token: Vec<u8>) -> Response {
    let transport = (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
    client.ask(
        Method::ALLOCATE,
        &[transport, (attr::RESERVATION_TOKEN, token)],
    )
}

#[test]
fn two_thousand_allocations_on_one_address_without_loss() {
    allocations_on_one_address_without_loss(2_000);
}

/// `ulimit -n 40000; cargo test --release -p dialtone --test relay_quotas -- --ignored`
#[test]
#[ignore = "needs 16,000 sockets at both ends"]
fn sixteen_thousand_allocations_on_one_address_without_loss() {
    allocations_on_one_address_without_loss(16_000);
}

fn allocations_on_one_address_without_loss(count: usize) {
    raise_open_files_limit(count as u64 + 100);
    let relay = Relay::start(&["--user-quota", "20000", "--allow-peer", "127.0.0.2"]);
    let peer = relay_support::peer("127.0.0.2:0");
    let mut clients: Vec<_> = (0..count)
        .map(|number| {
            // A few hundred of each network: strangers are answered at a bounded rate, and so is
            // every client before it has a nonce.
            let socket =
                UdpSocket::bind((Ipv4Addr::new(127, 1, (number / 250) as u8, 1), 0)).unwrap();
            let mut client = Client::at(socket, relay.address(), "alice", "wonder");
            let response = client.allocate();
            assert_eq!(response.code(), 0, "allocation {number}");
            assert_eq!(client.bind(0x4000, peer.local_addr().unwrap()), 0);
            (client, relayed(&response))
        })
        .collect();
    let ports: HashSet<u16> = clients.iter().map(|(_, relayed)| relayed.port()).collect();
    assert_eq!(ports.len(), count);
    for (number, (client, relayed)) in clients.iter().enumerate() {
        let data = number.to_be_bytes();
        client.send_channel_data(0x4000, &data);
        assert_eq!(relay_support::receive(&peer), (data.to_vec(), *relayed));
        peer.send_to(&data, relayed).unwrap();
        assert_eq!(client.receive(), relay_support::channel_data(0x4000, &data));
    }
    for (client, _) in &mut clients {
        assert_eq!(client.refresh(0).code(), 0);
    }
}

fn raise_open_files_limit(wanted: u64) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(
        wanted <= hard,
        "this needs {wanted} open files, and {hard} are allowed: ulimit -n"
    );
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(wanted), hard).unwrap();
}
