//! Two people call each other on every network: pictures, sound, chat, and the end.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result};
use common::{Pair, at_home, learnt_addresses};
use lab::{Patience, Server, ServerOptions, Topology};

fn call(topology: Topology, test: &str) -> Result<()> {
    let world = topology.build()?;
    let options = ServerOptions {
        announced: world.announced,
        ..ServerOptions::default()
    };
    let server = Server::start_with(&world.server, options)?;
    let pair = Pair::arrive(test, &world.alice, &world.bob, &server.origin())?;
    converse(&pair, &server, &world).with_context(|| format!("server: {}", server.said()))
}

fn converse(pair: &Pair, server: &Server, world: &lab::World) -> Result<()> {
    pair.meet(server)?;
    let evidence = pair.talk(if world.direct { "direct" } else { "relay" })?;
    println!("{} and {}", evidence[0].selected, evidence[1].selected);
    if world.routers[0].name() != world.routers[1].name() && world.direct {
        learnt_addresses(&evidence, world)?;
    }
    pair.chat()?;
    pair.part()
}

#[test]
fn on_one_network() -> Result<()> {
    call(Topology::OneNetwork, "one-network")
}

#[test]
fn each_behind_a_cone_nat() -> Result<()> {
    call(Topology::Cones, "cones")
}

#[test]
fn both_behind_symmetric_nats() -> Result<()> {
    call(Topology::Symmetrics, "symmetrics")
}

/// The relay announces the address of a router that packets from inside do not get through.
#[test]
fn the_server_is_behind_a_one_to_one_nat() -> Result<()> {
    call(Topology::ServerBehindNat, "server-behind-nat")
}

#[test]
fn one_side_reaches_only_the_server() -> Result<()> {
    call(Topology::ServerOnly, "server-only")
}

#[test]
fn one_side_reaches_the_server_by_tcp_only() -> Result<()> {
    call(Topology::TcpOnly, "tcp-only")
}

#[test]
fn a_browser_killed_in_a_call_ends_it_for_the_other() -> Result<()> {
    let (server, mut pair) = at_home("killed")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    pair.bob.browser_mut().kill();
    pair.alice
        .until_state_within("ended", Patience::seconds(45))
}
