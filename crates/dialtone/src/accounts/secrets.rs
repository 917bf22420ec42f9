//! Secrets that let somebody in who shows them: sign-ins, one-time links, API tokens, join
//! tokens.
//!
//! Each is 256 random bits, so that it cannot be guessed and a plain hash of it needs no salt. Only
//! that hash is kept: who reads the store cannot sign in with what is there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const BYTES: usize = 32;

/// What API tokens begin with, so that one that was published by mistake is recognised.
pub const TOKEN_PREFIX: &str = "dialtone_";

/// What join tokens begin with.
pub const JOIN_PREFIX: &str = "dialtone_join_";

/// A secret in the hands of the one it was made for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

/// What is kept of a secret: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl Secret {
    /// A new one.
    pub fn draw() -> Result<Secret, getrandom::Error> {
        random().map(Secret)
    }

    /// Reads the 43 characters of base64url that [`Secret::write`] makes.
    pub fn read(text: &str) -> Option<Secret> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Secret)
    }

    /// For the eyes of its owner, and nobody else's.
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}

/// So many bytes from the system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_is_never_printed() {
        let secret = Secret::draw().unwrap();
        let text = secret.write();
        assert_eq!(text.len(), 43);
        assert_eq!(Secret::read(&text), Some(secret.clone()));
        assert!(secret.hash() == Secret::read(&text).unwrap().hash());
        assert!(!format!("{secret:?} {:?}", secret.hash()).contains(&text[..4]));
        assert!(secret != Secret::draw().unwrap());
    }

    #[test]
    fn what_is_no_secret_is_none() {
        let text = Secret::draw().unwrap().write();
        for bad in [
            "",
            "x",
            &text[1..],
            &format!("{text}A"),
            &format!("{text}="),
            "é",
        ] {
            assert_eq!(Secret::read(bad), None, "{bad:?}");
        }
    }
}
