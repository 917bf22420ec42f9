//! Many people, many mishaps, one seed.
//!
//! Most worlds have a dozen devices, some have hundreds of people. Lines are lost, at both ends or
//! at one; requests are repeated; the store is slow, or fails; the server dies; people block each
//! other, do not want to be disturbed, and are signed out. The rules are those of [`crate::rules`].

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use exchange::Bearer;
use exchange::records::Person;
use protocol::id::*;
use protocol::message::{ConnectionState, MediaState};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::client::{Client, Seat};
use crate::stage::{Action, Event, Manners, Stage};
use crate::tally::Tally;

/// One world in so many has hundreds of people.
const LARGE: u64 = 150;
/// So long a world lasts at most, or it would be one of pauses.
const LONGEST: Duration = Duration::from_secs(3000);
/// A store that is further behind than that catches up first.
const BACKLOG: usize = 30;
/// Everything about a ring is forgotten after it.
const LONG_PAUSE: Duration = Duration::from_secs(800);

/// What a run came to, to see that it tried something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Worlds.
    pub worlds: u64,
    /// Worlds of hundreds of people.
    pub large: u64,
    /// Devices.
    pub devices: u64,
    /// What happened to them.
    pub tally: Tally,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.worlds += other.worlds;
        self.large += other.large;
        self.devices += other.devices;
        self.tally += other.tally;
    }
}

struct World {
    random: ChaCha8Rng,
    stage: Stage,
    users: u64,
    large: bool,
    passed: Duration,
    failures: u64,
    kicked: u64,
}

/// Lives through a world. Panics where a rule is broken; the same seed does it again. The listener
/// hears of everything that happens.
pub fn run(seed: u64, listener: Option<fn(&str)>) -> Summary {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let large = seed % LARGE == LARGE - 1;
    let (users, steps) = if large {
        (200 + random.next_u64() % 100, 12_000)
    } else {
        (2 + random.next_u64() % 10, 300 + random.next_u64() % 500)
    };
    let mut stage = stage(&mut random, users);
    stage.listener = listener;
    let mut world = World {
        stage,
        random,
        users,
        large,
        passed: Duration::ZERO,
        failures: 0,
        kicked: 0,
    };
    for _ in 0..steps {
        let event = world.next();
        world.failures += u64::from(matches!(event, Event::Fail));
        world.kicked += u64::from(matches!(event, Event::Kick(_)));
        world.stage.apply(&event);
    }
    world.stage.settle();
    world.check_chat();
    world.stage.abandon();
    Summary {
        worlds: 1,
        large: u64::from(large),
        devices: world.stage.clients.len() as u64,
        tally: world.stage.tally(),
    }
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
        do_not_disturb: random.next_u64().is_multiple_of(12),
        call_waiting: !random.next_u64().is_multiple_of(6),
    }
}

impl World {
    /// What happens next. What suffers many at once is as frequent for each of them in a large
    /// world as in a small one.
    fn next(&mut self) -> Event {
        let who = self.somebody();
        match self.below(1000) {
            0..3 if self.is_fit_for_a_crash() => Event::Restart,
            3..7 => Event::Fail,
            7..30 => Event::Notice,
            30..36 => self.change(),
            36..39 => Event::Revoke(who),
            39..41 => self.kick(),
            41..60 => self.pass(),
            60..220 => Event::Store,
            220..400 => self.react().unwrap_or_else(|| self.at(who)),
            _ if self.stage.keep().waiting.len() > BACKLOG => Event::Store,
            _ => self.at(who),
        }
    }

    fn is_fit_for_a_crash(&mut self) -> bool {
        !self.large || self.below(20) == 0
    }

    /// Rather somebody with something to do.
    fn somebody(&mut self) -> usize {
        let count = self.stage.clients.len() as u64;
        let mut who = self.below(count) as usize;
        for _ in 0..3 {
            let client = &self.stage.clients[who];
            let (up, down) = self.stage.under_way(who);
            if up || down || !client.seats().is_empty() || client.alerts().next().is_some() {
                break;
            }
            who = self.below(count) as usize;
        }
        who
    }

    /// Somebody does something about a ring.
    fn react(&mut self) -> Option<Event> {
        let clients = self.stage.clients.iter().enumerate();
        let rings: Vec<_> = clients
            .flat_map(|(who, client)| client.alerts().map(move |ring| (who, ring)))
            .collect();
        let (who, ring) = self.one_of(&rings)?;
        let action = match self.below(40) {
            0..12 => Action::Alert(ring),
            12..28 => Action::Accept(ring),
            28..32 => Action::Decline(ring),
            32..34 => Action::Ignore(ring),
            34..37 => Action::Busy(ring),
            // They call back without looking.
            _ => {
                let from = self.stage.clients[who].rings().get(&ring)?.from;
                return Some(Event::Do(who, self.dial(who, from)));
            }
        };
        Some(Event::Do(who, action))
    }

    /// Calls somebody, in a call in which nobody else sits.
    fn dial(&mut self, who: usize, to: UserId) -> Action {
        let client = &self.stage.clients[who];
        let alone = |seat: &&Seat| seat.me.is_some() && seat.connection.is_none();
        let Some(call) = client.seats().iter().find(alone).map(|seat| seat.call) else {
            return self.join(true);
        };
        Action::Dial(RingId::from_bytes(self.stage.fresh_id()), call, to)
    }

    /// Whom somebody calls: now and then one who is calling them, mostly one who is there, and
    /// sometimes somebody who does not exist.
    fn callee(&mut self, who: usize) -> UserId {
        let me = self.stage.clients[who].user();
        let to_me = |client: &&Client| {
            let mut dials = client.dials().iter();
            dials.any(|dial| Some(dial.invite.to) == me)
        };
        let caller = self.stage.clients.iter().find(to_me).and_then(Client::user);
        let others = self.stage.clients.iter();
        let others = others.filter(|client| client.is_online() && client.user() != me);
        let there: Vec<_> = others.filter_map(Client::user).collect();
        if let Some(caller) = caller.filter(|_| self.below(3) == 0) {
            return caller;
        }
        match self.below(30) {
            0 => user(self.users),
            1..5 => user(self.below(self.users)),
            _ => self.one_of(&there).unwrap_or(user(0)),
        }
    }

    fn at(&mut self, who: usize) -> Event {
        if !self.stage.has_line(who) {
            return Event::Connect(who);
        }
        let (up, down) = self.stage.under_way(who);
        match self.below(200) {
            0..3 => Event::Cut(who),
            3..5 => Event::Fade(who),
            5..7 => Event::Reload(who),
            7..12 => Event::Again(who),
            12..22 => Event::Do(who, Action::Acknowledge),
            22..90 if up => Event::Send(who),
            22..160 if down => Event::Hear(who),
            _ => match self.action(who) {
                Some(action) => Event::Do(who, action),
                None => Event::Hear(who),
            },
        }
    }

    fn action(&mut self, who: usize) -> Option<Action> {
        let client = &self.stage.clients[who];
        let dials: Vec<_> = client.dials().iter().map(|dial| dial.invite.ring).collect();
        let missed: Vec<_> = client.missed().collect();
        let seats: Vec<_> = client.seats().to_vec();
        let member = client.user().is_some();
        if let Some(ring) = self.one_of(&dials).filter(|_| self.below(15) == 0) {
            return Some(Action::Cancel(ring));
        }
        if let Some(ring) = self.one_of(&missed).filter(|_| self.below(2) == 0) {
            return Some(Action::Message(
                ring,
                ChatId::from_bytes(self.stage.fresh_id()),
            ));
        }
        let another = self.below(40) == 0;
        let Some(seat) = self.one_of(&seats).filter(|_| !another) else {
            return (another || self.below(3) > 0).then(|| self.join(member));
        };
        let call = seat.call;
        let calling = !dials.is_empty() && self.below(10) > 0;
        if seat.connection.is_none() && member && !calling && self.below(2) == 0 {
            let to = self.callee(who);
            return Some(self.dial(who, to));
        }
        let connection = seat.connection.as_ref().map(|mine| mine.state);
        if connection == Some(ConnectionState::Connecting) && self.below(2) == 0 {
            return Some(match self.below(2) {
                0 => Action::Negotiate(call),
                _ => Action::Report(call, ConnectionState::Connected),
            });
        }
        Some(match self.below(40) {
            // What is said before the call is entered would be refused.
            0..14 if seat.me.is_some() => {
                Action::Say(call, ChatId::from_bytes(self.stage.fresh_id()))
            }
            14..20 => Action::Negotiate(call),
            20..28 => Action::Report(call, ConnectionState::Connected),
            28..30 => Action::Report(call, ConnectionState::Reconnecting),
            30..34 => Action::Media(
                call,
                MediaState {
                    audio: true,
                    video: self.below(2) == 0,
                    screen: self.below(4) == 0,
                    held: self.below(2) == 0,
                    paused: false,
                },
            ),
            34..36 => Action::HangUp(call),
            36 => Action::Close,
            _ => return None,
        })
    }

    /// By a link that others have, or a call of one's own.
    fn join(&mut self, member: bool) -> Action {
        // A call that an administrator ends takes its room with it: others come up instead.
        let rooms = 3 + self.users / 20;
        let room = match self.below(3) {
            0..2 if member => self.stage.fresh_id(),
            _ => id(2, self.kicked + self.below(rooms)),
        };
        let call = CallId::from_bytes(self.stage.fresh_id());
        Action::Join(RoomId::from_bytes(room), call)
    }

    fn kick(&mut self) -> Event {
        let calls: Vec<_> = self.stage.exchange().calls().map(|it| it.call).collect();
        self.one_of(&calls).map_or(Event::Store, Event::Kick)
    }

    fn change(&mut self) -> Event {
        let n = self.below(self.users);
        Event::Change(user(n), person(&mut self.random, n, self.users))
    }

    fn pass(&mut self) -> Event {
        let span = match self.below(100) {
            0 => LONG_PAUSE,
            _ => Duration::from_millis(1 << self.below(16)),
        };
        if self.passed + span > LONGEST {
            return Event::Store;
        }
        self.passed += span;
        Event::Pass(span)
    }

    /// What is said in a call is shown in the order in which the server has it; that is the order
    /// in which it was said, unless a message was refused for want of a store, its sender did not
    /// hear of that, and says it again.
    fn check_chat(&self) {
        for client in &self.stage.clients {
            let mut last = BTreeMap::new();
            for said in &client.heard().chat {
                let number = said.chat.chat.as_bytes()[8..].try_into();
                let number = number.map(u64::from_le_bytes).expect("half of an id");
                let whose = (said.chat.call, said.from);
                let (at_ms, before) = last.insert(whose, (said.at_ms, number)).unwrap_or_default();
                let in_order = before < number || self.failures > 0;
                assert!(
                    at_ms <= said.at_ms && in_order,
                    "{number} was shown after {before}"
                );
            }
        }
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
