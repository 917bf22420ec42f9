//! Firefox calls Firefox, and each of the two browsers calls the other.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result, ensure};
use common::{ALICE, Pair, lock, sees_screen};
use lab::{
    BrowserOptions,
    Engine::{self, Chromium, Firefox},
    Matrix, Person, Server, Topology,
    access::{Access, optimum},
};
use serde_json::Value;

/// A screen to share, as a Firefox without a window has none.
const PAINTED_SCREEN: &str = include_str!("painted_screen.js");

/// Two people at these browsers meet: the first starts the call, and the other follows her link.
fn meet(
    topology: Topology,
    engines: [Engine; 2],
    test: &str,
    converse: impl FnOnce(&Pair) -> Result<()>,
) -> Result<()> {
    let world = topology.build()?;
    let server = Server::start(&world.server)?;
    let [first, second] = engines.map(|engine| BrowserOptions {
        engine,
        trusted: vec![server.origin()],
        ..BrowserOptions::default()
    });
    let pair = Pair::with(test, (&world.alice, first), (&world.bob, second))?;
    let call = || {
        pair.meet(&server)?;
        converse(&pair)
    };
    call().with_context(|| format!("server: {}", server.said()))
}

/// Both ends know that nobody is in between, and show the same pictures.
fn is_verified(pair: &Pair) -> Result<()> {
    const STATE: &str = "return document.querySelector('[data-lock]').dataset.lock";
    let [alice, bob] = [&pair.alice, &pair.bob];
    ensure!(lock(alice)? == lock(bob)?, "they see different locks");
    for person in [alice, bob] {
        let state = person.browser().script(STATE, vec![])?;
        ensure!(state == "link", "the lock says {state}");
    }
    Ok(())
}

/// Nothing but silence comes from the other.
fn hears_nobody(person: &Person) -> Result<()> {
    person.until("silence", |page| {
        let heard = page["heard"].as_array().context("nothing is played")?;
        let loud = |ear: &Value| ear["decibels"].as_f64() > Some(-90.0);
        ensure!(!heard.iter().any(loud), "heard: {}", page["heard"]);
        Ok(())
    })
}

#[test]
fn firefox_calls_chromium_on_one_network() -> Result<()> {
    let engines = [Firefox, Chromium];
    meet(Topology::OneNetwork, engines, "firefox-chromium", |pair| {
        pair.talk("direct")?;
        is_verified(pair)?;
        pair.chat()?;
        pair.alice.press("Mute")?;
        hears_nobody(&pair.bob)?;
        pair.alice.press("Unmute")?;
        pair.bob.hears(ALICE)?;
        // Who was there comes back, and it is the same call.
        pair.alice.browser().prepend(PAINTED_SCREEN)?;
        pair.alice.browser().reload()?;
        pair.talk("direct")?;
        is_verified(pair)?;
        pair.alice.reads(&["good morning", "and to you"])?;
        for (from, to) in [(&pair.alice, &pair.bob), (&pair.bob, &pair.alice)] {
            from.press("Share screen")?;
            sees_screen(to, true)?;
            from.press("Stop sharing")?;
            sees_screen(to, false)?;
        }
        pair.part()
    })
}

#[test]
fn chromium_calls_firefox_behind_symmetric_nats() -> Result<()> {
    let engines = [Chromium, Firefox];
    meet(Topology::Symmetrics, engines, "chromium-firefox", |pair| {
        pair.talk("relay")?;
        is_verified(pair)?;
        // The other end of the negotiation than above.
        pair.bob.browser().reload()?;
        pair.talk("relay")?;
        pair.chat()?;
        pair.part()
    })
}

#[test]
fn firefox_calls_firefox_where_only_443_passes() -> Result<()> {
    let by_443 = (Access::Only443, Access::Only443);
    let mut matrix = Matrix::build("firefox-only-443")?;
    let outcome = matrix.call(by_443.0, by_443.1, [Firefox; 2])?;
    ensure!(outcome.route == optimum(by_443.0, by_443.1), "{outcome:?}");
    Ok(())
}
