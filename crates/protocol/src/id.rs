//! Identifiers: 128 random bits, written as 22 characters of unpadded base64url.
//!
//! Ids of calls, chat messages and rooms are made by clients, so that a repeated request is
//! recognised even after the server has restarted. There is exactly one way to write each id:
//! a text whose unused trailing bits are set is refused.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ts_rs::TS;

/// Characters of an id on the wire.
pub const ID_CHARS: usize = 22;

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 22 characters of base64url (128 bits)")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(try_from = "String", into = "String")]
        #[ts(type = "string")]
        pub struct $name([u8; 16]);

        impl Ord for $name {
            /// The order of their bytes, compared as the number they are: trees of ids do little else.
            fn cmp(&self, other: &Self) -> Ordering {
                u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The id with these 128 bits.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its 128 bits.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id!(
    /// A room: what a link names. Made by the client that makes the link.
    RoomId
);
id!(
    /// One gathering in a room. Proposed by the client that opens it.
    CallId
);
id!(
    /// A participant's seat in one call; see [`ParticipantId::of`].
    ParticipantId
);
id!(
    /// What joins two participants and owns one peer connection. Made by the server.
    ConnectionId
);
id!(
    /// A chat message. Made by the client that sends it.
    ChatId
);
id!(
    /// A ring: one attempt to ask a person into a call. Made by the caller's client.
    RingId
);
id!(
    /// A person with an account.
    UserId
);
id!(
    /// One sign-in of a person on a device, which can be revoked.
    LoginId
);
id!(
    /// A session: one connected device. Made by the server.
    SessionId
);
id!(
    /// A device: the fingerprint of its public key; see [`DeviceId::of`].
    DeviceId
);
id!(
    /// One run of the server. Sessions of an earlier epoch cannot be resumed.
    Epoch
);
id!(
    /// A single-use permission to open a session, valid 30 s.
    Ticket
);
id!(
    /// What a client shows to resume its session; changes at every resume.
    ResumeToken
);

impl DeviceId {
    /// The device that holds the private half of this key (P-256, uncompressed point, 65 bytes).
    ///
    /// An id that anyone can derive from the key cannot be claimed without the key.
    pub fn of(public_key: &[u8]) -> DeviceId {
        DeviceId(digest(&[b"dialtone device", public_key]))
    }
}

impl ParticipantId {
    /// The seat of this device in this call.
    ///
    /// It is derived, not drawn, so that after a restart of the server the device gets the same
    /// seat again and nobody else can ask for it.
    pub fn of(call: CallId, device: DeviceId) -> ParticipantId {
        ParticipantId(digest(&[b"dialtone participant", &call.0, &device.0]))
    }
}

fn parse(text: &str) -> Result<[u8; 16], IdError> {
    if text.len() != ID_CHARS {
        return Err(IdError);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| IdError)?;
    bytes.try_into().map_err(|_| IdError)
}

fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = CallId::from_bytes([0xfb; 16]);
        assert_eq!(id.to_string().len(), ID_CHARS);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn there_is_one_way_to_write_an_id() {
        assert!("AAAAAAAAAAAAAAAAAAAAAA".parse::<CallId>().is_ok());
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAA/",
            "AAAAAAAAAAAAAAAAAAAA é",
        ] {
            assert_eq!(text.parse::<CallId>(), Err(IdError), "{text:?}");
        }
    }

    #[test]
    fn ids_are_in_the_order_of_their_bytes() {
        let low = CallId::from_bytes([0x7f; 16]);
        let mut bytes = [0x7f; 16];
        bytes[15] = 0xff;
        let middle = CallId::from_bytes(bytes);
        let high = CallId::from_bytes([0x80; 16]);
        assert!(low < middle && middle < high);
    }

    #[test]
    fn a_device_has_another_seat_in_every_call() {
        let device = DeviceId::of(b"key");
        let here = ParticipantId::of(CallId::from_bytes([1; 16]), device);
        let there = ParticipantId::of(CallId::from_bytes([2; 16]), device);
        assert_ne!(here, there);
    }
}
