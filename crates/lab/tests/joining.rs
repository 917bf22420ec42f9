//! Who may join, with what, and what they are told.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result, ensure};
use common::{ALICE, at_home};
use lab::{Host, Person, Server};
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
