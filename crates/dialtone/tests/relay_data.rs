//! Application data through the running relay.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod relay_support;

use std::collections::HashSet;
use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;

use nix::cmsg_space;
use nix::sys::socket::sockopt::{IpRecvTos, Ipv4RecvTtl, Ipv4Tos, Ipv4Ttl};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, getsockopt, recvmsg, setsockopt};
use relay_support::{
    Client, Relay, Response, channel_data, data_goes_both_ways, peer, receive, send_segmented,
    they_hear_each_other,
};
use turn::stun::attribute as attr;

/// Loopback peers; not the server's own address, which stays closed.
const PEERS: [&str; 2] = ["--allow-peer", "127.0.0.2/31"];

#[test]
fn channel_data_and_indications_go_both_ways_in_every_size() {
    let relay = Relay::start(&PEERS);
    let (alice, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    data_goes_both_ways(alice, relayed);
}

#[test]
fn two_relayed_clients_reach_each_other_also_when_the_announced_address_is_not_here() {
    for relay_ip in ["127.0.0.1", "127.0.0.1=203.0.113.77"] {
        let relay = Relay::start_on(&["--listen", "127.0.0.1:0", "--relay-ip", relay_ip]);
        let (alice, at_alice) = Client::allocated(relay.address(), "alice", "wonder");
        let (bob, at_bob) = Client::allocated(relay.address(), "bob", "builder");
        they_hear_each_other((alice, at_alice), (bob, at_bob));
    }
}

#[test]
fn clients_of_several_threads_reach_each_other_and_peers() {
    for relay_ip in ["127.0.0.1", "127.0.0.1=203.0.113.77"] {
        let relay = Relay::start_on(
            &[
                &[
                    "--listen",
                    "127.0.0.1:0",
                    "--relay-ip",
                    relay_ip,
                    "--threads",
                    "4",
                ],
                &PEERS[..],
            ]
            .concat(),
        );
        // Enough for the system to give every thread some of them.
        let mut clients: Vec<_> = (0..16)
            .map(|_| Client::allocated(relay.address(), "alice", "wonder"))
            .collect();
        let ports: HashSet<u16> = clients.iter().map(|(_, relayed)| relayed.port()).collect();
        assert_eq!(ports.len(), clients.len());
        let relayed: Vec<_> = clients.iter().map(|(_, relayed)| *relayed).collect();
        for (client, _) in &mut clients {
            for (number, peer) in (0x4000..).zip(&relayed) {
                assert_eq!(client.bind(number, *peer), 0);
            }
        }
        for (from, (sender, _)) in clients.iter().enumerate() {
            for (to, (receiver, _)) in clients.iter().enumerate() {
                let data = [from as u8, to as u8];
                sender.send_channel_data(0x4000 + to as u16, &data);
                assert_eq!(
                    receiver.receive(),
                    channel_data(0x4000 + from as u16, &data)
                );
            }
        }
        let (alice, relayed) = clients.swap_remove(3);
        if relay_ip == "127.0.0.1" {
            data_goes_both_ways(alice, relayed);
        }
    }
}

#[test]
fn an_unreachable_peer_does_not_disturb_the_others() {
    let relay = Relay::start(&PEERS);
    let (mut alice, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    let peer = peer("127.0.0.2:0");
    let good = peer.local_addr().unwrap();
    // Nobody listens there: the kernel answers with ICMP port unreachable.
    let gone = SocketAddr::new("127.0.0.3".parse().unwrap(), 9);
    assert_eq!(alice.bind(0x4000, good), 0);
    assert_eq!(alice.bind(0x4001, gone), 0);
    let mut told_of = 0;
    for round in 0..50_u8 {
        alice.send_channel_data(0x4001, b"into the void");
        alice.send_channel_data(0x4000, &[round]);
        assert_eq!(receive(&peer), (vec![round], relayed));
        peer.send_to(&[round], relayed).unwrap();
        loop {
            let message = alice.receive();
            if message == channel_data(0x4000, &[round]) {
                break;
            }
            let indication = Response(message);
            assert_eq!(indication.address(attr::XOR_PEER_ADDRESS), Some(gone));
            // Destination unreachable (3), port unreachable (3); RFC 8656 section 18.13.
            let icmp = indication.first(attr::ICMP);
            assert_eq!(icmp, Some(vec![0, 0, 6, 3, 0, 0, 0, 0]));
            told_of += 1;
        }
    }
    assert!(told_of > 0, "nobody told alice that nobody listens there");
}

#[test]
fn a_deleted_allocation_gives_its_port_back() {
    let relay = Relay::start(&PEERS);
    let (mut alice, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    assert!(std::net::UdpSocket::bind(relayed).is_err());
    assert_eq!(alice.refresh(0).code(), 0);
    assert!(std::net::UdpSocket::bind(relayed).is_ok());
}

#[test]
fn ipv6_clients_and_peers_are_served() {
    let relay = Relay::start_on(&[
        "--listen",
        "[::1]:0",
        "--relay-ip",
        "::1",
        "--relay-ip",
        "127.0.0.1",
    ]);
    let mut alice = Client::new(relay.address(), "alice", "wonder");
    let attributes = [
        (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
        (attr::REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0]),
    ];
    let response = alice.ask(turn::stun::Method::ALLOCATE, &attributes);
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(relayed.ip(), "::1".parse::<std::net::IpAddr>().unwrap());
    assert_eq!(alice.bind(0x4000, relayed), 0);
    alice.send_channel_data(0x4000, b"myself");
    assert_eq!(alice.receive(), channel_data(0x4000, b"myself"));
}

/// The alternate behaviour of RFC 8656 section 15.
#[test]
fn relayed_packets_have_the_ttl_and_dscp_of_the_relay() {
    let relay = Relay::start(&PEERS);
    let (peer, at_alice) = (marked("127.0.0.2:0"), marked("127.0.0.1:0"));
    let at_peer = peer.local_addr().unwrap();
    at_alice.send_to(b"x", at_peer).unwrap();
    assert_eq!(ttl_and_tos(&peer), MARKS, "what is not relayed has them");

    let socket = at_alice.try_clone().unwrap();
    let mut alice = Client::at(socket, relay.address(), "alice", "wonder");
    let relayed = alice.allocate().address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(alice.bind(0x4000, at_peer), 0);
    let usual = getsockopt(&UdpSocket::bind("127.0.0.1:0").unwrap(), Ipv4Ttl).unwrap();
    assert!(usual >= 32);
    for data in [&b"x"[..], &[7; 1200]] {
        alice.send_channel_data(0x4000, data);
        assert_eq!(ttl_and_tos(&peer), (usual, 0));
        alice.send_indication(at_peer, data);
        assert_eq!(ttl_and_tos(&peer), (usual, 0));
        peer.send_to(data, relayed).unwrap();
        assert_eq!(ttl_and_tos(&at_alice), (usual, 0));
    }
}

/// A small TTL, and the TOS byte of expedited forwarding.
const MARKS: (i32, u8) = (3, 0xb8);

/// A socket whose packets have the marks, and that tells those of what comes.
fn marked(address: &str) -> UdpSocket {
    let socket = peer(address);
    setsockopt(&socket, Ipv4Ttl, &MARKS.0).unwrap();
    setsockopt(&socket, Ipv4Tos, &MARKS.1.into()).unwrap();
    setsockopt(&socket, Ipv4RecvTtl, &true).unwrap();
    setsockopt(&socket, IpRecvTos, &true).unwrap();
    socket
}

/// Those of the next packet.
fn ttl_and_tos(socket: &UdpSocket) -> (i32, u8) {
    let mut buffer = [0; 2000];
    let mut slices = [IoSliceMut::new(&mut buffer)];
    let mut space = cmsg_space!(i32, u8);
    let fd = socket.as_raw_fd();
    let packet = recvmsg::<()>(fd, &mut slices, Some(&mut space), MsgFlags::empty());
    let (mut ttl, mut tos) = (None, None);
    for message in packet.expect("nothing came").cmsgs().unwrap() {
        match message {
            ControlMessageOwned::Ipv4Ttl(value) => ttl = Some(value),
            ControlMessageOwned::Ipv4Tos(value) => tos = Some(value),
            _ => {}
        }
    }
    (ttl.unwrap(), tos.unwrap())
}

#[test]
fn bursts_arrive_whole_and_in_order() {
    // As many as a queue of the usual size holds, also when nobody reads.
    const COUNT: usize = 30;
    let relay = Relay::start(&PEERS);
    let peers = [peer("127.0.0.2:0"), peer("127.0.0.2:0")];
    let mut clients: Vec<_> = (0..3)
        .map(|_| Client::allocated(relay.address(), "alice", "wonder"))
        .collect();
    for (client, _) in &mut clients {
        for (number, peer) in (0x4000..).zip(&peers) {
            assert_eq!(client.bind(number, peer.local_addr().unwrap()), 0);
        }
    }
    // Sizes that can leave together, and some that cannot.
    let sizes = [172, 172, 172, 60, 1200, 1200, 1200, 4, 2500, 1200];
    let packet = |from: usize, count: usize| {
        let mut packet = vec![from as u8; sizes[count % sizes.len()]];
        packet[1] = count as u8;
        packet
    };
    let all = |of: &dyn Fn(usize, usize) -> bool| -> Vec<Vec<Vec<u8>>> {
        let of_client = |from| {
            (0..COUNT)
                .filter(|n| of(from, *n))
                .map(|n| packet(from, n))
                .collect()
        };
        (0..clients.len()).map(of_client).collect()
    };
    for count in 0..COUNT {
        for (from, (client, _)) in clients.iter().enumerate() {
            client.send_channel_data(0x4000 + (count / 5 % 2) as u16, &packet(from, count));
        }
    }
    for (which, peer) in peers.iter().enumerate() {
        let mut came = vec![Vec::new(); clients.len()];
        for _ in 0..COUNT / 2 * clients.len() {
            let (data, from) = receive(peer);
            let sender = usize::from(data[0]);
            assert_eq!(from, clients[sender].1);
            came[sender].push(data);
        }
        assert_eq!(came, all(&|_, count| count / 5 % 2 == which));
    }
    for count in 0..COUNT {
        for (to, (_, relayed)) in clients.iter().enumerate() {
            peers[0].send_to(&packet(to, count), relayed).unwrap();
        }
    }
    let came: Vec<Vec<_>> = clients
        .iter()
        .map(|(client, _)| (0..COUNT).map(|_| client.receive()[4..].to_vec()).collect())
        .collect();
    assert_eq!(came, all(&|_, _| true));
}

#[test]
fn what_comes_as_segments_of_one_datagram_is_so_many_datagrams() {
    let relay = Relay::start(&PEERS);
    let peer = peer("127.0.0.2:0");
    let (mut alice, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    assert_eq!(alice.bind(0x4000, peer.local_addr().unwrap()), 0);
    for (size, count) in [(100, 3), (100, 40), (1200, 40)] {
        let data = |n: usize| vec![n as u8; if n + 1 == count { size / 2 } else { size }];
        let datagrams: Vec<u8> = (0..count)
            .flat_map(|n| channel_data(0x4000, &data(n)))
            .collect();
        alice.send_segmented(&datagrams, size + 4);
        for n in 0..count {
            assert_eq!(receive(&peer), (data(n), relayed));
        }
        send_segmented(
            &peer,
            &(0..count).flat_map(data).collect::<Vec<u8>>(),
            size,
            relayed,
        );
        for n in 0..count {
            assert_eq!(alice.receive(), channel_data(0x4000, &data(n)));
        }
    }
}
