//! ChannelData messages (RFC 8656 section 12.4): a 4-byte header, then what the peer gets.

use std::ops::RangeInclusive;

/// Bytes of the header: channel number and length.
pub const HEADER_LEN: usize = 4;

/// The numbers a channel may have (RFC 8656 section 12).
pub const NUMBERS: RangeInclusive<u16> = 0x4000..=0x4fff;

/// A received ChannelData message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelData {
    /// The channel number, 0x4000 to 0x4FFF.
    pub number: u16,
    /// Bytes of application data behind the header; may be zero.
    pub len: usize,
}

impl ChannelData {
    /// Whether bytes are ChannelData, from a look at the first one (RFC 7983).
    pub fn looks_like(bytes: &[u8]) -> bool {
        bytes
            .first()
            .is_some_and(|first| (0x40..=0x4f).contains(first))
    }

    /// Reads the header of a datagram. Bytes behind the given length are padding, which a client
    /// may add also on UDP; a length of more than was received is `None`.
    pub fn parse(bytes: &[u8]) -> Option<ChannelData> {
        let (head, data) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let number = u16::from_be_bytes([head[0], head[1]]);
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        (NUMBERS.contains(&number) && len <= data.len()).then_some(ChannelData { number, len })
    }

    /// The header for data of this length, at most 65535 bytes.
    pub fn header(number: u16, len: usize) -> Option<[u8; HEADER_LEN]> {
        let [high, low] = number.to_be_bytes();
        let [len_high, len_low] = u16::try_from(len).ok()?.to_be_bytes();
        Some([high, low, len_high, len_low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_datagram_is_refused() {
        assert_eq!(ChannelData::parse(&[0x40, 0, 0, 3, 1, 2]), None);
        assert_eq!(ChannelData::parse(&[0x40, 0, 0xff, 0xff]), None);
        assert_eq!(ChannelData::parse(&[0x40, 0, 0]), None);
    }

    #[test]
    fn padding_is_not_data() {
        let parsed = ChannelData::parse(&[0x40, 1, 0, 1, 9, 0, 0, 0]);
        assert_eq!(
            parsed,
            Some(ChannelData {
                number: 0x4001,
                len: 1
            })
        );
    }

    #[test]
    fn empty_data_is_data() {
        let parsed = ChannelData::parse(&[0x4f, 0xff, 0, 0]);
        assert_eq!(
            parsed,
            Some(ChannelData {
                number: 0x4fff,
                len: 0
            })
        );
    }

    #[test]
    fn numbers_outside_the_range_are_refused() {
        for first in [0x3f, 0x50, 0x7f, 0xff] {
            assert_eq!(ChannelData::parse(&[first, 0, 0, 0]), None, "{first:#x}");
        }
    }
}
