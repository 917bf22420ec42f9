//! When a delivery that failed is tried again, and when no more.

use std::time::Duration;

/// The pause after the first failure; each further one is three times as long.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause. Longer ones would leave few attempts in a day.
const LONGEST: Duration = Duration::from_secs(3 * 3600);
/// How old a delivery may become.
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);
/// A webhook to which nothing could be delivered for this long is switched off.
pub const SWITCH_OFF: Duration = Duration::from_secs(3 * 24 * 3600);

/// When to try again what was tried `attempts` times, in milliseconds since the Unix epoch; `None`:
/// it is given up. `asked` is how long the receiver wants to be left alone.
pub fn next_ms(now_ms: u64, at_ms: u64, attempts: u64, asked: Option<Duration>) -> Option<u64> {
    let power = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = FIRST.saturating_mul(3_u32.saturating_pow(power));
    let pause = pause.min(LONGEST).max(asked.unwrap_or_default());
    let next = now_ms.saturating_add(millis(pause));
    (next <= at_ms.saturating_add(millis(GIVE_UP))).then_some(next)
}

/// Whether a webhook has failed since then for too long.
pub fn is_hopeless(now_ms: u64, failing_since_ms: u64) -> bool {
    now_ms.saturating_sub(failing_since_ms) > millis(SWITCH_OFF)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_for_a_day_and_then_it_is_given_up() {
        let (begun, mut now) = (1_000_000, 1_000_000);
        let mut attempts = 1;
        let mut pauses = Vec::new();
        while let Some(next) = next_ms(now, begun, attempts, None) {
            pauses.push((next - now) / 1000);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(pauses[..4], [5, 15, 45, 135]);
        assert!(pauses.iter().all(|pause| *pause <= 3 * 3600));
        assert!((12..20).contains(&pauses.len()), "{pauses:?}");
        let last = (now - begun) / 1000;
        assert!((20 * 3600..=24 * 3600).contains(&last), "{last}");
    }

    #[test]
    fn a_receiver_can_ask_for_more_and_not_for_less() {
        let asked = |seconds| next_ms(0, 0, 1, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(60), Some(60_000));
        assert_eq!(asked(1), Some(5_000));
        assert_eq!(asked(25 * 3600), None);
        assert_eq!(asked(u64::MAX), None);
        assert_eq!(next_ms(0, 0, u64::MAX, None), Some(3 * 3600 * 1000));
    }
}
