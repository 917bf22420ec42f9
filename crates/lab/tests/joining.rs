//! Who may join, with what, and what they are told.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::{ALICE, at_home};
use lab::{Host, Person, Server, holds_for};
use serde_json::Value;

#[test]
fn sixty_frames_are_decoded_and_sound_arrives_on_both_sides() -> Result<()> {
    let (server, pair) = at_home("sixty-frames")?;
    pair.meet(&server)?;
    for person in [&pair.alice, &pair.bob] {
        person.until("more than 60 frames, and sound above silence", |page| {
            let connections = page["connections"].as_array().context("no connection")?;
            let enough =
                |c: &Value| c["decoded"].as_u64() > Some(60) && c["level"].as_f64() > Some(0.01);
            ensure!(connections.iter().any(enough), "not yet");
            Ok(())
        })?;
    }
    pair.part()
}

#[test]
fn a_third_person_is_told_that_the_call_is_full() -> Result<()> {
    let (server, pair) = at_home("third")?;
    let link = pair.meet(&server)?;
    pair.talk("direct")?;
    let carol = Person::arrive("third", &Host::here(), "Carol", 880.0, &server.origin())?;
    carol.open(&link)?;
    carol.join()?;
    carol.until("a refusal that says why", |page| {
        ensure!(page["state"] == "ended", "state {}", page["state"]);
        ensure!(page["reason"] == "call_full", "reason {}", page["reason"]);
        let text = page["text"].as_str().unwrap_or_default();
        ensure!(text.len() > 20, "nothing to read: {text:?}");
        Ok(())
    })?;
    // The two are not disturbed.
    pair.talk("direct")?;
    pair.part()
}

#[test]
fn a_person_without_devices_listens() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let origin = server.origin();
    let alice = Person::arrive("listener", &Host::here(), "Alice", ALICE, &origin)?;
    let bob = Person::without_devices("listener", &Host::here(), "Bob", &origin)?;
    let link = alice.start_a_call(&origin)?;
    alice.join()?;
    bob.open(&link)?;
    bob.join()?;
    for person in [&alice, &bob] {
        person.until_state("active")?;
    }
    bob.sees_moving_pictures()?;
    bob.hears(ALICE)?;
    alice.say("can you hear me?")?;
    bob.reads(&["can you hear me?"])?;
    bob.say("yes")?;
    alice.reads(&["can you hear me?", "yes"])?;
    alice.hang_up()?;
    bob.until_state("ended")
}

/// Whatever a link carries, it opens a lobby, and a click does the rest.
#[test]
fn a_link_crafted_to_join_at_once_turns_on_nothing_before_a_click() -> Result<()> {
    let (server, pair) = at_home("crafted")?;
    // Bob has allowed his camera here, and has talked in this very room.
    let link = pair.meet(&server)?;
    pair.talk("direct")?;
    pair.part()?;
    let open = |person: &Person, link: &str| {
        // A link that differs behind the # alone would not load the page.
        person.browser().goto("about:blank")?;
        person.open(link)
    };
    open(&pair.alice, &link)?;
    pair.alice.join()?;
    pair.alice.until_state("connecting")?;
    let (room, secret) = link.split_once('#').unwrap_or((&link, ""));
    for crafted in [
        format!("{room}?join=1&autojoin=true&name=Bob&audio=1&video=1#{secret}"),
        format!("{room}?ring=R1i4N7g0R3i6N9g2R5i8Ng&accept=1&answer=video#{secret}"),
        format!("{room}#{secret}&join=1"),
        format!("{room}#join"),
    ] {
        open(&pair.bob, &crafted)?;
        holds_for(&crafted, Duration::from_secs(2), || {
            let page = pair.bob.sense()?;
            ensure!(page["state"] == "lobby", "state {}", page["state"]);
            ensure!(page["asked"] == 0, "a camera or microphone was asked for");
            let alice = pair.alice.sense()?;
            ensure!(alice["state"] == "connecting", "somebody came to Alice");
            Ok(())
        })?;
    }
    open(&pair.bob, &link)?;
    pair.bob.join()?;
    pair.talk("direct")?;
    pair.part()
}
