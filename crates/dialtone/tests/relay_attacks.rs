//! What will be tried against the relay, and what comes of it: messages and peers here, the rest in
//! other files of this folder.
//!
//! | what is tried | tests |
//! | --- | --- |
//! | Denied peers in every form, by every request that names one | `denied_peers_are_refused_and_nothing_is_sent_to_them`, `denied_ipv6_peers_are_refused_in_every_form`, `relay_tcp_peers::denied_peers_and_the_servers_own_ports_are_403` |
//! | The server's own ports on its announced address | `the_servers_own_ports_are_closed_and_its_relay_ports_open`, `not_even_its_name_opens_the_server_itself`, `the_listener_is_no_peer_so_tunnels_do_not_nest` |
//! | Relay to itself in a loop | `a_relay_that_is_its_own_peer_does_not_loop` |
//! | A deny range that does not end on a byte | `a_deny_range_ends_between_two_bits` |
//! | Floods without credentials, a million spoofed sources | `relay_floods`, `strangers_get_small_answers_or_none` |
//! | Source port 0, sources that are not one host | `relay_floods::port_zero_and_addresses_of_many_are_not_answered` |
//! | Nonces expired, forged, of another address, edited | `relay_strangers::a_bad_nonce_is_438_with_the_password_and_401_without` |
//! | Guessing passwords, locking others out | `relay_strangers::guesses_are_throttled_by_network_and_lock_nobody_out`, `relay_strangers::an_answer_does_not_say_which_part_was_wrong` |
//! | Names that break logs | `relay_strangers::odd_names_are_refused_and_the_log_stays_whole` |
//! | Lengths that lie | `lengths_that_lie_bring_nothing_through_and_nothing_down`, `relay_tcp::lengths_that_lie_end_the_connection_and_nothing_else` |
//! | Attributes that have to be understood | `what_is_not_understood_is_listed` |
//! | A thousand allocations on one credential, reconnects, moves | `relay_quotas::a_thousand_allocations_on_one_credential`, `relay_tcp::reconnecting_again_and_again_does_not_get_round_a_quota_nor_use_it_up`, `relay_quotas::a_thousand_moves_on_one_credential` |
//! | All ports, a thousand even ones | `relay_quotas::when_all_ports_are_taken_it_is_508_and_every_port_returns`, `relay_quotas::a_thousand_even_ports_and_their_neighbours_return`, `relay_quotas::reserved_ports_that_nobody_claims_return` |
//! | Another user's allocation, reservation, ticket or connection | `relay_quotas::what_is_another_users_is_refused`, `relay_mobility::other_users_tickets_and_used_ones_move_nothing`, `relay_tcp_peers::another_users_connection_is_441_and_one_that_is_not_there_400` |
//! | Half-open, slow and never-reading clients | `relay_tcp::who_does_not_finish_a_message_is_closed_in_time`, `relay_tcp::who_never_reads_loses_data_and_costs_little`, `relay_tcp::who_asks_and_never_takes_the_answers_is_closed`, `relay_tcp_peers::a_slow_reader_slows_the_sender_down_and_costs_little`, and the same in `relay_tls` |
//! | Other protocols on this port | `relay_tcp::other_protocols_are_closed_at_once`, `relay_tls::other_protocols_are_closed_at_once`, `web_https` |
//! | PROXY headers from whoever is not trusted | `relay_proxied` |
//! | The admin listener without its token | `relay_operation_admin` |
//! | A peer that cannot be reached | `relay_data::an_unreachable_peer_does_not_disturb_the_others` |

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::net::{SocketAddr, UdpSocket};

use relay_support::{Client, Relay, channel_data, peer};
use turn::stun::{Class, Method, TransactionId, Writer, attribute as attr};

#[test]
fn denied_peers_are_refused_and_nothing_is_sent_to_them() {
    let victim = peer("127.0.0.2:0");
    let denied = [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.2",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ];
    are_refused(AllocatedBy::V4, &denied, &victim);
}

/// As they are, and as IPv6 dresses up IPv4 addresses.
#[test]
fn denied_ipv6_peers_are_refused_in_every_form() {
    let victim = UdpSocket::bind("[::]:0").unwrap();
    let denied = [
        "::",
        "::127.0.0.2",
        "::10.0.0.1",
        "::ffff:127.0.0.2",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:8.8.8.8",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.2",
        "64:ff9b:1::10.0.0.1",
        "100::1",
        "2001::1",
        "2001:0:a00:1::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "2002:7f00:2::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ];
    are_refused(AllocatedBy::V6, &denied, &victim);
}

/// The family of an allocation.
#[derive(Clone, Copy, PartialEq)]
enum AllocatedBy {
    V4,
    V6,
}

fn are_refused(family: AllocatedBy, denied: &[&str], victim: &UdpSocket) {
    let (listen, relay_ip, number) = match family {
        AllocatedBy::V4 => ("127.0.0.1:0", "127.0.0.1", 1),
        AllocatedBy::V6 => ("[::1]:0", "::1", 2),
    };
    let relay = Relay::start_on(&["--listen", listen, "--relay-ip", relay_ip]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let attributes = [
        (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
        (attr::REQUESTED_ADDRESS_FAMILY, vec![number, 0, 0, 0]),
    ];
    assert_eq!(alice.ask(Method::ALLOCATE, &attributes).code(), 0);
    for ip in denied {
        let address = SocketAddr::new(ip.parse().unwrap(), victim.local_addr().unwrap().port());
        assert_eq!(alice.permit(address), 403, "{ip}");
        assert_eq!(alice.bind(0x4000, address), 403, "{ip}");
        alice.send_indication(address, b"x");
    }
    assert!(alice.hears_nothing());
    victim.set_nonblocking(true).unwrap();
    assert!(victim.recv_from(&mut [0; 16]).is_err());
}

#[test]
fn a_deny_range_ends_between_two_bits() {
    let deny = [
        "--deny-peer",
        "2606:4700:4::/47",
        "--deny-peer",
        "2a00:1450:4000::/37",
    ];
    let here = ["--listen", "[::1]:0", "--relay-ip", "::1"];
    let relay = Relay::start_on(&[&here[..], &deny].concat());
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let attributes = [
        (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
        (attr::REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0]),
    ];
    assert_eq!(alice.ask(Method::ALLOCATE, &attributes).code(), 0);
    for (number, (ip, code)) in (0x4000..).zip([
        ("2606:4700:3:ffff::1", 0),
        ("2606:4700:4::1", 403),
        ("2606:4700:5:ffff:ffff:ffff:ffff:ffff", 403),
        ("2606:4700:6::1", 0),
        ("2a00:1450:3fff:ffff::1", 0),
        ("2a00:1450:4000::", 403),
        ("2a00:1450:47ff:ffff::1", 403),
        ("2a00:1450:4800::", 0),
    ]) {
        let peer = SocketAddr::new(ip.parse().unwrap(), 5000);
        assert_eq!(alice.permit(peer), code, "{ip}");
        assert_eq!(alice.bind(number, peer), code, "{ip}");
    }
}

/// Whatever the relayed address is told to itself: one datagram in is one datagram out.
#[test]
fn a_relay_that_is_its_own_peer_does_not_loop() {
    for threads in ["1", "2"] {
        let relay = Relay::start(&["--threads", threads]);
        let mut clients: Vec<_> = (0..4)
            .map(|_| Client::allocated(relay.address(), "alice", "wonder"))
            .collect();
        let relayed: Vec<SocketAddr> = clients.iter().map(|(_, relayed)| *relayed).collect();
        for (client, _) in &mut clients {
            for (number, peer) in (0x4000..).zip(&relayed) {
                assert_eq!(client.bind(number, *peer), 0);
            }
        }
        for (from, (client, _)) in clients.iter().enumerate() {
            for to in 0x4000..0x4004 {
                client.send_channel_data(to, &[from as u8; 100]);
            }
        }
        for (client, _) in &clients {
            let mut heard: Vec<Vec<u8>> = (0..4).map(|_| client.receive()).collect();
            heard.sort();
            let each_once: Vec<Vec<u8>> = (0..4)
                .map(|from| channel_data(0x4000 + from, &[from as u8; 100]))
                .collect();
            assert_eq!(heard, each_once);
        }
        assert!(clients.iter().all(|(client, _)| client.hears_nothing()));
    }
}

/// A client whose way to the server leads through the server.
#[test]
fn the_listener_is_no_peer_so_tunnels_do_not_nest() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.0/8"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    assert_eq!(alice.permit(relay.address()), 0, "permissions know no port");
    let binding = alice.bare(Method::BINDING, &[]);
    for _ in 0..100 {
        alice.send_indication(relay.address(), &binding);
    }
    assert!(alice.hears_nothing());
}

#[test]
fn the_servers_own_ports_are_closed_and_its_relay_ports_open() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.0/8"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let (_bob, at_bob) = Client::allocated(relay.address(), "bob", "builder");
    let service = peer("127.0.0.1:0");
    let service_address = service.local_addr().unwrap();
    assert_eq!(alice.permit(service_address), 0, "permissions know no port");
    for closed in [service_address, relay.address()] {
        assert_eq!(alice.bind(0x4000, closed), 403);
        alice.send_indication(closed, b"x");
    }
    service.set_nonblocking(true).unwrap();
    assert!(service.recv_from(&mut [0; 16]).is_err());
    assert_eq!(alice.bind(0x4000, at_bob), 0);
}

#[test]
fn not_even_its_name_opens_the_server_itself() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.1/32"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let service = peer("127.0.0.1:0");
    assert_eq!(alice.bind(0x4000, service.local_addr().unwrap()), 403);
    assert_eq!(alice.bind(0x4001, relay.address()), 403);
}

#[test]
fn strangers_get_small_answers_or_none() {
    let relay = Relay::start(&[]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let binding = alice.bare(Method::BINDING, &[]);
    assert!(alice.exchange(&binding).0.len() * 10 <= binding.len() * 16);
    for datagram in [
        &b""[..],
        &[0; 20],
        &[0xff; 1200],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &channel_data(0x4000, b"x"),
        &binding[..19],
    ] {
        alice.send(datagram);
    }
    for class in [Class::Indication, Class::Success, Class::Error] {
        let mut buffer = [0; 20];
        let _ = Writer::new(&mut buffer, class, Method::BINDING, TransactionId([0; 12]));
        alice.send(&buffer);
    }
    assert!(alice.hears_nothing());
}

#[test]
fn lengths_that_lie_bring_nothing_through_and_nothing_down() {
    let relay = Relay::start(&["--allow-peer", "127.0.0.2/32"]);
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    let victim = peer("127.0.0.2:0");
    assert_eq!(alice.bind(0x4000, victim.local_addr().unwrap()), 0);
    for lie in [5_u16, 1000, 0xfffc, 0xffff] {
        let mut datagram = channel_data(0x4000, b"four");
        datagram[2..4].copy_from_slice(&lie.to_be_bytes());
        alice.send(&datagram);
        let mut request = alice.bare(Method::ALLOCATE, &[(attr::USERNAME, b"four".to_vec())]);
        request[22..24].copy_from_slice(&lie.to_be_bytes());
        alice.send(&request);
        request[2..4].copy_from_slice(&lie.to_be_bytes());
        alice.send(&request);
        // The length of DATA, which comes last and is followed by nothing.
        let victim = alice.peer_address(victim.local_addr().unwrap());
        let attributes = [victim, (attr::DATA, b"four".to_vec())];
        let mut indication = alice.write(Class::Indication, Method::SEND, &attributes, false);
        indication[34..36].copy_from_slice(&lie.to_be_bytes());
        alice.send(&indication);
    }
    assert!(alice.hears_nothing());
    victim.set_nonblocking(true).unwrap();
    assert!(victim.recv_from(&mut [0; 16]).is_err());
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn what_is_not_understood_is_listed() {
    let relay = Relay::start(&[]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let odd = [
        (0x7ffe, vec![1]),
        (0x8001, vec![2]),
        (0x0002, vec![]),
        (0x7ffd, vec![3; 40]),
    ];
    let transport = (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
    let response = alice.ask(Method::ALLOCATE, &[&[transport][..], &odd].concat());
    assert_eq!(response.code(), 420);
    let listed = response.first(attr::UNKNOWN_ATTRIBUTES).unwrap();
    assert_eq!(listed, [0x7f, 0xfe, 0x00, 0x02, 0x7f, 0xfd]);
    let binding = alice.bare(Method::BINDING, &odd);
    assert_eq!(alice.exchange(&binding).code(), 420);
    assert_eq!(alice.allocate().code(), 0);
}
