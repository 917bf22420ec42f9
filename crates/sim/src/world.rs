//! Many people, many mishaps, one seed.
//!
//! Most worlds have a dozen devices, some have hundreds of people. Lines are lost, at both ends or
//! at one; requests are repeated; the store is slow, or fails; the server dies; people block each
//! other, do not want to be disturbed, and are signed out. The rules are those of [`crate::rules`].

use std::collections::BTreeMap;
use std::time::Duration;

use exchange::Bearer;
use exchange::records::Person;
use protocol::id::*;
use protocol::message::{ConnectionState, MediaState};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::client::Client;
use crate::stage::{Action, Event, Manners, Stage};

const ROOMS: u64 = 3;
/// One world in so many has hundreds of people.
const LARGE: u64 = 500;
/// What a ring leaves is remembered for ten minutes, and a client does not try for so long.
const LONGEST: Duration = Duration::from_secs(500);

/// What a run came to, to see that it tried something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Devices.
    pub devices: u64,
    /// Chat messages that were shown to somebody.
    pub chat_shown: u64,
    /// Calls that were opened.
    pub calls: u64,
    /// Rings that were offered.
    pub rings: u64,
    /// Rings that were answered.
    pub answered: u64,
    /// Sessions that were resumed.
    pub resumed: u64,
    /// Restarts of the server.
    pub restarts: u64,
}

impl Summary {
    /// Adds another run.
    pub fn add(&mut self, other: Summary) {
        self.devices += other.devices;
        self.chat_shown += other.chat_shown;
        self.calls += other.calls;
        self.rings += other.rings;
        self.answered += other.answered;
        self.resumed += other.resumed;
        self.restarts += other.restarts;
    }
}

struct World {
    random: ChaCha8Rng,
    stage: Stage,
    users: u64,
    passed: Duration,
    /// The store has failed.
    failed: bool,
    summary: Summary,
}

/// Lives through a world. Panics where a rule is broken; the same seed does it again.
pub fn run(seed: u64) -> Summary {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let large = seed % LARGE == LARGE - 1;
    let users = if large {
        200
    } else {
        2 + random.next_u64() % 10
    };
    let steps = if large {
        6000
    } else {
        200 + random.next_u64() % 400
    };
    let mut world = World {
        stage: stage(&mut random, users),
        random,
        users,
        passed: Duration::ZERO,
        failed: false,
        summary: Summary::default(),
    };
    world.summary.devices = world.stage.clients.len() as u64;
    for _ in 0..steps {
        world.step();
    }
    world.stage.settle();
    world.check_chat();
    world.stage.abandon();
    world.count();
    world.summary.chat_shown = world
        .stage
        .clients
        .iter()
        .map(|client| client.heard().chat.len() as u64)
        .sum();
    world.summary
}

/// Everybody has one to three devices; some guests come by links.
fn stage(random: &mut ChaCha8Rng, users: u64) -> Stage {
    let mut people = BTreeMap::new();
    let mut clients = Vec::new();
    for n in 0..users {
        people.insert(user(n), person(random, n, users));
        for device in 0..1 + random.next_u64() % 3 {
            let bearer = Bearer::Member {
                user: user(n),
                login: LoginId::from_bytes(id(1, n * 8 + device)),
            };
            clients.push(Client::new(&format!("{n}.{device}"), bearer));
        }
    }
    for n in 0..random.next_u64() % 4 {
        clients.push(Client::new(&format!("guest.{n}"), Bearer::Guest));
    }
    let coin = |random: &mut ChaCha8Rng| random.next_u64().is_multiple_of(2);
    let manners = Manners {
        quick_clients: coin(random),
        quick_acks: coin(random),
        quick_store: coin(random),
    };
    Stage::new(people, clients, manners)
}

fn person(random: &mut ChaCha8Rng, n: u64, users: u64) -> Person {
    let mut some = |of: u64| -> std::collections::BTreeSet<UserId> {
        let chosen = (0..users).filter(|other| *other != n && random.next_u64().is_multiple_of(of));
        chosen.map(user).collect()
    };
    Person {
        name: format!("User {n}").try_into().expect("a short name"),
        contacts: some(2 + users / 10),
        blocked: some(8 + users / 2),
        do_not_disturb: random.next_u64().is_multiple_of(8),
        call_waiting: !random.next_u64().is_multiple_of(4),
    }
}

impl World {
    fn step(&mut self) {
        let who = self.below(self.stage.clients.len() as u64) as usize;
        let event = match self.below(200) {
            0 => Event::Restart,
            1 => Event::Fail,
            2..8 => Event::Notice,
            8..10 => self.change(),
            10 => Event::Revoke(who),
            11..20 => self.pass(),
            20..50 => Event::Store,
            _ => self.at(who),
        };
        if matches!(event, Event::Restart) {
            self.count();
        }
        self.failed |= matches!(event, Event::Fail);
        self.stage.apply(&event);
    }

    fn at(&mut self, who: usize) -> Event {
        if !self.stage.has_line(who) {
            return Event::Connect(who);
        }
        let (up, down) = self.stage.under_way(who);
        match self.below(100) {
            0..2 => Event::Cut(who),
            2 => Event::Fade(who),
            3 => Event::Reload(who),
            4..7 => Event::Again(who),
            7..12 => Event::Do(who, Action::Acknowledge),
            12..35 if up => Event::Send(who),
            12..75 if down => Event::Hear(who),
            _ => match self.action(who) {
                Some(action) => Event::Do(who, action),
                None => Event::Hear(who),
            },
        }
    }

    fn action(&mut self, who: usize) -> Option<Action> {
        let client = &self.stage.clients[who];
        let alerts: Vec<_> = client.alerts().collect();
        let dials: Vec<_> = client.dials().iter().map(|dial| dial.invite.ring).collect();
        let missed: Vec<_> = client.missed().collect();
        let seats: Vec<_> = client.seats().to_vec();
        let member = client.user().is_some();
        if let Some(ring) = self.one_of(&alerts).filter(|_| self.below(2) == 0) {
            return Some(match self.below(12) {
                0..4 => Action::Alert(ring),
                4..8 => Action::Accept(ring),
                8 => Action::Decline(ring),
                9 => Action::Ignore(ring),
                _ => Action::Busy(ring),
            });
        }
        if let Some(ring) = self.one_of(&dials).filter(|_| self.below(6) == 0) {
            return Some(Action::Cancel(ring));
        }
        if let Some(ring) = self.one_of(&missed).filter(|_| self.below(2) == 0) {
            return Some(Action::Message(
                ring,
                ChatId::from_bytes(self.stage.fresh_id()),
            ));
        }
        let Some(seat) = self
            .one_of(&seats)
            .filter(|_| seats.len() > 1 || self.below(8) > 0)
        else {
            return Some(self.join(member));
        };
        let call = seat.call;
        if seat.connection.is_none() && member && self.below(2) == 0 {
            let ring = RingId::from_bytes(self.stage.fresh_id());
            return Some(Action::Dial(ring, call, user(self.below(self.users + 1))));
        }
        Some(match self.below(20) {
            0..7 => Action::Say(call, ChatId::from_bytes(self.stage.fresh_id())),
            7..10 => Action::Negotiate(call),
            10..14 => Action::Report(call, ConnectionState::Connected),
            14 => Action::Report(call, ConnectionState::Reconnecting),
            15..17 => Action::Media(
                call,
                MediaState {
                    audio: true,
                    video: self.below(2) == 0,
                    screen: self.below(4) == 0,
                    held: self.below(2) == 0,
                },
            ),
            17 => Action::HangUp(call),
            18 => Action::Close,
            _ => return None,
        })
    }

    /// By a link that others have, or a call of one's own.
    fn join(&mut self, member: bool) -> Action {
        let room = match self.below(3) {
            0 if member => self.stage.fresh_id(),
            _ => id(2, self.below(ROOMS)),
        };
        let call = CallId::from_bytes(self.stage.fresh_id());
        Action::Join(RoomId::from_bytes(room), call)
    }

    fn change(&mut self) -> Event {
        let n = self.below(self.users);
        Event::Change(user(n), person(&mut self.random, n, self.users))
    }

    fn pass(&mut self) -> Event {
        let span = Duration::from_millis(1 << self.below(16));
        if self.passed + span > LONGEST {
            return Event::Store;
        }
        self.passed += span;
        Event::Pass(span)
    }

    /// What one says in a call is shown to the other once, and in order: unless the store had
    /// refused it, and who said it was not there to hear of that and said it again.
    fn check_chat(&self) {
        for client in &self.stage.clients {
            let mut last = BTreeMap::new();
            for (call, from, chat) in &client.heard().chat {
                let number = chat.as_bytes()[8..].try_into().map(u64::from_le_bytes);
                let number = number.expect("half of an id");
                let before = last.insert((call, from), number).unwrap_or(0);
                let in_order = before < number || self.failed;
                assert!(in_order, "{from}: {number} was shown after {before}");
            }
        }
    }

    fn count(&mut self) {
        let counters = self.stage.exchange().counters();
        self.summary.calls += counters.calls_opened;
        self.summary.rings += counters.rings_offered;
        self.summary.answered += counters.rings_answered;
        self.summary.resumed += counters.sessions_resumed;
        self.summary.restarts = self.stage.restarts();
    }

    fn one_of<T: Clone>(&mut self, things: &[T]) -> Option<T> {
        let at = self.random.next_u64() as usize % things.len().max(1);
        things.get(at).cloned()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }
}

fn user(n: u64) -> UserId {
    UserId::from_bytes(id(3, n))
}

/// An id that names its kind and number.
fn id(kind: u64, number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&kind.to_le_bytes());
    bytes[8..].copy_from_slice(&number.to_le_bytes());
    bytes
}
