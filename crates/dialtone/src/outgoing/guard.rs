//! Which addresses are connected to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use turn::{Cidr, PeerPolicy};

use crate::addresses;

/// Looks a name up.
pub type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Every address of a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its name leads to no public address")]
pub struct Refused;

/// Resolves names for the client, which connects to what it is given and nothing else: an address
/// that is not let through here is never connected to.
pub struct Guard {
    allow: Vec<Cidr>,
    lookup: Lookup,
}

impl Guard {
    pub fn new(allow: Vec<Cidr>, lookup: Lookup) -> Guard {
        Guard { allow, lookup }
    }

    /// What holds for the relay's peers holds here: no private, local or special address, no
    /// address of this machine, no other spelling of one.
    pub fn permits(&self, ip: IpAddr) -> bool {
        permits(&self.allow, ip)
    }
}

fn permits(allow: &[Cidr], ip: IpAddr) -> bool {
    let policy = PeerPolicy {
        allow: allow.to_vec(),
        local: addresses::local(),
        ..PeerPolicy::default()
    };
    policy.permits(ip)
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = (self.lookup)(name.as_str().to_owned());
        let allow = self.allow.clone();
        Box::pin(async move {
            let mut found = looking.await?;
            found.retain(|ip| permits(&allow, *ip));
            if found.is_empty() {
                return Err(Refused.into());
            }
            // The port is that of the URL.
            let sockets = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

/// As the system does it.
pub fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|socket| socket.ip()).collect())
        })
    })
}
