//! Who may use the relay: static users, and ephemeral credentials under shared secrets.

use std::collections::BTreeMap;

use crate::stun::Key;

/// The accounts of a server. Keys of static users are derived once.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    realm: String,
    users: BTreeMap<String, Key>,
    secrets: Vec<Secret>,
}

#[derive(Clone)]
struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The longest realm, in bytes. RFC 8489 allows 763; a realm is part of every answer to a
/// stranger, which has to be small.
pub const MAX_REALM_LEN: usize = 128;

/// A realm that cannot be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a realm is 1 to {MAX_REALM_LEN} bytes without control characters or quotes, like a domain name"
)]
pub struct BadRealm;

impl Credentials {
    /// No account yet.
    pub fn new(realm: &str) -> Result<Credentials, BadRealm> {
        let fits = (1..=MAX_REALM_LEN).contains(&realm.len());
        if !fits || realm.chars().any(|c| c.is_control() || c == '"') {
            return Err(BadRealm);
        }
        Ok(Credentials {
            realm: realm.to_owned(),
            ..Credentials::default()
        })
    }

    /// Adds or replaces a static user.
    pub fn add_user(&mut self, name: &str, password: &str) {
        let key = Key::long_term(name, &self.realm, password);
        self.users.insert(name.to_owned(), key);
    }

    /// Adds a secret under which ephemeral credentials are accepted (see [`protocol::relay`]).
    /// Several count at once, so that one can be replaced while credentials of the old one live.
    pub fn add_secret(&mut self, secret: &[u8]) {
        self.secrets.push(Secret(secret.to_vec()));
    }

    /// The realm of every account.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The key of `username` that `fits`, if there is one. A static user hides an ephemeral
    /// username of the same spelling.
    pub(crate) fn find(&self, username: &str, mut fits: impl FnMut(&Key) -> bool) -> Option<Key> {
        if let Some(key) = self.users.get(username) {
            return fits(key).then(|| key.clone());
        }
        protocol::relay::expiry(username)?;
        self.secrets
            .iter()
            .map(|Secret(secret)| protocol::relay::password(secret, username))
            .map(|password| Key::long_term(username, &self.realm, &password))
            .find(|key| fits(key))
    }

    /// Whether the credential of this (authenticated) user has run out.
    pub(crate) fn is_expired(&self, username: &str, unix_seconds: u64) -> bool {
        !self.users.contains_key(username)
            && protocol::relay::expiry(username).is_none_or(|expiry| expiry <= unix_seconds)
    }

    /// Where in a username the name begins that quotas are counted under: behind the expiry of an
    /// ephemeral one, or a user with many credentials would have many quotas.
    pub(crate) fn account_at(&self, username: &str) -> usize {
        match username.find(':') {
            Some(colon) if !self.users.contains_key(username) => colon + 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        let mut credentials = Credentials::new("example.org").unwrap();
        credentials.add_user("alice", "secret");
        credentials.add_secret(b"old");
        credentials.add_secret(b"new");
        credentials
    }

    #[test]
    fn static_and_ephemeral_users_are_found_under_their_key_only() {
        let credentials = credentials();
        let alice = Key::long_term("alice", "example.org", "secret");
        assert!(credentials.find("alice", |key| *key == alice).is_some());
        assert!(credentials.find("alice", |_| false).is_none());
        assert!(credentials.find("bob", |_| true).is_none());
        for secret in [&b"old"[..], b"new"] {
            let minted = protocol::relay::mint(secret, "carol", 100);
            let key = Key::long_term(&minted.username, "example.org", &minted.password);
            assert!(
                credentials
                    .find(&minted.username, |found| *found == key)
                    .is_some()
            );
        }
    }

    #[test]
    fn ephemeral_credentials_expire_and_share_a_quota() {
        let credentials = credentials();
        assert!(!credentials.is_expired("alice", u64::MAX));
        assert!(!credentials.is_expired("100:carol", 99));
        assert!(credentials.is_expired("100:carol", 100));
        assert_eq!(credentials.account_at("100:carol"), 4);
        assert_eq!(credentials.account_at("alice"), 0);
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let text = format!("{:?}", credentials());
        assert!(
            !text.contains("old") && !text.contains("111, 108"),
            "{text}"
        );
    }

    #[test]
    fn a_realm_that_would_break_an_answer_is_refused() {
        for realm in ["", "a\r\nb", "a\"b", &"x".repeat(129)] {
            assert_eq!(Credentials::new(realm).unwrap_err(), BadRealm);
        }
    }
}
