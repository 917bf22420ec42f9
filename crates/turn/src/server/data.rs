//! Application data: ChannelData and Send indications from clients, datagrams from peers
//! (RFC 8656 sections 11 and 12). No heap allocation happens on this way.
//!
//! ```text
//! client ─ ChannelData ─┐                    ┌─ kernel ──► peer
//!        ─ Send ────────┴─► send_to_peer() ──┤
//!                                            └─ direct ──► client of the peer's allocation
//! peer ──► handle_peer_data() ─► deliver() ─ ChannelData / Data ─► client
//! ```

use std::net::SocketAddr;
use std::ops::Range;

use protocol::time::Tick;

use super::Server;
use crate::action::{Action, Content};
use crate::allocation::{Allocation, AllocationId, FiveTuple, PeerTransport, Wrapping};
use crate::bucket::Bucket;
use crate::channel_data::{self, ChannelData};
use crate::reply::UnknownAttributes;
use crate::stun::{self, Class, Message, Method, TransactionId, Writer, attribute as attr};
use crate::trial;

/// No datagram has more, so that every one fits through the slowest bandwidth at some time.
const LARGEST_DATAGRAM: u64 = 65_535;

/// Why data goes no further.
#[derive(Clone, Copy, Debug)]
enum Dropped {
    Unbound,
    Unpermitted,
    Denied,
    OverBandwidth,
    TooLarge,
}

impl Server {
    pub(super) fn handle_channel_data(
        &mut self,
        now: Tick,
        path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        let Some(channel) = ChannelData::parse(&buffer[datagram.clone()]) else {
            return self.ignore();
        };
        let found = self
            .allocations
            .all_on_path(&path)
            .find_map(|(id, allocation)| {
                let peer = allocation.peer_of(channel.number, now)?;
                let is_moving = allocation.is_moving_to(&path);
                let is_permitted = allocation.permits(peer.ip(), now);
                Some((id, peer, is_permitted, is_moving))
            });
        let (id, peer, is_moving) = match found {
            Some((id, peer, true, is_moving)) => (id, peer, is_moving),
            Some(_) => return self.drop_data(Dropped::Unpermitted),
            None => return self.drop_data(Dropped::Unbound),
        };
        if is_moving {
            self.settle(id);
        }
        let start = datagram.start + channel_data::HEADER_LEN;
        let data = start..start + channel.len;
        self.send_to_peer(now, id, peer, buffer, data, false)
    }

    pub(super) fn handle_send(
        &mut self,
        now: Tick,
        path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        let Some(sending) = read_send(&buffer[datagram.clone()]) else {
            return self.ignore();
        };
        let peer = sending.peer;
        let found = self
            .allocations
            .of_family(&path, attr::family_of(peer.ip()))
            .filter(|(_, allocation)| allocation.peer_transport == PeerTransport::Udp);
        let found = found.map(|(id, allocation)| {
            let is_permitted = allocation.permits(peer.ip(), now);
            (id, is_permitted, allocation.is_moving_to(&path))
        });
        let (id, is_moving) = match found {
            Some((id, true, is_moving)) => (id, is_moving),
            Some(_) => return self.drop_data(Dropped::Unpermitted),
            None => return self.drop_data(Dropped::Unbound),
        };
        if is_moving {
            self.settle(id);
        }
        let data = datagram.start + sending.data.start..datagram.start + sending.data.end;
        self.send_to_peer(now, id, peer, buffer, data, sending.dont_fragment)
    }

    pub(super) fn handle_peer_data(
        &mut self,
        now: Tick,
        relay: AllocationId,
        peer: SocketAddr,
        buffer: &mut [u8],
        data: Range<usize>,
    ) -> Action {
        let peer = match self.siblings.outside(peer, PeerTransport::Udp) {
            Some(relayed) => relayed,
            None if self.peers.is_open(peer) => peer,
            None => return self.drop_data(Dropped::Denied),
        };
        let len = data.len() as u64;
        let (path, datagram) = match self.deliver(now, relay, peer, buffer, data) {
            Ok(delivered) => delivered,
            Err(reason) => return self.drop_data(reason),
        };
        self.counters.to_clients += 1;
        self.counters.to_clients_bytes += len;
        Action::ToClient {
            path,
            datagram,
            content: Content::Data,
        }
    }

    /// Data of a permitted client. A peer that is a relayed transport address of this server is
    /// served without the kernel: its client gets the data as if it had come in at its relay
    /// socket. If it belongs to a sibling, the kernel carries it there. Both are one step for one
    /// packet, whoever sends to whom, so nothing can go round.
    fn send_to_peer(
        &mut self,
        now: Tick,
        id: AllocationId,
        peer: SocketAddr,
        buffer: &mut [u8],
        data: Range<usize>,
        dont_fragment: bool,
    ) -> Action {
        if self.peers.is_own(peer.ip())
            && let Some(other) = self.allocations.with_relayed(&peer)
        {
            return self.deliver_directly(now, id, (other, peer), buffer, data);
        }
        if !self
            .allocations
            .get(id)
            .is_some_and(|it| self.may_meet(it, peer))
        {
            return self.drop_data(Dropped::Denied);
        }
        let peer = match self.siblings.inside(peer, PeerTransport::Udp) {
            Some(inside) => inside,
            None if self.peers.is_open(peer) => peer,
            None => return self.drop_data(Dropped::Denied),
        };
        if !self.is_within_bandwidth(now, id, data.len()) {
            return self.drop_data(Dropped::OverBandwidth);
        }
        self.counters.to_peers += 1;
        self.counters.to_peers_bytes += data.len() as u64;
        if let Some(allocation) = self.allocations.get_mut(id) {
            allocation.traffic.to_peers.add(data.len());
        }
        Action::ToPeer {
            relay: id,
            peer,
            datagram: data,
            dont_fragment,
        }
    }

    fn deliver_directly(
        &mut self,
        now: Tick,
        from: AllocationId,
        (to, relayed): (AllocationId, SocketAddr),
        buffer: &mut [u8],
        data: Range<usize>,
    ) -> Action {
        let len = data.len();
        let Some(sender) = self.allocations.get(from) else {
            return self.drop_data(Dropped::Unbound);
        };
        if !self.may_meet(sender, relayed) {
            return self.drop_data(Dropped::Denied);
        }
        let source = sender.relayed;
        if !self.is_within_bandwidth(now, from, len) {
            return self.drop_data(Dropped::OverBandwidth);
        }
        let (path, datagram) = match self.deliver(now, to, source, buffer, data) {
            Ok(delivered) => delivered,
            Err(reason) => return self.drop_data(reason),
        };
        if let Some(allocation) = self.allocations.get_mut(from) {
            allocation.traffic.to_peers.add(len);
        }
        self.counters.direct += 1;
        self.counters.direct_bytes += len as u64;
        Action::ToClient {
            path,
            datagram,
            content: Content::Data,
        }
    }

    /// Wraps data of a permitted peer for the client of an allocation.
    fn deliver(
        &mut self,
        now: Tick,
        id: AllocationId,
        peer: SocketAddr,
        buffer: &mut [u8],
        data: Range<usize>,
    ) -> Result<(FiveTuple, Range<usize>), Dropped> {
        let allocation = self.allocations.get(id).ok_or(Dropped::Unbound)?;
        if !allocation.is_attached() || allocation.peer_transport != PeerTransport::Udp {
            return Err(Dropped::Unbound);
        }
        if !self.may_meet(allocation, peer) {
            return Err(Dropped::Denied);
        }
        let path = allocation.path;
        let len = data.len();
        let wrapping = allocation.wrapping(peer, now).ok_or(Dropped::Unpermitted)?;
        if !self.is_within_bandwidth(now, id, len) {
            return Err(Dropped::OverBandwidth);
        }
        let datagram = match wrapping {
            Wrapping::ChannelData(number) => {
                let datagram = wrap_channel_data(buffer, data, number);
                if path.transport.is_stream() {
                    datagram.and_then(|datagram| pad(buffer, datagram))
                } else {
                    datagram
                }
            }
            Wrapping::DataIndication => {
                let transaction = self.indications.next();
                wrap_data_indication(buffer, data, peer, transaction)
            }
        };
        let datagram = datagram.ok_or(Dropped::TooLarge)?;
        if let Some(allocation) = self.allocations.get_mut(id) {
            allocation.traffic.to_client.add(len);
        }
        Ok((path, datagram))
    }

    /// Whether data may pass between an allocation and a peer to which it has a permission: those who
    /// only find something out meet nobody but themselves.
    fn may_meet(&self, allocation: &Allocation, peer: SocketAddr) -> bool {
        !allocation.is_trial || self.siblings.are_of_one_trial(allocation.relayed, peer)
    }

    /// Whether an allocation may relay so many bytes more; if so, they count.
    pub(super) fn is_within_bandwidth(&mut self, now: Tick, id: AllocationId, len: usize) -> bool {
        let fits = |bucket: &mut Bucket, rate: u64| {
            let at_once = rate.saturating_mul(2).max(LARGEST_DATAGRAM);
            rate == u64::MAX || bucket.admit(now, len as u64, rate, at_once)
        };
        let rate = self.limits.bandwidth;
        let allocation = self.allocations.get_mut(id);
        let allocation = allocation.is_some_and(|it| {
            let most = if it.is_trial {
                trial::BANDWIDTH
            } else {
                u64::MAX
            };
            fits(&mut it.bandwidth, rate.min(most))
        });
        allocation && fits(&mut self.bandwidth, self.limits.total_bandwidth)
    }

    fn drop_data(&mut self, reason: Dropped) -> Action {
        let drops = &mut self.counters.drops;
        let by_reason = match reason {
            Dropped::Unbound => &mut drops.unbound,
            Dropped::Unpermitted => &mut drops.unpermitted,
            Dropped::Denied => &mut drops.denied,
            Dropped::OverBandwidth => &mut drops.over_bandwidth,
            Dropped::TooLarge => &mut drops.too_large,
        };
        *by_reason += 1;
        self.counters.dropped += 1;
        Action::Nothing
    }
}

/// What a Send indication says.
struct Sending {
    peer: SocketAddr,
    /// Where the data lies in the indication.
    data: Range<usize>,
    dont_fragment: bool,
}

fn read_send(datagram: &[u8]) -> Option<Sending> {
    let message = Message::parse(datagram).ok()?;
    if UnknownAttributes::of(&message).is_some() {
        return None;
    }
    let peer = message.first(attr::XOR_PEER_ADDRESS)?;
    let peer = attr::read_xor_address(peer, &message.transaction())?;
    let data = message.first(attr::DATA)?;
    let start = data.as_ptr() as usize - datagram.as_ptr() as usize;
    Some(Sending {
        peer,
        data: start..start + data.len(),
        dont_fragment: message.first(attr::DONT_FRAGMENT).is_some(),
    })
}

/// Puts the 4-byte header in front of the data, where it lies.
fn wrap_channel_data(buffer: &mut [u8], data: Range<usize>, number: u16) -> Option<Range<usize>> {
    let start = data.start.checked_sub(channel_data::HEADER_LEN)?;
    let header = ChannelData::header(number, data.len())?;
    buffer.get_mut(start..data.start)?.copy_from_slice(&header);
    Some(start..data.end)
}

/// Lets a message end at a multiple of four bytes, with zeros.
fn pad(buffer: &mut [u8], message: Range<usize>) -> Option<Range<usize>> {
    let end = message.start + message.len().next_multiple_of(4);
    buffer.get_mut(message.end..end)?.fill(0);
    Some(message.start..end)
}

/// Puts everything of a Data indication around the data, where it lies.
fn wrap_data_indication(
    buffer: &mut [u8],
    data: Range<usize>,
    peer: SocketAddr,
    transaction: TransactionId,
) -> Option<Range<usize>> {
    let address_len = if peer.is_ipv4() { 8 } else { 20 };
    let in_front = stun::HEADER_LEN + 4 + address_len + 4;
    let start = data.start.checked_sub(in_front)?;
    let buffer = buffer.get_mut(start..)?;
    let len = Writer::new(buffer, Class::Indication, Method::DATA, transaction)
        .xor_address(attr::XOR_PEER_ADDRESS, peer)
        .attribute_around(attr::DATA, data.len())
        .finish()?;
    Some(start..start + len)
}
