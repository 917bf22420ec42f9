//! Writes a STUN message into a buffer of the caller.

use std::net::SocketAddr;

use super::attribute as attr;
use super::fingerprint::fingerprint;
use super::{Class, HEADER_LEN, Integrity, Key, MAGIC_COOKIE, Method, TransactionId};

/// Builds one message front to back; the length field is right after every step.
///
/// What does not fit any more is noticed, not written: [`Writer::finish`] then gives `None`.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    transaction: TransactionId,
    len: usize,
    overflow: bool,
}

impl<'a> Writer<'a> {
    /// Begins a message.
    pub fn new(
        buffer: &'a mut [u8],
        class: Class,
        method: Method,
        transaction: TransactionId,
    ) -> Writer<'a> {
        let mut writer = Writer {
            buffer,
            transaction,
            len: 0,
            overflow: false,
        };
        writer.push(&message_type(class, method).to_be_bytes());
        writer.push(&[0, 0]);
        writer.push(&MAGIC_COOKIE);
        writer.push(&transaction.0);
        writer
    }

    /// Adds an attribute, padded with zeros to four bytes.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.attribute_head(kind, value.len());
        self.push(value);
        self.push(&[0; 3][..value.len().next_multiple_of(4) - value.len()]);
        self.set_length(self.len)
    }

    /// Adds an attribute that is so many zeros.
    pub(crate) fn zeros(&mut self, kind: u16, len: usize) -> &mut Self {
        self.attribute_head(kind, len);
        for _ in 0..len.div_ceil(4) {
            self.push(&[0; 4]);
        }
        self.set_length(self.len)
    }

    /// Adds an attribute that is an address, not XORed.
    pub fn address(&mut self, kind: u16, address: SocketAddr) -> &mut Self {
        let mut value = [0; 20];
        let len = attr::write_address(address, &mut value);
        self.attribute(kind, &value[..len])
    }

    /// Adds an attribute that is an XORed address.
    pub fn xor_address(&mut self, kind: u16, address: SocketAddr) -> &mut Self {
        let mut value = [0; 20];
        let len = attr::write_xor_address(address, &self.transaction, &mut value);
        self.attribute(kind, &value[..len])
    }

    /// Adds ERROR-CODE (RFC 8489 section 14.8). `code` is 300 to 699; the reason is optional.
    pub fn error_code(&mut self, code: u16, reason: &str) -> &mut Self {
        let mut value = [0; 4 + 60];
        let reason = &reason.as_bytes()[..reason.len().min(60)];
        value[2] = (code / 100) as u8;
        value[3] = (code % 100) as u8;
        value[4..4 + reason.len()].copy_from_slice(reason);
        self.attribute(attr::ERROR_CODE, &value[..4 + reason.len()])
    }

    /// Adds MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 over what is there so far.
    pub fn integrity(&mut self, kind: Integrity, key: &Key) -> &mut Self {
        let (attribute, value_len) = match kind {
            Integrity::Sha1 => (attr::MESSAGE_INTEGRITY, 20),
            Integrity::Sha256 => (attr::MESSAGE_INTEGRITY_SHA256, 32),
        };
        self.set_length(self.len + 4 + value_len);
        match kind {
            Integrity::Sha1 => {
                let value = key.sha1(&[self.written()]);
                self.attribute(attribute, &value)
            }
            Integrity::Sha256 => {
                let value = key.sha256(&[self.written()]);
                self.attribute(attribute, &value)
            }
        }
    }

    /// Adds FINGERPRINT; nothing may follow it.
    pub fn fingerprint(&mut self) -> &mut Self {
        self.set_length(self.len + 8);
        let value = fingerprint(&[self.written()]);
        self.attribute(attr::FINGERPRINT, &value.to_be_bytes())
    }

    /// The length of the message, or `None` if the buffer was too small for it.
    pub fn finish(&self) -> Option<usize> {
        (!self.overflow).then_some(self.len)
    }

    /// Begins an attribute whose value is already where it will be looked for, right behind:
    /// the way to wrap a datagram in a Data indication without moving it. The value and its
    /// padding are counted as written.
    pub(crate) fn attribute_around(&mut self, kind: u16, value_len: usize) -> &mut Self {
        self.attribute_head(kind, value_len);
        let padding = value_len.next_multiple_of(4) - value_len;
        if self.len + value_len + padding > self.buffer.len() {
            self.overflow = true;
            return self;
        }
        self.len += value_len;
        self.push(&[0; 3][..padding]);
        self.set_length(self.len)
    }

    fn attribute_head(&mut self, kind: u16, value_len: usize) {
        self.push(&kind.to_be_bytes());
        let Ok(length) = u16::try_from(value_len) else {
            self.overflow = true;
            return;
        };
        self.push(&length.to_be_bytes());
    }

    fn written(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(space) if !self.overflow => {
                space.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.overflow = true,
        }
    }

    fn set_length(&mut self, end: usize) -> &mut Self {
        match u16::try_from(end.saturating_sub(HEADER_LEN)) {
            Ok(length) if self.len >= HEADER_LEN => {
                self.buffer[2..4].copy_from_slice(&length.to_be_bytes());
            }
            _ => self.overflow = true,
        }
        self
    }
}

/// Interleaves method and class (RFC 8489 section 5, figure 3).
fn message_type(class: Class, Method(method): Method) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    (method & 0x0f80) << 2 | (method & 0x0070) << 1 | (method & 0x000f) | class
}
