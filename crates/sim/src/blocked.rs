//! Two worlds that are to look the same to somebody who calls: in one the callee has blocked them, in
//! the other the callee is there for nobody, since no device of theirs is.
//!
//! The same happens in both, to the caller's devices, and after every step everything that can be
//! seen at them is compared: each frame with its number and its ids, and the history. Any order of
//! events is tried to a bounded depth ([`crate::explore`]), and long ones are drawn from seeds.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use exchange::Bearer;
use exchange::records::Person;
use protocol::id::*;
use protocol::limits;
use protocol::message::ServerMessage;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::client::{Client, ServerFrame};
use crate::explore::World;
use crate::fingerprint::fingerprint;
use crate::keep::{Keep, Subject};
use crate::rules::BLOCKED_LEARN_NOTHING;
use crate::scenarios::Luck;
use crate::stage::{Action, Event, Manners, Stage};

/// The device at which the caller does things, and one that only reads.
const PHONE: usize = 0;
const CALLERS: [usize; 2] = [PHONE, 1];
/// More than there are in a world.
const CLIENTS: u64 = 16;
/// Where the callee sits in a call of their own.
const CALLEES_PHONE: usize = 2;

/// What the one who has blocked the caller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// Nothing: their devices are there.
    Idle,
    /// They do not want to be disturbed by anybody.
    Undisturbed,
    /// They sit in a call, and do not want to hear of others meanwhile.
    InACall,
    /// There is no such person.
    Nobody,
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Callee::Idle => "there",
            Callee::Undisturbed => "not to be disturbed",
            Callee::InACall => "in a call",
            Callee::Nobody => "nobody",
        })
    }
}

/// How deep a pair is explored, unless somebody says otherwise.
pub const DEPTH: usize = 7;

impl Callee {
    /// All there is to compare with somebody whose devices are away.
    pub const ALL: [Callee; 4] = [
        Callee::Idle,
        Callee::Undisturbed,
        Callee::InACall,
        Callee::Nobody,
    ];
}

/// The two worlds.
#[derive(Clone)]
pub struct Pair {
    blocked: Stage,
    away: Stage,
    /// How often the caller has dialled, and joined a call.
    dialled: u64,
    joined: u64,
    luck: Luck,
}

impl Pair {
    /// Everybody is connected, and the caller sits in a call of their own.
    pub fn new(callee: Callee) -> Pair {
        const LUCK: Luck = Luck {
            cuts: 1,
            fades: 0,
            reloads: 1,
            repeats: 1,
            restarts: 1,
            failures: 1,
            dues: 3,
        };
        let mut blocked = stage(
            people(callee, true),
            &["a.phone", "a.tab", "b.phone", "b.tab"],
        );
        let mut away = stage(people(callee, false), &["a.phone", "a.tab"]);
        if callee == Callee::InACall {
            blocked.apply(&Event::Do(CALLEES_PHONE, join(CALLEES_PHONE, 0)));
        }
        for stage in [&mut blocked, &mut away] {
            stage.apply(&Event::Do(PHONE, join(PHONE, 0)));
            stage.store(usize::MAX);
            for who in 0..stage.clients.len() {
                read_all(stage, who);
            }
        }
        Pair {
            blocked,
            away,
            dialled: 0,
            joined: 0,
            luck: LUCK,
        }
    }

    /// Lives through so many steps, chosen by the seed, and returns how many rings there were.
    /// Panics where the caller sees a difference.
    pub fn walk(callee: Callee, seed: u64, steps: usize) -> usize {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut pair = Pair::new(callee);
        pair.luck = Luck {
            cuts: 9,
            fades: 0,
            reloads: 3,
            repeats: 20,
            restarts: 3,
            failures: 9,
            // A ring is remembered for ten minutes, and a client does not ask for so long.
            dues: 12,
        };
        for _ in 0..steps {
            let events = pair.events();
            let at = random.next_u64() as usize % events.len().max(1);
            match events.get(at) {
                Some(event) => pair.apply(event),
                None => break,
            }
        }
        pair.gather();
        pair.end();
        pair.blocked.keep().rings.len()
    }

    fn both(&mut self, what: impl Fn(&mut Stage)) {
        what(&mut self.blocked);
        what(&mut self.away);
        self.compare();
    }

    fn compare(&self) {
        for who in CALLERS {
            let [blocked, away] = [&self.blocked, &self.away].map(|stage| stage.seen_at(who));
            let now = self.away.now();
            assert!(
                fingerprint(&blocked, now) == fingerprint(&away, now),
                "{BLOCKED_LEARN_NOTHING}: {blocked:?}, and not {away:?}"
            );
        }
        let [blocked, away] = [&self.blocked, &self.away].map(|stage| history(stage.keep()));
        assert_eq!(blocked, away, "{BLOCKED_LEARN_NOTHING}");
    }

    fn actions(&self) -> Vec<Action> {
        let client = &self.away.clients[PHONE];
        let seats = client.seats().iter().map(|seat| seat.call);
        let dials = client.dials().iter().map(|dial| dial.invite.ring);
        let messages = client.missed().map(|ring| {
            let chat = ChatId::from_bytes(*ring.as_bytes());
            Action::Message(ring, chat)
        });
        let dial = seats.clone().map(|call| {
            let ring = RingId::from_bytes(id(3, self.dialled));
            Action::Dial(ring, call, user(1))
        });
        // Whoever has hung up waits for that to be heard before they sit down again.
        let is_free = client.seats().is_empty() && client.unanswered().next().is_none();
        let join = is_free.then(|| join(PHONE, self.joined + 1));
        let calls_nobody = client.dials().is_empty();
        let mut actions: Vec<_> = dial.filter(|_| calls_nobody).collect();
        actions.extend(join);
        actions.extend(dials.map(Action::Cancel));
        actions.extend(messages);
        actions.extend(seats.map(Action::HangUp));
        actions
    }
}

impl World for Pair {
    fn fingerprint(&self) -> u128 {
        let Pair {
            blocked,
            away,
            dialled,
            joined,
            luck,
        } = self;
        fingerprint(&(blocked, away, dialled, joined, luck), away.now())
    }

    fn events(&self) -> Vec<Event> {
        let stage = &self.away;
        let luck = self.luck;
        let has_line = stage.has_line(PHONE);
        let client = &stage.clients[PHONE];
        let can_repeat = client.is_online() && client.unanswered().next().is_some();
        let mut events = Vec::new();
        let mut add = |possible: bool, event| events.extend(possible.then_some(event));
        add(stage.under_way(PHONE).1, Event::Hear(PHONE));
        add(!has_line, Event::Connect(PHONE));
        add(luck.cuts > 0 && has_line, Event::Cut(PHONE));
        add(luck.reloads > 0, Event::Reload(PHONE));
        add(luck.repeats > 0 && can_repeat, Event::Again(PHONE));
        add(luck.restarts > 0, Event::Restart);
        let mut waiting = stage.keep().waiting.iter();
        add(waiting.len() > 0, Event::Store);
        let refusable = waiting.any(|entry| entry.record.can_be_refused());
        add(luck.failures > 0 && refusable, Event::Fail);
        for millis in [limits::PUSH_AFTER_MS, limits::RING_MS] {
            let span = Duration::from_millis(millis);
            add(luck.dues > 0, Event::Pass(span));
        }
        let actions = self.actions().into_iter();
        events.extend(actions.map(|action| Event::Do(PHONE, action)));
        events
    }

    fn apply(&mut self, event: &Event) {
        self.luck.spend(event);
        match event {
            Event::Do(_, Action::Dial(..)) => self.dialled += 1,
            Event::Do(_, Action::Join(..)) => self.joined += 1,
            _ => {}
        }
        self.both(|stage| {
            match event {
                Event::Pass(span) => pass(stage, *span),
                event => stage.apply(event),
            }
            others_are_there(stage);
        });
    }

    fn tell(&self, event: &Event) -> String {
        match event {
            Event::Do(_, action) => format!("the caller: {action:?}"),
            other => format!("{other:?}"),
        }
    }

    fn gather(&mut self) {
        self.both(Stage::gather);
    }

    fn end(&mut self) {
        self.both(Stage::let_rings_end);
        self.abandon();
    }

    fn abandon(&mut self) {
        self.both(Stage::abandon);
    }
}

/// Time passes, and nobody's line is lost for it.
fn pass(stage: &mut Stage, span: Duration) {
    let mut left = span;
    while !left.is_zero() {
        let part = left.min(Duration::from_millis(limits::PING_IN_CALL_MS));
        left -= part;
        stage.apply(&Event::Pass(part));
        while matches!(stage.to_be_heard(PHONE), (_, Some(frame)) if is_ping(frame)) {
            stage.apply(&Event::Hear(PHONE));
        }
        stage.apply(&Event::Do(PHONE, Action::Acknowledge));
        others_are_there(stage);
    }
}

fn is_ping(frame: &ServerFrame) -> bool {
    matches!(frame.message, ServerMessage::Ping(_))
}

/// All but the caller's phone come back at once, and only read.
fn others_are_there(stage: &mut Stage) {
    for who in (0..stage.clients.len()).filter(|who| *who != PHONE) {
        if !stage.has_line(who) {
            stage.apply(&Event::Connect(who));
        }
        read_all(stage, who);
    }
}

fn read_all(stage: &mut Stage, who: usize) {
    while stage.under_way(who).1 {
        stage.apply(&Event::Hear(who));
    }
}

/// The caller's history.
fn history(keep: &Keep) -> BTreeMap<Subject, String> {
    let mine = keep.history.iter().filter(|((of, _), _)| *of == user(0));
    mine.map(|((_, subject), outcome)| (*subject, format!("{outcome:?}")))
        .collect()
}

fn stage(people: BTreeMap<UserId, Person>, devices: &[&str]) -> Stage {
    let page = |device: &&str| {
        let user = user(u64::from(device.starts_with('b')));
        let login = LoginId::from_bytes(id(5, u64::from(device.ends_with("tab"))));
        let bearer = Bearer::Member { user, login };
        Client::new(device, bearer)
    };
    let manners = Manners {
        quick_clients: true,
        quick_acks: true,
        quick_store: false,
    };
    let is_known = |device: &&&str| !device.starts_with('b') || people.contains_key(&user(1));
    let clients = devices.iter().filter(is_known).map(page).collect();
    let mut stage = Stage::new(people, clients, manners);
    for who in 0..stage.clients.len() {
        stage.apply(&Event::Connect(who));
        read_all(&mut stage, who);
    }
    stage
}

fn people(callee: Callee, blocked: bool) -> BTreeMap<UserId, Person> {
    // Who is nobody's contact has nothing to show of whom they know.
    let known = callee != Callee::Nobody;
    let person = |name: &str, contact| Person {
        name: name.to_owned().try_into().expect("a short name"),
        contacts: known.then_some(contact).into_iter().collect(),
        blocked: Default::default(),
        do_not_disturb: false,
        call_waiting: true,
    };
    let caller = (user(0), person("Ada", user(1)));
    let mut away = person("Ben", user(0));
    if blocked {
        away.blocked.insert(user(0));
        away.do_not_disturb = callee == Callee::Undisturbed;
        away.call_waiting = callee != Callee::InACall;
    }
    let other = (user(1), away);
    let exists = known || !blocked;
    [Some(caller), exists.then_some(other)]
        .into_iter()
        .flatten()
        .collect()
}

/// One's own room, and a call nobody has used.
fn join(who: usize, number: u64) -> Action {
    let who = who as u64;
    Action::Join(
        RoomId::from_bytes(id(1, who)),
        CallId::from_bytes(id(2, number * CLIENTS + who)),
    )
}

fn user(n: u64) -> UserId {
    UserId::from_bytes(id(4, n))
}

fn id(kind: u8, number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[8..].copy_from_slice(&number.to_le_bytes());
    bytes
}
