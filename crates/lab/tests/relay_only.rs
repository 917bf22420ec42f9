//! Two browsers that may use nothing but our relay, and each by its own: from relay to relay. The
//! relay is behind a 1:1 NAT, and what it sends to the address it announces comes back to nobody.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result, ensure};
use common::Pair;
use lab::{Authority, Evidence, Pages, Topology, bare};
use serde_json::json;

#[test]
fn by_udp_by_tcp_and_by_tls_browsers_reach_each_other_from_relay_to_relay() -> Result<()> {
    let world = Topology::ServerBehindNat.build()?;
    let address = world.announced.context("no announced address")?;
    let authority = Authority::certify(address)?;
    let arguments = [
        format!("--tls={}:443", world.server.address()),
        format!("--cert={}", authority.certificate().display()),
        format!("--key={}", authority.key().display()),
    ];
    let relay = bare::our_relay_with(&world.server, address, &arguments)?;
    let pages = Pages::serve_as(&world.server, address)?;
    let pair = Pair::trusting(
        "relay-only",
        &world.alice,
        &world.bob,
        pages.origin(),
        &authority.root(),
    )?;
    for (transport, url) in [
        ("udp", format!("turn:{address}:3478?transport=udp")),
        ("tcp", format!("turn:{address}:3478?transport=tcp")),
        ("tls", format!("turns:{address}:443?transport=tcp")),
    ] {
        let server = json!({ "urls": url, "username": "lab", "credential": "lab" });
        let configuration = json!({ "iceServers": [server], "iceTransportPolicy": "relay" });
        let connect = || {
            bare::connect_with(&pages, &pair.alice, &pair.bob, &configuration)?;
            let evidence = pair.talk("relay")?;
            evidence
                .iter()
                .try_for_each(|side| is_relayed_twice(side, address, transport))?;
            bare::exchange_texts(&pair.alice, &pair.bob)
        };
        connect().with_context(|| format!("by {transport}; the relay said: {}", relay.said()))?;
    }
    Ok(())
}

/// Both ends of the pair are relayed addresses of this server, ours reached by this transport.
fn is_relayed_twice(side: &Evidence, address: std::net::Ipv4Addr, transport: &str) -> Result<()> {
    let pair = &side.selected;
    for end in ["local", "remote"] {
        ensure!(pair[end]["type"] == "relay", "{pair}");
        ensure!(pair[end]["address"] == json!(address), "{pair}");
    }
    ensure!(pair["local"]["relayProtocol"] == transport, "{pair}");
    Ok(())
}
