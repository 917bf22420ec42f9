//! Networks that let only TCP port 443 out: the page, signaling and both people's media share it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use common::Pair;
use lab::{Authority, Patience, Server, ServerOptions, Topology, World, holds_for};

/// Takes TURN over TLS away from what the page asks the browser for.
const WITHOUT_TURNS: &str = include_str!("without_turns.js");

fn arrive(test: &str) -> Result<(World, Server, Pair)> {
    let world = Topology::Only443.build()?;
    let authority = Arc::new(Authority::certify(world.server.address())?);
    let options = ServerOptions {
        authority: Some(authority.clone()),
        ..ServerOptions::default()
    };
    let server = Server::start_with(&world.server, options)?;
    let root = authority.root();
    let pair = Pair::trusting(test, &world.alice, &world.bob, &server.origin(), &root)?;
    Ok((world, server, pair))
}

#[test]
fn two_people_who_reach_nothing_but_443_call_each_other() -> Result<()> {
    let (_world, server, pair) = arrive("only-443")?;
    let call = || {
        pair.meet(&server)?;
        let evidence = pair.talk("relay")?;
        for side in &evidence {
            // Who can send no datagram cannot reach a relay directly, either: both have their own.
            for end in ["local", "remote"] {
                ensure!(side.selected[end]["type"] == "relay", "{}", side.selected);
            }
            ensure!(
                side.selected["local"]["relayProtocol"] == "tls",
                "{}",
                side.selected
            );
        }
        pair.chat()?;
        pair.part()
    };
    call().with_context(|| format!("server: {}", server.said()))
}

#[test]
fn without_turn_over_tls_they_meet_and_never_see_each_other() -> Result<()> {
    let (_world, server, pair) = arrive("only-443-without")?;
    for person in [&pair.alice, &pair.bob] {
        person.browser().prepend(WITHOUT_TURNS)?;
    }
    pair.meet(&server)?;
    for person in [&pair.alice, &pair.bob] {
        person.until_within("a connection", Patience::USUAL, |page| {
            let connections = page["connections"].as_array();
            ensure!(
                connections.is_some_and(|all| !all.is_empty()),
                "none is tried"
            );
            Ok(())
        })?;
    }
    holds_for("no connection", Duration::from_secs(15), || {
        for person in [&pair.alice, &pair.bob] {
            let page = person.sense()?;
            ensure!(
                page["state"] != "active",
                "{} is in a call",
                person.browser().name()
            );
            let connections = page["connections"].as_array().into_iter().flatten();
            ensure!(
                connections.clone().all(|it| it["selected"].is_null()),
                "{}",
                page["connections"]
            );
        }
        Ok(())
    })
}
