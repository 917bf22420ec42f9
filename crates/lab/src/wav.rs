//! A tone in a WAV file, for a browser's fake microphone.

use std::{f64::consts::TAU, fs, path::Path};

use anyhow::Result;

const RATE: u32 = 48_000;
const SECONDS: u32 = 4;

/// Writes a mono 16-bit tone of `hertz` that swells and fades twice a second.
///
/// A steady tone is what noise suppression is made to remove; one that comes and goes passes like
/// speech. The frequency should be a multiple of 0.25 Hz so that the loop has no click.
pub(crate) fn write_tone(path: &Path, hertz: f64) -> Result<()> {
    let samples = RATE * SECONDS;
    let bytes = samples * 2;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes()); // PCM
    file.extend(1u16.to_le_bytes()); // one channel
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    for n in 0..samples {
        let t = f64::from(n) / f64::from(RATE);
        let swell = (0.5 - 0.5 * (TAU * 2.0 * t).cos()).powi(2);
        let sample = (TAU * hertz * t).sin() * swell * 0.7;
        file.extend(((sample * f64::from(i16::MAX)) as i16).to_le_bytes());
    }
    fs::write(path, file)?;
    Ok(())
}
