//! Who may use the relay: static users, and ephemeral credentials under shared secrets.

use std::collections::BTreeMap;

use crate::stun::{Key, PasswordAlgorithm, user_hash};

/// The accounts of a server. Keys of static users are derived once.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    realm: String,
    users: BTreeMap<String, Keys>,
    /// Names of static users by what stands for them in USERHASH. An ephemeral name cannot be
    /// found by its hash: it is the client that brings it, and nobody here has seen it before.
    by_hash: BTreeMap<[u8; 32], String>,
    secrets: Vec<Secret>,
}

/// The keys of one password.
#[derive(Clone, Debug)]
struct Keys {
    md5: Key,
    sha256: Key,
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
        let derive = |algorithm| Key::derive(algorithm, name, &self.realm, password);
        let keys = Keys {
            md5: derive(PasswordAlgorithm::Md5),
            sha256: derive(PasswordAlgorithm::Sha256),
        };
        let hash = user_hash(name, &self.realm);
        self.users.insert(name.to_owned(), keys);
        self.by_hash.insert(hash, name.to_owned());
    }

    /// Adds a secret under which ephemeral credentials are accepted (see [`protocol::relay`]),
    /// whose passwords were made with SHA-1 or with SHA-256. Several count at once, so that one
    /// can be replaced while credentials of the old one live.
    pub fn add_secret(&mut self, secret: &[u8]) {
        self.secrets.push(Secret(secret.to_vec()));
    }

    /// The realm of every account.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether every user can be found by USERHASH, so that clients may be told to hide names.
    pub(crate) fn can_hide_names(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The static user whom a USERHASH stands for.
    pub(crate) fn name_of(&self, hash: &[u8]) -> Option<&str> {
        Some(self.by_hash.get(hash)?)
    }

    /// The key of `username` under this algorithm that `fits`, if there is one. A static user
    /// hides an ephemeral username of the same spelling.
    ///
    /// A name that nobody has is tried with a key all the same, in vain: else the time an answer
    /// takes would tell which names there are.
    pub(crate) fn find(
        &self,
        username: &str,
        algorithm: PasswordAlgorithm,
        mut fits: impl FnMut(&Key) -> bool,
    ) -> Option<Key> {
        if let Some(keys) = self.users.get(username) {
            let key = match algorithm {
                PasswordAlgorithm::Md5 => &keys.md5,
                PasswordAlgorithm::Sha256 => &keys.sha256,
            };
            return fits(key).then(|| key.clone());
        }
        if self.secrets.is_empty() || protocol::relay::expiry(username).is_none() {
            let _in_vain = fits(&Key::from_bytes(&[0; 32]));
            return None;
        }
        let makers = [protocol::relay::password, protocol::relay::password_sha256];
        self.secrets
            .iter()
            .flat_map(|Secret(secret)| makers.map(|make| make(secret, username)))
            .map(|password| Key::derive(algorithm, username, &self.realm, &password))
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
        for algorithm in [PasswordAlgorithm::Md5, PasswordAlgorithm::Sha256] {
            let has = |user: &str, password: &str| {
                let key = Key::derive(algorithm, user, "example.org", password);
                let found = credentials.find(user, algorithm, |found| *found == key);
                assert!(found.is_none_or(|found| found == key));
                credentials
                    .find(user, algorithm, |found| *found == key)
                    .is_some()
            };
            assert!(has("alice", "secret"));
            assert!(!has("alice", "guess"));
            assert!(!has("bob", "secret"));
            for secret in [&b"old"[..], b"new"] {
                assert!(has(
                    "100:carol",
                    &protocol::relay::password(secret, "100:carol")
                ));
                assert!(has(
                    "100:carol",
                    &protocol::relay::password_sha256(secret, "100:carol")
                ));
            }
            assert!(!has(
                "100:carol",
                &protocol::relay::password(b"other", "100:carol")
            ));
        }
    }

    #[test]
    fn a_name_that_nobody_has_is_as_much_work_as_a_wrong_password() {
        let tries = |name| {
            let mut tries = 0;
            let found = credentials().find(name, PasswordAlgorithm::Md5, |_| {
                tries += 1;
                false
            });
            assert!(found.is_none());
            tries
        };
        assert_eq!(tries("alice"), 1);
        assert_eq!(tries("mallory"), 1);
        assert_eq!(tries(""), 1);
    }

    #[test]
    fn static_users_are_found_by_their_hash_and_hidden_if_all_are_static() {
        let credentials = credentials();
        let hash = user_hash("alice", "example.org");
        assert_eq!(credentials.name_of(&hash), Some("alice"));
        assert_eq!(credentials.name_of(&user_hash("alice", "other.org")), None);
        assert_eq!(credentials.name_of(b"short"), None);
        assert!(!credentials.can_hide_names());
        assert!(Credentials::new("r").unwrap().can_hide_names());
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
