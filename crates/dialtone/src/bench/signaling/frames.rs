//! A client's half of the WebSocket framing (RFC 6455 section 5), for a server that neither
//! fragments nor compresses, which ours does not.

/// What a server may send.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A message.
    Text(&'a [u8]),
    /// To be answered with the same bytes.
    Ping(&'a [u8]),
    /// The end, with its code.
    Close(u16),
}

/// It is not what a server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame that the server may send")]
pub struct NotAFrame;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The first frame in these bytes and its length; `None` if more has to come.
pub fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, NotAFrame> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (len, header) = match (second, rest) {
        (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [0, 0, 0, 0, a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, 10),
        (127, rest) if rest.len() >= 8 => return Err(NotAFrame),
        (126 | 127, _) => return Ok(None),
        (len @ 0..126, _) => (usize::from(*len), 2),
        _ => return Err(NotAFrame), // A server does not mask.
    };
    let Some(payload) = bytes.get(header..header + len) else {
        return Ok(None);
    };
    let frame = match (first & FINAL, first & !FINAL, payload) {
        (FINAL, TEXT, text) => Frame::Text(text),
        (FINAL, PING, payload) => Frame::Ping(payload),
        (FINAL, CLOSE, [a, b, ..]) => Frame::Close(u16::from_be_bytes([*a, *b])),
        _ => return Err(NotAFrame),
    };
    Ok(Some((frame, header + len)))
}

/// Appends a text frame.
pub fn write_text(out: &mut Vec<u8>, text: &[u8], mask: [u8; 4]) {
    write(out, TEXT, text, mask);
}

/// Appends the answer to a ping.
pub fn write_pong(out: &mut Vec<u8>, payload: &[u8], mask: [u8; 4]) {
    write(out, PONG, payload, mask);
}

fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: [u8; 4]) {
    out.push(FINAL | opcode);
    match payload.len() {
        len @ 0..126 => out.push(MASKED | len as u8),
        len @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let begin = out.len();
    out.extend_from_slice(payload);
    for word in out[begin..].chunks_mut(4) {
        for (byte, mask) in word.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_server_are_read_once_they_are_whole() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = vec![FINAL | TEXT];
            match len {
                0..126 => bytes.push(len as u8),
                126..=0xffff => bytes.extend([126, (len >> 8) as u8, len as u8]),
                _ => {
                    bytes.push(127);
                    bytes.extend((len as u64).to_be_bytes());
                }
            }
            bytes.resize(bytes.len() + len, b'x');
            let whole = bytes.len();
            for part in [0, 1, 2, 3, whole - 1] {
                assert_eq!(read(&bytes[..part.min(whole - 1)]), Ok(None));
            }
            bytes.push(FINAL | PING);
            let text = vec![b'x'; len];
            assert_eq!(read(&bytes), Ok(Some((Frame::Text(&text), whole))));
        }
        assert_eq!(
            read(&[FINAL | CLOSE, 2, 0x0f, 0xa3]),
            Ok(Some((Frame::Close(4003), 4)))
        );
        assert_eq!(read(&[TEXT, 1, b'x']), Err(NotAFrame), "a fragment");
        assert_eq!(read(&[FINAL | TEXT, MASKED | 1]), Err(NotAFrame));
        assert_eq!(
            read(&[FINAL | TEXT, 127, 1, 0, 0, 0, 0, 0, 0, 0]),
            Err(NotAFrame)
        );
    }

    #[test]
    fn what_a_client_writes_is_masked() {
        for len in [0, 5, 126, 65_536] {
            let text: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut out = Vec::new();
            write_text(&mut out, &text, [1, 2, 3, 4]);
            let header = out.len() - len;
            assert_eq!(&out[header - 4..header], [1, 2, 3, 4]);
            let unmasked = out[header..].iter().zip([1, 2, 3, 4].iter().cycle());
            let unmasked: Vec<u8> = unmasked.map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(unmasked, text);
        }
    }
}
