//! What an operator does to a server that runs: new settings, draining, a look inside, a kick.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::time::Now;

use super::Server;
use crate::allocation::{Allocation, AllocationId, FiveTuple, Traffic};
use crate::config::Limits;
use crate::credentials::Credentials;
use crate::peers::{PeerPolicy, Verdict};
use crate::reply::{Alternates, Answer, Refusal};
use crate::revoked::is_by;

/// What new Allocate requests are answered while a server drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Servers to go to instead, of either family or both: 300 Try Alternate (RFC 8489 section
    /// 10) for a client whose own family is among them. Of each family the first counts.
    pub alternates: Vec<SocketAddr>,
    /// The name in the certificate of those servers, if it is another than here: ALTERNATE-DOMAIN.
    pub domain: Option<AlternateDomain>,
    /// The answer for all other clients.
    pub otherwise: Full,
}

/// How a server says that it takes nobody any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Full {
    /// 486 Allocation Quota Reached: browsers go on to the next server they know.
    QuotaReached,
    /// 508 Insufficient Capacity: clients may try again after a while.
    #[default]
    InsufficientCapacity,
}

/// A domain name as ALTERNATE-DOMAIN carries it: 1 to 255 bytes of printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlternateDomain(Arc<str>);

/// A text that is no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a domain name is 1 to 255 letters, digits, dots and hyphens")]
pub struct BadDomain;

/// An allocation as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationStatus {
    /// What [`Server::kick`] takes.
    pub id: AllocationId,
    /// Client, server address and transport.
    pub path: FiveTuple,
    /// The relayed transport address, as the client was told.
    pub relayed: SocketAddr,
    /// USERNAME, whole.
    pub username: Box<str>,
    /// How long ago it was made.
    pub age: Duration,
    /// How long it lives unless it is refreshed.
    pub expires_in: Duration,
    /// Permissions that have not expired.
    pub permissions: usize,
    /// Channels that have not expired.
    pub channels: usize,
    /// What has passed so far.
    pub traffic: Traffic,
}

impl Server {
    /// Replaces who may allocate, which peers may be reached, and the limits.
    ///
    /// Allocations live on: their requests are good under the key they were made with, and limits
    /// they exceed only keep them from growing. Permissions, channels and connections to peers that
    /// are denied now end at once. Poll events afterwards.
    pub fn reconfigure(
        &mut self,
        now: Now,
        credentials: Credentials,
        peers: PeerPolicy,
        limits: Limits,
    ) {
        self.credentials = credentials;
        self.peers.replace(peers);
        self.limits = limits.sound();
        self.nonces.set_lifetime(limits.nonce_lifetime);
        self.challenges.set_rate(limits.challenges);
        self.guesses.set_rate(limits.guesses);
        self.forbid_denied(now);
    }

    /// Replaces [`PeerPolicy::local`], for a machine that has other addresses than before.
    /// Permissions and channels to peers that are denied now end at once. Poll events afterwards.
    pub fn set_local(&mut self, now: Now, local: Vec<IpAddr>) {
        self.peers.set_local(local);
        self.forbid_denied(now);
    }

    fn forbid_denied(&mut self, now: Now) {
        for (id, allocation) in self.allocations.iter_mut() {
            self.events.push_removed(allocation.purge(id, now.tick));
            let denied = |ip| self.peers.judge(ip) == Verdict::Denied;
            self.events.push_removed(allocation.forbid(id, denied));
        }
        self.forbid_connections();
    }

    /// From now on no new allocations are made; those that exist go on, and are refreshed, as
    /// before. `None` takes new ones again. [`Counters::allocations`](crate::Counters) tells when
    /// nothing is left.
    pub fn drain(&mut self, drain: Option<Drain>) {
        self.drain = drain;
    }

    /// At most `limit` of the allocations whose relay sockets are open, in the order of their ids,
    /// from behind `after` on. Costs a look at every id, and more only for those that are given.
    pub fn allocations(
        &self,
        now: Now,
        after: Option<AllocationId>,
        limit: usize,
    ) -> impl Iterator<Item = AllocationStatus> {
        let all = self.allocations.iter();
        let mut page: Vec<_> = all
            .filter(|(id, allocation)| Some(*id) > after && allocation.is_open())
            .collect();
        page.sort_unstable_by_key(|(id, _)| *id);
        page.truncate(limit);
        page.into_iter()
            .map(move |(id, allocation)| status(now, id, allocation))
    }

    /// Ends an allocation, as its client would by a Refresh with lifetime 0. `false` if it is gone
    /// already. The client may make another one as long as its credential is good.
    pub fn kick(&mut self, id: AllocationId) -> bool {
        let exists = self.allocations.get(id).is_some_and(Allocation::is_open);
        if exists {
            self.close(id);
        }
        exists
    }

    /// Ends all allocations of a user, and says how many. `name` is a whole USERNAME, or without
    /// its expiry that of an ephemeral one: `carol` stands for every `expiry:carol`.
    pub fn kick_user(&mut self, name: &str) -> usize {
        self.close_all(|allocation| {
            allocation.share.username() == name || allocation.share.account() == name
        })
    }

    fn close_all(&mut self, which: impl Fn(&Allocation) -> bool) -> usize {
        let ids: Vec<_> = self
            .allocations
            .iter()
            .filter(|(_, allocation)| allocation.is_open() && which(allocation))
            .map(|(id, _)| id)
            .collect();
        for id in &ids {
            self.close(*id);
        }
        ids.len()
    }

    /// Takes back what was given to a user before it expires: their ephemeral credentials that
    /// expire by `until` (Unix seconds) are good for no request any more, and the allocations made
    /// with them end. `user` is what stands behind the expiry in USERNAME. Says how many ended.
    ///
    /// What a client is answered is what a wrong password is. The server remembers it until the
    /// credentials have expired, for as many users as fit in about a megabyte.
    pub fn revoke(&mut self, now: Now, user: &str, until: u64) -> usize {
        self.revoked.add(now.unix_seconds(), user, until);
        self.close_all(|allocation| {
            let share = &allocation.share;
            share.account() == user && is_by(share.username(), until)
        })
    }

    /// What a new Allocate is answered while the server drains.
    pub(super) fn turn_away(&self, client: SocketAddr) -> Option<Answer> {
        let drain = self.drain.as_ref()?;
        let of_family = |is_ipv4| {
            let mut alternates = drain.alternates.iter();
            alternates
                .find(|address| address.is_ipv4() == is_ipv4)
                .copied()
        };
        Some(match of_family(client.is_ipv4()) {
            Some(first) => Answer::TryAlternate(Box::new(Alternates {
                first,
                second: of_family(!client.is_ipv4()),
                domain: drain.domain.as_ref().map(|domain| domain.0.clone()),
            })),
            None => Answer::Refused(drain.otherwise.into()),
        })
    }
}

impl std::str::FromStr for AlternateDomain {
    type Err = BadDomain;

    fn from_str(text: &str) -> Result<AlternateDomain, BadDomain> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if !(1..=255).contains(&text.len()) || !text.chars().all(is_part) {
            return Err(BadDomain);
        }
        Ok(AlternateDomain(text.into()))
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Refusal {
        match full {
            Full::QuotaReached => Refusal::QuotaReached,
            Full::InsufficientCapacity => Refusal::InsufficientCapacity,
        }
    }
}

fn status(now: Now, id: AllocationId, allocation: &Allocation) -> AllocationStatus {
    let (permissions, channels) = allocation.live(now.tick);
    AllocationStatus {
        id,
        path: allocation.path,
        relayed: allocation.relayed,
        username: allocation.share.username().into(),
        age: now.tick - allocation.created,
        expires_in: allocation.expires - now.tick,
        permissions,
        channels,
        traffic: allocation.traffic,
    }
}
