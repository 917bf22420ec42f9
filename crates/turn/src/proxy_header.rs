//! What a load balancer in front says about the client it connects for: the PROXY protocol,
//! versions 1 (text) and 2 (binary), as HAProxy's specification describes them.
//!
//! The header comes in front of everything else on a connection, also of TLS. It is to be believed
//! only if the connection comes from a balancer that is known: anybody can write one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes a header of version 1 has at most.
const MAX_TEXT: usize = 107;
/// Bytes a header of version 2 may have. Its specification promises that receivers take as much as
/// fits into the smallest TCP segment; what balancers send is far less.
const MAX_BINARY: usize = 536;

const TEXT_START: &[u8] = b"PROXY ";
const BINARY_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The fixed part of version 2.
const BINARY_FIXED: usize = 16;
/// The shortest header there is: `PROXY UNKNOWN` and the end of the line.
const SHORTEST: usize = 15;

/// Both ends of the connection between the client and the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the client is.
    pub client: SocketAddr,
    /// The address it has connected to.
    pub local: SocketAddr,
}

/// How far the reading of a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least so many more bytes belong to the header, and never 0. Reading just these leaves
    /// what is behind the header where it is.
    Needs(usize),
    /// The header is whole. Without endpoints the balancer speaks for itself, as it does to find
    /// out whether a server lives: the connection's own addresses count.
    Whole(Option<Endpoints>),
}

/// The bytes are no PROXY header, or one that is longer than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no PROXY header of a kind that is taken")]
pub struct NotAHeader;

/// Reads a header from all that has come so far, which must not be more than [`Progress::Needs`]
/// has asked for.
pub fn read(bytes: &[u8]) -> Result<Progress, NotAHeader> {
    let begins = |start: &[u8]| {
        let len = bytes.len().min(start.len());
        bytes[..len] == start[..len]
    };
    if begins(TEXT_START) {
        read_text(bytes)
    } else if begins(BINARY_START) {
        read_binary(bytes)
    } else {
        Err(NotAHeader)
    }
}

// ---- version 1 ----

fn read_text(bytes: &[u8]) -> Result<Progress, NotAHeader> {
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        return text_needs(bytes);
    };
    let line = std::str::from_utf8(line).map_err(|_| NotAHeader)?;
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(Progress::Whole(None)),
        ["PROXY", family, client, local, client_port, local_port] => {
            let endpoints = Endpoints {
                client: SocketAddr::new(text_ip(family, client)?, text_port(client_port)?),
                local: SocketAddr::new(text_ip(family, local)?, text_port(local_port)?),
            };
            Ok(Progress::Whole(Some(endpoints.canonical())))
        }
        _ => Err(NotAHeader),
    }
}

/// The end of the line is still to come, so two bytes at least, or one if its first is here.
fn text_needs(bytes: &[u8]) -> Result<Progress, NotAHeader> {
    let (line, end) = match bytes.strip_suffix(b"\r") {
        Some(line) => (line, 1),
        None => (bytes, 2),
    };
    let needs = end.max(SHORTEST.saturating_sub(bytes.len()));
    if line.iter().any(u8::is_ascii_control) || bytes.len() + needs > MAX_TEXT {
        return Err(NotAHeader);
    }
    Ok(Progress::Needs(needs))
}

fn text_ip(family: &str, text: &str) -> Result<IpAddr, NotAHeader> {
    match family {
        "TCP4" => text.parse().map(IpAddr::V4).map_err(|_| NotAHeader),
        "TCP6" => text.parse().map(IpAddr::V6).map_err(|_| NotAHeader),
        _ => Err(NotAHeader),
    }
}

/// Digits only, and none that need not be there.
fn text_port(text: &str) -> Result<u16, NotAHeader> {
    let port: u16 = text.parse().map_err(|_| NotAHeader)?;
    (port.to_string() == text).then_some(port).ok_or(NotAHeader)
}

// ---- version 2 ----

fn read_binary(bytes: &[u8]) -> Result<Progress, NotAHeader> {
    let Some(fixed) = bytes.first_chunk::<BINARY_FIXED>() else {
        // Not more than the shortest header at first: which version it is, is not known then.
        let needs = SHORTEST.saturating_sub(bytes.len()).max(1);
        return Ok(Progress::Needs(needs));
    };
    let [.., command, family, high, low] = *fixed;
    let len = BINARY_FIXED + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_BINARY || bytes.len() > len {
        return Err(NotAHeader);
    }
    if bytes.len() < len {
        return Ok(Progress::Needs(len - bytes.len()));
    }
    let body = &bytes[BINARY_FIXED..];
    // What follows the addresses are remarks of many kinds, none of which is needed here.
    let endpoints = match (command, family) {
        (LOCAL, _) | (PROXY, UNSPECIFIED | UNIX_STREAM) => None,
        (PROXY, TCP4) => Some(v4(body.first_chunk().ok_or(NotAHeader)?)),
        (PROXY, TCP6) => Some(v6(body.first_chunk().ok_or(NotAHeader)?).canonical()),
        _ => return Err(NotAHeader),
    };
    Ok(Progress::Whole(endpoints))
}

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

fn v4(body: &[u8; 12]) -> Endpoints {
    let [a, b, c, d, e, f, g, h, ports @ ..] = *body;
    endpoints(Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h), ports)
}

fn v6(body: &[u8; 36]) -> Endpoints {
    let ip = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&body[at..at + 16]);
        Ipv6Addr::from(octets)
    };
    let [.., a, b, c, d] = *body;
    endpoints(ip(0), ip(16), [a, b, c, d])
}

fn endpoints(client: impl Into<IpAddr>, local: impl Into<IpAddr>, ports: [u8; 4]) -> Endpoints {
    let [a, b, c, d] = ports;
    Endpoints {
        client: SocketAddr::new(client.into(), u16::from_be_bytes([a, b])),
        local: SocketAddr::new(local.into(), u16::from_be_bytes([c, d])),
    }
}

impl Endpoints {
    /// The same with IPv4 addresses that are written as IPv6 (`::ffff:a.b.c.d`) as what they are.
    pub fn canonical(self) -> Endpoints {
        let canonical = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
        Endpoints {
            client: canonical(self.client),
            local: canonical(self.local),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a header as a driver does; gives the outcome and what is left.
    fn read_from(mut bytes: &[u8]) -> (Result<Option<Endpoints>, NotAHeader>, &[u8]) {
        let mut header = Vec::new();
        loop {
            match read(&header) {
                Ok(Progress::Needs(len)) if len <= bytes.len() => {
                    header.extend(&bytes[..len]);
                    bytes = &bytes[len..];
                }
                Ok(Progress::Needs(_)) => panic!("more than {header:?}"),
                Ok(Progress::Whole(endpoints)) => return (Ok(endpoints), bytes),
                Err(error) => return (Err(error), bytes),
            }
        }
    }

    fn endpoints(client: &str, local: &str) -> Option<Endpoints> {
        Some(Endpoints {
            client: client.parse().unwrap(),
            local: local.parse().unwrap(),
        })
    }

    fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let [high, low] = (body.len() as u16).to_be_bytes();
        [BINARY_START, &[command, family, high, low], body].concat()
    }

    #[test]
    fn text_headers_are_read_to_their_last_byte() {
        for (header, expected) in [
            (
                "PROXY TCP4 192.0.2.1 198.51.100.1 5000 443\r\n",
                endpoints("192.0.2.1:5000", "198.51.100.1:443"),
            ),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                endpoints("255.255.255.255:65535", "255.255.255.255:65535"),
            ),
            (
                "PROXY TCP6 2001:db8::1 2001:db8::2 5000 443\r\n",
                endpoints("[2001:db8::1]:5000", "[2001:db8::2]:443"),
            ),
            (
                "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 5000 443\r\n",
                endpoints("192.0.2.1:5000", "192.0.2.2:443"),
            ),
            ("PROXY UNKNOWN\r\n", None),
            (
                "PROXY UNKNOWN ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n",
                None,
            ),
        ] {
            let bytes = [header.as_bytes(), b"\r\nbehind it"].concat();
            let (outcome, rest) = read_from(&bytes);
            assert_eq!(outcome, Ok(expected), "{header}");
            assert_eq!(rest, b"\r\nbehind it", "{header}");
        }
    }

    #[test]
    fn binary_headers_are_read_to_their_last_byte() {
        let four = [192, 0, 2, 1, 198, 51, 100, 1, 0x13, 0x88, 1, 0xbb];
        let six: Vec<u8> = [
            &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets()[..],
            &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).octets(),
            &four[8..],
        ]
        .concat();
        let remark = [&four[..], &[0x05, 0, 3, 1, 2, 3]].concat();
        let most = [&four[..], &vec![4; MAX_BINARY - BINARY_FIXED - 12]].concat();
        let expected = endpoints("192.0.2.1:5000", "198.51.100.1:443");
        for (header, expected) in [
            (binary(PROXY, TCP4, &four), expected),
            (binary(PROXY, TCP4, &remark), expected),
            (binary(PROXY, TCP4, &most), expected),
            (
                binary(PROXY, TCP6, &six),
                endpoints("[2001:db8::1]:5000", "[2001:db8::2]:443"),
            ),
            (binary(PROXY, UNIX_STREAM, &[0; 216]), None),
            (binary(PROXY, UNSPECIFIED, &[]), None),
            (binary(LOCAL, UNSPECIFIED, &[]), None),
            (binary(LOCAL, TCP4, &remark), None),
        ] {
            let bytes = [&header[..], b"behind it"].concat();
            let (outcome, rest) = read_from(&bytes);
            assert_eq!(
                (outcome, rest),
                (Ok(expected), &b"behind it"[..]),
                "{header:02x?}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let four = [192, 0, 2, 1, 198, 51, 100, 1, 0x13, 0x88, 1, 0xbb];
        let text = |text: &str| [text.as_bytes(), b"\r\n"].concat();
        for header in [
            text("GET / HTTP/1.1"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 5000"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 5000 443 1"),
            text("PROXY TCP4  192.0.2.1 198.51.100.1 5000 443"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 +5000 443"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 05000 443"),
            text("PROXY TCP4 192.0.2.001 198.51.100.1 5000 443"),
            text("PROXY TCP4 2001:db8::1 2001:db8::2 5000 443"),
            text("PROXY TCP6 192.0.2.1 198.51.100.1 5000 443"),
            text("PROXY UDP4 192.0.2.1 198.51.100.1 5000 443"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 5000 443\n"),
            text("PROXY TCP4 192.0.2.1\t198.51.100.1 5000 443"),
            text("PROXY UNKNOWN\0"),
            text("PROXY UNKNOWNS"),
            text(&format!("PROXY UNKNOWN {}", "x".repeat(100))),
            b"PROXY \xff\xff\xff\xff\xff\xff\xff\xff\xff\r\n".to_vec(),
            binary(PROXY, TCP4, &four[..11]),
            binary(PROXY, TCP6, &four),
            binary(PROXY, 0x12, &four),
            binary(PROXY, 0x22, &[0; 36]),
            binary(0x22, TCP4, &four),
            binary(0x11, TCP4, &four),
            binary(PROXY, TCP4, &[0; MAX_BINARY]),
            b"\r\n\r\n\0\r\nQUIET".to_vec(),
        ] {
            let bytes = [&header[..], &[b'x'; 200]].concat();
            assert_eq!(read_from(&bytes).0, Err(NotAHeader), "{header:02x?}");
        }
    }

    #[test]
    fn the_longest_text_is_taken_and_one_byte_more_is_not() {
        let line = |len: usize| {
            let start = "PROXY UNKNOWN ";
            format!("{start}{}\r\n", "x".repeat(len - start.len() - 2)).into_bytes()
        };
        assert_eq!(read_from(&line(MAX_TEXT)).0, Ok(None));
        assert_eq!(read_from(&line(MAX_TEXT + 1)).0, Err(NotAHeader));
    }
}
