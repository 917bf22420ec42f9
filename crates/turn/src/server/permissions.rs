//! CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).

use std::net::{IpAddr, SocketAddr};

use protocol::time::Tick;

use super::Server;
use crate::allocation::{AllocationId, FiveTuple, NotInstalled, PeerTransport};
use crate::channel_data;
use crate::peers::Verdict;
use crate::reply::{Answer, Refusal};
use crate::stun::Message;
use crate::stun::attribute::{self as attr, family_of};

impl Server {
    pub(super) fn create_permission(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Answer, Refusal> {
        let ids = self.allocations_on(path)?;
        // More than can be had is refused unseen: a message has room for 5,000.
        let most = self.limits.permissions.saturating_mul(ids.len());
        match peer_addresses(message).take(most.saturating_add(1)).count() {
            0 => return Err(Refusal::BadRequest),
            count if count > most => return Err(Refusal::InsufficientCapacity),
            _ => {}
        }
        for peer in peer_addresses(message) {
            let ip = peer.ok_or(Refusal::BadRequest)?.ip();
            self.of_family(&ids, family_of(ip))?;
            self.check_peer(&ids, ip)?;
        }
        // All or none, also of two allocations: the first may have to take back what it gave.
        let mut before = Vec::new();
        for id in &ids {
            self.purge(*id, now);
            let Some(allocation) = self.allocations.get_mut(*id) else {
                continue;
            };
            let family = allocation.family();
            let ips = peer_addresses(message).flatten().map(|peer| peer.ip());
            let ips = ips.filter(|ip| family_of(*ip) == family);
            before.extend((ids.len() > 1).then(|| allocation.permissions()));
            if let Err(reason) = allocation.permit(ips, now, &self.limits) {
                for (id, before) in ids.iter().zip(before) {
                    if let Some(allocation) = self.allocations.get_mut(*id) {
                        allocation.restore(before);
                    }
                }
                return Err(reason.into());
            }
        }
        for id in ids {
            self.tell_bindings(id, now);
        }
        Ok(Answer::Done)
    }

    pub(super) fn channel_bind(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Answer, Refusal> {
        let ids = self.allocations_on(path)?;
        let (number, peer) = channel_and_peer(message).ok_or(Refusal::BadRequest)?;
        let id = self.allocation_for(path, family_of(peer.ip()))?;
        self.check_peer(&[id], peer.ip())?;
        let inside = self.siblings.inside(peer, PeerTransport::Udp);
        if inside.is_none() && !self.peers.is_open(peer) {
            return Err(Refusal::Forbidden);
        }
        let allocation = self.allocations.get(id);
        if allocation.is_none_or(|it| it.peer_transport != PeerTransport::Udp) {
            return Err(Refusal::BadRequest);
        }
        let is_bound = |other: &AllocationId| {
            let other = self.allocations.get(*other).filter(|_| *other != id);
            other.is_some_and(|other| other.has_channel(number, now))
        };
        if ids.iter().any(is_bound) {
            return Err(Refusal::BadRequest);
        }
        self.purge(id, now);
        if let Some(allocation) = self.allocations.get_mut(id) {
            allocation.bind_channel(number, peer, now, &self.limits)?;
        }
        self.tell_bindings(id, now);
        Ok(Answer::Done)
    }

    /// Whether these allocations may have a peer at this address.
    pub(super) fn check_peer(&self, ids: &[AllocationId], peer: IpAddr) -> Result<(), Refusal> {
        let mut allocations = ids.iter().filter_map(|id| self.allocations.get(*id));
        match self.peers.judge(peer) {
            Verdict::Own => Ok(()),
            Verdict::Allowed if !allocations.any(|it| it.is_trial) => Ok(()),
            Verdict::Allowed | Verdict::Denied => Err(Refusal::Forbidden),
        }
    }
}

impl From<NotInstalled> for Refusal {
    fn from(reason: NotInstalled) -> Refusal {
        match reason {
            NotInstalled::Conflict => Refusal::BadRequest,
            NotInstalled::Full => Refusal::InsufficientCapacity,
        }
    }
}

/// Every XOR-PEER-ADDRESS; here duplicates all count. `None` stands for a malformed one.
fn peer_addresses<'m>(
    message: &Message<'m>,
) -> impl Iterator<Item = Option<SocketAddr>> + Clone + use<'m> {
    let transaction = message.transaction();
    message
        .attributes()
        .filter(|(kind, _)| *kind == attr::XOR_PEER_ADDRESS)
        .map(move |(_, value)| attr::read_xor_address(value, &transaction))
}

fn channel_and_peer(message: &Message<'_>) -> Option<(u16, SocketAddr)> {
    let number = attr::read_channel_number(message.first(attr::CHANNEL_NUMBER)?)?;
    let peer = attr::read_xor_address(
        message.first(attr::XOR_PEER_ADDRESS)?,
        &message.transaction(),
    )?;
    (channel_data::NUMBERS.contains(&number) && peer.port() != 0).then_some((number, peer))
}
