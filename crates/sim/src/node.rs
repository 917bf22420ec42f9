//! A [`Scenario`] as it goes on.
//!
//! Two kinds of steps are not tried, because others stand for them:
//!
//! - **To read what changes nothing for a person** ([`Client::minds`]; at a device at which nobody
//!   does anything, everything). It is read as soon as it comes, if the line it comes on is not to be
//!   lost any more in this scenario. Reading it moves a number and is acknowledged, which is of
//!   interest only to who resumes; so it can be done before or after anything else. (When the server
//!   dies, the session is gone whatever was read of it.)
//! - **What one device does as long as another one of the same person could do the same**: both have
//!   the same moves, have only read until now, and have read as much. Whatever happens then has its
//!   mirror image in which the other one did it. Ids, by which one could tell them from each other,
//!   decide only in which order devices are told the same thing.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use exchange::Bearer;
use exchange::records::Person;
use protocol::id::*;
use protocol::message::ConnectionState;

use crate::client::{Client, Reaction};
use crate::explore::World;
use crate::fingerprint::fingerprint;
use crate::scenarios::{ADAS_PHONE, BENS_PHONE, LUCKY, Luck, Move, Move::*, Scenario};
use crate::stage::{Action, Event, Manners, Stage};

const DEVICES: [&str; 4] = ["ada.phone", "ada.laptop", "ben.phone", "ben.laptop"];

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
    /// Whose devices differ, by what is done at them or has happened to them.
    differ: [bool; 2],
}

impl Hash for Node<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stage.hash(state);
        self.luck.hash(state);
        self.dialled.hash(state);
        self.talked.hash(state);
        self.differ.hash(state);
    }
}

impl<'a> Node<'a> {
    /// Everybody is connected; those who will call sit in a call of their own.
    pub fn start(scenario: &'a Scenario) -> Node<'a> {
        let mut stage = Stage::new(
            people(scenario.blocked),
            DEVICES.map(page).into(),
            Manners::QUICK,
        );
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
            differ: [0, 1].map(|person| scenario.devices_differ(person)),
        }
    }
}

impl World for Node<'_> {
    fn fingerprint(&self) -> u128 {
        fingerprint(self, self.stage.now())
    }

    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for who in (0..DEVICES.len()).filter(|who| !self.is_mirrored(*who)) {
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

    fn apply(&mut self, event: &Event) {
        self.luck.spend(event);
        match event {
            Event::Do(who, Action::Dial(..)) => self.dialled[*who] = true,
            Event::Do(who, Action::Negotiate(_)) => self.talked[*who] = true,
            _ => {}
        }
        if let Event::Do(who, _)
        | Event::Send(who)
        | Event::Connect(who)
        | Event::Cut(who)
        | Event::Fade(who)
        | Event::Reload(who)
        | Event::Again(who) = event
        {
            self.differ[*who / 2] = true;
        }
        self.stage.apply(event);
        self.read_what_does_not_matter();
    }

    fn tell(&self, event: &Event) -> String {
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

    fn gather(&mut self) {
        self.stage.gather();
        // What could have happened is over: states that differ only in that are one.
        *self = Node {
            stage: self.stage.clone(),
            luck: LUCKY,
            dialled: [false; 4],
            talked: [false; 4],
            differ: [false; 2],
            scenario: self.scenario,
        };
    }

    fn end(&mut self) {
        self.stage.let_rings_end();
        self.stage.abandon();
    }

    fn abandon(&mut self) {
        self.stage.abandon();
    }
}

impl Node<'_> {
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
        let unlucky = self.scenario.unlucky.iter().copied();
        for who in unlucky.filter(|who| !self.is_mirrored(*who)) {
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

    fn read_what_does_not_matter(&mut self) {
        for who in 0..DEVICES.len() {
            let Luck {
                cuts,
                fades,
                reloads,
                ..
            } = self.luck;
            if self.scenario.unlucky.contains(&who) && cuts + fades + reloads > 0 {
                continue;
            }
            let idle = self.scenario.plays[who].is_empty();
            while let (_, Some(frame)) = self.stage.to_be_heard(who)
                && (idle || !Client::minds(&frame.message))
            {
                self.stage.apply(&Event::Hear(who));
            }
        }
    }

    /// Whether the other device of the same person is in the same situation, and comes first.
    fn is_mirrored(&self, who: usize) -> bool {
        let Some(twin) = who.checked_sub(1).filter(|_| who % 2 == 1) else {
            return false;
        };
        !self.differ[who / 2]
            && self.stage.has_line(who) == self.stage.has_line(twin)
            && self.stage.to_be_heard(who).0 == self.stage.to_be_heard(twin).0
    }
}

fn people(blocked: bool) -> BTreeMap<UserId, Person> {
    let person = |name: &str, contact, blocked: bool| Person {
        name: name.to_owned().try_into().expect("a short name"),
        contacts: [contact].into(),
        blocked: blocked.then_some(contact).into_iter().collect(),
        do_not_disturb: false,
        call_waiting: true,
    };
    let [ada, ben] = [0, 1].map(|n| UserId::from_bytes(id(4, n)));
    [
        (ada, person("Ada", ben, false)),
        (ben, person("Ben", ada, blocked)),
    ]
    .into()
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
