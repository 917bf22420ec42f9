//! Many clients, many mishaps, one seed.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::Client;
use crate::switchboard::Switchboard;

const CLIENTS: usize = 7;
const ROOMS: u64 = 3;
const STEPS: usize = 400;

/// What a run came to, to see that it tried something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Chat messages that were shown to somebody.
    pub chat_shown: usize,
    /// Calls that were opened.
    pub calls: u64,
    /// Sessions that were resumed.
    pub resumed: u64,
    /// Restarts of the server.
    pub restarts: u64,
}

struct World {
    random: ChaCha8Rng,
    board: Switchboard,
    clients: Vec<Client>,
    said: u64,
    summary: Summary,
}

/// Lives through a world. Panics where a rule is broken; the same seed does it again.
pub fn run(seed: u64) -> Summary {
    let mut world = World {
        random: ChaCha8Rng::seed_from_u64(seed),
        board: Switchboard::new(seed),
        clients: (0..CLIENTS)
            .map(|n| Client::new(&format!("device{n}")))
            .collect(),
        said: 0,
        summary: Summary::default(),
    };
    for _ in 0..STEPS {
        world.step();
        world.check_chat();
    }
    world.settle();
    world.check_agreement();
    world.everybody_leaves();
    let counters = world.board.exchange().counters();
    world.summary.calls += counters.calls_opened;
    world.summary.resumed += counters.sessions_resumed;
    world.summary.chat_shown = world.clients.iter().map(|c| c.heard.chat.len()).sum();
    world.summary
}

impl World {
    fn step(&mut self) {
        let who = self.below(CLIENTS as u64) as usize;
        let (client, board) = (&mut self.clients[who], &mut self.board);
        match self.random.next_u64() % 100 {
            0..10 if client.socket().is_none() => client.connect(board),
            10..16 => client.cut(board),
            16..18 => client.reload(board),
            18..30 if !client.in_call() => self.join(who),
            30..33 => client.hang_up(board),
            33..50 => self.say(who),
            50..55 => client.describe(board, "an offer"),
            55..61 => client.report(board, "connected"),
            61..63 => client.report(board, "reconnecting"),
            63..73 => client.acknowledge(board),
            73..74 => self.restart(),
            74..82 => self.pass_time(),
            _ => client.poll(board),
        }
    }

    fn join(&mut self, who: usize) {
        let room = id(1, self.below(ROOMS));
        let call = id(2, self.random.next_u64());
        self.clients[who].join(&mut self.board, &room, &call);
    }

    /// Every message carries its number and so its place in the order.
    fn say(&mut self, who: usize) {
        self.said += 1;
        let body = format!("device{who} {}", self.said);
        self.clients[who].say(&mut self.board, &id(3, self.said), &body);
    }

    fn restart(&mut self) {
        let counters = self.board.exchange().counters();
        self.summary.calls += counters.calls_opened;
        self.summary.resumed += counters.sessions_resumed;
        self.summary.restarts += 1;
        self.board.restart(self.random.next_u64());
    }

    fn pass_time(&mut self) {
        let millis = 1 << self.below(15);
        self.board.advance(Duration::from_millis(millis));
    }

    /// Everybody comes back and nothing more happens, until all is said.
    fn settle(&mut self) {
        for _ in 0..20 {
            for client in &mut self.clients {
                client.poll(&mut self.board);
                if client.socket().is_none() {
                    client.connect(&mut self.board);
                }
                client.poll(&mut self.board);
                client.acknowledge(&mut self.board);
            }
        }
        for client in &self.clients {
            assert!(client.is_online(), "who keeps trying comes back");
        }
    }

    /// What one says in a call is shown to the other once and in order.
    fn check_chat(&self) {
        for client in &self.clients {
            let mut last = BTreeMap::new();
            for (call, body) in &client.heard.chat {
                let (from, number) = body.split_once(' ').expect("written by say");
                let number: u64 = number.parse().expect("written by say");
                let before = last.insert((call, from), number).unwrap_or(0);
                assert!(before < number, "{from}: {number} was shown after {before}");
            }
        }
    }

    /// The two ends of every connection know each other.
    fn check_agreement(&self) {
        let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
        for client in &self.clients {
            if let Some(connection) = client.connection() {
                *ends.entry(connection).or_default() += 1;
            }
        }
        for (connection, ends) in ends {
            assert!(ends <= 2, "{connection} has {ends} ends");
        }
        let mut calls: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        for client in &self.clients {
            if let Some(call) = client.call() {
                calls.entry(call).or_default().push(client.connection());
            }
        }
        for (call, connections) in calls {
            assert!(connections.len() <= 2, "{call}: {connections:?}");
            if let [one, other] = connections[..] {
                assert!(one.is_some() && one == other, "{call}: {one:?}, {other:?}");
            }
        }
    }

    /// Nothing lives for ever: when everybody has gone, so has everything else.
    fn everybody_leaves(&mut self) {
        for client in &mut self.clients {
            client.cut(&mut self.board);
        }
        self.board.advance(Duration::from_secs(120));
        assert_eq!(self.board.exchange().live_sessions(), 0, "sessions");
        assert_eq!(self.board.exchange().live_calls(), 0, "calls");
        assert_eq!(self.board.exchange().poll_timeout(), None, "timers");
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }
}

/// An id that names its kind and number.
fn id(kind: u64, number: u64) -> String {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&kind.to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}
