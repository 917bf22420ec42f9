//! Real browsers on every network, connected without any code of ours: a bare page, the lab
//! carrying offer and answer, and a foreign STUN/TURN server. A call of ours that fails where
//! these pass is our fault; where these fail, the network's.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result};
use common::Pair;
use lab::{Pages, Topology, bare};

fn bare_call(topology: Topology, test: &str) -> Result<()> {
    let world = topology.build()?;
    let (relay, servers) = bare::foreign_relay(&world.server)?;
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
    bare_call(Topology::OneNetwork, "bare-one-network")
}

#[test]
fn behind_cone_nats_browsers_connect_directly() -> Result<()> {
    bare_call(Topology::Cones, "bare-cones")
}

#[test]
fn behind_symmetric_nats_browsers_need_the_relay() -> Result<()> {
    bare_call(Topology::Symmetrics, "bare-symmetrics")
}

#[test]
fn a_browser_that_reaches_only_the_server_needs_the_relay() -> Result<()> {
    bare_call(Topology::ServerOnly, "bare-server-only")
}
