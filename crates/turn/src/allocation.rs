//! One allocation: its permissions and channels (RFC 8656 sections 3, 9 and 12).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::time::Tick;

use crate::action::Binding;
use crate::bucket::Bucket;
use crate::config::Limits;
use crate::mobility::Mobile;
use crate::quota::Share;
use crate::reply::Refusal;
use crate::reservations::Token;
use crate::stun::attribute::family_of;
use crate::stun::{Key, TransactionId};

/// How long a permission lives after it was last installed (RFC 8656 section 9).
pub(crate) const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// How long a channel lives after it was last bound (RFC 8656 section 12).
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

/// The deadline of an allocation that is still being opened.
pub(crate) const NEVER: Tick = Tick::from_micros(u64::MAX);

/// Names an allocation for as long as it exists. A later allocation never has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllocationId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl AllocationId {
    /// A small number that no other existing allocation has: an index for a table of sockets.
    /// It is used again after the allocation is gone.
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// `slot-generation`, as in `17-3`.
impl std::fmt::Display for AllocationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.slot, self.generation)
    }
}

/// A text that names no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an allocation is named like 17-3, as the list of allocations says")]
pub struct NotAllocationId;

impl std::str::FromStr for AllocationId {
    type Err = NotAllocationId;

    fn from_str(text: &str) -> Result<AllocationId, NotAllocationId> {
        let (slot, generation) = text.split_once('-').ok_or(NotAllocationId)?;
        let number = |digits: &str| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits
                .parse()
                .ok()
                .filter(|_| is_plain)
                .ok_or(NotAllocationId)
        };
        Ok(AllocationId {
            slot: number(slot)?,
            generation: number(generation)?,
        })
    }
}

/// What carries messages between a client and this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One message in a datagram.
    Udp,
    /// One message behind another in a stream; ChannelData is padded to four bytes there.
    Tcp,
    /// The same inside of TLS.
    Tls,
}

impl Transport {
    /// Whether messages come one behind another in a connection.
    pub fn is_stream(self) -> bool {
        self != Transport::Udp
    }
}

/// What carries data between this server and the peers of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerTransport {
    /// Datagrams.
    Udp,
    /// A connection with each peer (RFC 6062).
    Tcp,
}

/// Client address, server address and transport (RFC 8656 section 3): together they name a client,
/// and its allocation. The same addresses with another transport are somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Where the client's packets come from, as this server sees it.
    pub client: SocketAddr,
    /// The address and port of this server that the client sends to.
    pub local: SocketAddr,
    /// What the client's messages come by.
    pub transport: Transport,
}

/// An allocation is made by Allocate and lives until it expires or is deleted by Refresh.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) path: FiveTuple,
    /// The user it belongs to, and what it counts.
    pub(crate) share: Share,
    /// Whether it is only to find something out: see [`crate::trial`].
    pub(crate) is_trial: bool,
    /// The key its requests are protected with.
    pub(crate) key: Key,
    /// The request that made it, to know a retransmission.
    pub(crate) transaction: TransactionId,
    /// The relayed transport address as announced; its port is 0 until the driver has opened it.
    pub(crate) relayed: SocketAddr,
    pub(crate) peer_transport: PeerTransport,
    pub(crate) created: Tick,
    pub(crate) expires: Tick,
    /// What Allocate was answered, to answer its retransmission.
    pub(crate) lifetime: Duration,
    /// What the client shows to get the port above this one, if it asked for that.
    pub(crate) reserved: Option<Token>,
    /// The allocation of the other address family on the same 5-tuple, if the client has both
    /// (RFC 8656 section 7.1).
    pub(crate) other: Option<AllocationId>,
    /// The address family that was asked for besides and could not be had, and why.
    pub(crate) missing: Option<(u8, Refusal)>,
    pub(crate) traffic: Traffic,
    /// What it has relayed lately.
    pub(crate) bandwidth: Bucket,
    /// The addresses it has got permissions for lately.
    pub(crate) new_peers: Bucket,
    /// Set if the client holds a ticket to move it.
    pub(crate) mobile: Option<Box<Mobile>>,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
}

/// What an allocation has relayed. Only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the client to its peers.
    pub to_peers: Volume,
    /// From its peers to the client.
    pub to_client: Volume,
}

/// An amount of application data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Datagrams.
    pub packets: u64,
    /// Bytes in them, without any header.
    pub bytes: u64,
}

impl Volume {
    pub(crate) fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// The permissions of an allocation at some time.
#[derive(Debug)]
pub(crate) struct Permissions(Vec<Permission>, Bucket);

#[derive(Clone, Debug)]
struct Permission {
    peer: IpAddr,
    expires: Tick,
}

#[derive(Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: Tick,
    /// The end that was told last.
    told: Tick,
}

/// The channels of an allocation that is gone.
#[derive(Debug)]
pub(crate) struct Bindings {
    id: AllocationId,
    path: FiveTuple,
    relayed: SocketAddr,
    channels: Vec<Channel>,
}

impl Bindings {
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<Binding> {
        let channel = self.channels.pop()?;
        Some(channel.binding(self.id, self.path, self.relayed))
    }
}

impl Channel {
    fn binding(&self, allocation: AllocationId, path: FiveTuple, relayed: SocketAddr) -> Binding {
        Binding {
            allocation,
            path,
            number: self.number,
            peer: self.peer,
            relayed,
            expires: self.told,
        }
    }
}

/// Why a permission or channel was not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotInstalled {
    /// The number is bound to another peer, or the peer to another number.
    Conflict,
    /// The allocation has as many as it may have, or got too many lately.
    Full,
}

/// How a client hears of a peer's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    ChannelData(u16),
    DataIndication,
}

impl Allocation {
    /// An allocation whose relay socket is still to be opened.
    pub(crate) fn opening(
        path: FiveTuple,
        share: Share,
        key: Key,
        transaction: TransactionId,
        relay_ip: IpAddr,
    ) -> Allocation {
        Allocation {
            path,
            is_trial: share.is_trial(),
            share,
            key,
            transaction,
            relayed: SocketAddr::new(relay_ip, 0),
            peer_transport: PeerTransport::Udp,
            created: Tick::default(),
            expires: NEVER,
            lifetime: Duration::ZERO,
            reserved: None,
            other: None,
            missing: None,
            traffic: Traffic::default(),
            bandwidth: Bucket::default(),
            new_peers: Bucket::default(),
            mobile: None,
            permissions: Vec::new(),
            channels: Vec::new(),
        }
    }

    /// One for the same client and request on another address; takes one of its shares along.
    pub(crate) fn beside(&mut self, relay_ip: IpAddr) -> Allocation {
        let share = self.share.split();
        let (key, transaction) = (self.key.clone(), self.transaction);
        Allocation {
            peer_transport: self.peer_transport,
            ..Allocation::opening(self.path, share, key, transaction, relay_ip)
        }
    }

    /// The address family of its peers.
    pub(crate) fn family(&self) -> u8 {
        family_of(self.relayed.ip())
    }

    /// Whether the driver has opened the relay socket.
    pub(crate) fn is_open(&self) -> bool {
        self.relayed.port() != 0
    }

    /// Whether it is moving to this 5-tuple.
    pub(crate) fn is_moving_to(&self, path: &FiveTuple) -> bool {
        let mobile = self.mobile.as_ref();
        mobile.is_some_and(|mobile| mobile.next.as_ref() == Some(path))
    }

    /// Whether its 5-tuple still stands for its client.
    pub(crate) fn is_attached(&self) -> bool {
        self.mobile
            .as_ref()
            .is_none_or(|mobile| !mobile.is_detached)
    }

    /// Whether its client is heard on this 5-tuple and no other.
    pub(crate) fn is_heard_only_on(&self, path: &FiveTuple) -> bool {
        let mut paths = self.paths();
        paths.next().as_ref() == Some(path) && paths.next().is_none()
    }

    /// All 5-tuples its client is heard on: one, two during a move, or none.
    pub(crate) fn paths(&self) -> impl Iterator<Item = FiveTuple> + use<> {
        let next = self.mobile.as_ref().and_then(|mobile| mobile.next);
        let here = self.is_attached().then_some(self.path);
        here.into_iter().chain(next)
    }

    /// Gives it another 5-tuple, and tells every channel as it was and as it is.
    pub(crate) fn set_path(
        &mut self,
        id: AllocationId,
        path: FiveTuple,
        mut tell: impl FnMut(Binding, Binding),
    ) {
        let before = std::mem::replace(&mut self.path, path);
        for channel in &self.channels {
            let binding = |path| channel.binding(id, path, self.relayed);
            tell(binding(before), binding(path));
        }
    }

    /// Whether data from and to this address may pass.
    pub(crate) fn permits(&self, peer: IpAddr, now: Tick) -> bool {
        self.permissions
            .iter()
            .any(|permission| permission.peer == peer && permission.expires > now)
    }

    /// The peer a channel number is bound to.
    pub(crate) fn peer_of(&self, number: u16, now: Tick) -> Option<SocketAddr> {
        self.channels
            .iter()
            .find(|channel| channel.number == number && channel.expires > now)
            .map(|channel| channel.peer)
    }

    /// How data of this peer is given to the client; `None` if it has no permission.
    pub(crate) fn wrapping(&self, peer: SocketAddr, now: Tick) -> Option<Wrapping> {
        if !self.permits(peer.ip(), now) {
            return None;
        }
        let bound = self
            .channels
            .iter()
            .find(|channel| channel.peer == peer && channel.expires > now);
        Some(bound.map_or(Wrapping::DataIndication, |channel| {
            Wrapping::ChannelData(channel.number)
        }))
    }

    /// How many permissions and channels have not expired.
    pub(crate) fn live(&self, now: Tick) -> (usize, usize) {
        let permissions = self.permissions.iter().filter(|it| it.expires > now);
        let channels = self.channels.iter().filter(|it| it.expires > now);
        (permissions.count(), channels.count())
    }

    /// Tells of every channel whose end is another than was told: that of the channel or of its
    /// permission, whichever is first.
    pub(crate) fn tell_bindings(
        &mut self,
        id: AllocationId,
        now: Tick,
        mut tell: impl FnMut(Binding),
    ) {
        for channel in &mut self.channels {
            let of_peer = |permission: &&Permission| permission.peer == channel.peer.ip();
            let Some(permission) = self.permissions.iter().find(of_peer) else {
                continue;
            };
            let end = channel.expires.min(permission.expires);
            if end > now && end != channel.told {
                channel.told = end;
                tell(channel.binding(id, self.path, self.relayed));
            }
        }
    }

    /// Takes out what has expired, and gives the channels among it.
    pub(crate) fn purge(&mut self, id: AllocationId, now: Tick) -> Vec<Binding> {
        self.permissions
            .retain(|permission| permission.expires > now);
        self.take_channels(id, |channel| channel.expires <= now)
    }

    /// Takes out what leads to these addresses, and gives the channels among it.
    pub(crate) fn forbid(
        &mut self,
        id: AllocationId,
        denied: impl Fn(IpAddr) -> bool,
    ) -> Vec<Binding> {
        self.permissions
            .retain(|permission| !denied(permission.peer));
        self.take_channels(id, |channel| denied(channel.peer.ip()))
    }

    /// What is left of it once it is gone.
    pub(crate) fn into_bindings(self, id: AllocationId) -> Bindings {
        Bindings {
            id,
            path: self.path,
            relayed: self.relayed,
            channels: self.channels,
        }
    }

    fn take_channels(&mut self, id: AllocationId, ends: impl Fn(&Channel) -> bool) -> Vec<Binding> {
        self.channels
            .extract_if(.., |channel| ends(channel))
            .map(|channel| channel.binding(id, self.path, self.relayed))
            .collect()
    }

    /// Whether this number is bound.
    pub(crate) fn has_channel(&self, number: u16, now: Tick) -> bool {
        self.peer_of(number, now).is_some()
    }

    /// Gives up the permissions of a request that was refused as a whole.
    pub(crate) fn restore(&mut self, before: Permissions) {
        (self.permissions, self.new_peers) = (before.0, before.1);
    }

    /// What [`Allocation::restore`] takes.
    pub(crate) fn permissions(&self) -> Permissions {
        Permissions(self.permissions.clone(), self.new_peers)
    }

    /// Installs or refreshes permissions for all of these addresses, or for none of them.
    pub(crate) fn permit(
        &mut self,
        peers: impl Iterator<Item = IpAddr> + Clone,
        now: Tick,
        limits: &Limits,
    ) -> Result<(), NotInstalled> {
        self.permissions
            .retain(|permission| permission.expires > now);
        let before = self.permissions.len();
        let mut bucket = self.new_peers;
        for peer in peers.clone() {
            if self
                .permissions
                .iter()
                .any(|permission| permission.peer == peer)
            {
                continue;
            }
            if self.permissions.len() >= limits.permissions
                || !limits.new_peers.admit(&mut bucket, now)
            {
                self.permissions.truncate(before);
                return Err(NotInstalled::Full);
            }
            let expires = now;
            self.permissions.push(Permission { peer, expires });
        }
        self.new_peers = bucket;
        let expires = now + PERMISSION_LIFETIME;
        for peer in peers {
            let same = |permission: &&mut Permission| permission.peer == peer;
            if let Some(permission) = self.permissions.iter_mut().find(same) {
                permission.expires = expires;
            }
        }
        Ok(())
    }

    /// Binds or refreshes a channel, and with it the permission for the peer's address.
    pub(crate) fn bind_channel(
        &mut self,
        number: u16,
        peer: SocketAddr,
        now: Tick,
        limits: &Limits,
    ) -> Result<(), NotInstalled> {
        self.channels.retain(|channel| channel.expires > now);
        let touched = |channel: &Channel| channel.number == number || channel.peer == peer;
        let found = self.channels.iter().position(touched);
        match found.map(|at| &self.channels[at]) {
            Some(channel) if channel.number != number || channel.peer != peer => {
                return Err(NotInstalled::Conflict);
            }
            None if self.channels.len() >= limits.channels => return Err(NotInstalled::Full),
            _ => {}
        }
        self.permit(std::iter::once(peer.ip()), now, limits)?;
        let expires = now + CHANNEL_LIFETIME;
        match found {
            Some(at) => self.channels[at].expires = expires,
            None => self.channels.push(Channel {
                number,
                peer,
                expires,
                told: now,
            }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::quota::{Most, Quotas};

    const LIMITS: Limits = Limits {
        permissions: 4,
        channels: 2,
        ..Limits::DEFAULT
    };

    fn allocation() -> Allocation {
        let address: SocketAddr = "192.0.2.1:1".parse().unwrap();
        let most = Most {
            per_account: 1,
            per_source: 1,
        };
        let share = Arc::new(Quotas::default()).take("u", 0, address.ip(), 1, most);
        Allocation::opening(
            FiveTuple {
                client: address,
                local: address,
                transport: Transport::Udp,
            },
            share.unwrap(),
            Key::long_term("u", "r", "p"),
            TransactionId([0; 12]),
            "192.0.2.1".parse().unwrap(),
        )
    }

    fn tick(seconds: u64) -> Tick {
        Tick::from_micros(seconds * 1_000_000)
    }

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_permission_lives_five_minutes_from_its_last_installation() {
        let mut allocation = allocation();
        let ip = peer("1.1.1.1:1").ip();
        allocation
            .permit([ip].into_iter(), tick(0), &LIMITS)
            .unwrap();
        assert!(allocation.permits(ip, tick(299)));
        assert!(!allocation.permits(ip, tick(300)));
        allocation
            .permit([ip].into_iter(), tick(200), &LIMITS)
            .unwrap();
        assert!(allocation.permits(ip, tick(499)));
        assert!(!allocation.permits(ip, tick(500)));
    }

    #[test]
    fn a_channel_outlives_its_permission_but_then_carries_nothing() {
        let mut allocation = allocation();
        let one = peer("1.1.1.1:1");
        allocation
            .bind_channel(0x4000, one, tick(0), &LIMITS)
            .unwrap();
        assert_eq!(allocation.peer_of(0x4000, tick(599)), Some(one));
        assert_eq!(allocation.peer_of(0x4000, tick(600)), None);
        assert_eq!(
            allocation.wrapping(one, tick(299)),
            Some(Wrapping::ChannelData(0x4000))
        );
        assert_eq!(allocation.wrapping(one, tick(300)), None);
    }

    #[test]
    fn a_number_has_one_peer_and_a_peer_one_number_until_they_expire() {
        let mut allocation = allocation();
        let (one, two) = (peer("1.1.1.1:1"), peer("1.1.1.1:2"));
        allocation
            .bind_channel(0x4000, one, tick(0), &LIMITS)
            .unwrap();
        let conflict = Err(NotInstalled::Conflict);
        assert_eq!(
            allocation.bind_channel(0x4000, two, tick(1), &LIMITS),
            conflict
        );
        assert_eq!(
            allocation.bind_channel(0x4001, one, tick(1), &LIMITS),
            conflict
        );
        assert_eq!(
            allocation.bind_channel(0x4000, one, tick(1), &LIMITS),
            Ok(())
        );
        assert_eq!(
            allocation.bind_channel(0x4000, two, tick(601), &LIMITS),
            Ok(())
        );
        assert_eq!(
            allocation.bind_channel(0x4001, one, tick(601), &LIMITS),
            Ok(())
        );
    }

    #[test]
    fn crossing_two_existing_bindings_is_a_conflict() {
        let mut allocation = allocation();
        let (one, two) = (peer("1.1.1.1:1"), peer("1.1.1.1:2"));
        allocation
            .bind_channel(0x4000, one, tick(0), &LIMITS)
            .unwrap();
        allocation
            .bind_channel(0x4001, two, tick(0), &LIMITS)
            .unwrap();
        for (number, peer) in [(0x4000, two), (0x4001, one)] {
            let bound = allocation.bind_channel(number, peer, tick(1), &LIMITS);
            assert_eq!(bound, Err(NotInstalled::Conflict));
        }
    }

    #[test]
    fn full_tables_refuse_and_change_nothing() {
        let mut allocation = allocation();
        let ips = |range: std::ops::Range<u8>| range.map(|n| IpAddr::from([1, 1, 1, n]));
        allocation.permit(ips(0..3), tick(0), &LIMITS).unwrap();
        assert_eq!(
            allocation.permit(ips(2..6), tick(100), &LIMITS),
            Err(NotInstalled::Full)
        );
        assert!(
            !allocation.permits(IpAddr::from([1, 1, 1, 2]), tick(300)),
            "not refreshed"
        );
        assert!(!allocation.permits(IpAddr::from([1, 1, 1, 3]), tick(100)));
        allocation.permit(ips(3..7), tick(300), &LIMITS).unwrap();
        assert_eq!(
            allocation.bind_channel(0x4000, peer("1.1.1.9:9"), tick(301), &LIMITS),
            Err(NotInstalled::Full)
        );
        assert_eq!(allocation.peer_of(0x4000, tick(301)), None);
    }
}
