//! The one place where the server reads the clocks.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::time::{Now, Tick};

/// One reading of both clocks. All ticks of a process share one origin.
pub fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Now { tick: tick(), unix }
}

/// How long from now until this tick; zero if it has passed.
pub fn until(at: Tick) -> Duration {
    at.saturating_since(tick())
}

fn tick() -> Tick {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Tick::default() + ORIGIN.get_or_init(Instant::now).elapsed()
}
