//! What networks, servers and devices do to a call while it goes on: it goes on.
//!
//! A few of those that `cargo xtask bench mishaps` measures, and one in which nothing is to be
//! measured.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::time::Duration;

use anyhow::{Result, ensure};
use common::{ALICE, BOB, at_home};
use lab::mishap::{Damage, Mishap, Stage};

/// Only a call that has to be made anew is silent for so long.
const LONG: Duration = Duration::from_secs(20);

/// Lets it happen in a call of two, who then still see, hear and read each other.
fn survive(test: &str, mishap: Mishap) -> Result<(Stage, Damage)> {
    let mut stage = Stage::set(test, mishap)?;
    let damage = stage.suffer()?;
    println!("{mishap:?}: {damage:?}");
    for (person, tone) in [(&stage.alice, BOB), (&stage.bob, ALICE)] {
        person.hears(tone)?;
        person.sees_moving_pictures()?;
    }
    stage.alice.say("still there?")?;
    stage.bob.reads(&["still there?"])?;
    for gap in damage.gap {
        ensure!(gap < LONG, "{damage:?}");
    }
    Ok((stage, damage))
}

#[test]
fn a_call_moves_to_another_network() -> Result<()> {
    let (_stage, damage) = survive("other-network", Mishap::OtherNetwork)?;
    ensure!(damage.noticed.iter().all(Option::is_some), "{damage:?}");
    ensure!(damage.path == ["direct", "direct"], "{damage:?}");
    Ok(())
}

#[test]
fn a_relayed_call_outlives_the_mappings_of_a_router() -> Result<()> {
    let (_stage, damage) = survive("forgotten-mappings", Mishap::ForgottenMappings)?;
    ensure!(damage.path == ["relay", "relay"], "{damage:?}");
    Ok(())
}

#[test]
fn sound_comes_back_both_ways_when_the_device_for_it_failed() -> Result<()> {
    survive("microphone", Mishap::Microphone).map(drop)
}

/// Duplicating a tab copies what it has stored, the key of its device among it.
#[test]
fn a_second_tab_takes_nothing_from_the_first() -> Result<()> {
    let (server, pair) = at_home("second-tab")?;
    let link = pair.meet(&server)?;
    pair.talk("direct")?;
    let browser = pair.bob.browser();
    let stored = browser.script("return { ...sessionStorage }", vec![])?;
    let first = browser.tab()?;
    browser.open_tab()?;
    browser.goto(&server.origin())?;
    browser.script("Object.assign(sessionStorage, arguments[0])", vec![stored])?;
    browser.goto(&link)?;
    pair.bob.until("a refusal that says why", |page| {
        ensure!(page["reason"] == "call_full", "reason {}", page["reason"]);
        Ok(())
    })?;
    browser.look_at(&first)?;
    pair.talk("direct")?;
    pair.part()
}
