//! SIGHUP: new settings while clients talk.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod operation_support;
mod relay_support;
mod tls_support;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use operation_support::{Operated, PATIENCE};
use relay_support::{Client, channel_data, peer, receive};
use tls_support::Identity;

/// What a credential under this secret that has not expired is answered: 0 or an error.
fn code_under(relay: &Operated, secret: &str) -> u16 {
    let minted = protocol::relay::mint(secret.as_bytes(), "carol", 4_000_000_000);
    let mut client = Client::new(relay.address(), &minted.username, &minted.password);
    let code = client.allocate().code();
    if code == 0 {
        assert_eq!(client.refresh(0).code(), 0);
    }
    code
}

/// Everybody says something to the peer and is answered, over and over. No round begins before
/// all of the last one has come.
fn talk(clients: &[(Client, SocketAddr)], peer: &UdpSocket, is_over: &AtomicBool) -> u64 {
    let mut rounds = 0;
    while !is_over.load(Ordering::Relaxed) {
        for (client, _) in clients {
            client.send_channel_data(0x4000, b"to the peer");
        }
        let mut heard: Vec<_> = clients
            .iter()
            .map(|_| {
                let (data, from) = receive(peer);
                assert_eq!(data, b"to the peer");
                from
            })
            .collect();
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), clients.len());
        for (client, relayed) in clients {
            peer.send_to(b"to the client", relayed).unwrap();
            assert_eq!(client.receive(), channel_data(0x4000, b"to the client"));
        }
        rounds += 1;
    }
    rounds
}

#[test]
fn a_hundred_allocations_lose_no_packet_to_a_new_certificate_and_a_new_secret() {
    let mut identity = Identity::new();
    let tls = format!(
        "threads = 2\ntls = \"127.0.0.1:0\"\ncert = \"{}\"\nkey = \"{}\"\n",
        identity.cert(),
        identity.key()
    );
    let relay = Operated::start(&format!("{tls}secret = \"old\"\n"));
    let peer = peer("127.0.0.2:0");
    let peer_address = peer.local_addr().unwrap();
    let clients: Vec<_> = (0..100)
        .map(|n| {
            let minted = protocol::relay::mint(b"old", &n.to_string(), 4_000_000_000);
            let at = relay.address();
            let (mut client, relayed) = Client::allocated(at, &minted.username, &minted.password);
            assert_eq!(client.bind(0x4000, peer_address), 0);
            (client, relayed)
        })
        .collect();
    let trusts_old = identity.client();
    assert_eq!(
        (code_under(&relay, "old"), code_under(&relay, "new")),
        (0, 401)
    );

    let is_over = AtomicBool::new(false);
    let (mut clients, rounds) = std::thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let rounds = talk(&clients, &peer, &is_over);
            (clients, rounds)
        });
        identity.replace();
        for _ in 0..10 {
            relay.reload_well(&format!("{tls}secret = \"new\"\n"));
        }
        assert_eq!(
            (code_under(&relay, "old"), code_under(&relay, "new")),
            (0, 0)
        );
        let trusts_new = identity.client();
        assert!(trusts_new.try_connect(relay.relay.tls_address()).is_ok());
        assert!(
            trusts_old
                .fresh()
                .try_connect(relay.relay.tls_address())
                .is_err()
        );
        is_over.store(true, Ordering::Relaxed);
        talking.join().unwrap()
    });
    assert!(rounds > 1, "{rounds}");

    // Without grace the old secret is over, but not for those who have an allocation.
    relay.reload_well(&format!("{tls}secret = \"new\"\nsecret_grace = \"0s\"\n"));
    assert_eq!(
        (code_under(&relay, "old"), code_under(&relay, "new")),
        (401, 0)
    );
    for (client, _) in &mut clients {
        assert_eq!(client.refresh(600).code(), 0);
    }
}

#[test]
fn a_retired_secret_ends_when_its_time_is_over_and_no_signal_comes() {
    let relay = Operated::start("secret = \"old\"\nsecret_grace = \"1s\"\n");
    relay.reload_well("secret = \"new\"\nsecret_grace = \"1s\"\n");
    let begun = Instant::now();
    while code_under(&relay, "old") == 0 {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(code_under(&relay, "new"), 0);
}

#[test]
fn a_reload_that_fails_changes_nothing_and_says_why() {
    let relay = Operated::start("secret = \"old\"\n");
    let (mut alice, _) = Client::allocated(relay.address(), "alice", "wonder");
    const NOTHING: &str = "Nothing was reloaded; the relay goes on with what it had";
    for (lines, words) in [
        (
            "secret = \"new\"\nuser_qouta = 1\n",
            "line 10: \"user_qouta\" is no key; the nearest one is `user_quota`",
        ),
        (
            "secret = \"new\"\ndeny_peer = \"10.0.0.0/99\"\n",
            "line 10: `deny_peer`: ",
        ),
        (
            "secret = \"new\"\nuser_file = \"absent\"\n",
            "line 10: `user_file`: ",
        ),
        (
            "secret = \"new\"\ncert = \"absent\"\nkey = \"absent\"\n",
            "line 10: `cert`: ",
        ),
        ("secret = \"new", "line 9: "),
    ] {
        relay.reload(lines, NOTHING);
        assert!(relay.log().contains(words), "{words}: {}", relay.log());
    }
    std::fs::remove_file(relay.folder.path().join("relay.toml")).unwrap();
    relay.relay.signal("-HUP");
    relay.await_log("relay.toml cannot be read");
    assert_eq!(
        (code_under(&relay, "old"), code_under(&relay, "new")),
        (0, 401)
    );
    assert_eq!(alice.refresh(600).code(), 0);
}

#[test]
fn what_needs_a_restart_is_named_and_the_rest_counts() {
    let relay = Operated::start("secret = \"old\"\n");
    relay.reload_well("secret = \"new\"\nrelay_ports = \"50000-60000\"\nthreads = 9\n");
    let log = relay.log();
    for words in [
        "line 10: `relay_ports`: it is another one now, which needs a restart",
        "line 11: `threads`: it is another one now, which needs a restart",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(
        !log.contains("`secret`") && !log.contains("`listen`"),
        "{log}"
    );
    assert_eq!(code_under(&relay, "new"), 0);
}

#[test]
fn a_peer_that_is_denied_now_is_cut_off() {
    let relay = Operated::start("");
    let (mut alice, relayed) = Client::allocated(relay.address(), "alice", "wonder");
    let (good, bad) = (peer("127.0.0.2:0"), peer("127.0.0.3:0"));
    assert_eq!(alice.bind(0x4000, good.local_addr().unwrap()), 0);
    assert_eq!(alice.bind(0x4001, bad.local_addr().unwrap()), 0);
    relay.reload_well("deny_peer = \"127.0.0.3/32\"\n");
    bad.send_to(b"x", relayed).unwrap();
    assert!(alice.hears_nothing());
    assert_eq!(alice.bind(0x4001, bad.local_addr().unwrap()), 403);
    alice.send_channel_data(0x4000, b"still there");
    assert_eq!(receive(&good).0, b"still there");
}
