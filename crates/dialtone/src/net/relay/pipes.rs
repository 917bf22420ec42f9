//! Connections with peers (RFC 6062), and what they are joined with: a connection of the client.
//! What one side sends, the other gets, as fast as it takes it and the client's bandwidth allows.
//!
//! Of each direction no more is held than was read at once: only when all of that is written, more
//! is read. So a slow reader slows down who sends to him, by way of the kernel's own buffers, and
//! costs nothing here.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::time::Duration;

use mio::net::TcpStream;
use protocol::time::Tick;
use slab::Slab;
use turn::{ConnectionId, Direction};

use super::connection::{Connection, Over, written};
use super::stream::Stream;
use crate::net::guests::Guest;

/// How often a direction is read from before others get their turn.
const READS: usize = 4;

/// What is asked for at once of the client's bandwidth.
const PORTION: usize = 16 << 10;

/// How long what is over the bandwidth waits until it is tried again. More makes the rate uneven,
/// less costs more tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A connection with a peer.
pub(super) struct Pipe {
    pub(super) connection: ConnectionId,
    peer: Stream,
    pub(super) progress: Progress,
    to_peer: Flow,
    to_client: Flow,
}

/// How far it has come.
pub(super) enum Progress {
    /// It is being made.
    Connecting {
        /// Whether that takes too long.
        is_overdue: bool,
    },
    /// It waits for the client. What the peer sends waits in the kernel.
    Pending,
    /// It is joined with this one.
    Joined {
        client: Box<Stream>,
        /// The client's connection counts as before.
        _guest: Guest,
    },
}

/// One direction.
#[derive(Default)]
struct Flow {
    /// What was read and not written yet.
    bytes: VecDeque<u8>,
    /// How many of these the bandwidth allows.
    admitted: usize,
    /// Nothing more will come.
    has_ended: bool,
    /// The receiver was told so.
    is_finished: bool,
}

/// Why a turn is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There may be more.
    UsedUp,
    /// The system will tell when it can go on.
    Blocked,
    /// The bandwidth is used up.
    Slow,
}

/// What is to become of a pipe that had its turn.
pub(super) enum Outcome {
    /// Another turn, soon.
    HasMore,
    /// To be woken by the system, or by [`Pipes::resume`].
    Waits,
    /// Both sides have said all they had to say.
    Over,
}

impl Pipe {
    fn new(connection: ConnectionId, peer: TcpStream, progress: Progress) -> Pipe {
        Pipe {
            connection,
            peer: Stream::Tcp(peer),
            progress,
            to_peer: Flow::default(),
            to_client: Flow::default(),
        }
    }

    /// Whether the connection is made; `None` if that is not known yet.
    pub(super) fn is_connected(&mut self) -> Option<bool> {
        let Progress::Connecting { is_overdue } = self.progress else {
            return None;
        };
        let socket = self.peer.socket();
        match socket.take_error() {
            Ok(None) if is_overdue => Some(false),
            Ok(None) => socket.peer_addr().is_ok().then_some(true),
            Ok(Some(_)) | Err(_) => Some(false),
        }
    }

    /// Joins it with a client's connection, of which some may be read and some unsent.
    fn join(&mut self, client: Connection, guest: Guest) {
        let parts = client.into_parts();
        self.to_peer.bytes = parts.unread.into();
        self.to_client.admitted = parts.unsent.len();
        self.to_client.bytes = parts.unsent;
        self.progress = Progress::Joined {
            client: Box::new(parts.stream),
            _guest: guest,
        };
    }

    /// Lets pass what can pass, as far as `admit` allows.
    fn pump(
        &mut self,
        scratch: &mut [u8],
        mut admit: impl FnMut(Direction, usize) -> bool,
    ) -> Result<[Turn; 2], Over> {
        let Progress::Joined { client, .. } = &mut self.progress else {
            return Ok([Turn::Blocked; 2]);
        };
        let to_peer = |len| admit(Direction::ToPeer, len);
        let first = self
            .to_peer
            .pump(client, &mut self.peer, scratch, to_peer)?;
        let to_client = |len| admit(Direction::ToClient, len);
        let second = self
            .to_client
            .pump(&mut self.peer, client, scratch, to_client)?;
        Ok([first, second])
    }

    fn is_over(&self) -> bool {
        match &self.progress {
            Progress::Joined { client, .. } => {
                self.to_peer.is_finished && self.to_client.is_finished && !client.has_rest()
            }
            _ => false,
        }
    }
}

impl Flow {
    fn pump(
        &mut self,
        from: &mut Stream,
        to: &mut Stream,
        scratch: &mut [u8],
        mut admit: impl FnMut(usize) -> bool,
    ) -> Result<Turn, Over> {
        for _ in 0..READS {
            if let Some(turn) = self.write(to, &mut admit)? {
                return Ok(turn);
            }
            if self.has_ended {
                if !self.is_finished {
                    to.finish().map_err(|_| Over)?;
                    self.is_finished = true;
                }
                return Ok(Turn::Blocked);
            }
            match from.read(scratch) {
                Ok(0) => self.has_ended = true,
                Ok(len) => self.bytes.extend(&scratch[..len]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Quiet connections hold nothing.
                    self.bytes = VecDeque::new();
                    return Ok(Turn::Blocked);
                }
                Err(_) => return Err(Over),
            }
        }
        Ok(Turn::UsedUp)
    }

    /// Writes what is held; `None` if that was all.
    fn write(
        &mut self,
        to: &mut Stream,
        mut admit: impl FnMut(usize) -> bool,
    ) -> Result<Option<Turn>, Over> {
        while !self.bytes.is_empty() || to.has_rest() {
            if self.admitted == 0 && !self.bytes.is_empty() {
                let portion = self.bytes.len().min(PORTION);
                if !admit(portion) {
                    return Ok(Some(Turn::Slow));
                }
                self.admitted = portion;
            }
            let front = self.bytes.as_slices().0;
            let front = &front[..front.len().min(self.admitted)];
            let sent = written(to.write(front))?;
            if sent == 0 && (!front.is_empty() || to.has_rest()) {
                return Ok(Some(Turn::Blocked));
            }
            self.bytes.drain(..sent);
            self.admitted -= sent;
        }
        Ok(None)
    }
}

/// Those of one thread: by slot and by name.
#[derive(Default)]
pub(super) struct Pipes {
    slots: Slab<Pipe>,
    by_name: HashMap<ConnectionId, usize>,
    /// Slots of those that are over their bandwidth.
    slow: Vec<usize>,
    /// When they go on.
    resumption: Option<Tick>,
}

impl Pipes {
    /// The slot that the next one gets.
    pub(super) fn next_slot(&self) -> usize {
        self.slots.vacant_key()
    }

    /// Adds a connection with a peer to [`Pipes::next_slot`].
    pub(super) fn insert(&mut self, connection: ConnectionId, peer: TcpStream, progress: Progress) {
        let slot = self.slots.insert(Pipe::new(connection, peer, progress));
        self.by_name.insert(connection, slot);
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Pipe> {
        self.slots.get_mut(slot)
    }

    pub(super) fn slot_of(&self, connection: ConnectionId) -> Option<usize> {
        self.by_name.get(&connection).copied()
    }

    /// Joins one with a client's connection.
    pub(super) fn join(&mut self, slot: usize, client: Connection, guest: Guest) {
        if let Some(pipe) = self.get_mut(slot) {
            pipe.join(client, guest);
        }
    }

    /// Closes both sides.
    pub(super) fn remove(&mut self, connection: ConnectionId) {
        if let Some(slot) = self.by_name.remove(&connection) {
            self.slots.try_remove(slot);
        }
    }

    /// Gives one its turn.
    pub(super) fn serve(
        &mut self,
        slot: usize,
        now: Tick,
        scratch: &mut [u8],
        mut admit: impl FnMut(ConnectionId, Direction, usize) -> bool,
    ) -> Outcome {
        let Some(pipe) = self.slots.get_mut(slot) else {
            return Outcome::Waits;
        };
        let connection = pipe.connection;
        let turns = pipe.pump(scratch, |direction, len| admit(connection, direction, len));
        match turns {
            Err(Over) => Outcome::Over,
            Ok(_) if pipe.is_over() => Outcome::Over,
            Ok(turns) if turns.contains(&Turn::UsedUp) => Outcome::HasMore,
            Ok(turns) => {
                if turns.contains(&Turn::Slow) {
                    self.slow.push(slot);
                    self.resumption.get_or_insert(now + PAUSE);
                }
                Outcome::Waits
            }
        }
    }

    /// When [`Pipes::resume`] is due.
    pub(super) fn resumption(&self) -> Option<Tick> {
        self.resumption
    }

    /// Slots of those that may go on now.
    pub(super) fn resume(&mut self, now: Tick) -> Vec<usize> {
        if self.resumption.is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.resumption = None;
        std::mem::take(&mut self.slow)
    }
}
