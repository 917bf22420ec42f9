//! What an operator does to a relay that runs. Every thread is asked, and does it between two
//! packets; the answers are waited for.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{MutexGuard, PoisonError, mpsc};

use protocol::time::Now;
use turn::{AllocationId, AllocationStatus, Counters, Drain, NotAllocationId, Server};

use super::worker::Order;
use super::{Relay, RelayConfig, Shard, peer_policy};
use crate::addresses;

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
        let mut local = self.local();
        renew(&mut local, addresses::local());
        let peers = peer_policy(config, self.protected.clone(), local.clone());
        let reloaded = self.ask_all(|_| {
            let (credentials, peers) = (config.credentials.clone(), peers.clone());
            let limits = config.limits.shared_by(self.shards.len() as u32);
            move |server: &mut Server, now| server.reconfigure(now, credentials, peers, limits)
        });
        reloaded.for_each(drop);
    }

    /// Looks which addresses this machine has now. Those it gained since the last look are peers no
    /// more: what listens there may take whoever comes from this machine for a friend.
    pub fn follow_addresses(&self) {
        self.take_addresses(addresses::local());
    }

    fn take_addresses(&self, found: Vec<IpAddr>) {
        let mut local = self.local();
        let before = local.clone();
        if !renew(&mut local, found) {
            return;
        }
        let told = self.ask_all(|_| {
            let local = local.clone();
            move |server: &mut Server, now| server.set_local(now, local)
        });
        told.for_each(drop);
        let beyond = |these: &[IpAddr], those: &[IpAddr]| -> Vec<IpAddr> {
            let these = these.iter().filter(|ip| !those.contains(ip));
            these.copied().collect()
        };
        tracing::info!(
            "This machine has other addresses now (new: {:?}, gone: {:?}); the relay keeps its \
             clients from those it has",
            beyond(&local, &before),
            beyond(&before, &local),
        );
    }

    fn local(&self) -> MutexGuard<'_, Vec<IpAddr>> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Says whether what was found differs from what is known, which it then becomes. No address at all
/// means that the system did not tell.
fn renew(known: &mut Vec<IpAddr>, found: Vec<IpAddr>) -> bool {
    let has_changed = !found.is_empty() && *known != found;
    if has_changed {
        *known = found;
    }
    has_changed
}

/// What one thread has of the list from behind `after` on.
fn page(
    server: &Server,
    now: Now,
    shard: usize,
    after: Option<ListedId>,
    limit: usize,
) -> Vec<Listed> {
    let after = match after {
        Some(after) if after.shard > shard => return Vec::new(),
        Some(after) if after.shard == shard => Some(after.allocation),
        _ => None,
    };
    let listed = |status: AllocationStatus| Listed {
        id: ListedId {
            shard,
            allocation: status.id,
        },
        status,
    };
    let page = server.allocations(now, after, limit);
    page.map(listed).collect()
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
    use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
    use std::time::{Duration, Instant};

    use turn::stun::TransactionId;
    use turn::{Credentials, Limits, RelayAddress};

    use super::*;
    use crate::bench::dialogue::{Credential, Dialogue, Request, Step};
    use crate::net::guests::Room;

    fn relay(threads: u32) -> Relay {
        let mut credentials = Credentials::new("example.org").unwrap();
        credentials.add_user("alice", "wonder");
        Relay::start(RelayConfig {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            tls: None,
            proxies: Vec::new(),
            relays: vec![RelayAddress {
                bind: Ipv4Addr::LOCALHOST.into(),
                announced: Ipv4Addr::LOCALHOST.into(),
            }],
            ports: crate::net::relay::PORTS,
            credentials,
            allow_peers: Vec::new(),
            deny_peers: Vec::new(),
            protected: Vec::new(),
            limits: Limits::default(),
            discovery: None,
            mobility: false,
            tcp_relay: false,
            room: Room::default(),
            threads,
        })
        .unwrap()
    }

    /// What alice's request is answered: 0 or an error.
    fn code(socket: &UdpSocket, alice: &mut Dialogue, request: Request) -> u16 {
        alice.ask(request, TransactionId([0; 12]), Instant::now());
        for _ in 0..3 {
            socket.send(alice.request()).unwrap();
            let mut answer = [0; 2000];
            let len = socket.recv(&mut answer).unwrap();
            match alice.handle(&answer[..len], TransactionId([1; 12]), Instant::now()) {
                Step::Granted(_) => return 0,
                Step::Refused(refusal) => return refusal.code,
                Step::Again | Step::Ignored => {}
            }
        }
        panic!("no answer to {request:?}");
    }

    #[test]
    fn an_address_that_this_machine_gains_is_nobody_s_peer_from_then_on() {
        let relay = relay(2);
        let gained: SocketAddr = "9.9.9.9:9".parse().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        socket.connect(relay.listen_addresses()[0]).unwrap();
        let credential = Credential {
            username: "alice".to_owned(),
            password: "wonder".to_owned(),
        };
        let mut alice = Dialogue::new(credential.into(), false);
        let allocate = Request::Allocate { ipv6: false };
        assert_eq!(code(&socket, &mut alice, allocate), 0);
        let mut bind = |number| {
            let peer = gained;
            code(&socket, &mut alice, Request::Bind { number, peer })
        };
        assert_eq!(bind(0x4000), 0);
        let more = [&relay.local()[..], &[gained.ip()]].concat();
        relay.take_addresses(more.clone());
        assert_eq!(bind(0x4000), 403);
        relay.take_addresses(Vec::new());
        assert_eq!(*relay.local(), more, "the system did not tell");
        assert_eq!(bind(0x4001), 403);
        relay.follow_addresses();
        assert!(!relay.local().contains(&gained.ip()));
        assert_eq!(bind(0x4002), 0, "it is another's again");
    }

    #[test]
    fn a_thread_that_failed_is_noticed_and_nobody_waits_for_it() {
        let relay = relay(2);
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
