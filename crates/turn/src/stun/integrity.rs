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
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, 16 to 32 bytes.
    Sha256,
}

/// The key of a long-term credential in its legacy form, `MD5(username ":" realm ":" password)`
/// (RFC 8489 section 9.2.2). It is what browsers use.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// Derives the key. The strings are taken as they are: preparing them (RFC 8265) is up to
    /// whoever types them in.
    pub fn long_term(username: &str, realm: &str, password: &str) -> Key {
        let mut hash = Md5::new();
        for piece in [username, ":", realm, ":", password] {
            hash.update(piece.as_bytes());
        }
        Key(hash.finalize().into())
    }

    /// A key that no credential has; it gives an unknown user the same work as a known one.
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Key {
        Key(bytes)
    }

    pub(super) fn sha1(&self, pieces: &[&[u8]]) -> [u8; 20] {
        mac::<Hmac<Sha1>>(&self.0, pieces)
            .finalize()
            .into_bytes()
            .into()
    }

    pub(super) fn sha256(&self, pieces: &[&[u8]]) -> [u8; 32] {
        mac::<Hmac<Sha256>>(&self.0, pieces)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Compares in constant time. A shortened SHA-256 value is accepted down to 16 bytes.
    pub(super) fn verify(&self, kind: Integrity, pieces: &[&[u8]], value: &[u8]) -> bool {
        match kind {
            Integrity::Sha1 => verify_sha1(&self.0, pieces, value),
            Integrity::Sha256 => {
                (16..=32).contains(&value.len())
                    && value.len().is_multiple_of(4)
                    && mac::<Hmac<Sha256>>(&self.0, pieces)
                        .verify_truncated_left(value)
                        .is_ok()
            }
        }
    }
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
