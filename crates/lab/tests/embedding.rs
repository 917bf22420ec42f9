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
    /// With the site named to the server, or with another one; guests come as such.
    fn start(is_listed: bool) -> Result<Embedding> {
        Self::start_with(is_listed, |_| Ok(String::new()))
    }

    /// The same with an API token for the site.
    fn start_with(
        is_listed: bool,
        api_token: impl FnOnce(&Server) -> Result<String>,
    ) -> Result<Embedding> {
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
        command.env("API_TOKEN", api_token(&server)?);
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

/// Makes the administrator, switches guests off, and makes an API token for the site; the script is run
/// in the page of the one-time link.
const ADMINISTER: &str = "const [secret] = arguments;
    const ask = async (method, path, body) => {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch('/api/v1' + path, { method, headers, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(path + ': ' + (await answer.text()));
        return answer.status === 204 ? null : answer.json();
    };
    await ask('POST', '/accounts', { token: secret, login: 'bob', name: 'Bob', password: 'correct horse' });
    await ask('PATCH', '/admin/settings', { guests: false });
    return (await ask('POST', '/tokens', { name: 'Site', scopes: ['join'] })).token;";

#[test]
fn a_visitor_who_is_announced_by_a_token_is_in_at_once_where_guests_are_not() -> Result<()> {
    let bob = Person::arrive("announced", &Host::here(), "Bob", BOB, "http://localhost")?;
    let embedding = Embedding::start_with(true, |server| {
        bob.browser().goto(&server.origin())?;
        let link = server.first_link()?;
        let (_, secret) = link.split_once('#').context("no secret")?;
        let token = bob.browser().script(ADMINISTER, vec![json!(secret)])?;
        Ok(token.as_str().context("no token")?.to_owned())
    })?;
    let (alice, link) = embedding.visitor("announced")?;
    // No click: the server was told, by the site's own server.
    told(&alice, &["ready", "joined"])?;
    bob.browser().goto(&link)?;
    bob.press("Join")?;
    let frame = alice.browser().frame(FRAME)?;
    for (person, other) in [(&alice, BOB), (&bob, ALICE)] {
        person.until_state("active")?;
        person.sees_moving_pictures()?;
        person.hears(other)?;
    }
    bob.until("the name in the token is shown", |page| {
        ensure!(
            page["text"].as_str().unwrap_or("").contains("Alice"),
            "{}",
            page["text"]
        );
        Ok(())
    })?;
    // Neither the token nor the link's secret is in what the server was asked for.
    let asked = alice.browser().script(ASKED, vec![])?;
    ensure!(asked.as_array().is_some_and(|asked| !asked.is_empty()));
    let (_, secret) = link.split_once('#').context("no secret")?;
    for word in ["dialtone_join_", secret] {
        ensure!(!asked.to_string().contains(word), "{word} in {asked}");
    }
    // A reload of the frame takes the seat back, by the same token.
    alice.browser().script("location.reload()", vec![])?;
    drop(frame);
    told(
        &alice,
        &["joined", "joined", "statechange {\"state\":\"active\""],
    )?;
    alice.press("End the consultation")?;
    bob.until_state("ended")?;
    // On another device the token is of no use.
    let token = "return document.querySelector('dialtone-call').getAttribute('token')";
    let token = alice.browser().script(token, vec![])?;
    let eve = Person::arrive("announced", &Host::here(), "Eve", BOB, &embedding.site)?;
    eve.browser().goto(&embedding.site)?;
    eve.browser().script(EMBED, vec![token, json!(link)])?;
    told(&eve, &["ready", "error {\"code\":\"bad_token\""])
}

/// Everything that the page has loaded or asked for, without what browsers keep to themselves.
const ASKED: &str = "return performance.getEntries().map(({ name }) => name.replace(/#.*/, ''))";
const EMBED: &str = "const call = document.querySelector('dialtone-call');
    call.setAttribute('token', arguments[0]);
    call.setAttribute('link', arguments[1]);";

#[test]
fn a_page_of_another_site_calls_without_the_element() -> Result<()> {
    package()?;
    let embedding = Embedding::start(true)?;
    let door = Person::arrive("own-page", &Host::here(), "Door", ALICE, &embedding.site)?;
    door.browser().goto(&format!("{}/own", embedding.site))?;
    door.press("Call")?;
    door.until_state("waiting")?;
    let link = door
        .browser()
        .script("return document.getElementById('link').href", vec![])?;
    let origin = embedding.server.origin();
    let bob = Person::arrive("own-page", &Host::here(), "Bob", BOB, &origin)?;
    bob.open(link.as_str().context("no link")?)?;
    bob.join()?;
    for (person, other) in [(&door, BOB), (&bob, ALICE)] {
        person.until_state("active")?;
        person.sees_moving_pictures()?;
        person.hears(other)?;
    }
    door.press("End")?;
    door.until_state("ended")?;
    bob.until_state("ended")
}

/// Builds the package that the page imports.
fn package() -> Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let mut npm = Command::new("npm");
    let built = npm.args(["run", "package"]).current_dir(web).output()?;
    let said = String::from_utf8_lossy(&built.stdout);
    ensure!(built.status.success(), "npm run package: {said}");
    Ok(())
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
