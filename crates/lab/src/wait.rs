//! Waiting for a condition, and saying which one was not met.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

/// How long to wait. Generous: a busy machine must not fail a test.
#[derive(Clone, Copy, Debug)]
pub struct Patience(pub Duration);

impl Patience {
    /// For things that take seconds on an idle machine.
    pub const USUAL: Patience = Patience::seconds(45);

    /// That many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// Asks until the answer is `Ok`; the error names `what`, how long, and the last answer.
pub fn eventually<T>(
    what: &str,
    patience: Patience,
    mut ask: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(value) => return Ok(value),
            Err(reason) if start.elapsed() > patience.0 => {
                let waited = start.elapsed().as_secs();
                return Err(anyhow!("not met in {waited} s: {what}: {reason:#}"));
            }
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Asks for that long and fails at the first answer that is not `Ok`.
pub fn holds_for(
    what: &str,
    duration: Duration,
    mut ask: impl FnMut() -> Result<()>,
) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < duration {
        ask().map_err(|reason| anyhow!("did not hold: {what}: {reason:#}"))?;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
