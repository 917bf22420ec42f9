//! The long-term credential mechanism (RFC 8489 section 9.2.4), in the order it asks for.

use protocol::time::Now;

use super::Server;
use crate::allocation::FiveTuple;
use crate::reply::{Answer, Challenge, Envelope, Refusal};
use crate::stun::{Key, Message, Method, attribute as attr};

/// The longest USERNAME (RFC 8489 section 14.3: less than 509 bytes).
const MAX_USERNAME_LEN: usize = 508;

/// A request that is known to come from this user.
pub(super) struct User<'m> {
    pub(super) name: &'m str,
    pub(super) key: Key,
    /// The head of its answer, which will be signed with the user's key.
    pub(super) envelope: Envelope,
}

/// What a request is answered whose sender is not known, or must not go on. `None` is silence.
pub(super) type Otherwise = Option<(Envelope, Answer)>;

impl Server {
    /// Finds out whose request this is, or what it is answered instead. Keeps nothing about
    /// sources it does not know, except how full their bucket is.
    pub(super) fn authenticate<'m>(
        &mut self,
        now: Now,
        path: FiveTuple,
        message: &Message<'m>,
    ) -> Result<User<'m>, Otherwise> {
        let envelope = Envelope::of(message);
        let Some(integrity) = message.integrity() else {
            return Err(self.challenge_stranger(now, path, envelope));
        };
        let (Some(name), Some(realm), Some(nonce)) = (
            message.first(attr::USERNAME),
            message.first(attr::REALM),
            message.first(attr::NONCE),
        ) else {
            return Err(refuse(envelope, Refusal::BadRequest));
        };
        // No algorithms are offered, so an honest client names none: either attribute alone, or
        // a list that differs from ours, is a 400.
        if message.first(attr::PASSWORD_ALGORITHM).is_some()
            || message.first(attr::PASSWORD_ALGORITHMS).is_some()
        {
            return Err(refuse(envelope, Refusal::BadRequest));
        }
        let Some((name, key)) = self.find_user(path, name, realm, message) else {
            return Err(self.challenge_guesser(now, path, envelope));
        };
        if !self.nonces.is_fresh(nonce, now.tick, path.client) {
            let answer = self.challenge(now, path, Challenge::StaleNonce);
            return Err(Some((envelope, answer)));
        }
        let is_foreign = self
            .allocations
            .on_path(&path)
            .is_some_and(|(_, allocation)| allocation.share.username() != name);
        let envelope = envelope.signed(integrity, key.clone());
        if is_foreign {
            return Err(refuse(envelope, Refusal::WrongCredentials));
        }
        // An expired credential makes nothing new; what it made before may go on.
        if message.method() == Method::ALLOCATE
            && self.credentials.is_expired(name, now.unix_seconds())
        {
            let answer = self.challenge(now, path, Challenge::Unauthenticated);
            return Err(Some((envelope, answer)));
        }
        Ok(User {
            name,
            key,
            envelope,
        })
    }

    /// The user whose key fits the request. The key of the allocation is tried first: it goes on
    /// being good when the secret or realm it was derived from is replaced.
    fn find_user<'m>(
        &self,
        path: FiveTuple,
        name: &'m [u8],
        realm: &[u8],
        message: &Message<'_>,
    ) -> Option<(&'m str, Key)> {
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| name.len() <= MAX_USERNAME_LEN);
        let is_here = realm == self.credentials.realm().as_bytes();
        let found = name.and_then(|name| {
            let known = self
                .allocations
                .on_path(&path)
                .filter(|(_, allocation)| allocation.share.username() == name)
                .map(|(_, allocation)| &allocation.key)
                .filter(|key| message.verify(key))
                .cloned();
            let find = || self.credentials.find(name, |key| message.verify(key));
            let key = known.or_else(|| is_here.then(find).flatten())?;
            Some((name, key))
        });
        if found.is_none() {
            let _same_work_as_for_a_known_user = message.verify(&self.nobody);
        }
        found
    }

    fn challenge_stranger(&mut self, now: Now, path: FiveTuple, envelope: Envelope) -> Otherwise {
        if !self.challenges.admit(now.tick, path.client.ip()) {
            self.counters.throttled += 1;
            return None;
        }
        Some((
            envelope,
            self.challenge(now, path, Challenge::Unauthenticated),
        ))
    }

    /// Wrong user, wrong password, wrong realm: all the same answer, at a rate that makes
    /// guessing hopeless.
    fn challenge_guesser(&mut self, now: Now, path: FiveTuple, envelope: Envelope) -> Otherwise {
        self.counters.bad_credentials += 1;
        if !self.guesses.admit(now.tick, path.client.ip()) {
            self.counters.throttled += 1;
            return None;
        }
        Some((
            envelope,
            self.challenge(now, path, Challenge::Unauthenticated),
        ))
    }
}

fn refuse(envelope: Envelope, refusal: Refusal) -> Otherwise {
    Some((envelope, Answer::Refused(refusal)))
}
