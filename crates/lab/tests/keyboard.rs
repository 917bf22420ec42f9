//! A call from its start to its end by nothing but keys.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use common::at_home;
use lab::{Person, holds_for};
use serde_json::Value;

// As WebDriver writes them, section 17.4.2.
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

/// What has the focus: its name, whether it is a control, whether all of it is in sight, and whether one
/// sees that it has the focus. Null: nothing has it.
const FOCUS: &str = "const it = document.activeElement;
    if (!it || it === document.body || it === document.documentElement) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(it);
    const { left, top, right, bottom, width, height } = it.getBoundingClientRect();
    const name = it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent;
    return {
      name: name.trim(),
      control: it.tabIndex >= 0,
      outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
      inSight: width > 0 && height > 0 && left >= -1 && top >= -1 && right <= innerWidth + 1 && bottom <= innerHeight + 1,
    };";

fn focus(person: &Person) -> Result<Value> {
    person.browser().script(FOCUS, vec![])
}

/// Goes on by the Tab key to the control of that name; every stop on the way can be seen.
fn tab_to(person: &Person, name: &str) -> Result<()> {
    let mut passed = Vec::new();
    for _ in 0..40 {
        person.browser().press_keys(TAB)?;
        let focus = focus(person)?;
        // After the last control a browser goes to its own, and begins anew.
        if focus.is_null() {
            continue;
        }
        let visible = focus["outlined"] == true && focus["inSight"] == true;
        ensure!(
            focus["control"] != true || visible,
            "hard to see: {focus:#}"
        );
        if focus["name"] == name {
            return Ok(());
        }
        passed.push(focus["name"].to_string());
    }
    bail!("no {name:?} among {}", passed.join(", "))
}

/// The focus is somewhere, and stays.
fn has_focus(person: &Person, what: &str) -> Result<()> {
    person.until(&format!("the focus after {what}"), |_| {
        ensure!(!focus(person)?.is_null(), "nothing has the focus");
        Ok(())
    })?;
    holds_for(what, Duration::from_millis(500), || {
        ensure!(!focus(person)?.is_null(), "the focus got lost");
        Ok(())
    })
}

/// The control of that name is shown.
fn shows(person: &Person, name: &str) -> Result<()> {
    person.until(&format!("a button {name:?}"), |_| {
        ensure!(person.browser().shows("button", name)?, "not shown");
        Ok(())
    })
}

#[test]
fn a_call_by_keys_alone() -> Result<()> {
    let (server, pair) = at_home("keyboard")?;
    let (alice, bob) = (&pair.alice, &pair.bob);
    let keys = |keys: &str| alice.browser().press_keys(keys);
    alice.browser().goto(&format!("{}/", server.origin()))?;
    shows(alice, "Start a call")?;
    alice.until("nobody is as fast as that", |_| {
        let loaded = alice.browser().script("return performance.now()", vec![])?;
        ensure!(loaded.as_f64() > Some(3_000.0), "loaded for {loaded} ms");
        Ok(())
    })?;
    tab_to(alice, "Start a call")?;
    keys(ENTER)?;
    alice.until_state("lobby")?;
    has_focus(alice, "starting a call")?;
    let link = alice.browser().url()?;
    tab_to(alice, "Your name")?;
    keys("Alice")?;
    shows(alice, "Join")?;
    tab_to(alice, "Join")?;
    keys(ENTER)?;
    alice.until_state("connecting")?;
    has_focus(alice, "joining")?;
    bob.open(&link)?;
    bob.join()?;
    alice.until_state("active")?;
    has_focus(alice, "somebody came")?;

    // Muted by a letter; heard for as long as the space bar is held.
    keys("m")?;
    shows(alice, "Unmute")?;
    alice.browser().hold_key(' ', true)?;
    shows(alice, "Mute")?;
    alice.browser().hold_key(' ', false)?;
    shows(alice, "Unmute")?;
    has_focus(alice, "muting")?;

    tab_to(alice, "Chat")?;
    keys(ENTER)?;
    alice.until("the field for messages has the focus", |_| {
        let focus = focus(alice)?;
        ensure!(focus["name"] == "Message", "{focus} has it");
        Ok(())
    })?;
    // Letters are letters while one writes.
    keys("my mum is here")?;
    keys(ENTER)?;
    bob.reads(&["my mum is here"])?;
    shows(alice, "Unmute")?;
    tab_to(alice, "Send a file")?;
    keys(ESCAPE)?;
    alice.until("the focus is where it was before the chat", |_| {
        let focus = focus(alice)?;
        ensure!(focus["name"] == "Chat", "{focus} has it");
        Ok(())
    })?;

    tab_to(alice, "React")?;
    keys(" ")?;
    tab_to(alice, "Heart")?;
    keys(" ")?;
    bob.until("the reaction", |_| {
        let shown = "return document.querySelector('[data-reaction=heart]') !== null";
        ensure!(bob.browser().script(shown, vec![])? == true, "not shown");
        Ok(())
    })?;
    has_focus(alice, "reacting")?;

    tab_to(alice, "Hang up")?;
    keys(" ")?;
    for person in [alice, bob] {
        person.until_state("ended")?;
    }
    has_focus(alice, "hanging up")?;
    tab_to(alice, "Call again").context("and then")
}
