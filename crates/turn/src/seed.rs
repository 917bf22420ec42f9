//! The one secret a server is started with, and the keys that are derived from it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher13;

/// 32 bytes nobody else knows, from the operating system's source of randomness. The same seed
/// gives the same run.
#[derive(Clone, Copy)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// A key for one purpose; another purpose gets an unrelated one.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.0, &[purpose.as_bytes()])
    }

    /// A keyed hash function for one purpose, so that nobody can choose what collides.
    pub(crate) fn hasher(&self, purpose: &str) -> KeyedHasher {
        let key = self.derive(purpose);
        let mut sip = [0; 16];
        sip.copy_from_slice(&key[..16]);
        KeyedHasher(SipHasher13::new_with_key(&sip))
    }
}

/// The seed stays out of logs.
impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// HMAC-SHA256 over the pieces in order.
pub(crate) fn keyed_hash(key: &[u8; 32], pieces: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

/// Compares by hashing again: the time a difference takes to be found then tells nothing, since a
/// guesser does not know what was compared.
pub(crate) fn is_same(key: &[u8; 32], one: &[u8], other: &[u8]) -> bool {
    keyed_hash(key, &[one]) == keyed_hash(key, &[other])
}

/// Stands in a `HashMap` where the standard library's random state would.
#[derive(Clone, Debug)]
pub(crate) struct KeyedHasher(SipHasher13);

impl std::hash::BuildHasher for KeyedHasher {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        self.0
    }
}
