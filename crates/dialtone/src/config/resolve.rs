//! From settings to what the relay is started with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use turn::{Credentials, DEFAULT_LIFETIME, Discovery, Drain, Limits, RelayAddress};

use super::file::read_text;
use super::{Place, Problem, Problems, RelayIp, Secret, Settings, User};
use crate::addresses;
use crate::certificates::{Certificates, Part};
use crate::net::guests::Room;
use crate::net::relay::{RelayConfig, TlsConfig};

/// The port of STUN and TURN over TLS (RFC 8489 section 8).
const TLS_PORT: u16 = 5349;

/// Characters that a token of the admin listener has at least.
pub const MIN_TOKEN: usize = 16;

/// What follows from the settings, and from the files they name.
#[derive(Debug)]
pub struct Resolved {
    /// What the relay is started with.
    pub relay: RelayConfig,
    /// The secrets in its credentials.
    pub secrets: Vec<Secret>,
    /// What to do on SIGTERM.
    pub drain: Drain,
}

impl Settings {
    /// Checks what takes more than one key, and reads the files that the keys name.
    pub fn resolve(&self) -> Result<Resolved, Problems> {
        let mut problems = Vec::new();
        let credentials = self.credentials(&mut problems);
        let limits = self.limits(&mut problems);
        let tls = self.tls(&mut problems);
        self.check_announced(&mut problems);
        self.check_drain(&mut problems);
        self.check_admin(&mut problems);
        let (credentials, secrets) = match credentials {
            Some(credentials) if problems.is_empty() => credentials,
            _ => return Err(Problems(problems)),
        };
        Ok(Resolved {
            relay: RelayConfig {
                listen: self.listen_addresses(),
                tls,
                proxies: self.keys.proxy_from.clone(),
                relays: self.relay_addresses(),
                ports: self.keys.relay_ports.0.clone(),
                credentials,
                allow_peers: self.keys.allow_peer.clone(),
                deny_peers: self.keys.deny_peer.clone(),
                protected: Vec::new(),
                limits,
                discovery: self.keys.discovery,
                mobility: self.keys.mobility,
                tcp_relay: self.keys.tcp_relay,
                room: Room {
                    in_all: self.keys.max_connections,
                    of_one_address: self.keys.connections_per_address,
                },
                threads: self.keys.threads,
            },
            secrets,
            drain: self.drain(),
        })
    }

    /// Those given, and what discovery needs.
    fn listen_addresses(&self) -> Vec<SocketAddr> {
        let for_discovery = self.keys.discovery.iter().flat_map(Discovery::addresses);
        self.keys
            .listen
            .iter()
            .copied()
            .chain(for_discovery)
            .collect()
    }

    /// Those given, or what this machine finds out.
    pub fn relay_addresses(&self) -> Vec<RelayAddress> {
        if self.keys.stun_only {
            return Vec::new();
        }
        if self.keys.relay_ip.is_empty() {
            return addresses::relays(&addresses::find());
        }
        let given = self.keys.relay_ip.iter();
        given.map(|RelayIp(relay)| *relay).collect()
    }

    /// With a certificate there is TLS, also if nothing says where.
    fn tls(&self, problems: &mut Vec<Problem>) -> Option<TlsConfig> {
        let keys = &self.keys;
        let (cert, key) = match (&keys.cert, &keys.key) {
            (Some(cert), Some(key)) => (cert, key),
            (cert, _) => {
                let given = ["tls", "cert", "key"]
                    .iter()
                    .find(|it| self.place(it, 0).is_some());
                problems.extend(given.map(|given| {
                    let missing = if cert.is_none() {
                        "certificate; give --cert FILE"
                    } else {
                        "key; give --key FILE"
                    };
                    self.problem(
                        given,
                        0,
                        format!("TLS cannot do without a {missing} as well"),
                    )
                }));
                return None;
            }
        };
        let cert = self.beside("cert", 0, cert);
        let key = self.beside("key", 0, key);
        let certificates = match Certificates::read(&cert, &key) {
            Ok(certificates) => certificates,
            Err(error) => {
                let key = match error.part {
                    Part::Certificate => "cert",
                    Part::Key => "key",
                };
                problems.push(self.problem(key, 0, error.to_string()));
                return None;
            }
        };
        let on_its_port = |address: &SocketAddr| SocketAddr::new(address.ip(), TLS_PORT);
        let listen = match &keys.tls[..] {
            [] => keys.listen.iter().map(on_its_port).collect(),
            given => given.to_vec(),
        };
        Some(TlsConfig {
            listen,
            certificates,
        })
    }

    /// Two relays that announce the same could not be told apart.
    fn check_announced(&self, problems: &mut Vec<Problem>) {
        let relays = &self.keys.relay_ip;
        for (index, RelayIp(relay)) in relays.iter().enumerate() {
            let same = |RelayIp(other): &RelayIp| other.announced == relay.announced;
            if relays[..index].iter().any(same) {
                let text = format!("{} is announced twice; take one away", relay.announced);
                problems.push(self.problem("relay_ip", index, text));
            }
        }
    }

    fn credentials(&self, problems: &mut Vec<Problem>) -> Option<(Credentials, Vec<Secret>)> {
        let keys = &self.keys;
        let mut credentials = match Credentials::new(&keys.realm) {
            Ok(credentials) => credentials,
            Err(error) => {
                problems.push(self.problem("realm", 0, error.to_string()));
                return None;
            }
        };
        let users: Vec<User> = self.entries("user_file", &keys.user_file, problems);
        let secrets: Vec<Secret> = self.entries("secret_file", &keys.secret_file, problems);
        let users: Vec<&User> = keys.user.iter().chain(&users).collect();
        let secrets = [&keys.secret[..], &secrets].concat();
        let is_empty = users.is_empty() && secrets.is_empty();
        if is_empty && !keys.stun_only && problems.is_empty() {
            problems.push(Problem {
                place: None,
                key: None,
                text: "Nobody could use this relay; give --user NAME:PASSWORD or --secret S, \
                       or `user` or `secret` in the file"
                    .to_owned(),
            });
        }
        for user in users {
            credentials.add_user(&user.name, &user.password);
        }
        for secret in &secrets {
            credentials.add_secret(secret.0.as_bytes());
        }
        Some((credentials, secrets))
    }

    fn drain(&self) -> Drain {
        Drain {
            alternates: self.keys.drain_to.clone(),
            domain: self.keys.drain_domain.clone(),
            otherwise: self.keys.drain_answer.0,
        }
    }

    fn check_drain(&self, problems: &mut Vec<Problem>) {
        let servers = &self.keys.drain_to;
        for (index, server) in servers.iter().enumerate() {
            let same = |other: &SocketAddr| other.is_ipv4() == server.is_ipv4();
            if servers[..index].iter().any(same) {
                let text = "clients are sent to one server of each family; take one away";
                problems.push(self.problem("drain_to", index, text));
            }
        }
        if self.keys.drain_domain.is_some() && servers.is_empty() {
            let text = "it is the name of the server in `drain_to`, which is not given";
            problems.push(self.problem("drain_domain", 0, text));
        }
    }

    fn check_admin(&self, problems: &mut Vec<Problem>) {
        let keys = &self.keys;
        if keys.admin.is_some() && keys.admin_token.is_none() && keys.admin_token_file.is_none() {
            let text = "it is never open to all; give `admin_token_file`, which is made if it is \
                        not there, or `admin_token`";
            problems.push(self.problem("admin", 0, text));
        }
        if keys
            .admin_token
            .as_ref()
            .is_some_and(|token| token.0.len() < MIN_TOKEN)
        {
            let text = format!("a token of less than {MIN_TOKEN} characters could be guessed");
            problems.push(self.problem("admin_token", 0, text));
        }
    }

    fn limits(&self, problems: &mut Vec<Problem>) -> Limits {
        let keys = &self.keys;
        if keys.max_lifetime.0 < DEFAULT_LIFETIME {
            let text = format!(
                "RFC 8656 lets no allocation live shorter than {} seconds; give at least that",
                DEFAULT_LIFETIME.as_secs()
            );
            problems.push(self.problem("max_lifetime", 0, text));
        }
        Limits {
            user_quota: keys.user_quota,
            address_quota: keys.address_quota,
            bandwidth: keys.bandwidth,
            total_bandwidth: keys.total_bandwidth.unwrap_or(u64::MAX),
            max_lifetime: keys.max_lifetime.0,
            max_allocation_age: keys.max_allocation_age.0,
            nonce_lifetime: keys.nonce_lifetime.0,
            ..Limits::default()
        }
    }

    /// The lines of the files of a key, blank ones excepted.
    fn entries<T: FromStr<Err = String>>(
        &self,
        key: &str,
        files: &[PathBuf],
        problems: &mut Vec<Problem>,
    ) -> Vec<T> {
        let mut entries = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let path = self.beside(key, index, file);
            let text = match read_text(&path) {
                Ok(text) => text,
                Err(error) => {
                    problems.push(self.problem(key, index, error));
                    continue;
                }
            };
            for (line, entry) in text.lines().enumerate() {
                match entry.trim().parse() {
                    _ if entry.trim().is_empty() => {}
                    Ok(entry) => entries.push(entry),
                    Err(error) => problems.push(Problem {
                        place: Some(Place::Line(path.clone(), line + 1)),
                        key: None,
                        text: error,
                    }),
                }
            }
        }
        entries
    }

    /// A path in a file is meant from where the file is.
    pub fn beside(&self, key: &str, index: usize, path: &Path) -> PathBuf {
        match self.place(key, index) {
            Some(Place::Line(file, _)) => file.parent().unwrap_or(Path::new("")).join(path),
            _ => path.to_owned(),
        }
    }
}
