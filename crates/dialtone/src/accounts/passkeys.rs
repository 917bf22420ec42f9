//! Passkeys (WebAuthn): what identifies this server to them, and ceremonies that are going on.
//!
//! A ceremony is two requests: the server draws a challenge, the authenticator signs it. What the
//! server has to remember in between stays here, is good once and for five minutes, and there are
//! only so many at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::id::UserId;
use protocol::text::Name;
use serde_json::{Value, json};
use webauthn_rs::prelude::*;

use super::names::LoginName;
use super::secrets::{Secret, SecretHash};
use crate::addresses::subscriber;

/// How long a person may take to find the key.
const LASTS: Duration = Duration::from_secs(5 * 60);

/// Ceremonies at once: of all, and of one address, which may be an office's.
const IN_ALL: usize = 4_096;
const OF_ONE_ADDRESS: usize = 64;

/// What this server is to authenticators: passkeys are bound to one host name.
#[derive(Debug)]
pub struct RelyingParty {
    id: String,
    webauthn: Webauthn,
}

/// Why a ceremony failed; the text is for whoever takes part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Too many are going on.
    #[error("Too many sign-ins are going on. Try again in a moment.")]
    Busy,
    /// Unknown, used, or too old.
    #[error("This attempt is over: it took too long or was answered already. Begin again.")]
    Over,
    /// The authenticator's answer is not good.
    #[error("The passkey was not accepted.")]
    Refused,
    /// The system has no randomness to give.
    #[error("The server has a problem.")]
    Internal,
}

impl RelyingParty {
    /// For a host by its name; `None` for an address, which passkeys cannot be bound to.
    pub fn of(host: &str) -> Option<RelyingParty> {
        let id = host.to_ascii_lowercase();
        let secure = Url::parse(&format!("https://{id}")).ok()?;
        // Browsers trust pages from this machine without TLS.
        let local = Url::parse("http://localhost").ok()?;
        let mut builder = WebauthnBuilder::new(&id, &secure).ok()?;
        builder = builder.rp_name("Dialtone").allow_any_port(true);
        if id == "localhost" {
            builder = builder.append_allowed_origin(&local);
        }
        let webauthn = builder.timeout(LASTS).build().ok()?;
        Some(RelyingParty { id, webauthn })
    }

    /// The host name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Begins to make a passkey. `options` are for `parseCreationOptionsFromJSON` of the browser.
    pub fn begin_making(
        &self,
        user: UserId,
        login: &LoginName,
        name: &Name,
        existing: &[Passkey],
    ) -> Result<(Value, PasskeyRegistration), Failure> {
        let user = Uuid::from_bytes(*user.as_bytes());
        let exclude = existing.iter().map(|key| key.cred_id().clone()).collect();
        let begun =
            self.webauthn
                .start_passkey_registration(user, login.as_str(), name, Some(exclude));
        let (challenge, state) = begun.map_err(|_| Failure::Internal)?;
        let mut options = json!(challenge.public_key);
        // Signing in asks for no name: the authenticator has to remember whose the key is.
        options["authenticatorSelection"]["residentKey"] = "required".into();
        options["authenticatorSelection"]["requireResidentKey"] = true.into();
        Ok((options, state))
    }

    /// The new passkey.
    pub fn finish_making(
        &self,
        credential: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<Passkey, Failure> {
        let made = self.webauthn.finish_passkey_registration(credential, state);
        made.map_err(|_| Failure::Refused)
    }

    /// Begins to sign somebody in. `options` are for `parseRequestOptionsFromJSON`.
    pub fn begin_signing_in(&self) -> Result<(Value, DiscoverableAuthentication), Failure> {
        let begun = self.webauthn.start_discoverable_authentication();
        let (challenge, state) = begun.map_err(|_| Failure::Internal)?;
        Ok((json!(challenge.public_key), state))
    }

    /// Checks the signature of this passkey, which is changed as it has to be kept from now on.
    pub fn finish_signing_in(
        &self,
        credential: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        passkey: &mut Passkey,
    ) -> Result<(), Failure> {
        let result = self
            .webauthn
            .finish_discoverable_authentication_v2(credential, state, &*passkey);
        let result = result.map_err(|_| Failure::Refused)?;
        passkey.update_credential(&result);
        Ok(())
    }
}

/// Who says to be signing, and with which passkey.
pub fn claimed(credential: &PublicKeyCredential) -> Option<(UserId, &[u8])> {
    let user = credential.get_user_unique_id()?.try_into().ok()?;
    Some((UserId::from_bytes(user), credential.get_credential_id()))
}

/// What a ceremony is for.
#[derive(Debug)]
pub enum Purpose {
    /// Signing in.
    SignIn(Box<DiscoverableAuthentication>),
    /// Making an account, or a passkey of one, by a one-time link.
    ByLink {
        /// The link's secret.
        token: SecretHash,
        /// Whose passkey it will be.
        user: UserId,
        /// What they sign in with.
        login: LoginName,
        /// The name others see.
        name: Name,
        /// Whether the link makes the account.
        is_new: bool,
        /// The challenge.
        state: Box<PasskeyRegistration>,
    },
    /// One more passkey for somebody who is signed in.
    Another {
        /// Who.
        user: UserId,
        /// The challenge.
        state: Box<PasskeyRegistration>,
    },
}

/// Ceremonies that are going on.
#[derive(Debug, Default)]
pub struct Ceremonies {
    table: Mutex<HashMap<String, Ceremony>>,
}

#[derive(Debug)]
struct Ceremony {
    address: IpAddr,
    ends: Instant,
    purpose: Purpose,
}

impl Ceremonies {
    /// Remembers one; what names it is a secret between the server and who began it.
    pub fn begin(&self, address: IpAddr, purpose: Purpose) -> Result<String, Failure> {
        let id = Secret::draw().map_err(|_| Failure::Internal)?.write();
        let (now, address) = (Instant::now(), subscriber(address));
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, ceremony| ceremony.ends > now);
        let own = table.iter().filter(|(_, it)| it.address == address);
        if own.clone().count() >= OF_ONE_ADDRESS {
            // Pages that were left in the middle: the oldest will not come back.
            let oldest = own.min_by_key(|(_, it)| it.ends).map(|(id, _)| id.clone());
            oldest.map(|oldest| table.remove(&oldest));
        } else if table.len() >= IN_ALL {
            return Err(Failure::Busy);
        }
        let ceremony = Ceremony {
            address,
            ends: now + LASTS,
            purpose,
        };
        table.insert(id.clone(), ceremony);
        Ok(id)
    }

    /// Takes it out: whatever comes of it, it is over.
    pub fn finish(&self, id: &str) -> Result<Purpose, Failure> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let ceremony = table.remove(id).ok_or(Failure::Over)?;
        match ceremony.ends > Instant::now() {
            true => Ok(ceremony.purpose),
            false => Err(Failure::Over),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in() -> Purpose {
        let party = RelyingParty::of("localhost").unwrap();
        Purpose::SignIn(Box::new(party.begin_signing_in().unwrap().1))
    }

    #[test]
    fn an_address_is_no_relying_party() {
        for host in [
            "192.0.2.1",
            "[2001:db8::1]",
            "2001:db8::1",
            "",
            "a b",
            "1.2.3",
        ] {
            assert!(RelyingParty::of(host).is_none(), "{host:?}");
        }
        assert_eq!(
            RelyingParty::of("Calls.Example.ORG").unwrap().id(),
            "calls.example.org"
        );
    }

    #[test]
    fn an_authenticator_is_asked_to_remember_the_key() {
        let party = RelyingParty::of("localhost").unwrap();
        let name = Name::try_from("Ada".to_owned()).unwrap();
        let login = "ada".parse().unwrap();
        let user = UserId::from_bytes([7; 16]);
        let (options, _) = party.begin_making(user, &login, &name, &[]).unwrap();
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(
            options["authenticatorSelection"]["userVerification"],
            "required"
        );
        assert_eq!(options["rp"]["id"], "localhost");
        assert_eq!(options["user"]["name"], "ada");
    }

    #[test]
    fn a_ceremony_is_good_once() {
        let ceremonies = Ceremonies::default();
        let id = ceremonies
            .begin("192.0.2.1".parse().unwrap(), sign_in())
            .unwrap();
        assert!(ceremonies.finish(&id).is_ok());
        assert_eq!(ceremonies.finish(&id).unwrap_err(), Failure::Over);
    }

    #[test]
    fn they_are_bounded_and_one_address_crowds_out_only_its_own() {
        let ceremonies = Ceremonies::default();
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let other = ceremonies.begin(there, sign_in()).unwrap();
        let first = ceremonies.begin(here, sign_in()).unwrap();
        for _ in 0..OF_ONE_ADDRESS {
            ceremonies.begin(here, sign_in()).unwrap();
        }
        assert_eq!(ceremonies.table.lock().unwrap().len(), 1 + OF_ONE_ADDRESS);
        assert!(ceremonies.finish(&first).is_err(), "the oldest has gone");
        assert!(ceremonies.finish(&other).is_ok());
    }
}
