//! Who sends push messages: VAPID (RFC 8292).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

use crate::outgoing::Address;

/// How long a signed claim is good; push services take no more than a day. Half of it, so that a
/// clock that is wrong by hours does no harm.
const GOOD_FOR: Duration = Duration::from_secs(12 * 3600);

/// The key pair that subscriptions of browsers are bound to. It is made once: with another one,
/// every browser would have to subscribe again.
pub struct Vapid {
    key: SigningKey,
    contact: String,
}

/// A text is not a key that [`Vapid::written`] has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of push messages in the store cannot be read")]
pub struct BadKey;

impl Vapid {
    /// A new pair.
    pub fn draw(contact: String) -> Result<Vapid, getrandom::Error> {
        loop {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret)?;
            // Of 2^32 numbers one is none of the curve's.
            if let Ok(key) = SigningKey::from_slice(&secret) {
                return Ok(Vapid { key, contact });
            }
        }
    }

    /// The pair that was kept. `contact` is a `mailto:` or `https:` address by which a push service
    /// reaches whoever runs this server.
    pub fn read(text: &str, contact: String) -> Result<Vapid, BadKey> {
        let secret = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey)?;
        let key = SigningKey::from_slice(&secret).map_err(|_| BadKey)?;
        Ok(Vapid { key, contact })
    }

    /// The secret half, to be kept.
    pub fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.to_bytes())
    }

    /// The public half as browsers subscribe with it: an uncompressed point in base64url.
    pub fn public(&self) -> String {
        let point = self.key.verifying_key().to_sec1_point(false);
        URL_SAFE_NO_PAD.encode(point.as_bytes())
    }

    /// What goes into `Authorization` of a message to this endpoint; `unix` is the time.
    pub fn authorization(&self, endpoint: &Address, unix: Duration) -> String {
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let claims = json!({
            "aud": endpoint.origin(),
            "exp": (unix + GOOD_FOR).as_secs(),
            "sub": self.contact,
        });
        let signed = format!(
            "{}.{}",
            part(json!({ "typ": "JWT", "alg": "ES256" })),
            part(claims)
        );
        let signature: Signature = self.key.sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public())
    }
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vapid({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_reads_back_and_its_secret_is_not_printed() {
        let vapid = Vapid::draw(String::new()).unwrap();
        let again = Vapid::read(&vapid.written(), String::new()).unwrap();
        assert_eq!(vapid.public(), again.public());
        assert_eq!(vapid.public().len(), 87);
        assert!(!format!("{vapid:?}").contains(&vapid.written()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zero = URL_SAFE_NO_PAD.encode([0; 32]);
        for text in ["", "AAAA", "not base64!", &zero] {
            assert!(Vapid::read(text, String::new()).is_err(), "{text}");
        }
    }
}
