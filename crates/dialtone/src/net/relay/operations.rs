//! What an operator does to a relay that runs. Every thread is asked, and does it between two
//! packets; the answers are waited for.

use std::str::FromStr;
use std::sync::mpsc;

use protocol::time::Now;
use turn::{AllocationId, AllocationStatus, Counters, Drain, NotAllocationId, Server};

use super::worker::Order;
use super::{Relay, RelayConfig, Shard, peer_policy};

/// The name of an allocation among those of all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedId {
    shard: usize,
    allocation: AllocationId,
}

/// An allocation, and its name.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What [`Relay::kick`] takes.
    pub id: ListedId,
    /// What it is and does.
    pub status: AllocationStatus,
}

impl Relay {
    /// The counters as they stand.
    pub fn counters(&self) -> Counters {
        let counters = |server: &mut Server, _| server.counters();
        self.ask_all(|_| counters).sum()
    }

    /// Takes over who may allocate, which peers may be reached, the limits, and the certificates.
    /// No allocation and no connection ends.
    /// What else is in `config` needs a new relay.
    pub fn reload(&self, config: &RelayConfig) {
        if let (Some(old), Some(new)) = (&self.certificates, &config.tls) {
            old.replace_with(&new.certificates);
        }
        let protected = self.protected.clone();
        let peers = peer_policy(&config.allow_peers, &config.deny_peers, protected);
        let reloaded = self.ask_all(|_| {
            let (credentials, peers) = (config.credentials.clone(), peers.clone());
            let limits = config.limits.shared_by(self.shards.len() as u32);
            move |server: &mut Server, now| server.reconfigure(now, credentials, peers, limits)
        });
        reloaded.for_each(drop);
    }

    /// From now on new allocations are refused like this, and those that exist go on.
    pub fn drain(&self, drain: &Drain) {
        let draining = self.ask_all(|_| {
            let drain = drain.clone();
            move |server: &mut Server, _| server.drain(Some(drain))
        });
        draining.for_each(drop);
    }

    /// At most `limit` allocations in the order of their names, from behind `after` on.
    pub fn allocations(&self, after: Option<ListedId>, limit: usize) -> Vec<Listed> {
        let pages = self.ask_all(|shard| {
            move |server: &mut Server, now| page(server, now, shard, after, limit)
        });
        let mut listed: Vec<_> = pages.flatten().collect();
        listed.sort_unstable_by_key(|listed| listed.id);
        listed.truncate(limit);
        listed
    }

    /// Ends an allocation. `false` if there is none of that name.
    pub fn kick(&self, id: ListedId) -> bool {
        let shard = self.shards.get(id.shard);
        let kicked = shard.map(|shard| shard.ask(move |server, _| server.kick(id.allocation)));
        kicked.is_some_and(|kicked| kicked.recv().unwrap_or(false))
    }

    /// Ends all allocations of a user, and says how many: of a whole username, or of whoever has
    /// this name behind the expiry.
    pub fn kick_user(&self, name: &str) -> usize {
        let kicked = self.ask_all(|_| {
            let name = name.to_owned();
            move |server: &mut Server, _| server.kick_user(&name)
        });
        kicked.sum()
    }

    /// Asks all threads at once and then waits for the answers. A thread that is over gives none.
    fn ask_all<T, F>(&self, operation: impl Fn(usize) -> F) -> impl Iterator<Item = T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Server, Now) -> T + Send + 'static,
    {
        let shards = self.shards.iter().enumerate();
        let asked: Vec<_> = shards.map(|(at, shard)| shard.ask(operation(at))).collect();
        asked.into_iter().filter_map(|answer| answer.recv().ok())
    }
}

impl Shard {
    fn ask<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Server, Now) -> T + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.order(Order::Run(Box::new(move |server, now| {
            let _ = reply.try_send(operation(server, now));
        })));
        answer
    }
}

fn page(
    server: &Server,
    now: Now,
    shard: usize,
    after: Option<ListedId>,
    limit: usize,
) -> Vec<Listed> {
    let listed = |status: AllocationStatus| Listed {
        id: ListedId {
            shard,
            allocation: status.id,
        },
        status,
    };
    let all = server.allocations(now).map(listed);
    let mut page: Vec<_> = all.filter(|it| Some(it.id) > after).collect();
    page.sort_unstable_by_key(|listed| listed.id);
    page.truncate(limit);
    page
}

impl std::fmt::Display for ListedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.shard, self.allocation)
    }
}

impl FromStr for ListedId {
    type Err = NotAllocationId;

    fn from_str(text: &str) -> Result<ListedId, NotAllocationId> {
        let (shard, allocation) = text.split_once('-').ok_or(NotAllocationId)?;
        let is_plain = shard.bytes().all(|byte| byte.is_ascii_digit());
        Ok(ListedId {
            shard: shard
                .parse()
                .ok()
                .filter(|_| is_plain)
                .ok_or(NotAllocationId)?,
            allocation: allocation.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use turn::{Credentials, Limits};

    use super::*;

    #[test]
    fn a_thread_that_failed_is_noticed_and_nobody_waits_for_it() {
        let relay = Relay::start(RelayConfig {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            tls: None,
            proxies: Vec::new(),
            relays: Vec::new(),
            ports: crate::net::relay::PORTS,
            credentials: Credentials::new("example.org").unwrap(),
            allow_peers: Vec::new(),
            deny_peers: Vec::new(),
            protected: Vec::new(),
            limits: Limits::default(),
            discovery: None,
            mobility: false,
            threads: 2,
        })
        .unwrap();
        assert_eq!(
            relay
                .ask_all(|shard| move |_: &mut Server, _| shard)
                .count(),
            2
        );
        assert!(!relay.has_failed());
        let answer: mpsc::Receiver<()> = relay.shards[1].ask(|_, _| panic!("on purpose"));
        assert!(answer.recv().is_err());
        let begun = Instant::now();
        while !relay.has_failed() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody notices");
            std::thread::yield_now();
        }
        let who: Vec<usize> = relay
            .ask_all(|shard| move |_: &mut Server, _| shard)
            .collect();
        assert_eq!(who, [0]);
        relay.shutdown();
    }
}
