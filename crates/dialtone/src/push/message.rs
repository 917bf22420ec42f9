//! What a push message says, and how it is sealed (RFC 8291).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::id::RingId;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Subscriber, Vapid};
use crate::outgoing::Address;

/// Every message is made this long with spaces, which mean nothing in JSON: its length tells a push
/// service neither what happened nor how long a name is. A name has at most 64 characters, 12 bytes
/// each where JSON escapes them all.
const BYTES: usize = 1024;

/// What the service worker is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// Somebody calls.
    Ring {
        /// The ring.
        ring: RingId,
        /// Who calls.
        name: String,
        /// With video.
        video: bool,
        /// When it stops ringing, in milliseconds since the Unix epoch.
        expires_ms: u64,
    },
    /// It does not ring any more.
    Over {
        /// The ring.
        ring: RingId,
        /// Who called.
        name: String,
        /// What became of it.
        reason: Over,
    },
}

/// What became of a ring, as those see it who did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Another device answered.
    AnsweredElsewhere,
    /// The person declined on another device.
    DeclinedElsewhere,
    /// Nobody answered.
    Missed,
}

impl Over {
    /// How long it is worth being told. A missed call is news for a day; that somebody answered
    /// matters where it may still ring.
    pub fn lifetime(self) -> Duration {
        match self {
            Over::Missed => Duration::from_secs(24 * 3600),
            Over::AnsweredElsewhere | Over::DeclinedElsewhere => Duration::from_secs(3600),
        }
    }
}

impl Message {
    fn ring(&self) -> RingId {
        match self {
            Message::Ring { ring, .. } | Message::Over { ring, .. } => *ring,
        }
    }

    /// What only this subscriber can read.
    pub fn sealed_for(&self, subscriber: &Subscriber) -> Option<Vec<u8>> {
        let mut text = serde_json::to_vec(self).ok()?;
        text.resize(text.len().max(BYTES), b' ');
        web_push_native::encrypt(text, &subscriber.key, &subscriber.auth.into()).ok()
    }

    /// The head of its request (RFC 8030 and 8292), given how long it is worth delivering, at the
    /// time `unix`.
    pub fn headers(
        &self,
        to: &Address,
        vapid: &Vapid,
        lifetime: Duration,
        unix: Duration,
    ) -> Option<HeaderMap> {
        let text = |text: String| HeaderValue::try_from(text).ok();
        Some(HeaderMap::from_iter([
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            ),
            (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (HeaderName::from_static("ttl"), lifetime.as_secs().into()),
            (
                HeaderName::from_static("urgency"),
                HeaderValue::from_static("high"),
            ),
            // One for each ring: what waits for a device is replaced by what came of it.
            (HeaderName::from_static("topic"), text(topic(self.ring()))?),
            (AUTHORIZATION, text(vapid.authorization(to, unix))?),
        ]))
    }
}

/// At most 32 characters of base64url. Not the ring's id itself, which is nobody else's business.
fn topic(ring: RingId) -> String {
    let digest = Sha256::new()
        .chain_update(b"dialtone push topic")
        .chain_update(ring.as_bytes())
        .finalize();
    URL_SAFE_NO_PAD.encode(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_same_for_one_ring_and_not_its_id() {
        let (one, other) = (RingId::from_bytes([1; 16]), RingId::from_bytes([2; 16]));
        assert_eq!(topic(one), topic(one));
        assert_ne!(topic(one), topic(other));
        assert_ne!(topic(one), one.to_string());
        assert!(topic(one).len() <= 32);
    }

    #[test]
    fn the_longest_name_fits() {
        let message = Message::Ring {
            ring: RingId::from_bytes([0xff; 16]),
            name: "\u{1}".repeat(protocol::limits::NAME_CHARS),
            video: false,
            expires_ms: u64::MAX,
        };
        assert!(serde_json::to_vec(&message).unwrap().len() < BYTES);
        let message = Message::Over {
            ring: RingId::from_bytes([0xff; 16]),
            name: "\u{10ffff}".repeat(protocol::limits::NAME_CHARS),
            reason: Over::DeclinedElsewhere,
        };
        assert!(serde_json::to_vec(&message).unwrap().len() < BYTES);
    }
}
