//! Small worlds to be explored: two people with two devices each, and what may happen to them.
//!
//! An alphabet that holds everything would be explored to no depth. So each scenario has the part
//! of it that belongs together, and goes deep.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use exchange::Bearer;
use exchange::records::Person;
use protocol::id::*;
use protocol::message::ConnectionState;

use crate::client::{Client, Reaction};
use crate::stage::{Action, Event, Manners, Stage};

const DEVICES: [&str; 4] = ["ada.phone", "ada.laptop", "ben.phone", "ben.laptop"];
const ADAS_PHONE: usize = 0;
const BENS_PHONE: usize = 2;

/// A small world.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// How deep it is explored, unless somebody says otherwise.
    pub depth: usize,
    manners: Manners,
    /// Ben's phone sits in a call of its own, as Ada's does.
    both_dial: bool,
    /// What is done at each device.
    plays: [&'static [Move]; 4],
    /// Whose lines and pages suffer.
    unlucky: &'static [usize],
    luck: Luck,
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Dial,
    Alert,
    Accept,
    Decline,
    Ignore,
    Busy,
    Cancel,
    Message,
    HangUp,
    /// Sends a description and a candidate, once, and says that the connection is up.
    Talk,
}

/// How often things go wrong, at most.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Luck {
    cuts: u8,
    fades: u8,
    reloads: u8,
    repeats: u8,
    restarts: u8,
    failures: u8,
    /// How often time passes until something is due.
    dues: u8,
}

use Move::*;

const QUICK: Manners = Manners {
    quick_clients: true,
    quick_acks: true,
    quick_store: true,
};
const SLOW_STORE: Manners = Manners {
    quick_store: false,
    ..QUICK
};
const LUCKY: Luck = Luck {
    cuts: 0,
    fades: 0,
    reloads: 0,
    repeats: 0,
    restarts: 0,
    failures: 0,
    dues: 0,
};
const PLAIN: Scenario = Scenario {
    name: "",
    depth: 0,
    manners: QUICK,
    both_dial: false,
    plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept]],
    unlucky: &[],
    luck: LUCKY,
};

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "answering",
        depth: 9,
        plays: [
            &[Dial, Cancel, HangUp],
            &[],
            &[Alert, Accept, Decline, Ignore, Busy, HangUp],
            &[Alert, Accept, Decline, Busy],
        ],
        ..PLAIN
    },
    Scenario {
        name: "slow lines in both directions",
        depth: 10,
        manners: Manners {
            quick_clients: false,
            ..QUICK
        },
        plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept, Decline]],
        ..PLAIN
    },
    Scenario {
        name: "lost lines and repeats",
        depth: 8,
        plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept, Decline]],
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 2,
            fades: 1,
            repeats: 1,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "pages loaded again, and windows that pass",
        depth: 8,
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 3,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "both call each other while the store is slow",
        depth: 9,
        manners: SLOW_STORE,
        both_dial: true,
        plays: [
            &[Dial, Cancel, HangUp],
            &[Accept],
            &[Dial, Accept, Cancel, HangUp],
            &[Accept, Decline],
        ],
        ..PLAIN
    },
    Scenario {
        name: "both call each other on lines that are lost",
        depth: 8,
        manners: SLOW_STORE,
        both_dial: true,
        plays: [&[Dial], &[], &[Dial, Accept], &[Accept]],
        unlucky: &[BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 2,
            ..LUCKY
        },
    },
    Scenario {
        name: "a store that fails",
        depth: 9,
        manners: SLOW_STORE,
        plays: [
            &[Dial, Cancel, Message, HangUp],
            &[],
            &[Accept, Decline],
            &[],
        ],
        unlucky: &[ADAS_PHONE],
        luck: Luck {
            failures: 1,
            repeats: 1,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "a server that dies",
        depth: 9,
        manners: SLOW_STORE,
        plays: [
            &[Dial, Cancel, Message],
            &[],
            &[Accept, Decline, HangUp],
            &[],
        ],
        luck: Luck {
            restarts: 2,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "time passes",
        depth: 10,
        plays: [&[Dial, Message], &[], &[Alert, Accept], &[Busy]],
        unlucky: &[BENS_PHONE],
        luck: Luck {
            cuts: 1,
            dues: 5,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "talking",
        depth: 9,
        plays: [&[Dial, Talk, HangUp], &[], &[Accept, Talk, HangUp], &[]],
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 1,
            restarts: 1,
            ..LUCKY
        },
        ..PLAIN
    },
];

/// A state of a scenario.
#[derive(Clone)]
pub struct Node<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What there is.
    pub stage: Stage,
    luck: Luck,
    /// Which devices have dialled, and which have talked.
    dialled: [bool; 4],
    talked: [bool; 4],
}

impl Hash for Node<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stage.hash(state);
        self.luck.hash(state);
        self.dialled.hash(state);
        self.talked.hash(state);
    }
}

impl<'a> Node<'a> {
    /// Everybody is connected; those who will call sit in a call of their own.
    pub fn start(scenario: &'a Scenario) -> Node<'a> {
        let mut stage = Stage::new(people(), DEVICES.map(page).into(), QUICK);
        for who in 0..DEVICES.len() {
            stage.apply(&Event::Connect(who));
        }
        for who in [ADAS_PHONE, BENS_PHONE] {
            if who == ADAS_PHONE || scenario.both_dial {
                let join = Action::Join(RoomId::from_bytes(id(1, who)), call_of(who));
                stage.apply(&Event::Do(who, join));
            }
        }
        for who in 0..DEVICES.len() {
            while stage.under_way(who).1 {
                stage.apply(&Event::Hear(who));
            }
        }
        stage.manners = scenario.manners;
        Node {
            scenario,
            stage,
            luck: scenario.luck,
            dialled: [false; 4],
            talked: [false; 4],
        }
    }

    /// Everything that can happen now.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for who in 0..DEVICES.len() {
            let (up, down) = self.stage.under_way(who);
            let has_line = self.stage.has_line(who);
            events.extend(up.then_some(Event::Send(who)));
            events.extend(down.then_some(Event::Hear(who)));
            events.extend((!has_line).then_some(Event::Connect(who)));
            for play in self.scenario.plays[who] {
                let actions = self.actions(who, *play);
                events.extend(actions.into_iter().map(|action| Event::Do(who, action)));
            }
        }
        self.add_bad_luck(&mut events);
        events
    }

    fn add_bad_luck(&self, events: &mut Vec<Event>) {
        let Luck {
            cuts,
            fades,
            reloads,
            repeats,
            restarts,
            failures,
            dues,
        } = self.luck;
        for who in self.scenario.unlucky.iter().copied() {
            let has_line = self.stage.has_line(who);
            events.extend((cuts > 0 && has_line).then_some(Event::Cut(who)));
            events.extend((fades > 0 && has_line).then_some(Event::Fade(who)));
            events.extend((reloads > 0).then_some(Event::Reload(who)));
            let client = &self.stage.clients[who];
            let can_repeat = client.is_online() && client.unanswered().next().is_some();
            events.extend((repeats > 0 && can_repeat).then_some(Event::Again(who)));
        }
        events.extend(self.stage.has_abandoned().then_some(Event::Notice));
        let mut waiting = self.stage.keep().waiting.iter();
        events.extend((waiting.len() > 0).then_some(Event::Store));
        let refusable = waiting.any(|entry| entry.record.can_be_refused());
        events.extend((failures > 0 && refusable).then_some(Event::Fail));
        events.extend((restarts > 0).then_some(Event::Restart));
        let due = self.stage.exchange().poll_timeout().is_some();
        events.extend((dues > 0 && due).then_some(Event::Due));
    }

    fn actions(&self, who: usize, play: Move) -> Vec<Action> {
        let client = &self.stage.clients[who];
        let seats = client.seats().iter().map(|seat| seat.call);
        let heard = |moods: &'static [Reaction]| {
            let rings = client.rings();
            let fits = move |ring: &RingId| moods.contains(&rings[ring].mood);
            client.alerts().filter(fits)
        };
        const OPEN: &[Reaction] = &[Reaction::None, Reaction::Alerted];
        match play {
            Dial if self.dialled[who] => Vec::new(),
            Dial => {
                let other = UserId::from_bytes(id(4, usize::from(who < BENS_PHONE)));
                let mine = seats.filter(|call| *call == call_of(who));
                mine.map(|call| Action::Dial(ring_of(who), call, other))
                    .collect()
            }
            Alert => heard(&[Reaction::None]).map(Action::Alert).collect(),
            Accept => heard(OPEN).map(Action::Accept).collect(),
            Decline => heard(OPEN).map(Action::Decline).collect(),
            Ignore => heard(OPEN).map(Action::Ignore).collect(),
            Busy => heard(OPEN).map(Action::Busy).collect(),
            Cancel => {
                let dials = client.dials().iter();
                dials.map(|dial| Action::Cancel(dial.invite.ring)).collect()
            }
            Message => {
                let chat = ChatId::from_bytes(id(5, who));
                client
                    .missed()
                    .map(|ring| Action::Message(ring, chat))
                    .collect()
            }
            HangUp => seats.map(Action::HangUp).collect(),
            Talk => {
                let connecting = client.seats().iter().filter(|seat| {
                    let mine = seat.connection.as_ref();
                    mine.is_some_and(|mine| mine.state == ConnectionState::Connecting)
                });
                let talks = connecting.map(|seat| match self.talked[who] {
                    false => Action::Negotiate(seat.call),
                    true => Action::Report(seat.call, ConnectionState::Connected),
                });
                talks.collect()
            }
        }
    }

    /// Makes something happen.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Do(who, Action::Dial(..)) => self.dialled[*who] = true,
            Event::Do(who, Action::Negotiate(_)) => self.talked[*who] = true,
            Event::Cut(_) => self.luck.cuts -= 1,
            Event::Fade(_) => self.luck.fades -= 1,
            Event::Reload(_) => self.luck.reloads -= 1,
            Event::Again(_) => self.luck.repeats -= 1,
            Event::Restart => self.luck.restarts -= 1,
            Event::Fail => self.luck.failures -= 1,
            Event::Due => self.luck.dues -= 1,
            _ => {}
        }
        self.stage.apply(event);
    }
}

impl Scenario {
    /// A step in words.
    pub fn tell(&self, event: &Event) -> String {
        let name = |who: usize| DEVICES[who];
        match event {
            Event::Do(who, action) => {
                let text = format!("{action:?}");
                let what = text.split('(').next().unwrap_or_default();
                let whose = [ADAS_PHONE, BENS_PHONE]
                    .into_iter()
                    .find(|who| text.contains(&ring_of(*who).to_string()));
                match whose {
                    Some(caller) => {
                        format!("{}: {what} (the ring of {})", name(*who), name(caller))
                    }
                    None => format!("{}: {what}", name(*who)),
                }
            }
            Event::Send(who) => format!("the server reads a frame of {}", name(*who)),
            Event::Hear(who) => format!("{} reads a frame", name(*who)),
            Event::Connect(who) => format!("{} connects", name(*who)),
            Event::Cut(who) => format!("{} loses its socket", name(*who)),
            Event::Fade(who) => format!(
                "{} loses its socket, and the server does not notice",
                name(*who)
            ),
            Event::Notice => "the server notices".to_owned(),
            Event::Reload(who) => format!("{} is loaded again", name(*who)),
            Event::Again(who) => format!("{} repeats a request", name(*who)),
            Event::Store => "a record is stored".to_owned(),
            Event::Fail => "the store fails".to_owned(),
            Event::Due => "time passes until something is due".to_owned(),
            Event::Restart => "the server dies and starts again".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

fn people() -> BTreeMap<UserId, Person> {
    let person = |name: &str, contact| Person {
        name: name.to_owned().try_into().expect("a short name"),
        contacts: [contact].into(),
        blocked: Default::default(),
        do_not_disturb: false,
        call_waiting: true,
    };
    let [ada, ben] = [0, 1].map(|n| UserId::from_bytes(id(4, n)));
    [(ada, person("Ada", ben)), (ben, person("Ben", ada))].into()
}

fn page(device: &str) -> Client {
    let user = usize::from(device.starts_with("ben"));
    let login = DEVICES
        .iter()
        .position(|other| *other == device)
        .unwrap_or(0);
    let bearer = Bearer::Member {
        user: UserId::from_bytes(id(4, user)),
        login: LoginId::from_bytes(id(6, login)),
    };
    Client::new(device, bearer)
}

fn call_of(who: usize) -> CallId {
    CallId::from_bytes(id(2, who))
}

fn ring_of(who: usize) -> RingId {
    RingId::from_bytes(id(3, who))
}

fn id(kind: u8, number: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[1] = number as u8;
    bytes
}
