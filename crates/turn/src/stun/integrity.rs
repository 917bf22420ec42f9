//! MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5 and 14.6).

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// Which of the two integrity attributes protects a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY: HMAC-SHA1, 20 bytes.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, 32 bytes.
    Sha256,
}

/// How the key of a long-term credential is made of a password (RFC 8489 section 18.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordAlgorithm {
    /// MD5: what RFC 5389 knew alone, and what browsers use.
    Md5,
    /// SHA-256.
    Sha256,
}

impl PasswordAlgorithm {
    /// All of them as PASSWORD-ALGORITHMS carries them, the better one first: numbers, each with
    /// the length of its parameters, of which there are none.
    pub const OFFER: [u8; 8] = [0, 2, 0, 0, 0, 1, 0, 0];

    /// Reads PASSWORD-ALGORITHM; `None` if it is none of these.
    pub fn read(value: &[u8]) -> Option<PasswordAlgorithm> {
        match value {
            [0, 1, 0, 0] => Some(PasswordAlgorithm::Md5),
            [0, 2, 0, 0] => Some(PasswordAlgorithm::Sha256),
            _ => None,
        }
    }

    /// The value of PASSWORD-ALGORITHM.
    pub fn value(self) -> [u8; 4] {
        match self {
            PasswordAlgorithm::Md5 => [0, 1, 0, 0],
            PasswordAlgorithm::Sha256 => [0, 2, 0, 0],
        }
    }
}

/// The key of a long-term credential: the hash of `username ":" realm ":" password`
/// (RFC 8489 section 9.2.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bytes: [u8; 32],
    /// Which of the bytes count: 16 of MD5, 32 of SHA-256.
    len: u8,
}

impl Key {
    /// Derives the key in its legacy form, with MD5. The strings are taken as they are: preparing
    /// them (RFC 8265) is up to whoever types them in.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Key {
        Key::derive(PasswordAlgorithm::Md5, username, realm, password)
    }

    /// Derives the key with any algorithm.
    pub fn derive(
        algorithm: PasswordAlgorithm,
        username: &str,
        realm: &str,
        password: &str,
    ) -> Key {
        let pieces = [username, ":", realm, ":", password];
        match algorithm {
            PasswordAlgorithm::Md5 => Key::from_bytes(&digest::<Md5>(&pieces)),
            PasswordAlgorithm::Sha256 => Key::from_bytes(&digest::<Sha256>(&pieces)),
        }
    }

    /// Of these bytes, at most 32.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Key {
        let mut key = Key {
            bytes: [0; 32],
            len: bytes.len() as u8,
        };
        key.bytes[..bytes.len()].copy_from_slice(bytes);
        key
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub(super) fn sha1(&self, pieces: &[&[u8]]) -> [u8; 20] {
        mac::<Hmac<Sha1>>(self.bytes(), pieces)
            .finalize()
            .into_bytes()
            .into()
    }

    pub(super) fn sha256(&self, pieces: &[&[u8]]) -> [u8; 32] {
        mac::<Hmac<Sha256>>(self.bytes(), pieces)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Compares in constant time. A value has its full length: a shortened SHA-256 one is only good
    /// where the usage of STUN says so (RFC 8489 section 14.6), and TURN does not.
    pub(super) fn verify(&self, kind: Integrity, pieces: &[&[u8]], value: &[u8]) -> bool {
        match kind {
            Integrity::Sha1 => verify_sha1(self.bytes(), pieces, value),
            Integrity::Sha256 => mac::<Hmac<Sha256>>(self.bytes(), pieces)
                .verify_slice(value)
                .is_ok(),
        }
    }
}

/// USERHASH: what stands for a username that is not to be seen (RFC 8489 section 14.4).
pub fn user_hash(username: &str, realm: &str) -> [u8; 32] {
    digest::<Sha256>(&[username, ":", realm]).into()
}

fn digest<D: Digest>(pieces: &[&str]) -> md5::digest::Output<D> {
    let mut hash = D::new();
    for piece in pieces {
        hash.update(piece.as_bytes());
    }
    hash.finalize()
}

/// Keys stay out of logs.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Split off so that the short-term vectors of RFC 5769, whose key is a password, can use it.
pub(super) fn verify_sha1(key: &[u8], pieces: &[&[u8]], value: &[u8]) -> bool {
    mac::<Hmac<Sha1>>(key, pieces).verify_slice(value).is_ok()
}

fn mac<M: Mac + KeyInit>(key: &[u8], pieces: &[&[u8]]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for piece in pieces {
        mac.update(piece);
    }
    mac
}
