//! A STUN Binding request (RFC 8489), just enough to ask what address the world sees.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use anyhow::{Result, bail};

const MAGIC: u32 = 0x2112_A442;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// Asks `server` for the address it sees `socket` at. Lost packets are asked for again.
pub fn binding(socket: &UdpSocket, server: SocketAddr) -> Result<SocketAddrV4> {
    let mut request = vec![0x00, 0x01, 0x00, 0x00];
    request.extend(MAGIC.to_be_bytes());
    request.extend(*b"dialtone-lab");
    let mut buffer = [0; 1500];
    for _ in 0..5 {
        socket.send_to(&request, server)?;
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && from == server
        {
            return mapped_address(&buffer[..length], &request[8..20]);
        }
    }
    bail!("{server} answered none of five Binding requests")
}

fn mapped_address(response: &[u8], transaction: &[u8]) -> Result<SocketAddrV4> {
    if response.len() < 20 || response[..2] != [0x01, 0x01] || &response[8..20] != transaction {
        bail!("not the success response to this request: {response:02x?}");
    }
    let mut attributes = &response[20..];
    while let [t0, t1, l0, l1, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        if u16::from_be_bytes([*t0, *t1]) == XOR_MAPPED_ADDRESS
            && let [0, 1, p0, p1, a, b, c, d, ..] = rest
        {
            let port = u16::from_be_bytes([*p0, *p1]) ^ (MAGIC >> 16) as u16;
            let address = u32::from_be_bytes([*a, *b, *c, *d]) ^ MAGIC;
            return Ok(SocketAddrV4::new(Ipv4Addr::from(address), port));
        }
        attributes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    bail!("no XOR-MAPPED-ADDRESS for IPv4 in {response:02x?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The IPv4 response of RFC 5769, section 2.2, up to the mapped address.
    #[test]
    fn reads_the_sample_response_of_rfc_5769() {
        let transaction = [
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ];
        let mut response = vec![0x01, 0x01, 0x00, 0x1c, 0x21, 0x12, 0xa4, 0x42];
        response.extend(transaction);
        response.extend([0x80, 0x22, 0x00, 0x0b]);
        response.extend(*b"test vector ");
        response.extend([
            0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
        ]);
        let address = mapped_address(&response, &transaction).expect("a success response");
        assert_eq!(address, "192.0.2.1:32853".parse().expect("an address"));
    }
}
