//! Passwords: which are taken, and how they are kept (Argon2id, RFC 9106).
//!
//! Hashing one costs memory and a processor for a while, on purpose. It is done beside the tasks
//! that carry calls, by at most as many threads as there are processors, and no more requests wait
//! for their turn than can have it soon.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use super::names::LoginName;
use super::secrets::Secret;

/// Characters a password has.
const CHARS: std::ops::RangeInclusive<usize> = 8..=256;

/// Requests that may wait for each processor. Each is served in some tens of milliseconds.
const WAITING: usize = 32;

/// The commonest of those that are long enough, from lists of stolen ones.
const COMMON: &[&str] = &[
    "00000000",
    "0123456789",
    "0987654321",
    "11111111",
    "1111111111",
    "11223344",
    "12121212",
    "123123123",
    "12341234",
    "12344321",
    "12345678",
    "123456789",
    "1234567890",
    "12345678910",
    "123456789a",
    "12345678a",
    "1234qwer",
    "123abc123",
    "123qweasd",
    "147258369",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qazxsw2",
    "22222222",
    "55555555",
    "66666666",
    "789456123",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "a1234567",
    "a12345678",
    "a1b2c3d4",
    "aa123456",
    "aaaaaaaa",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "abcdefg1",
    "access14",
    "administrator",
    "admin123",
    "admin1234",
    "asdf1234",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "basketball",
    "battery staple",
    "blink182",
    "butterfly",
    "changeme",
    "charlie1",
    "chocolate",
    "computer",
    "corvette",
    "cowboys1",
    "danielle",
    "dialtone",
    "dragon123",
    "elephant",
    "football",
    "football1",
    "godzilla",
    "hello123",
    "helloworld",
    "ihateyou",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "jonathan",
    "jordan23",
    "letmein1",
    "letmein123",
    "liverpool",
    "logitech",
    "master123",
    "maverick",
    "mercedes",
    "metallica",
    "michael1",
    "michelle",
    "midnight",
    "monkey123",
    "mustang1",
    "p@ssw0rd",
    "p@ssword",
    "pa55word",
    "pass1234",
    "passport",
    "passw0rd",
    "password",
    "password!",
    "password1",
    "password12",
    "password123",
    "password1234",
    "pokemon1",
    "princess",
    "princess1",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwer1234",
    "qwerty12",
    "qwerty123",
    "qwerty1234",
    "qwertyui",
    "qwertyuiop",
    "samantha",
    "secret123",
    "shadow123",
    "spiderman",
    "srinivas",
    "starwars",
    "steelers",
    "sunshine",
    "sunshine1",
    "superman",
    "superman1",
    "test1234",
    "testtest",
    "trustno1",
    "victoria",
    "welcome1",
    "welcome123",
    "whatever",
    "xxxxxxxx",
    "zaq12wsx",
    "zxcvbnm1",
    "zxcvbnm123",
];

/// Why a password is not taken; the text is for who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// Too short or too long.
    #[error("A password has {} to {} characters.", CHARS.start(), CHARS.end())]
    Length,
    /// Who guesses begins with these.
    #[error("This password is among the first that would be guessed. Choose another one.")]
    Common,
    /// Everybody knows it.
    #[error("The password must not be the login name.")]
    IsName,
}

/// Why a password was not hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Too many wait already.
    #[error("too many passwords are being checked")]
    Busy,
    /// The system has no randomness or no thread to give, or what is kept is no hash.
    #[error("the password could not be handled")]
    Internal,
}

/// Whether this can be the password of the account with this name.
pub fn check(password: &str, name: &LoginName) -> Result<(), Unsuitable> {
    let lower = password.to_lowercase();
    let mut chars = lower.chars();
    let first = chars.next();
    if !CHARS.contains(&password.chars().count()) {
        Err(Unsuitable::Length)
    } else if lower == name.as_str() {
        Err(Unsuitable::IsName)
    } else if COMMON.contains(&&*lower) || chars.all(|other| Some(other) == first) {
        Err(Unsuitable::Common)
    } else {
        Ok(())
    }
}

/// Hashes passwords and compares them.
#[derive(Clone, Debug)]
pub struct Passwords {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
    /// The hash of a password that nobody knows.
    nobodys: Arc<str>,
}

impl Passwords {
    /// With as many threads as there are processors.
    pub fn new() -> Result<Passwords, Failure> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let secret = Secret::draw().map_err(|_| Failure::Internal)?;
        Ok(Passwords {
            waiting: Arc::new(Semaphore::new(processors * WAITING)),
            working: Arc::new(Semaphore::new(processors)),
            nobodys: hash(&secret.write())?.into(),
        })
    }

    /// What is kept of a password, in the format of the PHC string.
    pub async fn hash(&self, password: String) -> Result<String, Failure> {
        self.work(move || hash(&password)).await?
    }

    /// Whether it is the password that this was made from. Without anything to compare with it
    /// takes as long, and is not.
    pub async fn matches(&self, password: String, kept: Option<String>) -> Result<bool, Failure> {
        let nobodys = self.nobodys.clone();
        self.work(move || {
            let hash = PasswordHash::new(kept.as_deref().unwrap_or(&nobodys));
            let hash = hash.map_err(|_| Failure::Internal)?;
            let same = Argon2::default().verify_password(password.as_bytes(), &hash);
            Ok(same.is_ok() && kept.is_some())
        })
        .await?
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let waiting = self.waiting.clone().try_acquire_owned();
        let waiting = waiting.map_err(|_| Failure::Busy)?;
        let working = self.working.clone().acquire_owned().await;
        let working = working.map_err(|_| Failure::Internal)?;
        // Who asked may go away: the work counts until it is done all the same.
        let done = tokio::task::spawn_blocking(move || {
            let _counted = (waiting, working);
            work()
        });
        done.await.map_err(|_| Failure::Internal)
    }
}

/// With the parameters that OWASP recommends and the library has by default: 19 MiB, two passes.
fn hash(password: &str) -> Result<String, Failure> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| Failure::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_guessed_first_is_refused() {
        let name = "ada-lovelace".parse().unwrap();
        assert_eq!(check("correct horse", &name), Ok(()));
        assert_eq!(check(&"é".repeat(7), &name), Err(Unsuitable::Length));
        assert_eq!(check("pässwörter", &name), Ok(()));
        assert_eq!(check(&"ab".repeat(128), &name), Ok(()));
        assert_eq!(check(&"ab".repeat(129), &name), Err(Unsuitable::Length));
        assert_eq!(check("Password1", &name), Err(Unsuitable::Common));
        assert_eq!(check("zzzzzzzzzzzz", &name), Err(Unsuitable::Common));
        assert_eq!(check("Ada-Lovelace", &name), Err(Unsuitable::IsName));
    }

    #[test]
    fn the_list_is_of_those_that_would_be_taken_otherwise() {
        for common in COMMON {
            assert!(CHARS.contains(&common.len()), "{common}");
            assert_eq!(*common, common.to_lowercase());
        }
    }

    #[tokio::test]
    async fn only_the_password_matches_its_hash() {
        let passwords = Passwords::new().unwrap();
        let kept = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        let matches = |password: &str, kept| passwords.matches(password.to_owned(), kept);
        assert_eq!(matches("correct horse", Some(kept.clone())).await, Ok(true));
        assert_eq!(
            matches("correct horsE", Some(kept.clone())).await,
            Ok(false)
        );
        assert_eq!(matches("correct horse", None).await, Ok(false));
        let other = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert_ne!(other, kept, "salted");
    }

    #[tokio::test]
    async fn who_cannot_have_a_turn_soon_is_told() {
        let mut passwords = Passwords::new().unwrap();
        passwords.waiting = Arc::new(Semaphore::new(0));
        assert_eq!(passwords.hash("x".to_owned()).await, Err(Failure::Busy));
    }
}
