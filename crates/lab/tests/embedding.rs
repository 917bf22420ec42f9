//! A call in a page of another site: the example in `examples/embed`, with real browsers.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{net::TcpListener, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use common::{ALICE, BOB};
use lab::{Host, Patience, Person, Process, Server, ServerOptions, eventually};
use serde_json::{Value, json};

/// The frame inside the element.
const FRAME: &str =
    "return document.querySelector('dialtone-call').shadowRoot.querySelector('iframe')";
/// What the page was told.
const EVENTS: &str =
    "return [...document.querySelectorAll('#events li')].map((line) => line.textContent)";

/// A server that lets pages of one origin embed calls, and a site of another one.
struct Embedding {
    server: Server,
    site: String,
    _process: Process,
}

impl Embedding {
    /// With the site named to the server, or with another one.
    fn start(is_listed: bool) -> Result<Embedding> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let site = format!("http://localhost:{port}");
        let listed = if is_listed {
            &site
        } else {
            "https://example.org"
        };
        let options = ServerOptions {
            arguments: vec!["--embed-origin".into(), listed.into()],
            ..ServerOptions::default()
        };
        let server = Server::start_with(&Host::here(), options)?;
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/embed/site.mjs");
        let mut command = Command::new("node");
        command.arg(example).arg(port.to_string());
        command.env("DIALTONE", server.origin());
        let mut process = Process::start(command)?;
        process.wait_for_line_starting("ready ", Duration::from_secs(30))?;
        Ok(Embedding {
            server,
            site,
            _process: process,
        })
    }

    /// Somebody on the site's page, who has begun a call there; and its link.
    fn visitor(&self, test: &str) -> Result<(Person, String)> {
        let alice = Person::arrive(test, &Host::here(), "Alice", ALICE, &self.site)?;
        alice.browser().goto(&self.site)?;
        alice.press("Begin")?;
        let link = alice
            .browser()
            .script("return document.getElementById('link').href", vec![])?;
        Ok((alice, link.as_str().context("no link")?.to_owned()))
    }
}

/// Waits until the page was told all this, in this order; other events may lie between.
fn told(person: &Person, wanted: &[&str]) -> Result<()> {
    eventually(&format!("events {wanted:?}"), Patience::USUAL, || {
        let events = person.browser().script(EVENTS, vec![])?;
        let mut lines = events
            .as_array()
            .context("no list")?
            .iter()
            .filter_map(Value::as_str);
        let all = wanted
            .iter()
            .all(|want| lines.any(|line| line.starts_with(want)));
        ensure!(all, "{events}");
        Ok(())
    })
}

#[test]
fn a_call_in_a_page_of_another_site() -> Result<()> {
    let embedding = Embedding::start(true)?;
    let (alice, link) = embedding.visitor("embedded")?;
    told(&alice, &["ready", "statechange {\"state\":\"lobby\""])?;
    let bob = Person::arrive(
        "embedded",
        &Host::here(),
        "Bob",
        BOB,
        &embedding.server.origin(),
    )?;
    let frame = alice.browser().frame(FRAME)?;
    // The page has said the name; everything else is a click in the frame.
    let name = "return document.querySelector('input').value";
    ensure!(alice.browser().script(name, vec![])? == json!("Alice"));
    ensure!(
        !alice.browser().shows("link", "Sign in")?,
        "a way to sign in"
    );
    alice.press("Join")?;
    alice.until_state("connecting")?;
    bob.open(&link)?;
    bob.join()?;
    for (person, other) in [(&alice, BOB), (&bob, ALICE)] {
        person.until_state("active")?;
        person.sees_moving_pictures()?;
        person.hears(other)?;
    }
    drop(frame);
    told(
        &alice,
        &[
            "ready",
            "joined",
            "peerjoined {\"peers\":1}",
            "statechange {\"state\":\"active\"",
        ],
    )?;
    alice.press("End the consultation")?;
    told(&alice, &["ended {\"reason\":\"hangup\"}"])?;
    bob.until_state("ended")
}

#[test]
fn a_site_that_is_not_named_is_refused_by_the_browser() -> Result<()> {
    let embedding = Embedding::start(false)?;
    let (alice, _) = embedding.visitor("not-embedded")?;
    told(&alice, &["error {\"code\":\"no_answer\""])?;
    let frame = alice.browser().frame(FRAME)?;
    let shown = alice.sense()?;
    ensure!(shown["state"] == "", "a call is shown: {shown}");
    drop(frame);
    let events = alice.browser().script(EVENTS, vec![])?;
    ensure!(events.as_array().map(Vec::len) == Some(1), "{events}");
    Ok(())
}
