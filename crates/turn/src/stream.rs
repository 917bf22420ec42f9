//! Messages on a connection (RFC 8489 section 6.2.2, RFC 8656 section 12.5): a byte stream has no
//! edges, so the length in every header says where the next message begins.
//!
//! A stream that lost its step never finds it again. What cannot be the beginning of a message is
//! therefore the end of the connection.

use crate::channel_data::{self, ChannelData};
use crate::stun::{self, MAGIC_COOKIE, Message};

/// The longest message taken. More than a UDP datagram carries could not be relayed anyway.
pub const MAX_MESSAGE: usize = 65_535;

/// The longest message of somebody who has no allocation: a request with the longest name, realm
/// and nonce that RFC 8489 allows fits. More would let strangers fill memory.
pub const MAX_STRANGERS_MESSAGE: usize = 4096;

/// Messages on a connection begin at multiples of this many bytes.
const ALIGNMENT: usize = 4;

/// What an empty [`Framer`] may go on holding. More saves allocations, less saves memory of
/// connections that are quiet.
const KEPT: usize = 4096;

/// The bytes are no STUN and no ChannelData, or a longer message than is taken: close the
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither STUN nor ChannelData of a length that is taken")]
pub struct OutOfStep;

/// Cuts the bytes of one connection into messages.
///
/// Take messages with [`Framer::next_message`] until it gives `None`, then [`Framer::push`] what
/// came next: so it never holds more than one message and one push.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// How many of them are behind us.
    taken: usize,
}

/// Where a message ends, and where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    len: usize,
    padded: usize,
}

impl Framer {
    /// Adds what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message without its padding, if it is here and at most so long.
    pub fn next_message(&mut self, limit: usize) -> Result<Option<&[u8]>, OutOfStep> {
        let rest = &self.bytes[self.taken..];
        match frame(rest, limit)? {
            Some(frame) if frame.padded <= rest.len() => {
                let start = self.taken;
                self.taken += frame.padded;
                Ok(Some(&self.bytes[start..start + frame.len]))
            }
            _ => {
                self.forget();
                Ok(None)
            }
        }
    }

    /// What is left, of a stream that carries no messages any more.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.drain(..self.taken);
        self.bytes
    }

    /// Whether a message has begun and not ended.
    pub fn is_inside_message(&self) -> bool {
        self.taken < self.bytes.len()
    }

    /// Gives memory back when there is nothing to keep.
    fn forget(&mut self) {
        if !self.is_inside_message() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
            self.taken = 0;
        }
    }
}

/// What begins here; `None` if that cannot be said yet. As much as is here is judged, so that
/// other protocols are found out by their first bytes.
fn frame(bytes: &[u8], limit: usize) -> Result<Option<Frame>, OutOfStep> {
    let is_stun = Message::looks_like_stun(bytes);
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_stun && !ChannelData::looks_like(bytes) {
        return Err(OutOfStep);
    }
    let Some(head) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let len = if is_stun {
        check_stun(bytes, length)?;
        stun::HEADER_LEN + length
    } else {
        channel_data::HEADER_LEN + length
    };
    if len > limit.min(MAX_MESSAGE) {
        return Err(OutOfStep);
    }
    Ok(Some(Frame {
        len,
        padded: len.next_multiple_of(ALIGNMENT),
    }))
}

/// What a STUN header has to have, as far as it is here.
fn check_stun(bytes: &[u8], length: usize) -> Result<(), OutOfStep> {
    let cookie = &bytes[4..bytes.len().min(8)];
    if length.is_multiple_of(ALIGNMENT) && MAGIC_COOKIE.starts_with(cookie) {
        Ok(())
    } else {
        Err(OutOfStep)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::stun::{Class, Method, TransactionId, Writer, attribute as attr};

    fn binding(data: usize) -> Vec<u8> {
        let mut buffer = vec![0; 70_000];
        let id = TransactionId([7; 12]);
        let mut writer = Writer::new(&mut buffer, Class::Request, Method::BINDING, id);
        if data > 0 {
            writer.attribute(attr::DATA, &vec![1; data]);
        }
        let len = writer.finish().unwrap();
        buffer.truncate(len);
        buffer
    }

    fn channel_data(number: u16, len: usize) -> Vec<u8> {
        let header = ChannelData::header(number, len).unwrap();
        [&header[..], &vec![2; len]].concat()
    }

    fn padded(message: &[u8]) -> Vec<u8> {
        let mut bytes = message.to_vec();
        bytes.resize(message.len().next_multiple_of(4), 0);
        bytes
    }

    /// All messages of a stream that comes in these pieces, and whether it stays in step.
    fn cut(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
        let mut framer = Framer::default();
        let mut messages = Vec::new();
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.next_message(MAX_MESSAGE) {
                    Ok(Some(message)) => messages.push(message.to_vec()),
                    Ok(None) => break,
                    Err(OutOfStep) => return (messages, false),
                }
            }
        }
        (messages, true)
    }

    #[test]
    fn messages_come_out_without_their_padding() {
        let sent = [
            binding(0),
            channel_data(0x4000, 0),
            channel_data(0x4fff, 5),
            binding(9),
        ];
        let stream: Vec<u8> = sent.iter().flat_map(|message| padded(message)).collect();
        assert_eq!(cut(&[&stream]), (sent.to_vec(), true));
    }

    #[test]
    fn a_message_is_there_when_its_last_byte_is() {
        let message = padded(&channel_data(0x4000, 5));
        for end in 0..message.len() {
            let mut framer = Framer::default();
            framer.push(&message[..end]);
            assert_eq!(framer.next_message(MAX_MESSAGE), Ok(None));
            assert_eq!(framer.is_inside_message(), end > 0);
            framer.push(&message[end..]);
            assert_eq!(framer.next_message(MAX_MESSAGE), Ok(Some(&message[..9])));
            assert!(!framer.is_inside_message());
        }
    }

    #[test]
    fn what_is_behind_the_last_message_taken_can_be_had() {
        let mut framer = Framer::default();
        framer.push(&[&padded(&channel_data(0x4000, 5)), &b"raw"[..]].concat());
        assert!(framer.next_message(MAX_MESSAGE).unwrap().is_some());
        assert_eq!(framer.into_rest(), b"raw");
    }

    #[test]
    fn other_protocols_are_found_out_by_their_first_bytes() {
        for hello in [
            &b"POST / HTTP/1.1\r\n"[..],
            b"SSH-2.0-x\r\n",
            b"PROXY TCP4 ",
            &[0x16, 3, 1, 2, 0, 1],
            &[0x50, 0, 0, 0],
            &[0xff],
            &[0, 1, 0, 1],
            &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43],
            &[0, 1, 0, 0, 0x20],
        ] {
            assert_eq!(cut(&[hello]), (vec![], false), "{hello:02x?}");
        }
        // These begin as ChannelData does, with a length no stranger may send.
        for hello in [&b"GET / HTTP/1.1\r\n"[..], b"HEAD /", b"OPTIONS *"] {
            let mut framer = Framer::default();
            framer.push(hello);
            assert_eq!(framer.next_message(MAX_STRANGERS_MESSAGE), Err(OutOfStep));
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_by_the_header_alone() {
        for length in [65_516_u16, 65_520, 65_532] {
            let [high, low] = length.to_be_bytes();
            assert!(!cut(&[&[0, 1, high, low]]).1, "{length}");
        }
        assert!(cut(&[&[0, 1, 0xff, 0xe8]]).1, "65512 would fit");
        assert!(!cut(&[&[0x40, 0, 0xff, 0xfc]]).1);
        assert!(cut(&[&[0x40, 0, 0xff, 0xfb]]).1);
    }

    #[test]
    fn quiet_connections_hold_little() {
        let mut framer = Framer::default();
        framer.push(&channel_data(0x4000, 60_000));
        assert!(framer.next_message(MAX_MESSAGE).unwrap().is_some());
        assert_eq!(framer.next_message(MAX_MESSAGE), Ok(None));
        assert!(framer.bytes.capacity() <= KEPT);
    }

    proptest! {
        #[test]
        fn how_a_stream_is_cut_into_segments_is_all_the_same(
            lengths in vec((any::<bool>(), 0..40_usize), 1..8),
            cuts in vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let sent: Vec<Vec<u8>> = lengths
                .iter()
                .map(|(is_stun, len)| if *is_stun { binding(*len) } else { channel_data(0x4abc, *len) })
                .collect();
            let stream: Vec<u8> = sent.iter().flat_map(|message| padded(message)).collect();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
            ends.push(stream.len());
            ends.sort_unstable();
            let mut start = 0;
            let pieces: Vec<&[u8]> = ends
                .iter()
                .map(|end| &stream[std::mem::replace(&mut start, *end)..*end])
                .collect();
            prop_assert_eq!(cut(&pieces), (sent, true));
        }

        #[test]
        fn any_bytes_are_cut_the_same_way_however_they_come(bytes in vec(any::<u8>(), 0..300)) {
            crate::fuzzing::stream(&bytes);
        }
    }
}
