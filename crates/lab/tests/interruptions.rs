//! Signaling comes and goes; the call does not notice.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{thread, time::Duration};

use anyhow::{Context, Result, ensure};
use common::{ALICE, BOB, Pair, at_home};
use lab::{Patience, Server, Signal, Topology, eventually};

/// Both watch the other move for that long.
fn pictures_go_on(pair: &Pair, duration: Duration) -> Result<()> {
    thread::scope(|scope| {
        let alice = scope.spawn(|| pair.alice.pictures_go_on_for(duration));
        pair.bob.pictures_go_on_for(duration)?;
        alice.join().expect("no panic while watching")
    })
}

#[test]
fn a_closed_websocket_loses_and_doubles_nothing() -> Result<()> {
    const CLOSE: &str = "for (const socket of window.__lab.sockets) socket.close();";
    let (server, pair) = at_home("closed-websocket")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    pair.bob.say("first")?;
    let texts = ["first", "second", "third", "fourth", "fifth"];
    for (index, text) in texts.iter().enumerate().skip(1) {
        // Once the sender's socket goes, once the receiver's, right before a message.
        let (sender, loser) = if index % 2 == 0 {
            (&pair.alice, &pair.alice)
        } else {
            (&pair.bob, &pair.alice)
        };
        loser.browser().script(CLOSE, vec![])?;
        sender.say(text)?;
        for person in [&pair.alice, &pair.bob] {
            person.reads(&texts[..=index])?;
        }
    }
    pictures_go_on(&pair, Duration::from_secs(2))?;
    pair.part()
}

#[test]
fn a_network_that_resets_the_websocket_does_not_touch_the_call() -> Result<()> {
    let world = Topology::OneNetwork.build()?;
    let server = Server::start(&world.server)?;
    let pair = Pair::arrive(
        "reset-websocket",
        &world.alice,
        &world.bob,
        &server.origin(),
    )?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    pair.alice.say("before")?;
    pair.bob.reads(&["before"])?;

    world.alice.reset_tcp(server.http().port())?;
    pair.alice.say("from the dark")?;
    pair.bob.say("into the dark")?;
    pictures_go_on(&pair, Duration::from_secs(6))?;
    let early = pair.bob.reads_now()?;
    ensure!(
        !early.iter().any(|line| line.contains("from the dark")),
        "the cut does not cut"
    );
    world.alice.restore_tcp()?;

    // What was sent first may be shown first or second; each must be there once, on both sides.
    for person in [&pair.alice, &pair.bob] {
        person.reads(&["before", "from the dark"])?;
        person.reads(&["before", "into the dark"])?;
    }
    pair.part()
}

fn server_restarts(signal: Signal, test: &str) -> Result<()> {
    let (mut server, pair) = at_home(test)?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    pair.alice.say("before")?;
    pair.bob.reads(&["before"])?;

    server.stop(signal)?;
    pictures_go_on(&pair, Duration::from_secs(4))?;
    server.start_again()?;
    eventually("signaling is back within 5 s", Patience::seconds(5), || {
        pair.both_have_signaling()
    })
    .map_err(|e| pair.alice.explain(e))?;

    for person in [&pair.alice, &pair.bob] {
        person.until("still in the call with the other", |page| {
            ensure!(page["state"] == "active", "state {}", page["state"]);
            ensure!(page["peers"] == "1", "peers {}", page["peers"]);
            Ok(())
        })?;
    }
    pictures_go_on(&pair, Duration::from_secs(3))?;
    pair.alice.say("after")?;
    pair.bob.reads(&["before", "after"])?;
    pair.part().with_context(|| server.said())
}

#[test]
fn a_call_outlives_a_server_that_is_stopped() -> Result<()> {
    server_restarts(Signal::SIGTERM, "server-stopped")
}

#[test]
fn a_call_outlives_a_server_that_crashes() -> Result<()> {
    server_restarts(Signal::SIGKILL, "server-crashed")
}

#[test]
fn a_reload_brings_both_together_again() -> Result<()> {
    let (server, pair) = at_home("reload")?;
    pair.meet(&server)?;
    pair.talk("direct")?;
    for (loser, other, their_tone, own_tone) in [
        (&pair.bob, &pair.alice, ALICE, BOB),
        (&pair.alice, &pair.bob, BOB, ALICE),
    ] {
        loser.browser().reload()?;
        loser.until_state("active")?;
        loser.sees_moving_pictures()?;
        loser.hears(their_tone)?;
        other.until_state("active")?;
        other.sees_moving_pictures()?;
        other.hears(own_tone)?;
    }
    pair.chat()?;
    pair.part()
}
