//! The list of allocations, in JSON.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};
use turn::{Transport, Volume};

use crate::net::relay::{Listed, ListedId};

/// Allocations that are listed at once. More would keep the relay's threads from their packets.
const MAX_LIMIT: usize = 1000;

/// Which part of the list is asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Page {
    /// How many at most.
    #[serde(default = "default_limit", deserialize_with = "read_limit")]
    pub limit: usize,
    /// Behind which one it begins.
    #[serde(default, deserialize_with = "read_id")]
    pub after: Option<ListedId>,
}

/// As many as asked for; `next` is what to give as `after` for the ones behind them.
pub fn json(listed: &[Listed], limit: usize) -> Value {
    let page = &listed[..limit.min(listed.len())];
    let next = page.last().filter(|_| listed.len() > limit);
    json!({
        "allocations": page.iter().map(one).collect::<Vec<_>>(),
        "next": next.map(|last| last.id.to_string()),
    })
}

fn one(listed: &Listed) -> Value {
    let status = &listed.status;
    json!({
        "id": listed.id.to_string(),
        "username": status.username,
        "client": status.path.client.to_string(),
        "server": status.path.local.to_string(),
        "transport": transport(status.path.transport),
        "relayed": status.relayed.to_string(),
        "age_seconds": status.age.as_secs(),
        "expires_in_seconds": status.expires_in.as_secs(),
        "permissions": status.permissions,
        "channels": status.channels,
        "to_peers": volume(&status.traffic.to_peers),
        "to_client": volume(&status.traffic.to_client),
    })
}

fn volume(volume: &Volume) -> Value {
    json!({ "packets": volume.packets, "bytes": volume.bytes })
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
    }
}

fn default_limit() -> usize {
    100
}

fn read_limit<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let limit = usize::deserialize(from)?;
    match (1..=MAX_LIMIT).contains(&limit) {
        true => Ok(limit),
        false => Err(D::Error::custom("out of range")),
    }
}

fn read_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ListedId>, D::Error> {
    let id = String::deserialize(from)?;
    id.parse().map(Some).map_err(D::Error::custom)
}
