//! A server that lies about what the two ends say to each other is caught, and people are told.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};
use common::{
    Pair, lock,
    ringing::Who::{Ada, Ben},
    ringing::gather_at,
};
use lab::{Host, Liar, Person, Server, Way};
use serde_json::{Value, json};

const BY_LINK: &str = "End-to-end encrypted, verified by your link";
/// A point of the curve that is nobody's key.
const SOME_KEY: &str =
    "BFFcPW6545a5BNP-yn9U_c0MwemXvzddylFa0KbDtANfRTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q";
const SOMEBODY: &str = "B5n8M1q4W7e0R3t6Y9u2Ig";
const CONNECTION: &str = "D2f5G8h1J4k7L0z3X6c9Vg";

/// A server, the liar before it, and two people who have come through the liar.
fn stage(test: &str) -> Result<(Server, Liar, Pair)> {
    let server = Server::start(&Host::here())?;
    let liar = Liar::before(server.http())?;
    let pair = Pair::arrive(test, &Host::here(), &Host::here(), &liar.origin())?;
    Ok((server, liar, pair))
}

/// They meet by a link; both are in, whatever comes of it. Returns the link.
fn meet(liar: &Liar, pair: &Pair) -> Result<String> {
    let link = pair.alice.start_a_call(&liar.origin())?;
    pair.alice.join()?;
    pair.alice.until_state("connecting")?;
    pair.bob.open(&link)?;
    pair.bob.join()?;
    Ok(link)
}

/// Turns some letters of everything sealed that a frame carries into others.
fn bent(mut frame: Value) -> Value {
    if let Some(body) = frame["body"]
        .as_str()
        .filter(|body| body.contains("sealed"))
    {
        frame["body"] = body.replacen("\"data\":\"", "\"data\":\"AAAA", 1).into();
    }
    frame
}

/// The call is over at this end for this reason, before anything was connected.
fn refused(person: &Person, reason: &str, words: &str) -> Result<()> {
    person.until_state("ended")?;
    let ended = person.browser().script(
        "return document.querySelector('[data-ended-reason]').dataset.endedReason",
        vec![],
    )?;
    ensure!(ended == reason, "ended because of {ended}, not {reason}");
    person.reads_on_screen(words)
}

fn never_connected(person: &Person) -> Result<()> {
    const REMOTE: &str = "return window.__lab.pcs.some((pc) => pc.remoteDescription !== null)";
    let remote = person.browser().script(REMOTE, vec![])?;
    ensure!(remote == false, "a description was taken");
    Ok(())
}

/// Nobody but the two learns the secret of the link or what they write; a reload keeps both.
#[test]
fn an_honest_one_learns_no_secret() -> Result<()> {
    let (server, liar, pair) = stage("honest")?;
    let link = meet(&liar, &pair)?;
    pair.talk("direct")?;
    pair.chat()?;
    let (alice, bob) = (lock(&pair.alice)?, lock(&pair.bob)?);
    ensure!(alice == bob && alice.0 == BY_LINK, "{alice:?}, {bob:?}");

    pair.bob.browser().reload()?;
    pair.bob.until_state("active")?;
    pair.alice.until_state("active")?;
    pair.bob.reads(&["good morning", "and to you"])?;
    let again = lock(&pair.bob)?;
    ensure!(again.0 == BY_LINK && again.1 != bob.1, "{again:?}");

    let (room, secret) = link
        .rsplit('/')
        .next()
        .and_then(|path| path.split_once('#'))
        .context(link.clone())?;
    ensure!(secret.len() == 22, "no secret in {link}");
    ensure!(
        liar.has_seen(room) && liar.has_seen("sealed"),
        "the liar sees nothing"
    );
    for hidden in [secret, "good morning", "a=fingerprint", "ice-ufrag"] {
        ensure!(!liar.has_seen(hidden), "{hidden} was sent");
        ensure!(!server.said().contains(hidden), "{hidden} is in the log");
    }
    pair.part()
}

#[test]
fn exchanged_fingerprints_end_the_call_before_it_begins() -> Result<()> {
    let (_server, liar, pair) = stage("swapped")?;
    liar.lie(|_, way, frame| {
        let description = way == Way::Out && frame["t"] == "description";
        vec![if description { bent(frame) } else { frame }]
    });
    meet(&liar, &pair)?;
    for person in [&pair.alice, &pair.bob] {
        person.until_state("ended")?;
        never_connected(person)?;
    }
    // Whoever got the first of them says why; the other hears that they have hung up, or says it too.
    let caught = [&pair.alice, &pair.bob]
        .into_iter()
        .any(|person| refused(person, "unproven", "Somebody may be in between").is_ok());
    ensure!(caught, "nobody says why");
    Ok(())
}

#[test]
fn exchanged_fingerprints_at_a_restart_are_ignored_and_said() -> Result<()> {
    let (_server, liar, pair) = stage("restart")?;
    meet(&liar, &pair)?;
    pair.talk("direct")?;
    let bent_some = Arc::new(AtomicBool::new(false));
    let mark = bent_some.clone();
    liar.lie(move |_, way, frame| {
        let restart = way == Way::Out && frame["t"] == "description" && frame["generation"] != 0;
        mark.fetch_or(restart, Ordering::Relaxed);
        vec![if restart { bent(frame) } else { frame }]
    });
    pair.alice
        .browser()
        .script("dispatchEvent(new Event('online'))", vec![])?;
    pair.bob
        .reads_on_screen("Somebody has altered a message of this call")?;
    ensure!(bent_some.load(Ordering::Relaxed), "there was no restart");
    pair.talk("direct")?;
    Ok(())
}

#[test]
fn a_stripped_handshake_is_refused() -> Result<()> {
    let (_server, liar, pair) = stage("stripped")?;
    liar.lie(|_, way, mut frame| {
        let hello = frame["body"]
            .as_str()
            .is_some_and(|body| body.contains("hello"));
        if way == Way::Out && frame["t"] == "description" && hello {
            // Of a type that nobody knows: the numbers stay whole.
            frame = json!({ "t": "nothing", "seq": frame["seq"] });
        }
        vec![frame]
    });
    meet(&liar, &pair)?;
    for person in [&pair.alice, &pair.bob] {
        person.until_state("ended")?;
        never_connected(person)?;
    }
    let caught = [&pair.alice, &pair.bob]
        .into_iter()
        .any(|person| refused(person, "unsealed", "The other side did not encrypt").is_ok());
    ensure!(caught, "nobody says why");
    Ok(())
}

#[test]
fn a_repeated_message_has_no_effect() -> Result<()> {
    let (_server, liar, pair) = stage("repeated")?;
    let repeated = Arc::new(AtomicU64::new(0));
    let count = repeated.clone();
    liar.lie(move |_, way, frame| {
        let kind = frame["t"].as_str().unwrap_or_default();
        if way == Way::In || !["description", "candidates", "chat"].contains(&kind) {
            return vec![frame];
        }
        count.fetch_add(1, Ordering::Relaxed);
        // Frames without a number are new to a client.
        let mut again = frame.clone();
        again
            .as_object_mut()
            .expect("frames are objects")
            .remove("seq");
        vec![frame, again]
    });
    meet(&liar, &pair)?;
    pair.talk("direct")?;
    pair.chat()?;
    ensure!(repeated.load(Ordering::Relaxed) > 4, "nothing was repeated");
    for person in [&pair.alice, &pair.bob] {
        ensure!(lock(person)?.0 == BY_LINK);
    }
    pair.part()
}

/// How a server would put somebody of its own into this call.
fn invented(call: &Value) -> [Value; 2] {
    let media = json!({ "audio": true, "video": true });
    let relay = json!({ "ice_servers": [], "expires_in_ms": 60_000 });
    [
        json!({ "t": "participant", "call": call, "participant":
            { "participant": SOMEBODY, "name": "Bob", "media": media, "online": true } }),
        json!({ "t": "connection", "call": call, "connection": CONNECTION, "peer": SOMEBODY, "polite": true,
            "generation": 0, "relay_only": false, "relay": relay }),
    ]
}

/// The server invents a participant, first one that does not seal, then one with keys of its own.
#[test]
fn a_participant_of_its_own_gets_nothing() -> Result<()> {
    for (answer, reason, words) in [
        (
            vec![json!({ "type": "offer", "sdp": "v=0" })],
            "unsealed",
            "The other side did not encrypt",
        ),
        (
            vec![
                json!({ "dialtone": "hello", "v": 1, "role": "impolite", "ephemeral": SOME_KEY, "signing": SOME_KEY,
                    "nonce": SOMEBODY, "link": true, "user": "" }),
                json!({ "dialtone": "sealed", "n": 1, "data": "A".repeat(400) }),
            ],
            "unproven",
            "Somebody may be in between",
        ),
    ] {
        let server = Server::start(&Host::here())?;
        let liar = Liar::before(server.http())?;
        let alice = Person::arrive(
            "invented",
            &Host::here(),
            "Alice",
            common::ALICE,
            &liar.origin(),
        )?;
        liar.lie(move |_, way, frame| {
            if way == Way::In || frame["t"] != "joined" {
                return vec![frame];
            }
            let call = frame["call"].clone();
            let mut frames = vec![frame];
            frames.extend(invented(&call));
            frames.extend(answer.iter().map(|body| {
                json!({ "t": "description", "from": SOMEBODY, "call": call, "connection": CONNECTION, "generation": 0,
                    "body": body.to_string() })
            }));
            frames
        });
        alice.start_a_call(&liar.origin())?;
        alice.join()?;
        refused(&alice, reason, words)?;
        never_connected(&alice)?;
    }
    Ok(())
}

/// Between accounts nothing but their own keys vouches for the ends: what is altered is caught all the
/// same, and the lock claims no more than is known.
#[test]
fn between_accounts_it_is_caught_as_well() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let here = Host::here();
    let liar = Liar::before(server.http())?;
    let seats = [(Ada, &here), (Ben, &here)];
    let [ada, ben] = gather_at("accounts-lied-to", &server, &liar.origin(), seats)?;
    ada.call("Ben", true)?;
    ben.rings("Ada")?;
    ben.press("Accept with video")?;
    for person in [&ada, &ben] {
        person.until_state("active")?;
    }
    let (hers, his) = (lock(&ada)?, lock(&ben)?);
    ensure!(hers == his && hers.0 == "Not verified", "{hers:?}, {his:?}");
    // The lock speaks of Ben: nobody else may hear what it speaks of.
    liar.lie(|_, way, frame| {
        let call = frame["call"].clone();
        let news = way == Way::Out && frame["t"] == "participant";
        let mut frames = vec![frame];
        frames.extend(invented(&call).into_iter().filter(|_| news));
        frames
    });
    ben.press("Mute")?;
    ada.reads_on_screen("The server has tried to put somebody else into this call")?;
    let sees = ada.sense()?;
    ensure!(sees["peers"] == "1", "somebody else is there: {sees}");
    ada.hang_up()?;

    for person in [&ada, &ben] {
        person.wait_at_home(&liar.origin())?;
    }
    liar.lie(|_, way, frame| {
        let description = way == Way::Out && frame["t"] == "description";
        vec![if description { bent(frame) } else { frame }]
    });
    ada.call("Ben", true)?;
    ben.rings("Ada")?;
    ben.press("Accept with video")?;
    for person in [&ada, &ben] {
        person.until_state("ended")?;
        never_connected(person)?;
    }
    Ok(())
}
