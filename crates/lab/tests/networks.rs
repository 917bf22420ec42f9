//! Real browsers on every network, connected without any code of ours: a bare page, the lab
//! carrying offer and answer, and a foreign STUN/TURN server. A call of ours that fails where
//! these pass is our fault; where these fail, the network's. Where a relay is needed, ours takes
//! the foreign one's place as well, with nothing else changed.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result};
use common::Pair;
use lab::{
    Host, Pages, Process, Topology,
    bare::{self, foreign_relay, our_relay},
};
use serde_json::Value;

/// Starts a relay and says how browsers use it.
type Relay = fn(&Host) -> Result<(Process, Value)>;

fn bare_call(topology: Topology, test: &str, relay: Relay) -> Result<()> {
    let world = topology.build()?;
    let (relay, servers) = relay(&world.server)?;
    let pages = Pages::serve(&world.server)?;
    let pair = Pair::arrive(test, &world.alice, &world.bob, pages.origin())?;
    bare::connect(&pages, &pair.alice, &pair.bob, &servers)?;
    let evidence = pair
        .talk(if world.direct { "direct" } else { "relay" })
        .with_context(|| relay.said())?;
    if topology == Topology::Cones {
        common::learnt_addresses(&evidence, &world)?;
    }
    println!("{topology:?}: {evidence:#?}");
    Ok(())
}

#[test]
fn on_one_network_browsers_connect_directly() -> Result<()> {
    bare_call(Topology::OneNetwork, "bare-one-network", foreign_relay)
}

#[test]
fn behind_cone_nats_browsers_connect_directly() -> Result<()> {
    bare_call(Topology::Cones, "bare-cones", foreign_relay)
}

#[test]
fn behind_symmetric_nats_browsers_need_the_relay() -> Result<()> {
    bare_call(Topology::Symmetrics, "bare-symmetrics", foreign_relay)
}

#[test]
fn a_browser_that_reaches_only_the_server_needs_the_relay() -> Result<()> {
    bare_call(Topology::ServerOnly, "bare-server-only", foreign_relay)
}

#[test]
fn our_relay_alone_connects_symmetric_nats() -> Result<()> {
    bare_call(Topology::Symmetrics, "bare-symmetrics-ours", our_relay)
}

#[test]
fn our_relay_alone_connects_a_fenced_browser() -> Result<()> {
    bare_call(Topology::ServerOnly, "bare-server-only-ours", our_relay)
}
