//! Firefox calls Firefox, and each of the two browsers calls the other.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result};
use common::Pair;
use lab::{
    Engine::{self, Chromium, Firefox},
    Server, Topology,
};

/// Two people at these browsers, the first of whom starts the call.
fn call(topology: Topology, engines: [Engine; 2], test: &str) -> Result<()> {
    let world = topology.build()?;
    let server = Server::start(&world.server)?;
    let hosts = [&world.alice, &world.bob];
    let pair = Pair::at(engines, test, hosts, &server.origin())?;
    let converse = || {
        pair.meet(&server)?;
        pair.talk(if world.direct { "direct" } else { "relay" })?;
        pair.chat()?;
        pair.part()
    };
    converse().with_context(|| format!("server: {}", server.said()))
}

#[test]
fn firefox_calls_chromium() -> Result<()> {
    call(
        Topology::OneNetwork,
        [Firefox, Chromium],
        "firefox-chromium",
    )
}

#[test]
fn chromium_calls_firefox() -> Result<()> {
    call(
        Topology::OneNetwork,
        [Chromium, Firefox],
        "chromium-firefox",
    )
}

#[test]
fn firefox_calls_firefox_by_the_relay() -> Result<()> {
    call(Topology::Symmetrics, [Firefox, Firefox], "firefox-relay")
}
