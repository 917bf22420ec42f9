//! Time as the state machines see it: handed in, never read.

use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};
use std::time::Duration;

/// The moment an input is handled: one reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time, for timers.
    pub tick: Tick,
    /// Time since the Unix epoch, for records and for credentials that carry an expiry.
    pub unix: Duration,
}

impl Now {
    /// Whole seconds since the Unix epoch.
    pub fn unix_seconds(self) -> u64 {
        self.unix.as_secs()
    }

    /// Whole milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.unix.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A point on a monotonic clock, in microseconds since an origin that the driver chose.
///
/// It stands where `std::time::Instant` would, but a test or a simulation can make any value of
/// it, so the same seed gives the same run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(u64);

impl Hash for Tick {
    /// As a signed number, which nothing else hashes as: to who compares states of different
    /// times by their hashes, it says what in them is a time.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i64(self.0 as i64);
    }
}

impl Tick {
    /// The point this many microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Tick {
        Tick(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long `earlier` lies back, or zero if it lies ahead.
    pub fn saturating_since(self, earlier: Tick) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Tick;

    fn add(self, span: Duration) -> Tick {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Tick(self.0.saturating_add(micros))
    }
}

impl Sub<Tick> for Tick {
    type Output = Duration;

    fn sub(self, earlier: Tick) -> Duration {
        self.saturating_since(earlier)
    }
}
