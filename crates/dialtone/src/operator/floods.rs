//! What strangers did, once a minute and in one line: a flood fills no log.

use turn::Counters;

/// What was counted when it was last looked at.
#[derive(Debug, Default)]
pub struct Floods {
    before: Counters,
}

impl Floods {
    /// Says what is worth knowing of the last minute.
    pub fn summarise(&mut self, now: Counters) {
        for sentence in self.sentences(&now) {
            tracing::warn!("{sentence}");
        }
        self.before = now;
    }

    fn sentences(&self, now: &Counters) -> Vec<String> {
        let before = &self.before;
        // A thread that is over takes its counts with it.
        let counts = [
            (
                now.throttled.saturating_sub(before.throttled),
                "requests without good credentials were not answered: their sources ask too often",
            ),
            (
                now.bad_credentials.saturating_sub(before.bad_credentials),
                "requests had wrong credentials: somebody guesses, or an application has an old secret",
            ),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("In the last minute {count} {what}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_since_is_told() {
        let mut floods = Floods::default();
        let mut counters = Counters {
            throttled: 5,
            ..Counters::default()
        };
        assert!(floods.sentences(&counters)[0].contains(" 5 requests without"));
        floods.summarise(counters);
        assert!(floods.sentences(&counters).is_empty());
        assert!(floods.sentences(&Counters::default()).is_empty());
        counters.bad_credentials = 2;
        assert_eq!(floods.sentences(&counters).len(), 1);
    }
}
