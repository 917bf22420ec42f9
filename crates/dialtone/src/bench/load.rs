//! Packets at an even pace, counted where they arrive.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use turn::channel_data::{ChannelData, HEADER_LEN};

use super::clients::{BUFFER, Clients};
use super::histogram::Histogram;
use super::peers::{self, Peers};
use super::poller::Poller;
use super::{Amount, Trouble};

/// The channel to a client's peer.
pub const TO_PEER: u16 = 0x4000;
/// The channel to another client's relayed address.
pub const TO_PARTNER: u16 = 0x4001;

/// What a packet begins with: to which run it belongs, and when it was sent.
pub const STAMP_LEN: usize = 16;

/// What is sent before counting begins.
const WARM_UP: Duration = Duration::from_millis(500);
/// Silence that ends the wait for packets that are still on their way.
const SILENCE: Duration = Duration::from_millis(200);
/// Packets sent before receiving gets its turn. More keeps a high rate when the generator was
/// held up, less lets packets wait less before they are counted.
const BURST: u64 = 16;
/// How often every socket is received from before sending gets its turn again. As many packets as
/// were sent at once can so be taken from a single socket: a queue that only grows would be the
/// generator's, and look like the server's.
const ROUNDS: u64 = 2 * BURST;
/// Longer waits for the next packet are slept through, shorter ones not.
const WORTH_SLEEPING: Duration = Duration::from_millis(1);

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From clients to their peers.
    Up,
    /// From peers to their clients.
    Down,
    /// From clients to other clients of the same server, through both allocations.
    Relay,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Relay => "relay",
        })
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Packets that should have been sent.
    pub due: u64,
    /// Packets that were.
    pub sent: u64,
    /// Packets the system did not take, for the way was full.
    pub held_back: u64,
    /// Packets that arrived.
    pub received: u64,
    /// From sending to receiving.
    pub latency: Histogram,
    /// How long was sent.
    pub elapsed: Duration,
}

/// Clients and peers that are ready to talk.
#[derive(Debug)]
pub struct Stage {
    pub poller: Poller,
    pub clients: Clients,
    pub peers: Peers,
}

impl Stage {
    /// Sends as much in this direction, after a while that does not count. `watch` is called when
    /// counting begins and when the last packet is in.
    pub fn run(
        &mut self,
        direction: Direction,
        amount: Amount,
        mut watch: impl FnMut() -> Result<(), Trouble>,
    ) -> Result<Tally, Trouble> {
        let warm_up = Amount {
            span: WARM_UP,
            ..amount
        };
        Run::new(self, direction, warm_up)?.finish()?;
        watch()?;
        let tally = Run::new(self, direction, amount)?.finish()?;
        watch()?;
        Ok(tally)
    }
}

/// One go.
struct Run<'a> {
    stage: &'a mut Stage,
    direction: Direction,
    amount: Amount,
    /// By client: where its peer sends to.
    relayed: Vec<Option<SocketAddr>>,
    /// What only packets of this run begin with.
    mark: [u8; 8],
    begun: Instant,
    /// A ChannelData header and behind it the data.
    packet: Vec<u8>,
    buffer: Vec<u8>,
    tally: Tally,
}

impl<'a> Run<'a> {
    fn new(stage: &'a mut Stage, direction: Direction, amount: Amount) -> Result<Run<'a>, Trouble> {
        let number = match direction {
            Direction::Up | Direction::Down => TO_PEER,
            Direction::Relay => TO_PARTNER,
        };
        let mut packet = vec![0; HEADER_LEN + amount.size];
        if let Some(header) = ChannelData::header(number, amount.size) {
            packet[..HEADER_LEN].copy_from_slice(&header);
        }
        let mark: [u8; 8] = super::random()?;
        packet[HEADER_LEN..HEADER_LEN + 8].copy_from_slice(&mark);
        let clients = 0..stage.clients.len();
        Ok(Run {
            relayed: clients
                .map(|client| stage.clients.relayed(client))
                .collect(),
            stage,
            direction,
            amount,
            mark,
            begun: Instant::now(),
            packet,
            buffer: vec![0; BUFFER],
            tally: Tally::default(),
        })
    }

    fn finish(mut self) -> Result<Tally, Trouble> {
        self.begun = Instant::now();
        let rate = f64::from(self.amount.rate);
        let burst = u64::from(self.amount.burst);
        loop {
            let elapsed = self.begun.elapsed();
            let due = (elapsed.min(self.amount.span).as_secs_f64() * rate) as u64;
            self.tally.due = due - due % burst;
            if elapsed >= self.amount.span {
                break;
            }
            let behind = self.tally.due - self.attempts();
            for _ in 0..behind.min(BURST.max(burst)) {
                self.send();
            }
            let next = Duration::from_secs_f64((self.attempts() + burst) as f64 / rate);
            self.receive_all(sleep(next.saturating_sub(elapsed)))?;
        }
        self.tally.elapsed = self.begun.elapsed();
        self.drain()?;
        Ok(self.tally)
    }

    fn attempts(&self) -> u64 {
        self.tally.sent + self.tally.held_back
    }

    fn send(&mut self) {
        let bursts = self.attempts() / u64::from(self.amount.burst);
        let client = (bursts % self.stage.clients.len() as u64) as usize;
        let nanos = self.now().to_be_bytes();
        self.packet[HEADER_LEN + 8..HEADER_LEN + STAMP_LEN].copy_from_slice(&nanos);
        let sent = match (self.direction, self.relayed[client]) {
            (Direction::Up | Direction::Relay, _) => self.stage.clients.send(client, &self.packet),
            (Direction::Down, Some(relayed)) => {
                let data = &self.packet[HEADER_LEN..];
                self.stage.peers.send(client, relayed, data)
            }
            (Direction::Down, None) => false,
        };
        if sent {
            self.tally.sent += 1;
        } else {
            self.tally.held_back += 1;
        }
    }

    /// What is there, but not for ever: packets to send may be due.
    fn receive_all(&mut self, wait: Duration) -> Result<(), Trouble> {
        let mut again = self.receive(wait)?;
        for _ in 1..ROUNDS {
            if !again {
                break;
            }
            again = self.receive(Duration::ZERO)?;
        }
        Ok(())
    }

    /// One message of every socket that has some; whether there was any.
    fn receive(&mut self, wait: Duration) -> Result<bool, Trouble> {
        let mut any = false;
        for name in self.stage.poller.wait(wait)? {
            any = true;
            let now = self.now();
            let mark = self.mark;
            let size = self.amount.size;
            let tally = &mut self.tally;
            let mut count = |data: &[u8]| {
                if let Some(sent) = read_stamp(data, mark, size) {
                    tally.received += 1;
                    tally.latency.add(now.saturating_sub(sent));
                }
            };
            if name >= peers::NAMES {
                if let Some(data) = self.stage.peers.receive(name, &mut self.buffer) {
                    count(data);
                }
            } else {
                let Stage { clients, .. } = &mut *self.stage;
                clients.receive(name, &mut self.buffer, |message| {
                    count(application_data(message));
                });
            }
        }
        Ok(any)
    }

    /// Waits for what is still on its way.
    fn drain(&mut self) -> Result<(), Trouble> {
        let mut heard = Instant::now();
        while self.tally.received < self.tally.sent && heard.elapsed() < SILENCE {
            self.stage.clients.flush();
            if self.receive(Duration::from_millis(1))? {
                heard = Instant::now();
            }
        }
        Ok(())
    }

    /// Nanoseconds since the run began.
    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }
}

/// How long to sleep until a packet is due: not at all, if it is soon.
fn sleep(until_due: Duration) -> Duration {
    until_due
        .checked_sub(WORTH_SLEEPING)
        .unwrap_or(Duration::ZERO)
}

/// What ChannelData carries; of anything else nothing.
fn application_data(message: &[u8]) -> &[u8] {
    ChannelData::parse(message)
        .and_then(|parsed| message.get(HEADER_LEN..HEADER_LEN + parsed.len))
        .unwrap_or(&[])
}

/// When a packet of this run was sent, in nanoseconds since it began.
fn read_stamp(data: &[u8], mark: [u8; 8], size: usize) -> Option<u64> {
    let (found, rest) = data.split_first_chunk::<8>()?;
    let nanos = rest.first_chunk::<8>()?;
    (*found == mark && data.len() == size).then(|| u64::from_be_bytes(*nanos))
}
