//! What values look like.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use turn::{Credentials, Discovery, Full, RelayAddress};

/// `BIND` or `BIND=ANNOUNCED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayIp(pub RelayAddress);

/// `NAME:PASSWORD`; a password may contain colons, a name not.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

/// `FIRST-LAST`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange(pub RangeInclusive<u16>);

/// A span of time: a whole number, and `s`, `m`, `h` or `d` behind it. Without a unit it is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// `486` or `508`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainAnswer(pub Full);

/// More would not be meant, and sums with it could not be told to a clock.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Reads `ADDR:PORT`.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not ADDRESS:PORT; write it like 192.0.2.1:3478 or [2001:db8::1]:3478")
    })
}

/// Reads `ADDR:PORT,ADDR:PORT`.
pub fn discovery(text: &str) -> Result<Discovery, String> {
    let (primary, alternate) = text.split_once(',').ok_or_else(|| {
        format!(
            "{text:?} is not ADDRESS:PORT,ADDRESS:PORT; write it like 192.0.2.1:3478,192.0.2.2:3479"
        )
    })?;
    Discovery::new(address(primary.trim())?, address(alternate.trim())?)
        .map_err(|error| error.to_string())
}

/// Reads a realm.
pub fn realm(text: &str) -> Result<String, String> {
    match Credentials::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl FromStr for RelayIp {
    type Err = String;

    fn from_str(text: &str) -> Result<RelayIp, String> {
        let (bind, announced) = text.split_once('=').unwrap_or((text, text));
        let parse = |part: &str| {
            part.parse::<IpAddr>()
                .map_err(|_| format!("`{part}` is not an IP address"))
        };
        let relay = RelayAddress {
            bind: parse(bind)?,
            announced: parse(announced)?,
        };
        if relay.announced.is_unspecified() {
            return Err(format!(
                "clients cannot be told `{announced}`; write {bind}=ADDRESS with the one they reach"
            ));
        }
        if relay.announced.is_ipv4() != relay.bind.is_ipv4() {
            return Err(format!(
                "`{bind}` cannot be announced as `{announced}`: both have to be of its own family, IPv4 or IPv6"
            ));
        }
        Ok(RelayIp(relay))
    }
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<User, String> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() && !password.is_empty() => Ok(User {
                name: name.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err("a user is written NAME:PASSWORD".to_owned()),
        }
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Secret, String> {
        if text.is_empty() {
            return Err("an empty secret would let everyone in; give a long random one".to_owned());
        }
        Ok(Secret(text.to_owned()))
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<PortRange, String> {
        let parse = |part: &str| part.parse::<u16>().ok().filter(|port| *port > 0);
        let range = text
            .split_once('-')
            .and_then(|(first, last)| Some(parse(first)?..=parse(last)?));
        match range {
            Some(range) if !range.is_empty() => Ok(PortRange(range)),
            _ => Err(format!(
                "{text:?} is no range of ports; write it like 49152-65535, the smaller one first"
            )),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
            Some(at) => text.split_at(at),
            None => (text, "s"),
        };
        let seconds = match unit {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            "d" => Some(86_400),
            _ => None,
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(seconds?))
            .map(Duration::from_secs)
            .filter(|span| *span <= LONGEST)
            .map(Span)
            .ok_or_else(|| {
                format!("{text:?} is no span of time; write it like 30s, 10m, 24h or 7d (a year at most)")
            })
    }
}

impl FromStr for DrainAnswer {
    type Err = String;

    fn from_str(text: &str) -> Result<DrainAnswer, String> {
        match text {
            "486" => Ok(DrainAnswer(Full::QuotaReached)),
            "508" => Ok(DrainAnswer(Full::InsufficientCapacity)),
            _ => Err("it is 486 (quota reached) or 508 (insufficient capacity)".to_owned()),
        }
    }
}

/// Secrets stay out of logs.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Passwords stay out of logs.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
