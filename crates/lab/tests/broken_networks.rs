//! Each network's test can fail: with the one thing broken that it rests on, it does.
//!
//! Without these, a lab that had become too friendly would let every call pass unnoticed.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::time::Duration;

use anyhow::{Result, ensure};
use common::Pair;
use lab::{Server, Topology, World, holds_for};

/// Long enough for a call on a whole network to be up several times over.
const LONG: Duration = Duration::from_secs(15);

/// Meets on a network after `harm` was done to it; the path there must never be `hoped`.
fn never_by(
    topology: Topology,
    test: &str,
    hoped: &str,
    harm: impl Fn(&World) -> Result<()>,
) -> Result<()> {
    let world = topology.build()?;
    let server = Server::start(&world.server)?;
    let pair = Pair::arrive(test, &world.alice, &world.bob, &server.origin())?;
    harm(&world)?;
    pair.meet(&server)?;
    for person in [&pair.alice, &pair.bob] {
        person.until("signaling brought the two together", |page| {
            ensure!(page["peers"] == "1", "peers {}", page["peers"]);
            Ok(())
        })?;
    }
    holds_for("no call", LONG, || {
        for person in [&pair.alice, &pair.bob] {
            let page = person.sense()?;
            let connected = page["path"] == hoped && page["state"] == "active";
            ensure!(
                !connected,
                "connected by {hoped} all the same: {}",
                page["connections"]
            );
        }
        Ok(())
    })
}

#[test]
fn one_network_whose_switch_keeps_hosts_apart_is_not_direct() -> Result<()> {
    never_by(
        Topology::OneNetwork,
        "broken-one-network",
        "direct",
        World::isolate_hosts,
    )
}

#[test]
fn cones_without_stun_are_not_direct() -> Result<()> {
    let harm = |world: &World| world.server.block_relay();
    never_by(Topology::Cones, "broken-cones", "direct", harm)
}

#[test]
fn symmetric_nats_without_a_relay_do_not_connect() -> Result<()> {
    let harm = |world: &World| world.server.block_relay();
    never_by(Topology::Symmetrics, "broken-symmetrics", "relay", harm)
}

#[test]
fn a_fenced_side_without_a_relay_does_not_connect() -> Result<()> {
    let harm = |world: &World| world.server.block_relay();
    never_by(Topology::ServerOnly, "broken-server-only", "relay", harm)
}

#[test]
fn a_side_without_udp_needs_the_relay_by_tcp() -> Result<()> {
    let harm = |world: &World| world.server.block_tcp_relay();
    never_by(Topology::TcpOnly, "broken-tcp-only", "relay", harm)
}
