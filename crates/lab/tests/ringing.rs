//! Calling a person: all their devices ring, one answers, the others stop.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::ringing::{
    Who::{Ada, Ben, Cem},
    browsers, gather,
};
use lab::{Host, Person, Server, holds_for};
use serde_json::json;

const HERE: fn() -> Host = Host::here;

/// From the link of the first run to the list of past calls, by the screens alone.
#[test]
fn a_call_from_the_first_run_to_the_history() -> Result<()> {
    let server = Server::start(&HERE())?;
    let origin = server.origin();
    let here = HERE();
    let seats = [(Ada, &here), (Ben, &here), (Ben, &here), (Ada, &here)];
    let [ada, ben, other, hers] = browsers("first-run", &server, seats)?;

    ada.accept_invitation(&server.first_link()?, "ada", "Ada")?;
    ada.browser().goto(&format!("{origin}/admin"))?;
    ada.press("Make a link")?;
    ada.until("a link to send", |_| {
        let shown = ada.browser().shows("textbox", "Link to join this server")?;
        ensure!(shown, "no link");
        Ok(())
    })?;
    let link = ada.browser().script(LINK, vec![])?;
    ben.accept_invitation(link.as_str().context("no link")?, "ben", "Ben")?;
    other.sign_in_by_hand(&origin, "ben")?;
    hers.sign_in_by_hand(&origin, "ada")?;

    for (person, name) in [(&ada, "Ben"), (&ben, "Ada")] {
        person.wait_at_home(&origin)?;
        person.fill("Search people on this server", name)?;
        person.press_in_row(name, "Add to contacts")?;
    }
    ada.wait_at_home(&origin)?;
    ada.reads_on_screen("Available")?;

    ada.call("Ben", true)?;
    for phone in [&ben, &other] {
        phone.rings("Ada")?;
    }
    ada.until_state("ringing")?;
    ada.reads_on_screen("Ringing")?;
    hers.is_quiet("idle")?;
    ben.press("Accept with voice")?;
    ben.until_state("active")?;
    ada.until_state("active")?;
    other.is_quiet("idle")?;
    let answered = ben.marked("got joined")?;
    let stopped = other.marked("shows idle 0")?;
    println!(
        "the other browser stopped {:.0} ms after the answer",
        stopped - answered
    );
    ensure!(
        stopped - answered < 1000.0,
        "rang for {} ms after the answer",
        stopped - answered
    );
    other.reads_on_screen("answered on another device")?;

    ben.sees_moving_pictures()?;
    ben.hears(Ada.tone())?;
    ada.hears(Ben.tone())?;
    let pages = [ada.sense()?, ben.sense()?];
    ensure!(sent(&pages[0]) > 0, "Ada sends no picture");
    ensure!(
        sent(&pages[1]) == 0,
        "Ben's camera is on: {} frames",
        sent(&pages[1])
    );
    ben.until("the own camera is off", |_| {
        let off = ben.browser().shows("button", "Turn camera on")?;
        ensure!(off, "it can be turned off");
        Ok(())
    })?;
    ada.reads_on_screen("Camera off")?;

    ben.hang_up()?;
    for phone in [&ada, &ben] {
        phone.until_state("ended")?;
    }
    hers.past_calls_are(&origin, &[&["Ben", "You called", "video"]])?;
    other.past_calls_are(&origin, &[&["Ada", "Called you", "video"]])
}

const LINK: &str = "return document.querySelector('dialog input[type=url]').value;";

/// Video frames sent, over all connections.
fn sent(page: &serde_json::Value) -> u64 {
    let connections = page["connections"].as_array().into_iter().flatten();
    connections.filter_map(|c| c["sent"].as_u64()).sum()
}

/// However long the caller waits: no camera, no connection, and no way to ask for one.
#[test]
fn before_the_answer_nothing_of_the_callee_is_open() -> Result<()> {
    let server = Server::start(&HERE())?;
    let here = HERE();
    let [ada, ben] = gather("before-accept", &server, [(Ada, &here), (Ben, &here)])?;
    ada.call("Ben", true)?;
    ben.rings("Ada")?;
    ada.until_state("ringing")?;
    let untouched = || {
        let page = ben.sense()?;
        ensure!(page["state"] == "ringing", "state {}", page["state"]);
        ensure!(
            page["asked"] == 0,
            "devices were asked for {} times",
            page["asked"]
        );
        ensure!(page["made"] == 0, "{} connections were made", page["made"]);
        let caller = ada.sense()?;
        ensure!(caller["peers"] == "0", "the caller has peers");
        for connection in caller["connections"].as_array().into_iter().flatten() {
            ensure!(
                connection["remote"] == json!([]),
                "the caller has {connection}"
            );
        }
        Ok(())
    };
    holds_for("nothing is open", Duration::from_secs(3), untouched)?;
    // What proves that the counters count.
    ben.press("Accept with video")?;
    ben.sees_moving_pictures()?;
    ada.sees_moving_pictures()?;
    let page = ben.sense()?;
    ensure!(
        page["asked"].as_u64() > Some(0),
        "no camera after the answer"
    );
    ensure!(page["made"] == 1, "{} connections", page["made"]);
    Ok(())
}

/// All tabs of a browser show it, one of them sounds, and an answer in one stops the others.
#[test]
fn every_tab_rings_and_one_sounds() -> Result<()> {
    let server = Server::start(&HERE())?;
    let origin = server.origin();
    let here = HERE();
    let [ada, ben] = gather("tabs", &server, [(Ada, &here), (Ben, &here)])?;
    let first = ben.browser().tab()?;
    let second = ben.browser().open_tab()?;
    let tabs = [&first, &second];
    for tab in tabs {
        ben.browser().look_at(tab)?;
        ben.wait_at_home(&origin)?;
        // Browsers keep a page silent in which nobody has clicked yet.
        ben.fill("Search people on this server", "Ada")?;
    }
    ada.call("Ben", false)?;
    let sounding = || -> Result<i32> {
        let mut sounding = 0;
        for tab in tabs {
            ben.browser().look_at(tab)?;
            ben.rings("Ada")?;
            sounding += i32::from(ben.sense()?["tones"].as_u64() > Some(0));
        }
        Ok(sounding)
    };
    ben.until("a tab sounds", |_| {
        ensure!(sounding()? > 0, "none");
        Ok(())
    })?;
    holds_for("one tab sounds", Duration::from_secs(2), || {
        ensure!(sounding()? == 1, "both sound");
        Ok(())
    })?;
    ben.browser().look_at(&first)?;
    ben.press("Accept with voice")?;
    ben.is_talking()?;
    ben.browser().look_at(&second)?;
    ben.is_quiet("idle")?;
    ben.reads_on_screen("answered on another device or tab")
}

#[test]
fn declined_cancelled_missed_and_busy() -> Result<()> {
    let server = Server::start(&HERE())?;
    let origin = server.origin();
    let here = HERE();
    let seats = [(Ada, &here), (Ben, &here), (Ben, &here)];
    let [ada, ben, other] = gather("unanswered", &server, seats)?;
    let ring = || {
        ada.wait_at_home(&origin)?;
        ada.call("Ben", false)?;
        ben.rings("Ada")?;
        other.rings("Ada")?;
        ada.until_state("ringing")
    };

    ring()?;
    ben.press("Decline")?;
    for phone in [&ben, &other] {
        phone.is_quiet("idle")?;
    }
    ada.reads_on_screen("Ben declined")?;

    ring()?;
    ada.press("Cancel")?;
    for phone in [&ben, &other] {
        phone.is_quiet("idle")?;
        phone.reads_on_screen("Ada called and has given up.")?;
    }
    ada.until_state("idle")?;

    // One is silenced, the other rings on, until the time is up.
    ring()?;
    ben.press("Ignore")?;
    ben.is_quiet("idle")?;
    ben.reads_on_screen("Ada is calling")?;
    other.rings("Ada")?;
    ada.reads_on_screen_within("Ben did not answer", lab::Patience::seconds(120))?;
    other.is_quiet("idle")?;
    ada.press("Leave a message")?;
    ada.fill("Your message to Ben", "Call me back")?;
    ada.press("Send")?;
    ada.reads_on_screen("Your message was left")?;
    ben.past_calls_are(
        &origin,
        &[
            &["Ada", "Missed call", "Call me back"],
            &["Ada", "Missed call"],
            &["Ada", "You declined"],
        ],
    )?;

    ben.ask("PATCH", "/me", json!({ "do_not_disturb": true }))?;
    ada.wait_at_home(&origin)?;
    ada.reads_on_screen("Do not disturb")?;
    ada.call("Ben", false)?;
    ada.reads_on_screen("Ben is busy")?;
    other.is_quiet("idle")?;
    ben.past_calls_are(
        &origin,
        &[
            &["Ada", "Missed call"],
            &["Ada", "Missed call", "Call me back"],
        ],
    )?;
    ada.past_calls_are(
        &origin,
        &[
            &["Ben", "You called, busy"],
            &["Ben", "You called, no answer"],
            &["Ben", "You called and hung up"],
            &["Ben", "You called, declined"],
        ],
    )
}

#[test]
fn a_second_call_waits_and_the_first_is_held() -> Result<()> {
    let server = Server::start(&HERE())?;
    let here = HERE();
    let seats = [(Ada, &here), (Ben, &here), (Cem, &here)];
    let [ada, ben, cem] = gather("waiting", &server, seats)?;
    talk(&ada, &ben, "Ben")?;

    cem.call("Ben", false)?;
    ben.rings("Cem")?;
    ben.reads_on_screen("Accepting puts this call on hold.")?;
    ensure!(
        ben.sense()?["state"] == "active",
        "the first call was disturbed"
    );
    ada.is_talking()?;
    ben.press("Accept with voice")?;
    cem.is_talking()?;
    ben.hears(Cem.tone())?;
    ben.reads_on_screen("On hold: Ada")?;
    ada.reads_on_screen("Ben has put you on hold")?;
    cem.hears(Ben.tone())?;

    // A page that is loaded again finds both, as they were.
    ben.browser().reload()?;
    ben.hears(Cem.tone())?;
    cem.hears(Ben.tone())?;
    ben.reads_on_screen("On hold: Ada")?;
    ada.reads_on_screen("Ben has put you on hold")?;

    ben.press("Switch")?;
    ben.reads_on_screen("On hold: Cem")?;
    cem.reads_on_screen("Ben has put you on hold")?;
    ben.hears(Ada.tone())?;
    ada.hears(Ben.tone())?;

    // The one on the screen ends: the other one is there, and on hold until it is taken off.
    ada.hang_up()?;
    ben.reads_on_screen("Cem is still on hold")?;
    ben.press("Resume")?;
    ben.hears(Cem.tone())?;
    cem.hears(Ben.tone())?;
    cem.hang_up()?;
    ben.until_state("ended")
}

/// Both dial in the same moment: one call comes of it, however the messages cross.
#[test]
fn two_who_call_each_other_at_once_are_in_one_call() -> Result<()> {
    let server = Server::start(&HERE())?;
    let origin = server.origin();
    let here = HERE();
    let seats = [(Ada, &here), (Ben, &here), (Ben, &here)];
    let [ada, ben, other] = gather("glare", &server, seats)?;
    for round in 1..=3 {
        // Pressed by a timer of the page, at one time of the machine's clock.
        let at = ada.browser().script("return Date.now() + 2500", vec![])?;
        for (phone, name) in [(&ada, "Ben"), (&ben, "Ada")] {
            let press = format!(
                "const row = [...document.querySelectorAll('li')].find((li) => li.textContent.includes('{name}'));
                 const button = row.querySelector('button[aria-label=\"Call with voice\"]');
                 setTimeout(() => button.click(), arguments[0] - Date.now());"
            );
            phone.browser().script(&press, vec![at.clone()])?;
        }
        for phone in [&ada, &ben] {
            phone.is_talking()?;
        }
        other.is_quiet("idle")?;
        ada.hears(Ben.tone())?;
        ben.hears(Ada.tone())?;
        println!("round {round}: one call");
        ada.hang_up()?;
        for phone in [&ada, &ben] {
            phone.until_state("ended")?;
            phone.wait_at_home(&origin)?;
        }
    }
    Ok(())
}

/// The first calls the second with voice, who answers.
fn talk(caller: &Person, callee: &Person, name: &str) -> Result<()> {
    caller.call(name, false)?;
    callee.press("Accept with voice")?;
    for phone in [caller, callee] {
        phone.is_talking()?;
    }
    Ok(())
}
