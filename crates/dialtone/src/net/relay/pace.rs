//! When it is worth a moment's wait for more datagrams.
//!
//! Being woken for every single one costs a busy relay about as much as relaying it; network
//! interfaces hold their interrupts back for the same reason. A relay that carries fewer than
//! about two hundred calls waits for nothing.

use std::time::Duration;

use protocol::time::Tick;

/// How long to wait for more. More saves work, less delays packets less; a person notices nothing
/// below a hundred times as much.
const PAUSE: Duration = Duration::from_micros(100);

/// Datagrams in a window above which it is done.
const BUSY: u32 = 16;
const WINDOW: Duration = Duration::from_millis(1);

/// Counts datagrams in windows of a millisecond.
#[derive(Default)]
pub(super) struct Pace {
    since: Tick,
    datagrams: u32,
    is_busy: bool,
}

impl Pace {
    /// So many datagrams have come.
    pub(super) fn count(&mut self, datagrams: u32) {
        self.datagrams = self.datagrams.saturating_add(datagrams);
    }

    /// How long to wait before looking for the next ones.
    pub(super) fn pause(&mut self, now: Tick) -> Option<Duration> {
        let age = now.saturating_since(self.since);
        if age >= WINDOW {
            let windows = u32::try_from(age.as_nanos() / WINDOW.as_nanos()).unwrap_or(u32::MAX);
            self.is_busy = self.datagrams / windows >= BUSY;
            self.since = now;
            self.datagrams = 0;
        }
        self.is_busy.then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause_at(pace: &mut Pace, micros: u64) -> Option<Duration> {
        pace.pause(Tick::from_micros(micros))
    }

    #[test]
    fn only_a_busy_relay_waits_for_more() {
        let mut pace = Pace::default();
        assert_eq!(pause_at(&mut pace, 5_000), None);
        pace.count(BUSY - 1);
        assert_eq!(pause_at(&mut pace, 6_000), None, "too slow");
        pace.count(BUSY);
        assert_eq!(pause_at(&mut pace, 6_999), None, "too early to tell");
        assert_eq!(pause_at(&mut pace, 7_000), Some(PAUSE));
        pace.count(BUSY);
        assert_eq!(pause_at(&mut pace, 9_000), None, "half as fast");
    }
}
