//! Who is woken by push messages: what a browser gave, read once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::id::LoginId;
use web_push_native::p256::PublicKey;

use crate::outgoing::{Address, BadAddress, Outgoing};
use crate::store::Subscription;

/// A public key as browsers give it: an uncompressed point of P-256.
const KEY_BYTES: usize = 65;

/// A device that can be woken.
#[derive(Clone)]
pub struct Subscriber {
    /// The sign-in it belongs to.
    pub login: LoginId,
    /// Where messages to it go.
    pub endpoint: Address,
    pub(super) key: PublicKey,
    pub(super) auth: [u8; 16],
}

/// Why a subscription is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubscription {
    /// The endpoint.
    #[error("{0}")]
    Endpoint(#[from] BadAddress),
    /// The browser's public key.
    #[error("`p256dh` is not a public key: 65 bytes in base64url, a point of P-256.")]
    Key,
    /// The browser's secret.
    #[error("`auth` is not 16 bytes in base64url.")]
    Auth,
}

/// What a browser gives as JSON, as it is kept.
pub fn read(
    outgoing: &Outgoing,
    login: LoginId,
    endpoint: &str,
    p256dh: &str,
    auth: &str,
) -> Result<Subscription, BadSubscription> {
    // Browsers leave the padding out; who writes it means the same.
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let subscription = Subscription {
        login,
        endpoint: outgoing.address(endpoint)?.as_str().to_owned(),
        p256dh: decode(p256dh).map_err(|_| BadSubscription::Key)?,
        auth: decode(auth).map_err(|_| BadSubscription::Auth)?,
    };
    Subscriber::of(outgoing, &subscription)?;
    Ok(subscription)
}

impl Subscriber {
    /// Makes sense of what was kept.
    pub fn of(outgoing: &Outgoing, kept: &Subscription) -> Result<Subscriber, BadSubscription> {
        if kept.p256dh.len() != KEY_BYTES {
            return Err(BadSubscription::Key);
        }
        let auth = kept.auth.as_slice().try_into();
        Ok(Subscriber {
            login: kept.login,
            endpoint: outgoing.address(&kept.endpoint)?,
            key: PublicKey::from_sec1_bytes(&kept.p256dh).map_err(|_| BadSubscription::Key)?,
            auth: auth.map_err(|_| BadSubscription::Auth)?,
        })
    }
}

/// The rest is between the browser and us.
impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {:?}", self.login, self.endpoint)
    }
}
