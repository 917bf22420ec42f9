//! Calls between networks that have little in common: each pair takes the best path there is.
//!
//! A few of the pairs that `cargo xtask bench networks` goes through. And where the best path is late, it is
//! found all the same.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Result, ensure};
use common::Pair;
use lab::{
    Engine, Matrix, Patience, Person, Server, Topology, World,
    access::{Access, optimum},
    eventually,
};

#[test]
fn people_on_different_networks_take_the_best_path_there_is() -> Result<()> {
    let mut matrix = Matrix::build("every-network")?;
    for (a, b) in [
        (Access::FullCone, Access::Symmetric),
        (Access::Restricted, Access::Symmetric),
        (Access::Ipv6Only, Access::Carrier),
        (Access::Ipv6Only, Access::Proxy443),
        (Access::FullCone, Access::Proxy443),
    ] {
        let outcome = matrix.call(a, b, [Engine::Chromium; 2])?;
        println!("{a:?}, {b:?}: {outcome:?}");
        ensure!(outcome.route == optimum(a, b), "{a:?}, {b:?}: {outcome:?}");
    }
    Ok(())
}

/// Whether a description has come since the call was up.
const LOOKED_AGAIN: &str = "
    const last = (what) => window.__lab.marks.findLastIndex((mark) => mark.what === what);
    return last('got description') > last('shows active 0');";

#[test]
fn a_relay_by_tcp_gives_way_to_one_by_udp_that_was_late() -> Result<()> {
    let world = Topology::Symmetrics.build()?;
    let server = Server::start(&world.server)?;
    let (alice, bob) = (&world.alice, &world.bob);
    let pair = Pair::arrive("late-udp", alice, bob, &server.origin())?;
    let both = [&pair.alice, &pair.bob];
    let mut tries = 5;
    while !meets_before_datagrams_pass(&world, &server, &pair)? {
        tries -= 1;
        ensure!(tries > 0, "this machine is too slow for this test");
        pair.part()?;
    }
    eventually("a relay by UDP", Patience::seconds(30), || {
        let relays = both.map(relay_protocol);
        ensure!(relays.contains(&Some("udp".into())), "{relays:?}");
        ensure!(!relays.contains(&Some("tcp".into())), "{relays:?}");
        Ok(())
    })?;
    pair.talk("relay")?;
    pair.part()
}

/// Whether datagrams passed again before a better path was looked for, two seconds after the first one worked.
fn meets_before_datagrams_pass(world: &World, server: &Server, pair: &Pair) -> Result<bool> {
    world.server.block_udp_relay()?;
    pair.meet(server)?;
    let both = [&pair.alice, &pair.bob];
    for person in both {
        person.until_state("active")?;
    }
    let relays = both.map(relay_protocol);
    ensure!(relays.contains(&Some("tcp".into())), "{relays:?}");
    world.server.unblock_relay()?;
    for person in both {
        if person.browser().script(LOOKED_AGAIN, vec![])? == true {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By what a person's own relay is reached, if media goes by it.
fn relay_protocol(person: &Person) -> Option<String> {
    let page = person.sense().ok()?;
    let connections = page["connections"].as_array()?;
    let live = connections.iter().find(|it| !it["selected"].is_null())?;
    let protocol = &live["selected"]["local"]["relayProtocol"];
    Some(protocol.as_str()?.to_owned())
}
