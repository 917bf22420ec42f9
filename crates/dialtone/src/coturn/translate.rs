//! From the lines of a turnserver.conf to a configuration of ours.

mod write;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::addresses::Relays;
use super::ranges::AddressRange;
use super::reader::Entry;
use super::table::{self, Fate};
use super::{Imported, Note};
use crate::config::quote;

/// Notes that are kept. More than so many say nothing new.
const MAX_NOTES: usize = 1000;

/// Addresses and ranges that are carried over, of each kind. Each is compared with each.
const MAX_ADDRESSES: usize = 500;

/// The shortest of our longest lifetimes, in seconds (RFC 8656 section 3.2).
const MIN_LIFETIME: u64 = 600;

/// The least that the configuration takes.
const MIN_BANDWIDTH: u64 = 1000;

pub fn translate(entries: &[Entry]) -> Imported {
    let mut translation = Translation::default();
    for entry in entries {
        translation.take(entry);
    }
    translation.conclude();
    Imported {
        toml: translation.write(),
        notes: translation.notes,
    }
}

/// What was read so far.
struct Translation {
    notes: Vec<Note>,
    port: u16,
    tls_port: u16,
    relays: Relays,
    more_listening: Vec<SocketAddr>,
    ports: (u16, u16),
    has_ports: bool,
    users: Vec<String>,
    secrets: Vec<String>,
    wants_secret: Option<Entry>,
    allowed: Vec<AddressRange>,
    denied: Vec<AddressRange>,
    has_no_tls: bool,
    has_metrics: bool,
    metrics: SocketAddr,
    cert: Option<String>,
    key: Option<String>,
    /// Keys with one value that need nothing else, as written in TOML.
    others: Vec<(&'static str, String)>,
}

/// With coturn's defaults.
impl Default for Translation {
    fn default() -> Translation {
        Translation {
            notes: Vec::new(),
            port: 3478,
            tls_port: 5349,
            relays: Relays::default(),
            more_listening: Vec::new(),
            ports: (49152, 65535),
            has_ports: false,
            users: Vec::new(),
            secrets: Vec::new(),
            wants_secret: None,
            allowed: Vec::new(),
            denied: Vec::new(),
            has_no_tls: false,
            has_metrics: false,
            metrics: (Ipv4Addr::LOCALHOST, 9641).into(),
            cert: None,
            key: None,
            others: Vec::new(),
        }
    }
}

impl Translation {
    fn take(&mut self, entry: &Entry) {
        let Some(key) = table::find(&entry.key) else {
            return self.note(entry, "coturn 4.6 has no such key either; was it mistyped?");
        };
        match key.fate {
            Fate::To(_) => self.carry(entry, key.text),
            Fate::So => self.take_note_of(entry),
            Fate::Left if entry.value.is_empty() || entry.is_on() => self.leave(entry, key.text),
            Fate::Left => {}
        }
    }

    /// What has no counterpart, but may say what is so anyway.
    fn leave(&mut self, entry: &Entry, text: &str) {
        let says_the_same = matches!(
            (entry.key.as_str(), entry.word()),
            ("channel-lifetime", "600")
                | ("permission-lifetime", "300")
                | ("rest-api-separator", ":")
                | ("allocation-default-address-family", "ipv4")
        );
        if !says_the_same {
            self.note(entry, text);
        }
    }

    /// What is so anyway, but tells something about the rest.
    fn take_note_of(&mut self, entry: &Entry) {
        match entry.key.as_str() {
            "no-tls" => self.has_no_tls = entry.is_on(),
            "use-auth-secret" if entry.is_on() => self.wants_secret = Some(entry.clone()),
            _ => {}
        }
    }

    fn carry(&mut self, entry: &Entry, text: &str) {
        if self.has_too_many(&entry.key) {
            return self.note(
                entry,
                "there are too many of these; write networks, not single addresses",
            );
        }
        let carried = match entry.key.as_str() {
            "listening-port" => self.number(entry, 1, |it, port| it.port = port),
            "tls-listening-port" => self.number(entry, 1, |it, port| it.tls_port = port),
            "listening-ip" => self.ip(entry, |it, ip| it.relays.listening.push(ip)),
            "relay-ip" => self.ip(entry, |it, ip| it.relays.binds.push(ip)),
            "aux-server" => match entry.word().parse() {
                Ok(address) => {
                    self.more_listening.push(address);
                    true
                }
                Err(_) => false,
            },
            "external-ip" => self.relays.external_ip(entry).is_ok(),
            "min-port" => self.number(entry, 1, |it, port| it.set_ports((port, it.ports.1))),
            "max-port" => self.number(entry, 1, |it, port| it.set_ports((it.ports.0, port))),
            "static-auth-secret" => keep(&mut self.secrets, &entry.value),
            "user" => return self.user(entry, text),
            "realm" => return self.realm(entry),
            "user-quota" => self.number(entry, 1, |it, quota: u32| it.set("user_quota", quota)),
            "max-bps" => self.bandwidth(entry, "bandwidth"),
            "bps-capacity" => self.bandwidth(entry, "total_bandwidth"),
            // None beside the one that listens is one of ours.
            "relay-threads" => match entry.word().parse::<u32>() {
                Ok(threads) if threads <= 256 => {
                    self.set("threads", threads.max(1));
                    true
                }
                _ => false,
            },
            "mobility" => {
                self.set("mobility", entry.is_on());
                true
            }
            "prometheus" => {
                self.has_metrics = entry.is_on();
                true
            }
            "prometheus-port" => self.number(entry, 1, |it, port| it.metrics.set_port(port)),
            "prometheus-address" => self.ip(entry, |it, ip| it.metrics.set_ip(ip)),
            "stale-nonce" if entry.value.is_empty() => {
                self.set("nonce_lifetime", quote("600s"));
                true
            }
            "stale-nonce" => self.seconds(entry, 1, "nonce_lifetime"),
            "max-allocate-lifetime" => self.seconds(entry, MIN_LIFETIME, "max_lifetime"),
            "denied-peer-ip" => self.range(entry, |it, range| it.denied.push(range)),
            "allowed-peer-ip" => self.range(entry, |it, range| it.allowed.push(range)),
            "allow-loopback-peers" => {
                if entry.is_on() {
                    let loopback = ["127.0.0.0/8", "::1"];
                    let ranges = loopback.into_iter().filter_map(AddressRange::parse);
                    self.allowed.extend(ranges);
                }
                true
            }
            "cert" => replace(&mut self.cert, &entry.value),
            "pkey" => replace(&mut self.key, &entry.value),
            "stun-only" => {
                if entry.is_on() {
                    self.set("stun_only", true);
                }
                true
            }
            _ => false,
        };
        if !carried {
            let text = format!(
                "its value {:?} is not carried over: {text}",
                shortened(&entry.value)
            );
            self.note(entry, &text);
        }
    }

    fn has_too_many(&self, key: &str) -> bool {
        let count = match key {
            "listening-ip" => self.relays.listening.len(),
            "relay-ip" => self.relays.binds.len(),
            "aux-server" => self.more_listening.len(),
            "external-ip" => self.relays.mapped.len() + self.relays.external.len(),
            "denied-peer-ip" => self.denied.len(),
            "allowed-peer-ip" | "allow-loopback-peers" => self.allowed.len(),
            _ => 0,
        };
        count >= MAX_ADDRESSES
    }

    fn number<T: std::str::FromStr + PartialOrd + From<u8>>(
        &mut self,
        entry: &Entry,
        least: u8,
        set: impl FnOnce(&mut Translation, T),
    ) -> bool {
        match entry.word().parse::<T>() {
            Ok(number) if number >= T::from(least) => {
                set(self, number);
                true
            }
            _ => false,
        }
    }

    fn seconds(&mut self, entry: &Entry, least: u64, key: &'static str) -> bool {
        const YEAR: u64 = 365 * 86_400;
        match entry.word().parse::<u64>() {
            Ok(seconds) if (least..=YEAR).contains(&seconds) => {
                self.set(key, quote(&format!("{seconds}s")));
                true
            }
            _ => false,
        }
    }

    /// Bytes a second, which coturn counts in each direction and we in both together; 0 is no limit.
    fn bandwidth(&mut self, entry: &Entry, key: &'static str) -> bool {
        match entry.word().parse::<u64>() {
            Ok(0) => false,
            Ok(bytes) => {
                self.set(key, bytes.saturating_mul(2).max(MIN_BANDWIDTH));
                true
            }
            Err(_) => false,
        }
    }

    fn ip(&mut self, entry: &Entry, set: impl FnOnce(&mut Translation, IpAddr)) -> bool {
        let ip = entry.word().parse();
        ip.map(|ip| set(self, ip)).is_ok()
    }

    fn range(&mut self, entry: &Entry, set: impl FnOnce(&mut Translation, AddressRange)) -> bool {
        let range = AddressRange::parse(entry.value.trim());
        let range = range.or_else(|| AddressRange::parse(entry.word()));
        range.map(|range| set(self, range)).is_some()
    }

    fn user(&mut self, entry: &Entry, text: &str) {
        match entry.value.split_once(':') {
            Some((name, key)) if key.starts_with("0x") => {
                let text = format!("the user {:?} is not carried over: {text}", shortened(name));
                self.note(entry, &text);
            }
            Some((name, password)) if !name.is_empty() && !password.is_empty() => {
                self.users.push(entry.value.clone());
            }
            _ => self.note(entry, "a user is written NAME:PASSWORD"),
        }
    }

    fn realm(&mut self, entry: &Entry) {
        match turn::Credentials::new(&entry.value) {
            Ok(_) => self.set("realm", quote(&entry.value)),
            Err(error) => self.note(entry, &error.to_string()),
        }
    }

    fn set_ports(&mut self, ports: (u16, u16)) {
        self.ports = ports;
        self.has_ports = true;
    }

    /// The last one counts, as in coturn.
    fn set(&mut self, key: &'static str, value: impl ToString) {
        self.others.retain(|(other, _)| *other != key);
        self.others.push((key, value.to_string()));
    }

    /// What only shows when all lines are read.
    fn conclude(&mut self) {
        if self.ports.0 > self.ports.1 {
            self.note_on("min-port", "it is above max-port; the usual range is used");
            self.has_ports = false;
        }
        let has_stun_only = self.others.iter().any(|(key, _)| *key == "stun_only");
        if self.secrets.is_empty() {
            if let Some(entry) = self.wants_secret.take() {
                self.note(&entry, "the secret is not in this file, but in a database; give `secret` or `secret_file`");
            } else if self.users.is_empty() && !has_stun_only {
                self.note_on("user", "nobody could use this relay, which is never open to all; add `user` or `secret`");
            }
        }
        if self.cert.is_some() != self.key.is_some() {
            self.note_on("cert", "without both `cert` and `pkey` there is no TLS");
        }
        let announced = self.relays.pairs();
        let lost: Vec<_> = self
            .relays
            .externals()
            .filter(|ip| announced.iter().all(|(_, it)| it != ip))
            .collect();
        for ip in lost {
            let text =
                format!("{ip} is not announced: no address allocations are made on belongs to it");
            self.note_on("external-ip", &text);
        }
    }

    fn note(&mut self, entry: &Entry, text: &str) {
        self.push(Note {
            line: Some(entry.line),
            key: shortened(&entry.key).to_owned(),
            text: text.to_owned(),
        });
    }

    fn note_on(&mut self, key: &str, text: &str) {
        self.push(Note {
            line: None,
            key: key.to_owned(),
            text: text.to_owned(),
        });
    }

    fn push(&mut self, note: Note) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        }
    }
}

fn keep(values: &mut Vec<String>, value: &str) -> bool {
    let is_good = !value.is_empty();
    values.extend(is_good.then(|| value.to_owned()));
    is_good
}

fn replace(place: &mut Option<String>, value: &str) -> bool {
    let is_good = !value.is_empty();
    if is_good {
        *place = Some(value.to_owned());
    }
    is_good
}

/// Enough of a value to know it by.
fn shortened(value: &str) -> &str {
    value
        .char_indices()
        .nth(60)
        .map_or(value, |(at, _)| &value[..at])
}
