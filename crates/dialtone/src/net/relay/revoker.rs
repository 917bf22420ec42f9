//! Credentials that are taken back while the relay runs.

use std::sync::{Arc, mpsc};

use mio::Waker;

use super::Relay;
use super::worker::Order;

/// Takes back what users of a running relay were given; nothing happens if it runs no more.
#[derive(Clone, Debug)]
pub struct Revoker {
    /// Every thread has to know: any of them may be asked next.
    shards: Vec<(mpsc::Sender<Order>, Arc<Waker>)>,
}

impl Relay {
    /// What takes credentials back.
    pub fn revoker(&self) -> Revoker {
        let shards = self.shards.iter();
        let way = |shard: &super::Shard| (shard.orders.clone(), shard.waker.clone());
        Revoker {
            shards: shards.map(way).collect(),
        }
    }
}

impl Revoker {
    /// Takes back the credentials of a user that expire by `until` (Unix seconds), and ends their
    /// allocations. Does not wait for it: each thread does it before its next packet.
    pub fn revoke(&self, user: &str, until: u64) {
        for (orders, waker) in &self.shards {
            let user = user.to_owned();
            let order = Order::Run(Box::new(move |server, now| {
                server.revoke(now, &user, until);
            }));
            if orders.send(order).is_ok() {
                let _ = waker.wake();
            }
        }
    }
}
