//! A view of a received STUN message.

use super::attribute as attr;
use super::fingerprint::fingerprint;
use super::{HEADER_LEN, Integrity, Key, MAGIC_COOKIE};

/// The 96 bits that join a response to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionId(pub [u8; 12]);

/// The class of a message (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none, and never gets one.
    Indication,
    /// Grants a request.
    Success,
    /// Refuses a request.
    Error,
}

/// The method of a message, 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(pub u16);

impl Method {
    /// Binding (RFC 8489 section 3).
    pub const BINDING: Method = Method(0x001);
    /// Allocate (RFC 8656 section 7).
    pub const ALLOCATE: Method = Method(0x003);
    /// Refresh (RFC 8656 section 8).
    pub const REFRESH: Method = Method(0x004);
    /// Send (RFC 8656 section 11).
    pub const SEND: Method = Method(0x006);
    /// Data (RFC 8656 section 11).
    pub const DATA: Method = Method(0x007);
    /// CreatePermission (RFC 8656 section 10).
    pub const CREATE_PERMISSION: Method = Method(0x008);
    /// ChannelBind (RFC 8656 section 12).
    pub const CHANNEL_BIND: Method = Method(0x009);
    /// Connect (RFC 6062 section 4.3).
    pub const CONNECT: Method = Method(0x00a);
    /// ConnectionBind (RFC 6062 section 4.3).
    pub const CONNECTION_BIND: Method = Method(0x00b);
    /// ConnectionAttempt (RFC 6062 section 4.4).
    pub const CONNECTION_ATTEMPT: Method = Method(0x00c);
}

/// Why bytes are not a STUN message that may be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than a header, or the first two bits or the magic cookie are not STUN's.
    #[error("not STUN")]
    NotStun,
    /// The length field is no multiple of four, or not the length of the datagram.
    #[error("the length field does not fit the datagram")]
    Length,
    /// An attribute runs over the end, or an integrity value or FINGERPRINT has a wrong length.
    #[error("an attribute has an impossible length")]
    Attribute,
    /// FINGERPRINT is not the last attribute, or not the checksum of the message.
    #[error("FINGERPRINT does not match")]
    Fingerprint,
}

/// A datagram that is well-formed STUN with, if it has one, a matching FINGERPRINT.
///
/// Attributes are seen only up to the first integrity attribute: what follows it is not
/// protected and is ignored, as RFC 8489 section 14.5 asks.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Where the visible attributes end.
    visible_end: usize,
    sha1_at: Option<usize>,
    sha256_at: Option<usize>,
    has_fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Whether bytes could be STUN, from a look at the first one (RFC 7983).
    pub fn looks_like_stun(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| *first < 4)
    }

    /// Checks a whole datagram. Never panics.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Malformed> {
        check_header(bytes)?;
        let mut message = Message {
            bytes,
            visible_end: bytes.len(),
            sha1_at: None,
            sha256_at: None,
            has_fingerprint: false,
        };
        let mut at = HEADER_LEN;
        while at < bytes.len() {
            let (kind, value, next) = attribute_at(bytes, at).ok_or(Malformed::Attribute)?;
            message.note(kind, value, at, next)?;
            at = next;
        }
        Ok(message)
    }

    /// The class of the message.
    pub fn class(&self) -> Class {
        match (self.bytes[0] & 1, self.bytes[1] & 0x10) {
            (0, 0) => Class::Request,
            (0, _) => Class::Indication,
            (_, 0) => Class::Success,
            _ => Class::Error,
        }
    }

    /// The method of the message.
    pub fn method(&self) -> Method {
        let kind = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        Method((kind & 0x3e00) >> 2 | (kind & 0x00e0) >> 1 | (kind & 0x000f))
    }

    /// The transaction id of the message.
    pub fn transaction(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LEN]);
        TransactionId(id)
    }

    /// Whether the message carries a (matching) FINGERPRINT.
    pub fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// The visible attributes in their order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            bytes: &self.bytes[..self.visible_end],
            at: HEADER_LEN,
        }
    }

    /// The value of the first visible attribute of this type; later ones do not count
    /// (RFC 8489 section 14).
    pub fn first(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes()
            .find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }

    /// Which integrity attribute counts; the SHA-256 one if there are both.
    pub fn integrity(&self) -> Option<Integrity> {
        match (self.sha256_at, self.sha1_at) {
            (Some(_), _) => Some(Integrity::Sha256),
            (None, Some(_)) => Some(Integrity::Sha1),
            (None, None) => None,
        }
    }

    /// Whether the integrity attribute that counts was made with this key.
    pub fn verify(&self, key: &Key) -> bool {
        let Some(kind) = self.integrity() else {
            return false;
        };
        self.with_protected(kind, |pieces, value| key.verify(kind, pieces, value))
    }

    /// Hands over what an integrity attribute covers, its length field ending at that attribute,
    /// and the value of the attribute.
    pub(super) fn with_protected(
        &self,
        kind: Integrity,
        check: impl FnOnce(&[&[u8]], &[u8]) -> bool,
    ) -> bool {
        let at = match kind {
            Integrity::Sha1 => self.sha1_at,
            Integrity::Sha256 => self.sha256_at,
        };
        let Some((at, (_, value, next))) =
            at.and_then(|at| Some((at, attribute_at(self.bytes, at)?)))
        else {
            return false;
        };
        let head = head_with_end(self.bytes, next);
        check(&[&head, &self.bytes[4..at]], value)
    }

    /// Takes note of one attribute of the walk over the whole message.
    fn note(&mut self, kind: u16, value: &[u8], at: usize, next: usize) -> Result<(), Malformed> {
        match kind {
            attr::FINGERPRINT => return self.note_fingerprint(value, at, next),
            attr::MESSAGE_INTEGRITY if self.sha1_at.is_none() && self.sha256_at.is_none() => {
                if value.len() != 20 {
                    return Err(Malformed::Attribute);
                }
                self.sha1_at = Some(at);
            }
            attr::MESSAGE_INTEGRITY_SHA256 if self.sha256_at.is_none() => {
                self.sha256_at = Some(at);
            }
            _ => return Ok(()),
        }
        self.visible_end = self.visible_end.min(at);
        Ok(())
    }

    fn note_fingerprint(&mut self, value: &[u8], at: usize, next: usize) -> Result<(), Malformed> {
        if next != self.bytes.len() {
            return Err(Malformed::Fingerprint);
        }
        let sent = attr::read_u32(value).ok_or(Malformed::Attribute)?;
        if sent != fingerprint(&[&self.bytes[..at]]) {
            return Err(Malformed::Fingerprint);
        }
        self.has_fingerprint = true;
        self.visible_end = self.visible_end.min(at);
        Ok(())
    }
}

/// Iterates over `(type, value)`.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, value, next) = attribute_at(self.bytes, self.at)?;
        self.at = next;
        Some((kind, value))
    }
}

fn check_header(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.len() < HEADER_LEN || bytes[0] & 0xc0 != 0 || bytes[4..8] != MAGIC_COOKIE {
        return Err(Malformed::NotStun);
    }
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    if !length.is_multiple_of(4) || HEADER_LEN + length != bytes.len() {
        return Err(Malformed::Length);
    }
    Ok(())
}

/// Type and value of the attribute at an offset, and where the next one begins.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let padded = length.next_multiple_of(4);
    if padded > rest.len() {
        return None;
    }
    Some((kind, &rest[..length], at + 4 + padded))
}

/// The first four bytes of the message with a length field as if it ended there.
fn head_with_end(bytes: &[u8], end: usize) -> [u8; 4] {
    let [high, low] = u16::try_from(end - HEADER_LEN)
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [bytes[0], bytes[1], high, low]
}
