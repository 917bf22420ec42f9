//! The relay of a development server: its addresses, and what clients are told about it.

use std::net::SocketAddr;

use anyhow::Context as _;
use turn::{Credentials, Limits, RelayAddress};

use super::Arguments;
use crate::addresses::{self, Address};
use crate::config::RelayIp;
use crate::net::guests::Room;
use crate::net::relay::{PORTS, Relay, RelayConfig};

/// Where allocations are made: as is said, where clients are told to ask, or on what this machine
/// announces.
pub fn relay_addresses(arguments: &Arguments, found: &[Address]) -> Vec<RelayAddress> {
    if !arguments.relay_ip.is_empty() {
        let given = arguments.relay_ip.iter();
        return given.map(|RelayIp(relay)| *relay).collect();
    }
    let announced = addresses::relays(found);
    let mut relays = Vec::new();
    for listen in arguments.turn.iter().map(SocketAddr::ip) {
        let here = match listen.is_unspecified() {
            true => announced.clone(),
            false => vec![RelayAddress {
                bind: listen,
                announced: listen,
            }],
        };
        let same_family = |it: &RelayAddress| it.bind.is_ipv4() == listen.is_ipv4();
        for relay in here.into_iter().filter(same_family) {
            // Two ports of one address are one place for allocations.
            if !relays.contains(&relay) {
                relays.push(relay);
            }
        }
    }
    relays
}

/// A relay that knows a secret.
pub fn relay_config(
    arguments: &Arguments,
    secret: &[u8],
    relays: &[RelayAddress],
    http: Vec<SocketAddr>,
) -> anyhow::Result<RelayConfig> {
    let mut credentials = Credentials::new("dialtone")?;
    credentials.add_secret(secret);
    Ok(RelayConfig {
        listen: arguments.turn.clone(),
        tls: None,
        proxies: arguments.proxy_from.clone(),
        relays: relays.to_vec(),
        ports: PORTS,
        credentials,
        allow_peers: arguments.allow_peer.clone(),
        deny_peers: Vec::new(),
        protected: http,
        limits: Limits::default(),
        discovery: None,
        mobility: true,
        tcp_relay: false,
        room: Room::default(),
        threads: 1,
    })
}

/// Starts the relay.
pub fn start_relay(
    arguments: &Arguments,
    secret: &[u8],
    relays: &[RelayAddress],
    http: Vec<SocketAddr>,
) -> anyhow::Result<Relay> {
    let config = relay_config(arguments, secret, relays, http)?;
    Relay::start(config).with_context(|| {
        let listen: Vec<_> = arguments.turn.iter().map(SocketAddr::to_string).collect();
        let listen = listen.join(" and ");
        format!("STUN and TURN cannot use {listen} (--turn ADDR:PORT chooses)")
    })
}

/// What clients are told about the relay.
pub fn offered(relay: &Relay, relays: &[RelayAddress], secret: Vec<u8>) -> exchange::RelayConfig {
    let (stun_urls, turn_urls) = urls(relay.listen_addresses(), relays);
    exchange::RelayConfig {
        stun_urls,
        turn_urls,
        secret,
    }
}

/// Where clients ask: the announced addresses of those families that are listened on.
fn urls(listen: &[SocketAddr], relays: &[RelayAddress]) -> (Vec<String>, Vec<String>) {
    let hosts = relays.iter().filter_map(|relay| {
        let same_family = |at: &&SocketAddr| at.is_ipv4() == relay.announced.is_ipv4();
        let port = listen.iter().find(same_family)?.port();
        Some(SocketAddr::new(relay.announced, port))
    });
    // UDP first: where it passes, it is the better way. TCP is for where it does not.
    let turn_urls = ["udp", "tcp"].into_iter().flat_map(|transport| {
        let url = move |host| format!("turn:{host}?transport={transport}");
        hosts.clone().map(url)
    });
    let stun_urls = hosts.clone().map(|host| format!("stun:{host}"));
    (stun_urls.collect(), turn_urls.collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::addresses::Verdict;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn announced(line: &[&str]) -> Vec<String> {
        let line = Line::parse_from([&["dev"], line].concat());
        let found = ["203.0.113.5", "2001:db8::5"].map(|ip| Address {
            ip: ip.parse().unwrap(),
            interface: String::new(),
            verdict: Verdict::DefaultRoute,
        });
        let relays = relay_addresses(&line.arguments, &found);
        relays.iter().map(|it| it.announced.to_string()).collect()
    }

    #[test]
    fn without_a_word_both_families_are_served() {
        assert_eq!(announced(&[]), ["203.0.113.5", "2001:db8::5"]);
    }

    #[test]
    fn what_is_not_listened_on_is_not_announced() {
        assert_eq!(announced(&["--turn", "0.0.0.0:3478"]), ["203.0.113.5"]);
        assert_eq!(announced(&["--turn", "[::]:3478"]), ["2001:db8::5"]);
        assert_eq!(announced(&["--turn", "192.0.2.1:3478"]), ["192.0.2.1"]);
        let two_ports = ["--turn", "[::]:3478", "--turn", "[::]:3479"];
        assert_eq!(announced(&two_ports), ["2001:db8::5"]);
    }

    #[test]
    fn clients_ask_where_their_family_is_listened_on() {
        let relay = |ip: &str| RelayAddress {
            bind: ip.parse().unwrap(),
            announced: ip.parse().unwrap(),
        };
        let relays = [relay("203.0.113.5"), relay("2001:db8::5")];
        let four = "203.0.113.5:3478".parse().unwrap();
        let six = "[2001:db8::5]:3479".parse().unwrap();
        let (stun, turn) = urls(&[four, six], &relays);
        assert_eq!(stun, ["stun:203.0.113.5:3478", "stun:[2001:db8::5]:3479"]);
        assert_eq!(
            turn,
            [
                "turn:203.0.113.5:3478?transport=udp",
                "turn:[2001:db8::5]:3479?transport=udp",
                "turn:203.0.113.5:3478?transport=tcp",
                "turn:[2001:db8::5]:3479?transport=tcp",
            ]
        );
        assert_eq!(urls(&[four], &relays).0, ["stun:203.0.113.5:3478"]);
    }
}
