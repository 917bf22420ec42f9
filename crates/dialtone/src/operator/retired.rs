//! Secrets that are named no longer and count on for a while, so that credentials made under them
//! before the change are not refused.

use std::time::{Duration, Instant};

use crate::config::Secret;

/// Secrets kept. Each costs a strange credential one hash more.
const MAX: usize = 16;

/// The secrets, the one retired last at the end.
#[derive(Debug, Default)]
pub struct Retired {
    secrets: Vec<(Secret, Instant)>,
}

impl Retired {
    /// Takes note that `new` secrets have replaced the `old` ones.
    pub fn replace(&mut self, old: &[Secret], new: &[Secret], now: Instant) {
        let gone = old.iter().filter(|secret| !new.contains(secret));
        self.secrets.retain(|(secret, _)| !new.contains(secret));
        self.secrets
            .extend(gone.map(|secret| (secret.clone(), now)));
        let surplus = self.secrets.len().saturating_sub(MAX);
        self.secrets.drain(..surplus);
    }

    /// Those whose time is not over.
    pub fn living(&mut self, grace: Duration, now: Instant) -> impl Iterator<Item = &Secret> {
        self.secrets
            .retain(|(_, since)| now.saturating_duration_since(*since) < grace);
        self.secrets.iter().map(|(secret, _)| secret)
    }

    /// When the time of the next one is over.
    pub fn next_end(&self, grace: Duration) -> Option<Instant> {
        self.secrets.iter().map(|(_, since)| *since + grace).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(names: &[&str]) -> Vec<Secret> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_secret_lives_on_for_its_time_and_no_longer() {
        let (start, grace) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut retired = Retired::default();
        retired.replace(&secrets(&["a", "b"]), &secrets(&["b", "c"]), start);
        retired.replace(&secrets(&["b", "c"]), &secrets(&["c"]), at(5));
        assert_eq!(retired.next_end(grace), Some(at(10)));
        let mut living = |seconds| {
            retired
                .living(grace, at(seconds))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(living(9), secrets(&["a", "b"]));
        assert_eq!(living(10), secrets(&["b"]));
        assert_eq!(living(15), secrets(&[]));
        assert_eq!(retired.next_end(grace), None);
    }

    #[test]
    fn a_secret_that_is_named_again_is_retired_no_longer_and_none_lives_without_grace() {
        let now = Instant::now();
        let mut retired = Retired::default();
        retired.replace(&secrets(&["a", "b"]), &secrets(&["c"]), now);
        retired.replace(&secrets(&["c"]), &secrets(&["a"]), now);
        let grace = Duration::from_secs(1);
        assert!(retired.living(grace, now).eq(&secrets(&["b", "c"])));
        assert_eq!(retired.living(Duration::ZERO, now).count(), 0);
    }

    #[test]
    fn no_more_are_kept_than_can_be_tried() {
        let mut retired = Retired::default();
        for n in 0..100 {
            retired.replace(&[Secret(n.to_string())], &[], Instant::now());
        }
        let grace = Duration::from_secs(60);
        assert_eq!(retired.living(grace, Instant::now()).count(), MAX);
    }
}
