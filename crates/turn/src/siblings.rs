//! Several servers that share their relay addresses, one on each thread.
//!
//! A client belongs to one of them, and everything on the way of its packets is in that one's own
//! memory. What they have to know of each other is only which ports are relayed transport addresses
//! of any of them: two clients of different servers may talk, and nothing else on the relays'
//! addresses may be reached.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::allocation::PeerTransport;
use crate::config::RelayAddress;
use crate::port_set::PortSet;

/// The relayed transport addresses of all servers that share it.
#[derive(Debug)]
pub struct Siblings {
    relays: Vec<(RelayAddress, Ports)>,
    /// The accounts of those that belong to [trials](crate::trial). Packets of calls do not come here.
    trials: RwLock<Trials>,
}

/// Accounts by relayed transport address.
type Trials = BTreeMap<SocketAddr, Box<str>>;

/// The ports of an address that are relayed transport addresses.
#[derive(Debug, Default)]
struct Ports {
    udp: PortSet,
    tcp: PortSet,
}

impl Ports {
    fn of(&self, transport: PeerTransport) -> &PortSet {
        match transport {
            PeerTransport::Udp => &self.udp,
            PeerTransport::Tcp => &self.tcp,
        }
    }
}

impl Siblings {
    /// For servers that make their allocations on these addresses.
    pub fn new(relays: &[RelayAddress]) -> Siblings {
        let nothing_yet = |relay: &RelayAddress| (*relay, Ports::default());
        Siblings {
            relays: relays.iter().map(nothing_yet).collect(),
            trials: RwLock::default(),
        }
    }

    /// Takes note of a relayed transport address.
    pub(crate) fn insert(&self, relayed: SocketAddr, transport: PeerTransport) {
        if let Some((_, ports)) = self.announced(relayed.ip()) {
            ports.of(transport).insert(relayed.port());
        }
    }

    /// The relayed transport address is no more.
    pub(crate) fn remove(&self, relayed: SocketAddr, transport: PeerTransport) {
        if let Some((_, ports)) = self.announced(relayed.ip()) {
            ports.of(transport).remove(relayed.port());
        }
    }

    /// Where a packet for a relayed transport address has to be sent from within this machine: its
    /// announced address may be that of a router which does not send anything back in.
    pub(crate) fn inside(
        &self,
        relayed: SocketAddr,
        transport: PeerTransport,
    ) -> Option<SocketAddr> {
        let (relay, ports) = self.announced(relayed.ip())?;
        ports
            .of(transport)
            .contains(relayed.port())
            .then(|| SocketAddr::new(reachable(relay.bind), relayed.port()))
    }

    /// The relayed transport address that a packet from within this machine has come from.
    pub(crate) fn outside(
        &self,
        source: SocketAddr,
        transport: PeerTransport,
    ) -> Option<SocketAddr> {
        let (relay, _) = self.relays.iter().find(|(relay, ports)| {
            reachable(relay.bind) == source.ip() && ports.of(transport).contains(source.port())
        })?;
        Some(SocketAddr::new(relay.announced, source.port()))
    }

    /// Takes note of whose trial has this relayed transport address.
    pub(crate) fn insert_trial(&self, relayed: SocketAddr, account: &str) {
        self.trials_to_change().insert(relayed, account.into());
    }

    /// It has it no more.
    pub(crate) fn remove_trial(&self, relayed: SocketAddr) {
        self.trials_to_change().remove(&relayed);
    }

    /// How many relayed transport addresses belong to trials.
    pub(crate) fn trials(&self) -> usize {
        self.trials_to_read().len()
    }

    /// Whether both are relayed transport addresses of the same trial.
    pub(crate) fn are_of_one_trial(&self, one: SocketAddr, other: SocketAddr) -> bool {
        let trials = self.trials_to_read();
        let account = trials.get(&one);
        account.is_some() && account == trials.get(&other)
    }

    /// Every change is whole before the lock is let go, so what a panic leaves behind is sound.
    fn trials_to_read(&self) -> RwLockReadGuard<'_, Trials> {
        self.trials.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn trials_to_change(&self) -> RwLockWriteGuard<'_, Trials> {
        self.trials.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn announced(&self, ip: IpAddr) -> Option<&(RelayAddress, Ports)> {
        self.relays.iter().find(|(relay, _)| relay.announced == ip)
    }
}

/// What is bound to all addresses is reached on the loopback one.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}
