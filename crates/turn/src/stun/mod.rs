//! STUN messages (RFC 8489): a read-only view, the attributes a relay needs, and a writer.
//!
//! The view borrows the datagram and the writer fills a buffer of the caller, so that a request
//! is answered without a heap allocation. Nothing here panics on what a network can send.

pub mod attribute;
mod fingerprint;
mod integrity;
mod message;
#[cfg(test)]
mod vectors;
mod writer;

pub use integrity::{Integrity, Key, PasswordAlgorithm, user_hash};
pub use message::{Attributes, Class, Malformed, Message, Method, TransactionId};
pub use writer::Writer;

/// Bytes of a STUN header (RFC 8489 section 5).
pub const HEADER_LEN: usize = 20;

/// The fixed value that tells STUN from other protocols (RFC 8489 section 5).
pub const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
