//! The FINGERPRINT checksum (RFC 8489 section 14.7): CRC-32 of ISO/IEC 13239, XORed.

const XOR: u32 = 0x5354_554e;

const TABLE: [u32; 256] = table();

/// The FINGERPRINT value over the pieces of a message, in order.
pub(super) fn fingerprint(pieces: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in pieces.iter().flat_map(|piece| piece.iter()) {
        crc = (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    }
    !crc ^ XOR
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32/ISO-HDLC.
    #[test]
    fn matches_the_catalogued_check_value() {
        assert_eq!(fingerprint(&[b"1234", b"56789"]), 0xcbf4_3926 ^ XOR);
    }
}
