//! Ephemeral credentials that were taken back before they expire. Whoever checks a credential knows
//! only the secret it was made with, so that what is not good any more has to be remembered.

use std::collections::BTreeMap;

/// Users that are remembered at once, about 1 MB. Beyond it the first of them to expire is good again.
const MAX: usize = 10_000;

/// Of each user, as they stand behind the expiry in a USERNAME, until when their credentials expire
/// that are good no more, in Unix seconds.
#[derive(Debug, Default)]
pub(crate) struct Revoked(BTreeMap<Box<str>, u64>);

impl Revoked {
    /// Takes back what a user has that expires by `until`.
    pub(crate) fn add(&mut self, unix_seconds: u64, user: &str, until: u64) {
        self.0.retain(|_, until| *until > unix_seconds);
        if self.0.len() >= MAX && !self.0.contains_key(user) {
            let first = self.0.iter().min_by_key(|(_, until)| **until);
            let first = first.map(|(user, _)| user.clone());
            first.and_then(|user| self.0.remove(&user));
        }
        let known = self.0.entry(user.into()).or_default();
        *known = until.max(*known);
    }

    /// Whether this USERNAME belongs to what was taken back.
    pub(crate) fn contains(&self, username: &str) -> bool {
        let Some((_, user)) = username.split_once(':') else {
            return false;
        };
        let until = self.0.get(user);
        until.is_some_and(|until| is_by(username, *until))
    }
}

/// Whether a USERNAME is that of an ephemeral credential which expires by then.
pub(crate) fn is_by(username: &str, until: u64) -> bool {
    protocol::relay::expiry(username).is_some_and(|expiry| expiry <= until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_later_is_good() {
        let mut revoked = Revoked::default();
        revoked.add(100, "carol", 200);
        revoked.add(100, "carol", 150);
        for (username, is_revoked) in [
            ("200:carol", true),
            ("150:carol", true),
            ("201:carol", false),
            ("200:dave", false),
            ("carol", false),
            ("x:carol", false),
        ] {
            assert_eq!(revoked.contains(username), is_revoked, "{username}");
        }
    }

    #[test]
    fn what_has_expired_anyway_is_forgotten_and_then_what_expires_first() {
        let mut revoked = Revoked::default();
        for n in 0..MAX as u64 {
            revoked.add(100, &n.to_string(), 1_000 + n);
        }
        revoked.add(100, "carol", 5_000);
        assert_eq!(revoked.0.len(), MAX);
        assert!(!revoked.contains("1:0") && revoked.contains("1:1"));
        assert!(revoked.contains("1:carol"));
        revoked.add(20_000, "dave", 30_000);
        assert_eq!(revoked.0.len(), 1);
    }
}
