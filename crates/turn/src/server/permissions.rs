//! CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).

use std::net::{IpAddr, SocketAddr};

use protocol::time::Tick;

use super::Server;
use super::allocate::family_of;
use crate::allocation::{FiveTuple, NotInstalled};
use crate::channel_data;
use crate::peers::Verdict;
use crate::reply::{Answer, Refusal};
use crate::stun::{Message, attribute as attr};

impl Server {
    pub(super) fn create_permission(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Answer, Refusal> {
        let (id, allocation) = self.allocation_on(path)?;
        let family = family_of(allocation.relayed.ip());
        let mut peers = peer_addresses(message).peekable();
        if peers.peek().is_none() {
            return Err(Refusal::BadRequest);
        }
        for peer in peers {
            self.check_peer(peer.ok_or(Refusal::BadRequest)?.ip(), family)?;
        }
        let ips = peer_addresses(message).flatten().map(|peer| peer.ip());
        self.purge(id, now);
        if let Some(allocation) = self.allocations.get_mut(id) {
            allocation.permit(ips, now, &self.limits)?;
        }
        self.tell_bindings(id, now);
        Ok(Answer::Done)
    }

    pub(super) fn channel_bind(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Answer, Refusal> {
        let (id, allocation) = self.allocation_on(path)?;
        let family = family_of(allocation.relayed.ip());
        let (number, peer) = channel_and_peer(message).ok_or(Refusal::BadRequest)?;
        self.check_peer(peer.ip(), family)?;
        if self.siblings.inside(peer).is_none() && !self.peers.is_open(peer) {
            return Err(Refusal::Forbidden);
        }
        self.purge(id, now);
        if let Some(allocation) = self.allocations.get_mut(id) {
            allocation.bind_channel(number, peer, now, &self.limits)?;
        }
        self.tell_bindings(id, now);
        Ok(Answer::Done)
    }

    fn check_peer(&self, peer: IpAddr, family: u8) -> Result<(), Refusal> {
        if family_of(peer) != family {
            return Err(Refusal::PeerFamilyMismatch);
        }
        match self.peers.judge(peer) {
            Verdict::Denied => Err(Refusal::Forbidden),
            Verdict::Allowed | Verdict::Own => Ok(()),
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
