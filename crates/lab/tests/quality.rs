//! Over a link that gets narrow speech is still understood; the picture gives way and comes back.
//!
//! A little of what `cargo xtask bench quality` measures.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{
    Scene, Shape,
    quality::{By, Call},
};

/// Silence, noise or the wrong words score 1.0 to 1.3.
const UNDERSTOOD: f64 = 1.5;
/// One whole turn of what is said, wherever the recording begins.
const LISTEN: Duration = Duration::from_secs(12);

#[test]
fn over_a_narrow_link_speech_is_understood_and_the_picture_is_smaller_meanwhile() -> Result<()> {
    let scene = Scene::record()?;
    let call = Call::connect("quality", &scene, By::App)?;
    let before = call.until_height("a picture of some size", |height| height > 200)?;
    let narrow = Shape {
        rate: Some(150_000),
        ..Shape::default()
    };
    let got = call.suffer(&[(narrow, LISTEN)])?;
    println!("{:?}", got.speech);
    let best = got.speech.iter().copied().fold(0.0, f64::max);
    ensure!(best > UNDERSTOOD, "{:?}", got.speech);
    let small = got.pictures.last().context("no picture")?.height;
    ensure!(small < before, "{before} lines, then {small}");
    call.until_height("the picture gets larger again", |height| height > small)?;
    Ok(())
}
