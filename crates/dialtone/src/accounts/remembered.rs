//! Who had tickets lately: whoever is in a call gets back into it while the store does not answer.
//!
//! A call that goes on outlives a store that fails, but not a client that loses its connection and
//! gets no ticket any more. Whatever is revoked empties this: then the store is asked again.

use std::collections::HashMap;

use exchange::Bearer;

use super::secrets::SecretHash;

/// Who is remembered at once. When there are more, all are forgotten.
const PEOPLE: usize = 20_000;

/// What the store said when it was asked last.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Whether guests were welcome; `None` if it was never asked.
    pub guests: Option<bool>,
    people: HashMap<[u8; 32], Bearer>,
}

impl Remembered {
    /// The store knows them by what has this hash, and they may have tickets.
    pub fn add(&mut self, secret: SecretHash, bearer: Bearer) {
        if self.people.len() >= PEOPLE {
            self.people.clear();
        }
        self.people.insert(secret.0, bearer);
    }

    /// Whom the store knew by it.
    pub fn find(&self, secret: SecretHash) -> Option<Bearer> {
        self.people.get(&secret.0).cloned()
    }

    /// Something was revoked.
    pub fn forget(&mut self) {
        self.people.clear();
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::{LoginId, UserId};

    use super::*;

    #[test]
    fn it_is_bounded_and_forgets_when_something_is_revoked() {
        let mut remembered = Remembered::default();
        let member = Bearer::Member {
            user: UserId::from_bytes([1; 16]),
            login: LoginId::from_bytes([2; 16]),
        };
        let hash = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_be_bytes());
            SecretHash(hash)
        };
        for n in 0..50_000 {
            remembered.add(hash(n), member.clone());
            assert!(remembered.people.len() <= PEOPLE);
        }
        assert_eq!(remembered.find(hash(49_999)), Some(member));
        remembered.forget();
        assert_eq!(remembered.find(hash(49_999)), None);
    }
}
