//! What people do in a call beside talking.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::fs;

use anyhow::{Result, ensure};
use common::{Pair, at_home, sees_screen};
use serde_json::json;

#[test]
fn a_screen_is_shown_beside_the_camera_until_it_is_stopped() -> Result<()> {
    let (server, pair) = at_home("screen")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    // The second time as the first: nothing is left over.
    for _ in 0..2 {
        pair.alice.press("Share screen")?;
        sees_screen(&pair.bob, true)?;
        pair.bob.sees_moving_pictures()?;
        pair.alice.press("Stop sharing")?;
        sees_screen(&pair.bob, false)?;
    }
    // Both at a time, and one page loaded again: what it showed is over, the other's is shown again.
    pair.alice.press("Share screen")?;
    pair.bob.press("Share screen")?;
    sees_screen(&pair.alice, true)?;
    pair.alice.browser().reload()?;
    sees_screen(&pair.bob, false)?;
    sees_screen(&pair.alice, true)?;
    pair.part()
}

/// Bytes of files, and of what is said about them, that have come to this page.
const ASIDE: &str = "return (async () => {
      let bytes = 0;
      for (const pc of window.__lab.pcs) {
        for (const entry of (await pc.getStats()).values()) {
          if (entry.type === 'data-channel' && entry.label === 'aside') bytes += entry.bytesReceived;
        }
      }
      return bytes;
    })();";

#[test]
fn a_file_goes_over_when_it_is_accepted_and_is_saved_as_it_was() -> Result<()> {
    let (server, pair) = at_home("file")?;
    let Pair { alice, bob } = &pair;
    let folder = tempfile::tempdir()?;
    let content: Vec<u8> = (0..3_000_000u32)
        .map(|i| (i * 7 + (i >> 9)) as u8)
        .collect();
    let file = folder.path().join("our holiday.html");
    fs::write(&file, &content)?;
    let saved = folder.path().join("saved");
    fs::create_dir(&saved)?;
    bob.browser().download_to(&saved)?;

    pair.meet(&server)?;
    pair.talk("direct")?;
    alice.press("Chat")?;
    alice.browser().choose_file(&file)?;
    bob.reads_on_screen("Alice offers you a file: our holiday.html")?;
    alice.reads_on_screen("Waits for Bob to accept it")?;
    let come = bob.browser().script(ASIDE, vec![])?;
    ensure!(come.as_u64() < Some(1_000), "{come} bytes without consent");
    bob.press("Look")?;
    bob.press("Accept")?;
    bob.reads_on_screen("Received, and not opened")?;
    alice.reads_on_screen("Sent")?;
    bob.until("the file can be saved", |_| {
        bob.browser().click("link", "Save")
    })?;
    bob.until("the file is there, byte for byte", |_| {
        let there = fs::read(saved.join("our holiday.html"))?;
        ensure!(there == content, "{} other bytes", there.len());
        Ok(())
    })?;
    let url = bob.browser().url()?;
    ensure!(!url.starts_with("blob:"), "it was opened: {url}");

    // Another one, and Bob's page is loaded again before he has answered.
    alice.browser().choose_file(&file)?;
    bob.until("it is offered", |_| {
        ensure!(bob.browser().shows("button", "Decline")?, "no offer");
        Ok(())
    })?;
    bob.browser().reload()?;
    alice.reads_on_screen("Not sent: the connection broke")?;
    alice.press("Offer again")?;
    bob.press("Look")?;
    bob.press("Decline")?;
    alice.reads_on_screen("Bob does not want it")?;
    pair.part()
}

#[test]
fn a_reaction_is_seen_by_both_and_goes_away() -> Result<()> {
    let (server, pair) = at_home("reaction")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    pair.alice.press("React")?;
    pair.alice.press("Heart")?;
    for (person, words) in [(&pair.alice, "You: Heart"), (&pair.bob, "Alice: Heart")] {
        person.until(words, |_| {
            let said = person.browser().script(STATUSES, vec![])?;
            ensure!(said.to_string().contains(words), "said: {said}");
            Ok(())
        })?;
    }
    pair.bob.until("it is gone", |_| {
        let said = pair.bob.browser().script(STATUSES, vec![])?;
        ensure!(!said.to_string().contains("Heart"), "said: {said}");
        Ok(())
    })?;
    pair.part()
}

/// What a screen reader is told of.
const STATUSES: &str =
    "return [...document.querySelectorAll('[role=status]')].map((status) => status.textContent);";

#[test]
fn the_picture_of_the_other_can_stand_in_a_window_of_its_own() -> Result<()> {
    let (server, pair) = at_home("own-window")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    let floats = "return document.pictureInPictureElement?.dataset.role ?? null";
    for window in [json!("remote"), json!(null)] {
        pair.bob.press("Picture in picture")?;
        pair.bob.until("the window", |_| {
            let role = pair.bob.browser().script(floats, vec![])?;
            ensure!(role == window, "it holds {role}");
            Ok(())
        })?;
    }
    pair.part()
}
