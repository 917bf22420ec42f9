//! Networks that are cut, servers that stop and sign-ins that end, at each step of a call's set-up.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::{thread, time::Duration};

use anyhow::{Context, Result, ensure};
use common::ringing::{
    Who::{Ada, Ben},
    gather,
};
use lab::{Host, Patience, Person, Server, Signal, Topology, World};
use serde_json::json;

/// Long enough for heartbeats and pings to be missed, short enough for a session to go on.
const MOMENT: Duration = Duration::from_secs(3);
/// Longer than a session, or a connection that carries nothing, is kept for.
const LONG: Duration = Duration::from_secs(40);

/// A server and two people, each on a host of their own.
struct Scene {
    server: Server,
    world: World,
    ada: Person,
    ben: Person,
}

impl Scene {
    fn build(test: &str) -> Result<Self> {
        let world = Topology::OneNetwork.build()?;
        let server = Server::start(&world.server)?;
        let [ada, ben] = gather(test, &server, [(Ada, &world.alice), (Ben, &world.bob)])?;
        Ok(Self {
            server,
            world,
            ada,
            ben,
        })
    }

    /// Both on the start page, and nothing rings.
    fn begin(&self, step: &str) -> Result<()> {
        println!("{step}");
        for person in [&self.ada, &self.ben] {
            person.wait_at_home(&self.server.origin())?;
        }
        Ok(())
    }

    /// It rings at both ends.
    fn ring(&self) -> Result<()> {
        self.ada.call("Ben", false)?;
        self.ben.rings("Ada")?;
        self.ada.reads_on_screen("Ringing")
    }

    /// Both hear each other, and one hangs up.
    fn talk_and_part(&self) -> Result<()> {
        for person in [&self.ada, &self.ben] {
            person.is_talking()?;
        }
        self.ada.hang_up()?;
        for person in [&self.ada, &self.ben] {
            person.until_state("ended")?;
        }
        Ok(())
    }
}

/// Cuts a host's network off for that long.
fn dark(host: &Host, duration: Duration) -> Result<()> {
    host.go_dark()?;
    thread::sleep(duration);
    host.come_back()
}

#[test]
fn a_network_that_is_cut_for_a_moment_loses_no_call() -> Result<()> {
    let scene = Scene::build("cut-moment")?;
    let Scene {
        world, ada, ben, ..
    } = &scene;

    scene.begin("the caller's network is cut after dialling")?;
    ada.call("Ben", false)?;
    dark(&world.alice, MOMENT)?;
    ben.rings("Ada")?;
    ben.press("Accept with voice")?;
    scene.talk_and_part()?;

    scene.begin("the callee's network is cut while it is dialled")?;
    world.bob.go_dark()?;
    ada.call("Ben", false)?;
    thread::sleep(MOMENT);
    world.bob.come_back()?;
    ben.rings("Ada")?;
    ben.press("Accept with voice")?;
    scene.talk_and_part()?;

    scene.begin("the callee's network is cut while it rings")?;
    scene.ring()?;
    dark(&world.bob, MOMENT)?;
    ben.rings("Ada")?;
    ben.press("Accept with voice")?;
    scene.talk_and_part()?;

    scene.begin("the caller gives up while the callee's network is cut")?;
    scene.ring()?;
    world.bob.go_dark()?;
    ada.press("Cancel")?;
    ada.until_state("idle")?;
    thread::sleep(MOMENT);
    world.bob.come_back()?;
    ben.is_quiet("idle")?;

    scene.begin("the callee accepts into a network that is cut")?;
    scene.ring()?;
    world.bob.go_dark()?;
    ben.press("Accept with voice")?;
    thread::sleep(MOMENT);
    world.bob.come_back()?;
    scene.talk_and_part()?;

    scene.begin("the callee's network is cut right after the answer")?;
    scene.ring()?;
    ben.press("Accept with voice")?;
    dark(&world.bob, MOMENT)?;
    scene.talk_and_part()?;

    scene.begin("the caller's network is cut while they connect")?;
    scene.ring()?;
    ben.press("Accept with voice")?;
    dark(&world.alice, MOMENT)?;
    scene.talk_and_part()?;

    scene.begin("the network is cut in the call")?;
    scene.ring()?;
    ben.press("Accept with voice")?;
    for person in [ada, ben] {
        person.is_talking()?;
    }
    dark(&world.bob, MOMENT)?;
    scene.talk_and_part()
}

#[test]
fn a_network_that_is_cut_for_long_ends_calls_with_the_right_words() -> Result<()> {
    let scene = Scene::build("cut-long")?;
    let Scene {
        world,
        ada,
        ben,
        server,
    } = &scene;
    let origin = server.origin();

    scene.begin("the caller is gone for longer than a session is kept")?;
    scene.ring()?;
    // Resets, so that the server knows at once; the ring itself would end before silence is noticed
    // and the session given up.
    world.alice.reset_tcp(server.http().port())?;
    thread::sleep(LONG);
    ben.is_quiet("idle")?;
    ben.reads_on_screen("Ada called and has given up.")?;
    world.alice.restore_tcp()?;
    ada.until_state("ended")?;
    ada.reads_on_screen("The call to Ben was interrupted")?;
    ben.past_calls_are(&origin, &[&["Ada", "Missed call"]])?;

    scene.begin("the callee is gone until the ring is over")?;
    scene.ring()?;
    world.bob.go_dark()?;
    ada.reads_on_screen_within("Ben did not answer", Patience::seconds(120))?;
    world.bob.come_back()?;
    ben.is_quiet("idle")?;
    ben.past_calls_are(&origin, &[&["Ada", "Missed call"], &["Ada", "Missed call"]])?;

    scene.begin("one is gone from the call for longer than it waits")?;
    scene.ring()?;
    ben.press("Accept with voice")?;
    for person in [ada, ben] {
        person.is_talking()?;
    }
    dark(&world.bob, LONG)?;
    for person in [ada, ben] {
        person.until_state("ended")?;
        person.reads_on_screen("The connection was lost")?;
    }
    // And nothing is left of it.
    scene.begin("both can call again")?;
    scene.ring()?;
    ben.press("Accept with voice")?;
    scene.talk_and_part()
}

/// Ends the server, lets a moment pass, and starts it again.
fn restart(server: &mut Server, signal: Signal) -> Result<()> {
    server.stop(signal)?;
    thread::sleep(Duration::from_secs(2));
    server.start_again().map(drop)
}

fn server_restarts(test: &str, signal: Signal) -> Result<()> {
    let here = Host::here();
    let mut server = Server::start(&here)?;
    let origin = server.origin();
    let seats = [(Ada, &here), (Ben, &here), (Ben, &here)];
    let [ada, ben, other] = gather(test, &server, seats)?;

    // While it rings: it rings on, and can be answered.
    ada.call("Ben", false)?;
    for phone in [&ben, &other] {
        phone.rings("Ada")?;
    }
    ada.reads_on_screen("Ringing")?;
    restart(&mut server, signal)?;
    for phone in [&ben, &other] {
        phone.until("the line is back", |page| {
            ensure!(
                page["sockets"].as_array().is_some_and(|s| s.len() > 1),
                "no new socket"
            );
            phone.has_heard("got reset")
        })?;
        phone.rings("Ada").map_err(|e| ada.explain(e))?;
    }
    ben.press("Accept with voice")?;
    for phone in [&ada, &ben] {
        phone.is_talking()?;
    }
    other.is_quiet("idle")?;

    // In the call: it goes on, and ends when somebody hangs up.
    restart(&mut server, signal)?;
    for phone in [&ada, &ben] {
        phone.is_talking()?;
    }
    other.is_quiet("idle")?;
    ben.say("still here")?;
    ada.reads(&["still here"])?;
    ben.hang_up()?;
    for phone in [&ada, &ben] {
        phone.until_state("ended")?;
    }
    ada.past_calls_are(&origin, &[&["Ben", "You called", "voice"]])?;
    other.past_calls_are(&origin, &[&["Ada", "Called you", "voice"]])
}

#[test]
fn a_ring_and_a_call_outlive_a_server_that_is_stopped() -> Result<()> {
    server_restarts("ring-server-stopped", Signal::SIGTERM)
}

#[test]
fn a_ring_and_a_call_outlive_a_server_that_crashes() -> Result<()> {
    server_restarts("ring-server-crashed", Signal::SIGKILL)
}

/// Signed out from another browser: the line ends at once, in the middle of a call too.
#[test]
fn a_device_that_is_signed_out_elsewhere_shows_it_within_a_second() -> Result<()> {
    let here = Host::here();
    let server = Server::start(&here)?;
    let seats = [(Ada, &here), (Ben, &here), (Ben, &here)];
    let [ada, ben, other] = gather("revoked", &server, seats)?;
    ada.call("Ben", false)?;
    other.press("Accept with voice")?;
    for phone in [&ada, &other] {
        phone.is_talking()?;
    }

    let devices = ben.ask("GET", "/me/devices", json!(null))?;
    let devices = devices.as_array().context("no list of devices")?;
    let lost = devices.iter().find(|device| device["current"] == false);
    let lost = lost.and_then(|device| device["id"].as_str());
    let path = format!("/me/devices/{}", lost.context("no other device")?);
    let now = || -> Result<f64> {
        let now = ben.browser().script("return Date.now()", vec![])?;
        now.as_f64().context("no time")
    };
    let asked = now()?;
    ben.ask("DELETE", &path, json!(null))?;
    let answered = now()?;
    other.reads_on_screen("You were signed out")?;
    let closed = other.marked("closed 4008")?;
    println!("closed {:.0} ms after it was asked for", closed - asked);
    ensure!(
        closed - answered < 1000.0,
        "closed {} ms after the answer",
        closed - answered
    );
    ada.until_state_within("ended", Patience::seconds(45))?;
    ben.is_quiet("idle")
}
