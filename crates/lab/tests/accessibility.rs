//! Screens that everybody can use, whatever they see, hear or hold: axe-core looks at each of them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use common::{
    Pair,
    ringing::{
        Who::{Ada, Ben, Cem},
        gather,
    },
};
use lab::{Host, Person, Server};
use serde_json::json;

/// What axe-core finds fault with, once nothing moves any more that will come to rest.
const LOOK: &str = "const ends = (animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime);
    await Promise.allSettled(document.getAnimations().filter(ends).map(({ finished }) => finished));
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`).join('; ')}`);";

/// Nothing on the screen keeps anybody from using it.
fn can_be_used(person: &Person, screen: &str) -> Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let axe = fs::read_to_string(web.join("node_modules/axe-core/axe.min.js"))
        .context("axe-core is missing: run `npm ci` in web/")?;
    let browser = person.browser();
    browser.script(&axe, vec![])?;
    let found = browser.script(LOOK, vec![])?;
    ensure!(found == json!([]), "{screen}: {found:#}");
    Ok(())
}

#[test]
fn a_call_by_link() -> Result<()> {
    let (server, pair) = common::at_home("accessible")?;
    let link = pair.alice.start_a_call(&server.origin())?;
    pair.alice.prepare()?;
    can_be_used(&pair.alice, "the lobby")?;
    pair.alice.join()?;
    pair.alice.until_state("connecting")?;
    can_be_used(&pair.alice, "alone in a call")?;
    pair.bob.open(&link)?;
    pair.bob.join()?;
    pair.alice.until_state("active")?;
    can_be_used(&pair.alice, "a call")?;
    pair.alice.press("Settings")?;
    can_be_used(&pair.alice, "the settings of a call")?;
    pair.alice.press("Close Settings")?;
    pair.alice.is_connected_by("direct")?;
    pair.alice.press("Direct: about this connection")?;
    pair.alice.press("Show the figures")?;
    pair.alice.until("figures", |page| {
        let text = page["text"].as_str().unwrap_or_default();
        ensure!(text.contains("kbit/s"), "{text}");
        Ok(())
    })?;
    can_be_used(&pair.alice, "the figures of a call")?;
    pair.part()?;
    can_be_used(&pair.alice, "after a call")
}

#[test]
fn files_and_reactions() -> Result<()> {
    let (server, pair) = common::at_home("accessible-files")?;
    let Pair { alice, bob } = &pair;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("holiday.jpg");
    fs::write(&file, "not really")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    bob.press("Chat")?;
    bob.browser().choose_file(&file)?;
    alice.reads_on_screen("Bob offers you a file")?;
    can_be_used(alice, "a file that is offered")?;
    alice.press("React")?;
    can_be_used(alice, "reactions to choose from")?;
    alice.press("Applause")?;
    can_be_used(alice, "a reaction")?;
    alice.press("Chat")?;
    can_be_used(alice, "the chat with an offer")?;
    alice.press("Accept")?;
    alice.reads_on_screen("Received")?;
    can_be_used(alice, "the chat with a file")?;
    can_be_used(bob, "the chat with a file that was sent")?;
    pair.part()?;
    alice.reads_on_screen("Received files")?;
    can_be_used(alice, "after a call in which a file came")
}

#[test]
fn pages_of_accounts() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let here = Host::here();
    let origin = server.origin();
    let [ada, ben] = gather("accessible-pages", &server, [(Ada, &here), (Ben, &here)])?;
    ada.call("Ben", false)?;
    ben.rings("Ada")?;
    ben.press("Decline")?;
    ada.until_state("ended")?;
    for (page, words) in [
        ("history", "Ben"),
        ("settings", "Passkeys"),
        ("admin", "Ben"),
        ("nowhere", "Back to start"),
    ] {
        ada.browser().goto(&format!("{origin}/{page}"))?;
        ada.reads_on_screen(words)?;
        can_be_used(&ada, page)?;
    }
    let eve = Person::arrive("accessible-pages", &here, "Eve", common::ALICE, &origin)?;
    for (page, words) in [
        ("", "Start a call"),
        ("signin", "Sign in"),
        ("welcome", "link"),
    ] {
        eve.browser().goto(&format!("{origin}/{page}"))?;
        eve.reads_on_screen(words)?;
        can_be_used(&eve, if page.is_empty() { "start" } else { page })?;
    }
    Ok(())
}

#[test]
fn the_check() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let here = Host::here();
    let origin = server.origin();
    let alice = Person::arrive("accessible-check", &here, "Alice", common::ALICE, &origin)?;
    alice.browser().goto(&format!("{origin}/check"))?;
    can_be_used(&alice, "before a check")?;
    alice.check(&origin)?;
    can_be_used(&alice, "a check")?;
    alice.press("I heard nothing")?;
    alice
        .browser()
        .script("document.querySelector('details').open = true", vec![])?;
    can_be_used(&alice, "a check that found a problem, and its report")
}

#[test]
fn calls_that_ring() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let here = Host::here();
    let seats = [(Ada, &here), (Ben, &here), (Cem, &here)];
    let [ada, ben, cem] = gather("accessible-rings", &server, seats)?;
    can_be_used(&ada, "people")?;
    ada.call("Ben", true)?;
    ben.rings("Ada")?;
    can_be_used(&ben, "an incoming call")?;
    ada.until_state("ringing")?;
    can_be_used(&ada, "calling")?;
    ben.press("Accept with voice")?;
    ben.until_state("active")?;
    cem.call("Ben", true)?;
    ben.rings("Cem")?;
    can_be_used(&ben, "a call that waits")?;
    ben.press("Decline")?;
    cem.until_state("ended")?;
    can_be_used(&cem, "a call that was not answered")
}
