//! The long-term credential mechanism (RFC 8489 section 9.2.4), in the order it asks for.

use std::borrow::Cow;

use protocol::time::Now;

use super::Server;
use crate::allocation::FiveTuple;
use crate::reply::{Answer, Challenge, Envelope, Refusal};
use crate::stun::{Key, Message, Method, PasswordAlgorithm, attribute as attr, user_hash};

/// The longest USERNAME (RFC 8489 section 14.3: less than 509 bytes).
const MAX_USERNAME_LEN: usize = 508;

/// A request that is known to come from this user.
pub(super) struct User<'m> {
    pub(super) name: Cow<'m, str>,
    pub(super) key: Key,
    /// The head of its answer, which will be signed with the user's key.
    pub(super) envelope: Envelope,
}

/// Who a request says it comes from.
enum Claim<'m> {
    /// USERNAME.
    Name(&'m [u8]),
    /// USERHASH.
    Hash(&'m [u8]),
}

/// What a request is answered whose sender is not known, or must not go on. `None` is silence.
pub(super) type Otherwise = Option<Box<(Envelope, Answer)>>;

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
        let (Some(claim), Some(realm), Some(nonce)) = (
            Claim::of(message),
            message.first(attr::REALM),
            message.first(attr::NONCE),
        ) else {
            return Err(refuse(envelope, Refusal::BadRequest));
        };
        let Some(algorithm) = chosen_algorithm(message) else {
            return Err(refuse(envelope, Refusal::BadRequest));
        };
        let Some((name, key)) = self.find_user(path, claim, realm, algorithm, message) else {
            return Err(self.challenge_guesser(now, path, envelope));
        };
        if self.revoked.contains(&name) {
            return Err(self.challenge_guesser(now, path, envelope));
        }
        // A nonce of the control connection is as good where a connection is to be bound, so that
        // this takes no further round trip.
        let control = self.with_connection(message);
        let control = control.map(|(_, allocation)| allocation.path.client);
        let mut clients = [Some(path.client), control].into_iter().flatten();
        if !clients.any(|client| self.nonces.is_fresh(nonce, now.tick, client)) {
            let answer = self.challenge(now, path, Challenge::StaleNonce);
            return Err(Some(Box::new((envelope, answer))));
        }
        let is_foreign = self
            .allocations
            .on_path(&path)
            .is_some_and(|(_, allocation)| allocation.share.username() != &*name);
        let envelope = envelope.signed(integrity, key.clone());
        if is_foreign {
            return Err(refuse(envelope, Refusal::WrongCredentials));
        }
        // An expired credential makes nothing new; what it made before may go on.
        if message.method() == Method::ALLOCATE
            && self.credentials.is_expired(&name, now.unix_seconds())
        {
            let answer = self.challenge(now, path, Challenge::Unauthenticated);
            return Err(Some(Box::new((envelope, answer))));
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
        claim: Claim<'m>,
        realm: &[u8],
        algorithm: PasswordAlgorithm,
        message: &Message<'_>,
    ) -> Option<(Cow<'m, str>, Key)> {
        self.find_owner(path, &claim, realm, message)
            .or_else(|| self.find_account(claim, realm, algorithm, message))
    }

    /// The user of the allocation on this 5-tuple, or of that which is to move here or has a
    /// connection to be bound here, if the request is theirs.
    fn find_owner<'m>(
        &self,
        path: FiveTuple,
        claim: &Claim<'m>,
        realm: &[u8],
        message: &Message<'_>,
    ) -> Option<(Cow<'m, str>, Key)> {
        let (_, allocation) = self
            .allocations
            .on_path(&path)
            .or_else(|| self.with_ticket(message))
            .or_else(|| self.with_connection(message))?;
        let owner = allocation.share.username();
        let is_theirs = match claim {
            Claim::Name(name) => *name == owner.as_bytes(),
            Claim::Hash(hash) => {
                std::str::from_utf8(realm).is_ok_and(|realm| *hash == user_hash(owner, realm))
            }
        };
        let fits = is_theirs && message.verify(&allocation.key);
        fits.then(|| (Cow::Owned(owner.to_owned()), allocation.key.clone()))
    }

    fn find_account<'m>(
        &self,
        claim: Claim<'m>,
        realm: &[u8],
        algorithm: PasswordAlgorithm,
        message: &Message<'_>,
    ) -> Option<(Cow<'m, str>, Key)> {
        if realm != self.credentials.realm().as_bytes() {
            return None;
        }
        let name = match claim {
            Claim::Name(name) => {
                let name = std::str::from_utf8(name).ok();
                Cow::Borrowed(name.filter(|name| name.len() <= MAX_USERNAME_LEN)?)
            }
            // No user is called nothing.
            Claim::Hash(hash) => {
                Cow::Owned(self.credentials.name_of(hash).unwrap_or("").to_owned())
            }
        };
        let key = self
            .credentials
            .find(&name, algorithm, |key| message.verify(key))?;
        Some((name, key))
    }

    fn challenge_stranger(&mut self, now: Now, path: FiveTuple, envelope: Envelope) -> Otherwise {
        if !self.challenges.admit(now.tick, path.client.ip()) {
            self.counters.throttled += 1;
            return None;
        }
        let answer = self.challenge(now, path, Challenge::Unauthenticated);
        Some(Box::new((envelope, answer)))
    }

    /// Wrong user, wrong password, wrong realm: all the same answer, at a rate that makes
    /// guessing hopeless.
    fn challenge_guesser(&mut self, now: Now, path: FiveTuple, envelope: Envelope) -> Otherwise {
        self.counters.bad_credentials += 1;
        if !self.guesses.admit(now.tick, path.client.ip()) {
            self.counters.throttled += 1;
            return None;
        }
        let answer = self.challenge(now, path, Challenge::Unauthenticated);
        Some(Box::new((envelope, answer)))
    }
}

impl<'m> Claim<'m> {
    fn of(message: &Message<'m>) -> Option<Claim<'m>> {
        let name = message.first(attr::USERNAME).map(Claim::Name);
        name.or_else(|| message.first(attr::USERHASH).map(Claim::Hash))
    }
}

/// How the key of a request was made. Both attributes absent is what RFC 5389 means by absent: MD5.
/// Otherwise both have to be there, the list as it was offered, and the choice one of it; a list
/// that was edited on its way to the client is found out here. `None` is a 400.
fn chosen_algorithm(message: &Message<'_>) -> Option<PasswordAlgorithm> {
    let chosen = message.first(attr::PASSWORD_ALGORITHM);
    let offered = message.first(attr::PASSWORD_ALGORITHMS);
    match (chosen, offered) {
        (None, None) => Some(PasswordAlgorithm::Md5),
        (Some(chosen), Some(offered)) if offered == PasswordAlgorithm::OFFER => {
            PasswordAlgorithm::read(chosen)
        }
        _ => None,
    }
}

fn refuse(envelope: Envelope, refusal: Refusal) -> Otherwise {
    Some(Box::new((envelope, Answer::Refused(refusal))))
}
