//! Where there is no IPv4 at all.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use anyhow::{Context, Result, ensure};
use common::Pair;
use lab::{Net, Server, ServerOptions};

/// Two people and a server on an internet of IPv6 alone. Browsers keep a path of their own if there
/// is one; without it, they get IPv6 addresses of the relay.
fn call(test: &str, path: &str) -> Result<()> {
    let mut net = Net::new()?;
    let (host, address) = net.public_ipv6("server")?;
    let ((alice, at_alice), (bob, at_bob)) = (net.public_ipv6("alice")?, net.public_ipv6("bob")?);
    if path == "relay" {
        for (here, there) in [(&alice, at_bob), (&bob, at_alice)] {
            here.block_address(there)?;
        }
    }
    let options = ServerOptions {
        address: Some(address.into()),
        arguments: vec!["--allow-peer=2001:db8::/32".into()],
        ..ServerOptions::default()
    };
    let server = Server::start_with(&host, options)?;
    let pair = Pair::arrive(test, &alice, &bob, &server.origin())?;
    let converse = || {
        pair.meet(&server)?;
        for side in &pair.talk(path)? {
            for end in ["local", "remote"] {
                let address = side.selected[end]["address"].as_str().unwrap_or_default();
                ensure!(address.contains(':'), "{}", side.selected);
            }
        }
        pair.chat()?;
        pair.part()
    };
    converse().with_context(|| format!("server: {}", server.said()))
}

#[test]
fn two_people_without_ipv4_call_each_other_directly() -> Result<()> {
    call("ipv6", "direct")
}

#[test]
fn where_no_path_is_left_ipv6_is_relayed() -> Result<()> {
    call("ipv6-relayed", "relay")
}
