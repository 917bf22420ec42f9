//! What the network says about packets to a peer (RFC 8656 sections 11.5 and 18.13).

use std::net::SocketAddr;

use protocol::time::Now;

use super::Server;
use crate::action::{Action, Content, IcmpError, MIN_BUFFER};
use crate::allocation::{AllocationId, PeerTransport};
use crate::stun::{Class, Method, Writer, attribute as attr};

impl Server {
    /// Takes note of an ICMP error that answers a packet from a relay socket to this peer. The
    /// client is told if it has a permission for the peer; the message is written over `buffer`.
    ///
    /// # Panics
    /// If `buffer` is smaller than [`MIN_BUFFER`](crate::MIN_BUFFER).
    pub fn handle_peer_error(
        &mut self,
        now: Now,
        relay: AllocationId,
        peer: SocketAddr,
        error: IcmpError,
        buffer: &mut [u8],
    ) -> Action {
        assert!(buffer.len() >= MIN_BUFFER, "a message may not fit");
        self.expire(now.tick);
        let peer = match self.siblings.outside(peer, PeerTransport::Udp) {
            Some(relayed) => relayed,
            None if self.peers.is_open(peer) => peer,
            None => return Action::Nothing,
        };
        let Some(value) = attribute_value(peer, error) else {
            return Action::Nothing;
        };
        let allocation = self.allocations.get(relay);
        let Some(allocation) =
            allocation.filter(|it| it.is_attached() && it.permits(peer.ip(), now.tick))
        else {
            return Action::Nothing;
        };
        let transaction = self.indications.next();
        let len = Writer::new(buffer, Class::Indication, Method::DATA, transaction)
            .xor_address(attr::XOR_PEER_ADDRESS, peer)
            .attribute(attr::ICMP, &value)
            .finish();
        let Some(len) = len else {
            return Action::Nothing;
        };
        self.counters.peer_errors += 1;
        Action::ToClient {
            path: allocation.path,
            datagram: 0..len,
            content: Content::Data,
        }
    }
}

/// The value of ICMP: sixteen reserved bits, seven of type, nine of code, and the error data, which
/// is the MTU where a packet was too big and else zero. `None` for types that are not passed on.
fn attribute_value(peer: SocketAddr, error: IcmpError) -> Option<[u8; 8]> {
    let IcmpError { kind, code, mtu } = error;
    let (is_passed_on, is_too_big) = match peer {
        SocketAddr::V4(_) => (matches!(kind, 3 | 11), (kind, code) == (3, 4)),
        SocketAddr::V6(_) => (matches!(kind, 1..=3), kind == 2),
    };
    if !is_passed_on {
        return None;
    }
    let mut value = [0; 8];
    let kind_and_code = u16::from(kind) << 9 | u16::from(code);
    value[2..4].copy_from_slice(&kind_and_code.to_be_bytes());
    if is_too_big {
        value[4..].copy_from_slice(&mtu.to_be_bytes());
    }
    Some(value)
}
