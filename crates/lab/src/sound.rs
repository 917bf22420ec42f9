//! When sound of the other person came, and when it did not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Person;

const EAR: &str = include_str!("scripts/ear.js");

/// Samples of sound in a millisecond, at the 48 kHz of Opus.
const RATE: f64 = 48.0;

/// When real sound came, in milliseconds since the Unix epoch, and how much: noted every 50 ms.
#[derive(Clone, Debug)]
pub struct Heard(Vec<Note>);

#[derive(Clone, Copy, Debug)]
struct Note {
    at: f64,
    /// Milliseconds of sound since the note before.
    more: f64,
}

impl Person {
    /// Begins to note when sound of the other comes; once for a page.
    pub fn listen(&self) -> Result<()> {
        self.browser().script(EAR, vec![]).map(drop)
    }

    /// What was noted so far.
    pub fn heard(&self) -> Result<Heard> {
        let notes = self.browser().script("return window.__ear.notes", vec![])?;
        Heard::from_notes(&notes)
    }

    /// When the page first showed this call state after `since`, in milliseconds since the epoch.
    pub fn showed(&self, state: &str, since: f64) -> Result<Option<f64>> {
        let find = "const [state, since] = arguments;
            return window.__lab.marks
              .find(({ what, at }) => at >= since && what.startsWith(`shows ${state} `))?.at ?? null";
        let at = self
            .browser()
            .script(find, vec![state.into(), since.into()])?;
        Ok(at.as_f64())
    }
}

impl Heard {
    fn from_notes(notes: &Value) -> Result<Self> {
        let mut heard = Vec::new();
        // The connection and how much had come by it.
        let mut before = (-1, 0.0);
        for note in notes.as_array().context("nobody listened")? {
            let at = note[0].as_f64().context("no time")?;
            let connection = note[1].as_i64().context("no connection")?;
            let amount = note[2].as_f64().context("no amount")?;
            let known = if connection == before.0 {
                before.1
            } else {
                0.0
            };
            let more = (amount - known) / RATE;
            heard.push(Note { at, more });
            before = (connection, amount);
        }
        Ok(Self(heard))
    }

    /// The longest time without sound from `since` on (milliseconds since the epoch).
    ///
    /// # Errors
    /// When there was none before `since`, or none after it.
    pub fn longest_gap(&self, since: f64) -> Result<Duration> {
        let times: Vec<f64> = self.sound().collect();
        let first = times.partition_point(|at| *at < since);
        ensure!(first > 0, "no sound before");
        ensure!(first < times.len(), "no sound after");
        let pairs = times[first - 1..].windows(2);
        let gap = pairs.map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        Ok(Duration::from_secs_f64(gap / 1000.0))
    }

    /// How much sound is missing in all from `since` on, also where it never stopped for long.
    pub fn missing(&self, since: f64) -> Duration {
        let later = self.0.iter().filter(|note| note.at >= since);
        let (mut first, mut last, mut sum) = (None, since, 0.0);
        for note in later {
            // What the first note tells of came before it.
            if first.replace(first.unwrap_or(note.at)).is_some() {
                sum += note.more;
            }
            last = note.at;
        }
        let passed = last - first.unwrap_or(last);
        Duration::from_secs_f64((passed - sum).max(0.0) / 1000.0)
    }

    /// When the last sound came; nothing if never.
    pub fn last(&self) -> Option<f64> {
        self.sound().last()
    }

    fn sound(&self) -> impl Iterator<Item = f64> {
        self.0
            .iter()
            .filter(|note| note.more > 0.0)
            .map(|note| note.at)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gap_is_the_longest_time_in_which_nothing_came() {
        let notes = json!([
            [0, 0, 10],
            [50, 0, 20],
            [100, 0, 20],
            [150, 0, 30],
            [200, 0, 40]
        ]);
        let heard = Heard::from_notes(&notes).unwrap();
        assert_eq!(heard.longest_gap(60.0).unwrap(), Duration::from_millis(100));
        assert_eq!(heard.longest_gap(160.0).unwrap(), Duration::from_millis(50));
        assert!(heard.longest_gap(201.0).is_err());
    }

    #[test]
    fn what_is_missing_is_the_time_without_the_sound() {
        let notes = json!([
            [0, 0, 48],
            [100, 0, 4_848],
            [200, 0, 4_848],
            [1_000, 0, 38_448]
        ]);
        let heard = Heard::from_notes(&notes).unwrap();
        assert_eq!(heard.missing(0.0), Duration::from_millis(200));
    }

    #[test]
    fn another_connection_counts_from_nothing() {
        let notes = json!([[0, 0, 50], [50, 1, 0], [100, 1, 10], [150, 1, 20]]);
        let heard = Heard::from_notes(&notes).unwrap();
        assert_eq!(heard.longest_gap(10.0).unwrap(), Duration::from_millis(100));
    }
}
