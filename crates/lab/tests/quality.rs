//! Over a link that gets narrow speech is still understood; the picture gives way and comes back. Over one that
//! has room for the sound alone, that is all that is sent, and both are told.
//!
//! A little of what `cargo xtask bench quality` measures.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{
    Patience, Person, Scene, Shape, eventually,
    quality::{By, Call},
};

/// Silence, noise or the wrong words score 1.0 to 1.3.
const UNDERSTOOD: f64 = 1.5;
/// One whole turn of what is said, wherever the recording begins.
const LISTEN: Duration = Duration::from_secs(12);
/// One whole turn beside a trial of the picture, whenever that comes.
const LISTEN_LONGER: Duration = Duration::from_secs(30);

#[test]
fn over_a_narrow_link_speech_is_understood_and_the_picture_is_smaller_meanwhile() -> Result<()> {
    let scene = Scene::record()?;
    let call = Call::connect("quality", &scene, By::App)?;
    let before = call.until_height("a picture of some size", |height| height > 200)?;
    let got = call.suffer(&[(narrow(150_000), LISTEN)])?;
    println!("{:?}", got.speech);
    let best = got.speech.iter().copied().fold(0.0, f64::max);
    ensure!(best > UNDERSTOOD, "{:?}", got.speech);
    let small = got.pictures.last().context("no picture")?.height;
    ensure!(small < before, "{before} lines, then {small}");
    call.until_height("the picture gets larger again", |height| {
        height > small.max(200)
    })?;
    Ok(())
}

#[test]
fn over_a_link_too_narrow_for_both_sound_alone_goes_on() -> Result<()> {
    let scene = Scene::record()?;
    let call = Call::connect("sound_alone", &scene, By::App)?;
    call.link().set(narrow(90_000));
    until_told(&call.alice, "too weak for your picture", true)?;
    until_told(&call.bob, "too weak for a picture", true)?;
    let got = call.suffer(&[(narrow(90_000), LISTEN_LONGER)])?;
    println!("{:?}", got.speech);
    let best = got.speech.iter().copied().fold(0.0, f64::max);
    ensure!(best > UNDERSTOOD, "{:?}", got.speech);
    for person in [&call.alice, &call.bob] {
        until_told(person, "too weak for", false)?;
    }
    let seen = call.bob.frames()?;
    eventually("the picture moves again", Patience::USUAL, || {
        let frames = call.bob.frames()?;
        ensure!(frames > seen + 20, "{seen} frames, then {frames}");
        Ok(())
    })
}

fn narrow(rate: u64) -> Shape {
    Shape {
        rate: Some(rate),
        ..Shape::default()
    }
}

/// Waits until a person reads this, or does not any more.
fn until_told(person: &Person, words: &str, told: bool) -> Result<()> {
    // A picture is tried again after forty seconds at most.
    person.until_within(words, Patience::seconds(90), |page| {
        let text = page["text"].as_str().context("no text")?;
        ensure!(text.contains(words) == told, "{text}");
        Ok(())
    })
}
