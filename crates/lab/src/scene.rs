//! What camera and microphone take in where it matters what they take in: speech, and a picture that
//! costs an encoder as much as a person before a wall does.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::run;

/// Sentences with most sounds of English; spoken, they take less than six seconds.
const TEXT: &str = "The boat slid down the easy river. She keeps a letter from \
    her father in the desk.";

const WIDTH: usize = 1_280;
const HEIGHT: usize = 720;
const FRAMES: usize = 45;

/// A recording and a film, both of which go round and round.
#[derive(Clone, Debug)]
pub struct Scene(Arc<TempDir>);

impl Scene {
    /// Lets a machine speak, and draws.
    pub fn record() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let scene = Self(Arc::new(folder));
        let mut speak = Command::new("espeak-ng");
        speak
            .args(["-v", "en-gb", "-s", "150", "-w"])
            .arg(scene.speech())
            .arg(TEXT);
        run(&mut speak).context("espeak-ng")?;
        draw(&scene.film())?;
        Ok(scene)
    }

    /// The recording: a mono WAV.
    pub fn speech(&self) -> PathBuf {
        self.0.path().join("speech.wav")
    }

    /// The film: 1280x720 at 30 frames per second, uncompressed.
    pub(crate) fn film(&self) -> PathBuf {
        self.0.path().join("film.y4m")
    }
}

/// A textured wall that trembles, and before it something large that goes to and fro.
fn draw(path: &Path) -> Result<()> {
    const MARGIN: usize = 128;
    let (wide, high) = (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN);
    let [wall, person] = [1, 2].map(|seed| texture(wide, high, seed));
    let colours = texture(WIDTH / 2, HEIGHT, 3);
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg")?;
    for frame in 0..FRAMES {
        let turn = frame as f64 / FRAMES as f64 * std::f64::consts::TAU;
        let shift = |reach: f64, wave: f64| (MARGIN as f64 + reach * wave) as usize;
        let (x, y) = (shift(3.0, turn.sin()), shift(2.0, (2.0 * turn).cos()));
        let (px, py) = (shift(90.0, turn.sin()), shift(30.0, (2.0 * turn).sin()));
        writeln!(file, "FRAME")?;
        for row in 0..HEIGHT {
            let mut line = wall[(row + y) * wide + x..][..WIDTH].to_vec();
            if row > HEIGHT / 6 {
                let half = WIDTH / 5 * row / HEIGHT + WIDTH / 16;
                let centre = WIDTH / 2 + px - MARGIN;
                let from = (row + py) * wide + MARGIN + WIDTH / 2 - half;
                line[centre - half..centre + half].copy_from_slice(&person[from..][..2 * half]);
            }
            file.write_all(&line)?;
        }
        // Both planes of colour are half as wide and high.
        file.write_all(&colours[..WIDTH * HEIGHT / 2])?;
    }
    file.flush()?;
    Ok(())
}

/// Spots of many sizes, as on cloth and skin: noise of three scales, one finer than the other.
fn texture(width: usize, height: usize, seed: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let noise = |scale: usize, weight: usize| spot(x, y, scale, seed) * weight / 256;
            let sum = noise(96, 110) + noise(24, 40) + noise(6, 5);
            pixels.push(u8::try_from(40 + sum).unwrap_or(u8::MAX));
        }
    }
    pixels
}

/// A number below 256 for each place: chosen on a grid of that scale, blended between.
fn spot(x: usize, y: usize, scale: usize, seed: u32) -> usize {
    let corner = |right: usize, down: usize| {
        let (column, row) = ((x / scale + right) as u32, (y / scale + down) as u32);
        let hash = column.wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca77) ^ seed;
        let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
        ((hash ^ (hash >> 12)) & 0xff) as usize
    };
    let blend = |from: usize, to: usize, part: usize| (from * (scale - part) + to * part) / scale;
    let (across, down) = (x % scale, y % scale);
    let upper = blend(corner(0, 0), corner(1, 0), across);
    blend(upper, blend(corner(0, 1), corner(1, 1), across), down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_film_is_as_long_as_its_head_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.y4m");
        draw(&path).unwrap();
        let frame = "FRAME\n".len() + WIDTH * HEIGHT * 3 / 2;
        let head = "YUV4MPEG2 W1280 H720 F30:1 Ip A1:1 C420jpeg\n".len();
        let length = std::fs::metadata(&path).unwrap().len();
        assert_eq!(length, (head + FRAMES * frame) as u64);
    }
}
