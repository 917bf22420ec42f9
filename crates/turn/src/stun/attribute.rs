//! Attribute types and the values a relay reads (RFC 8489 section 14, RFC 8656 section 18).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

/// CHANGE-REQUEST, flags in 32 bits (RFC 5780).
pub const CHANGE_REQUEST: u16 = 0x0003;
/// USERNAME, up to 508 bytes of UTF-8.
pub const USERNAME: u16 = 0x0006;
/// MESSAGE-INTEGRITY, 20 bytes.
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
/// ERROR-CODE.
pub const ERROR_CODE: u16 = 0x0009;
/// UNKNOWN-ATTRIBUTES, a list of 16-bit types.
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
/// CHANNEL-NUMBER, a 16-bit number and 16 reserved bits.
pub const CHANNEL_NUMBER: u16 = 0x000c;
/// LIFETIME, seconds.
pub const LIFETIME: u16 = 0x000d;
/// XOR-PEER-ADDRESS.
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
/// DATA, what a Send or Data indication carries.
pub const DATA: u16 = 0x0013;
/// REALM.
pub const REALM: u16 = 0x0014;
/// NONCE.
pub const NONCE: u16 = 0x0015;
/// XOR-RELAYED-ADDRESS.
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
/// REQUESTED-ADDRESS-FAMILY, one byte and three reserved ones.
pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
/// EVEN-PORT, one byte; its first bit reserves the next port.
pub const EVEN_PORT: u16 = 0x0018;
/// REQUESTED-TRANSPORT, an IP protocol number and three reserved bytes.
pub const REQUESTED_TRANSPORT: u16 = 0x0019;
/// DONT-FRAGMENT, empty.
pub const DONT_FRAGMENT: u16 = 0x001a;
/// MESSAGE-INTEGRITY-SHA256, 32 bytes.
pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
/// PASSWORD-ALGORITHM.
pub const PASSWORD_ALGORITHM: u16 = 0x001d;
/// USERHASH, 32 bytes.
pub const USERHASH: u16 = 0x001e;
/// XOR-MAPPED-ADDRESS.
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// RESERVATION-TOKEN, 8 bytes.
pub const RESERVATION_TOKEN: u16 = 0x0022;
/// PADDING, of any length (RFC 5780).
pub const PADDING: u16 = 0x0026;
/// RESPONSE-PORT, 16 bits (RFC 5780).
pub const RESPONSE_PORT: u16 = 0x0027;
/// CONNECTION-ID, 32 bits (RFC 6062).
pub const CONNECTION_ID: u16 = 0x002a;
/// ADDITIONAL-ADDRESS-FAMILY.
pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
/// ADDITIONAL-ADDRESS-FAMILY as coturn numbers it, from before RFC 8656 gave it another number.
pub const ADDITIONAL_ADDRESS_FAMILY_OF_COTURN: u16 = 0x8032;
/// ADDRESS-ERROR-CODE: a family, and why there is no address of it.
pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
/// PASSWORD-ALGORITHMS.
pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
/// ALTERNATE-DOMAIN, the name in an alternate server's certificate.
pub const ALTERNATE_DOMAIN: u16 = 0x8003;
/// ICMP, 8 bytes.
pub const ICMP: u16 = 0x8004;
/// ALTERNATE-SERVER, an address that is not XORed.
pub const ALTERNATE_SERVER: u16 = 0x8023;
/// RESPONSE-ORIGIN, an address that is not XORed (RFC 5780).
pub const RESPONSE_ORIGIN: u16 = 0x802b;
/// OTHER-ADDRESS, an address that is not XORed (RFC 5780).
pub const OTHER_ADDRESS: u16 = 0x802c;
/// MOBILITY-TICKET, opaque (RFC 8016).
pub const MOBILITY_TICKET: u16 = 0x8030;
/// FINGERPRINT, 4 bytes.
pub const FINGERPRINT: u16 = 0x8028;

/// The IP protocol number of UDP, as REQUESTED-TRANSPORT carries it.
pub const TRANSPORT_UDP: u8 = 17;
/// The IP protocol number of TCP (RFC 6062).
pub const TRANSPORT_TCP: u8 = 6;
/// The address family number of IPv4.
pub const FAMILY_IPV4: u8 = 0x01;
/// The address family number of IPv6.
pub const FAMILY_IPV6: u8 = 0x02;

/// Whether a receiver that does not know this type has to refuse the message
/// (RFC 8489 section 14).
pub const fn is_comprehension_required(kind: u16) -> bool {
    kind < 0x8000
}

/// Reads an address that is not XORed, as ALTERNATE-SERVER has (RFC 8489 section 14.1).
pub fn read_address(value: &[u8]) -> Option<SocketAddr> {
    read_masked(value, [0; 2], &[0; 16])
}

/// Writes an address that is not XORed and gives its length, 8 or 20 bytes.
pub fn write_address(address: SocketAddr, value: &mut [u8; 20]) -> usize {
    write_masked(address, [0; 2], &[0; 16], value)
}

/// Reads an XOR-…-ADDRESS value (RFC 8489 section 14.2); `None` if its family or length is wrong.
pub fn read_xor_address(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    read_masked(value, PORT_MASK, &xor_mask(transaction))
}

/// Writes an XOR-…-ADDRESS value and gives its length, 8 or 20 bytes.
pub fn write_xor_address(
    address: SocketAddr,
    transaction: &TransactionId,
    value: &mut [u8; 20],
) -> usize {
    write_masked(address, PORT_MASK, &xor_mask(transaction), value)
}

/// Reads a 32-bit value, as LIFETIME has.
pub fn read_u32(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// The family number of an address.
pub const fn family_of(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => FAMILY_IPV4,
        IpAddr::V6(_) => FAMILY_IPV6,
    }
}

/// Reads the first byte of a value of four, as REQUESTED-TRANSPORT and
/// REQUESTED-ADDRESS-FAMILY have; the reserved rest is ignored.
pub fn read_first_of_four(value: &[u8]) -> Option<u8> {
    let value: [u8; 4] = value.try_into().ok()?;
    Some(value[0])
}

/// Reads CHANNEL-NUMBER; the reserved rest is ignored.
pub fn read_channel_number(value: &[u8]) -> Option<u16> {
    let [high, low, _, _]: [u8; 4] = value.try_into().ok()?;
    Some(u16::from_be_bytes([high, low]))
}

/// What ports are XORed with.
const PORT_MASK: [u8; 2] = [MAGIC_COOKIE[0], MAGIC_COOKIE[1]];

fn read_masked(value: &[u8], port: [u8; 2], mask: &[u8; 16]) -> Option<SocketAddr> {
    let (head, address) = value.split_first_chunk::<4>()?;
    let [_, family, high, low] = *head;
    let ip = match family {
        FAMILY_IPV4 => IpAddr::V4(Ipv4Addr::from(xor::<4>(address, mask)?)),
        FAMILY_IPV6 => IpAddr::V6(Ipv6Addr::from(xor::<16>(address, mask)?)),
        _ => return None,
    };
    let port = u16::from_be_bytes([high ^ port[0], low ^ port[1]]);
    Some(SocketAddr::new(ip, port))
}

fn write_masked(
    address: SocketAddr,
    port: [u8; 2],
    mask: &[u8; 16],
    value: &mut [u8; 20],
) -> usize {
    let (family, octets, len) = match address.ip() {
        IpAddr::V4(ip) => (FAMILY_IPV4, widen(ip.octets()), 8),
        IpAddr::V6(ip) => (FAMILY_IPV6, ip.octets(), 20),
    };
    let [high, low] = address.port().to_be_bytes();
    value[..4].copy_from_slice(&[0, family, high ^ port[0], low ^ port[1]]);
    for ((out, octet), mask) in value[4..].iter_mut().zip(octets).zip(mask) {
        *out = octet ^ mask;
    }
    len
}

fn xor_mask(transaction: &TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE);
    mask[4..].copy_from_slice(&transaction.0);
    mask
}

fn xor<const N: usize>(bytes: &[u8], mask: &[u8; 16]) -> Option<[u8; N]> {
    let mut octets: [u8; N] = bytes.try_into().ok()?;
    for (octet, mask) in octets.iter_mut().zip(mask) {
        *octet ^= mask;
    }
    Some(octets)
}

fn widen(octets: [u8; 4]) -> [u8; 16] {
    let mut wide = [0; 16];
    wide[..4].copy_from_slice(&octets);
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_way_there_and_back() {
        let transaction = TransactionId([7; 12]);
        for text in ["192.0.2.1:32853", "[2001:db8::1]:9", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            let mut value = [0; 20];
            let len = write_xor_address(address, &transaction, &mut value);
            assert_eq!(
                read_xor_address(&value[..len], &transaction),
                Some(address),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_of_wrong_length_or_family_is_none() {
        let transaction = TransactionId([0; 12]);
        for value in [
            &[][..],
            &[0, 1, 0, 0],
            &[0, 1, 0, 0, 1, 2, 3, 4, 5],
            &[0, 2, 0, 0, 1, 2, 3, 4],
            &[0, 3, 0, 0, 1, 2, 3, 4],
        ] {
            assert_eq!(read_xor_address(value, &transaction), None, "{value:02x?}");
        }
    }
}
