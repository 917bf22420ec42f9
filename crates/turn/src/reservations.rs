//! Ports kept for an Allocate to come (RFC 8656 sections 7.2 and 18.9): who asks for an even port
//! may have the next one, too, for thirty seconds.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use protocol::time::Tick;

use crate::quota::Share;
use crate::seed::{Seed, keyed_hash};

/// How long a port is kept (RFC 8656 section 7.2 asks for at least 30 seconds).
const LIFETIME: Duration = Duration::from_secs(30);

/// What the client shows to get the port.
pub(crate) type Token = [u8; 8];

/// A port that is kept.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) bind: IpAddr,
    pub(crate) announced: IpAddr,
    pub(crate) port: u16,
    /// Who may have it, and that it counts.
    pub(crate) share: Share,
}

/// All ports that are kept. As all are kept equally long, their deadlines stand in a queue.
#[derive(Debug)]
pub(crate) struct Reservations {
    by_token: BTreeMap<Token, Reservation>,
    deadlines: VecDeque<(Tick, Token)>,
    key: [u8; 32],
    made: u64,
    /// The number of this server, with which every token begins.
    shard: u16,
}

impl Reservations {
    pub(crate) fn new(seed: &Seed) -> Reservations {
        Reservations {
            by_token: BTreeMap::new(),
            deadlines: VecDeque::new(),
            key: seed.derive("reservations"),
            made: 0,
            shard: 0,
        }
    }

    pub(crate) fn set_shard(&mut self, shard: u16) {
        self.shard = shard;
    }

    /// Which server gave a token out, if it is one.
    pub(crate) fn shard_of(token: &[u8]) -> Option<u16> {
        let [high, low, ..]: Token = token.try_into().ok()?;
        Some(u16::from_be_bytes([high, low]))
    }

    pub(crate) fn insert(&mut self, now: Tick, reservation: Reservation) -> Token {
        self.made += 1;
        let mut token = [0; 8];
        let shard = self.shard.to_be_bytes();
        let hash = keyed_hash(&self.key, &[&shard, &self.made.to_be_bytes()]);
        token[..2].copy_from_slice(&shard);
        token[2..].copy_from_slice(&hash[..6]);
        self.by_token.insert(token, reservation);
        self.deadlines.push_back((now + LIFETIME, token));
        token
    }

    /// Takes the port a token stands for, if this user has it.
    pub(crate) fn take(&mut self, token: &[u8], username: &str) -> Option<Reservation> {
        let token: Token = token.try_into().ok()?;
        self.by_token
            .get(&token)
            .filter(|reservation| reservation.share.username() == username)?;
        self.by_token.remove(&token)
    }

    /// When the oldest reservation ends; it may have been taken already.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }

    /// Takes one reservation out that nobody came for in time.
    pub(crate) fn expire(&mut self, now: Tick) -> Option<Reservation> {
        while let Some((deadline, token)) = self.deadlines.front().copied()
            && deadline <= now
        {
            self.deadlines.pop_front();
            if let Some(reservation) = self.by_token.remove(&token) {
                return Some(reservation);
            }
        }
        None
    }
}
