//! The rules of `docs/protocol.md` and of the exchange, watched while things happen.
//!
//! A [`Watch`] sees every frame that leaves, every record, and what people do at their devices. It
//! panics where a rule is broken, with the rule's words.

use std::collections::{BTreeMap, BTreeSet};

use exchange::records::{Entry, Record, Ring, RingOutcome};
use exchange::{Exchange, PushKind, PushNotice};
use protocol::id::*;
use protocol::limits;
use protocol::message::*;

use crate::client::{Client, ServerFrame};
use crate::keep::{Keep, KeptCall, KeptRing, Subject};
use crate::stage::Action;

/// What is compared in [`crate::blocked`].
pub const BLOCKED_LEARN_NOTHING: &str =
    "who is blocked sees what they would see if the other had no device there";

/// The rules, as they are printed.
pub const RULES: &[&str] = &[
    "a ring is won by exactly one device, and an accepted ring has somebody who sits in its call",
    "a call has no more seats than it may have",
    "before a person accepts, dials or joins, nothing of theirs reaches the other side",
    "only the caller and the callee's devices learn of a ring, and of a hidden one only the caller",
    BLOCKED_LEARN_NOTHING,
    "no frame is lost and none comes twice, also when a device comes back",
    "nothing rings that was over before its device came back: the backlog is read first",
    "when all is read, clients and server agree on what rings, who is called, and who sits where",
    "candidates that were taken reach the other end, however early they came",
    "what was answered is stored, hanging up too, so that a crash loses nothing of it",
    "a ring ends once, also across restarts and failures of the store",
    "each ring that ended is in both histories once, and a hidden one only in the caller's",
    "while nobody acts every ring ends",
    "when everybody is gone every session, call, ring and timer goes, and every record has its end",
];

/// What has been seen so far.
#[derive(Clone, Debug, Default, Hash)]
pub struct Watch {
    /// What people have agreed to at their devices.
    consents: BTreeSet<(DeviceId, Consent)>,
    rooms: BTreeMap<CallId, RoomId>,
    seats: BTreeMap<ParticipantId, DeviceId>,
    /// The devices that sit in a call because they won a ring.
    winners: BTreeMap<CallId, BTreeSet<DeviceId>>,
    /// Who has sat in a call.
    people: BTreeSet<(CallId, UserId)>,
    rings: BTreeMap<RingId, Ring>,
    over: BTreeSet<RingId>,
    /// Devices, by their place, that do not want to hear of a ring any more.
    busy: BTreeSet<(usize, RingId)>,
    /// Rings accepted in the input that is being handled.
    accepted: Vec<RingId>,
    /// Rings that were over when a client came back, by its place.
    stale: BTreeMap<usize, BTreeSet<RingId>>,
    /// Candidates that were taken: on which connection, of which generation, from whom.
    candidates: BTreeSet<(ConnectionId, u32, usize)>,
    /// Who has lost a session while a connection was up, and in which generation it was taken up.
    missed: BTreeMap<(ConnectionId, usize), u32>,
    /// The store has failed: what goes on does not wait for it.
    failing: bool,
}

/// What somebody has agreed to show themselves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Consent {
    /// Whoever is in a call.
    Call(CallId),
    /// Whoever has the link.
    Room(RoomId),
    /// Somebody they called.
    Person(UserId),
}

impl Watch {
    // ---- what happens ----

    /// A person does something at a device.
    pub fn consent(&mut self, who: usize, client: &Client, action: &Action) {
        let consent = match action {
            Action::Busy(ring) => {
                self.busy.insert((who, *ring));
                return;
            }
            // Who hangs up hears no more of what asks into that call. A server that died while its store
            // failed has forgotten the answer, and rings on at the others.
            Action::HangUp(call) => {
                let rings = client.rings().iter();
                let rings = rings.filter(|(_, ring)| ring.call == *call);
                self.busy.extend(rings.map(|(id, _)| (who, *id)));
                return;
            }
            Action::Join(room, _) => Consent::Room(*room),
            Action::Dial(_, _, to) => Consent::Person(*to),
            Action::Accept(ring) => match client.rings().get(ring) {
                Some(ring) => Consent::Call(ring.call),
                None => return,
            },
            _ => return,
        };
        self.consents.insert((client.device(), consent));
    }

    /// A client opens a socket.
    pub fn connected(&mut self, who: usize) {
        self.stale.insert(who, self.over.clone());
    }

    /// The exchange wants something to be kept.
    pub fn record(&mut self, entry: &Entry) {
        match &entry.record {
            Record::CallOpened { call, room } => {
                self.rooms.insert(*call, *room);
                self.winners.remove(call);
                self.people.retain(|(other, _)| other != call);
            }
            Record::Seated {
                call,
                participant,
                device,
                user,
                rung,
                ..
            } => {
                self.people.extend(user.map(|user| (*call, user)));
                self.seats.insert(*participant, *device);
                if *rung {
                    let winners = self.winners.entry(*call).or_default();
                    winners.insert(*device);
                    assert_eq!(winners.len(), 1, "one device wins: {winners:?}");
                }
            }
            Record::Rung(ring) => {
                // One that could not be kept never was: its caller may ask again under the same id.
                self.over.remove(&ring.ring);
                for stale in self.stale.values_mut() {
                    stale.remove(&ring.ring);
                }
                self.rings.insert(ring.ring, ring.clone());
            }
            Record::RingEnded { ring, outcome } => {
                assert!(self.over.insert(*ring), "a ring ends once: {ring}");
                if *outcome == RingOutcome::Accepted {
                    self.accepted.push(*ring);
                }
            }
            _ => {}
        }
    }

    /// An input is handled, and everything that follows from it was seen.
    pub fn one_input_is_done(&mut self) {
        for ring in std::mem::take(&mut self.accepted) {
            let Ring {
                call,
                caller,
                callee,
                ..
            } = self.rings[&ring];
            // Who accepts, or is calling the caller, is from here on as one who came by the link.
            let agreed = [Consent::Call(call), Consent::Person(caller)];
            for winner in self.winners.get(&call).into_iter().flatten() {
                if agreed
                    .iter()
                    .any(|it| self.consents.contains(&(*winner, *it)))
                {
                    let room = Consent::Room(self.rooms[&call]);
                    self.consents.insert((*winner, room));
                }
            }
            let sits = self.people.contains(&(call, callee));
            assert!(
                sits,
                "{ring} is accepted and its callee does not sit in {call}"
            );
        }
    }

    /// A device that sleeps is told something.
    pub fn push(&mut self, notice: &PushNotice) {
        let ring = &self.rings[&notice.ring];
        assert!(!ring.hidden, "a hidden ring wakes nobody");
        assert_eq!(ring.callee, notice.user, "only the callee is woken");
        let over = self.over.contains(&notice.ring);
        assert_eq!(over, matches!(notice.kind, PushKind::Over(_)));
    }

    /// The store could not keep something.
    pub fn store_fails(&mut self) {
        self.failing = true;
    }

    /// The store has everything.
    pub fn store_works(&mut self) {
        self.failing = false;
    }

    /// The server starts with what was stored.
    pub fn restarted(&mut self, keep: &Keep) {
        self.failing = false;
        self.rings = keep
            .rings
            .iter()
            .map(|(id, kept)| (*id, kept.ring.clone()))
            .collect();
        let over = keep.rings.iter().filter(|(_, kept)| kept.ended.is_some());
        self.over = over.map(|(id, _)| *id).collect();
        // A call that was opened again under its id, and of which nothing was kept, never was.
        self.rooms
            .extend(keep.calls.iter().map(|(call, kept)| (*call, kept.room)));
        self.winners.clear();
        self.people.clear();
        for (call, kept) in &keep.calls {
            for seat in kept.seats.values() {
                self.people.extend(seat.user.map(|user| (*call, user)));
                if seat.rung {
                    self.winners.entry(*call).or_default().insert(seat.device);
                }
            }
        }
    }

    // ---- what leaves ----

    /// A frame leaves for a client.
    pub fn sent(&mut self, who: usize, frame: &ServerFrame, clients: &[Client], keep: &Keep) {
        self.check_crossing(who, &frame.message, clients);
        self.check_privacy(who, &frame.message, clients);
        if let ServerMessage::Joined(joined) = &frame.message {
            self.taken_up(who, joined, &clients[who]);
        }
        let asked = frame.re.as_ref().and_then(|id| clients[who].asked(id));
        if let Some(asked) = asked {
            if let (ClientMessage::Candidates(sent), ServerMessage::Ok(_)) = (asked, &frame.message)
            {
                self.candidates
                    .insert((sent.connection, sent.generation, who));
            }
            self.check_durable(asked, &frame.message, &clients[who], keep);
        }
    }

    /// Whose session was lost while the connection had been up has missed what was sent for it,
    /// and does without.
    fn taken_up(&mut self, who: usize, joined: &Joined, client: &Client) {
        for opened in &joined.connections {
            let was_up = client.seats().iter().any(|seat| {
                let mine = seat.connection.as_ref().filter(|_| seat.again);
                mine.is_some_and(|mine| {
                    mine.connection == opened.connection
                        && mine.state != ConnectionState::Connecting
                })
            });
            if was_up {
                let known = self.newest_candidates(opened.connection, |_| true);
                let newest = known.max(Some(opened.generation)).unwrap_or_default();
                self.missed.insert((opened.connection, who), newest);
            }
        }
    }

    /// The newest generation of which candidates were taken on a connection.
    fn newest_candidates(&self, on: ConnectionId, by: impl Fn(usize) -> bool) -> Option<u32> {
        let taken = self.candidates.iter();
        let taken = taken.filter(|(of, _, from)| *of == on && by(*from));
        taken.map(|(_, generation, _)| *generation).max()
    }

    fn check_crossing(&self, who: usize, message: &ServerMessage, clients: &[Client]) {
        let (call, others) = match message {
            ServerMessage::Joined(joined) => {
                let people = joined.participants.iter().map(|one| one.participant);
                let peers = joined.connections.iter().map(|one| one.peer);
                let said = joined.chat.iter().map(|said| said.from);
                (joined.call, people.chain(peers).chain(said).collect())
            }
            ServerMessage::Participant(change) => {
                (change.call, vec![change.participant.participant])
            }
            ServerMessage::Connection(opened) => (opened.call, vec![opened.peer]),
            ServerMessage::Description(from) => (from.description.call, vec![from.from]),
            ServerMessage::Candidates(from) => (from.candidates.call, vec![from.from]),
            ServerMessage::Chat(said) => (said.chat.call, vec![said.from]),
            _ => return,
        };
        for other in others {
            let device = self.seats.get(&other).copied();
            let Some(other) = device.filter(|device| *device != clients[who].device()) else {
                continue;
            };
            let agreed = |consent| self.consents.contains(&(other, consent));
            let by_link = self.rooms.get(&call).copied().map(Consent::Room);
            let by_dialling = clients[who].user().map(Consent::Person);
            assert!(
                agreed(Consent::Call(call))
                    || by_link.is_some_and(agreed)
                    || by_dialling.is_some_and(agreed),
                "before a person accepts, dials or joins, nothing of theirs crosses: {message:?}"
            );
        }
    }

    fn check_privacy(&self, who: usize, message: &ServerMessage, clients: &[Client]) {
        let told = match message {
            ServerMessage::Ring(offer) => vec![offer.ring],
            ServerMessage::RingState(state) => vec![state.ring],
            ServerMessage::RingEnded(ended) => vec![ended.ring],
            ServerMessage::People(people) => {
                let incoming = people.incoming.iter().map(|offer| offer.ring);
                let outgoing = people.outgoing.iter().map(|state| state.ring);
                incoming.chain(outgoing).collect()
            }
            _ => return,
        };
        for ring in told.into_iter().filter_map(|id| self.rings.get(&id)) {
            let user = clients[who].user();
            let callee = user == Some(ring.callee) && !ring.hidden;
            assert!(
                user == Some(ring.caller) || callee,
                "a ring is nobody else's business: {message:?}"
            );
        }
    }

    fn check_durable(
        &self,
        asked: &ClientMessage,
        answer: &ServerMessage,
        client: &Client,
        keep: &Keep,
    ) {
        let ended = |ring: &RingId| {
            let kept = keep.rings.get(ring);
            // One that was refused was never there.
            kept.is_none_or(|kept| kept.ended.is_some())
        };
        let stored = match (asked, answer) {
            (ClientMessage::Invite(invite), ServerMessage::Ok(_)) => {
                keep.rings.contains_key(&invite.ring)
            }
            (ClientMessage::LeaveMessage(left), ServerMessage::Ok(_)) => {
                keep.rings[&left.ring].message == Some(left.chat)
            }
            (ClientMessage::Chat(said), ServerMessage::Ok(_)) => keep.said.contains(&said.chat),
            // What goes on does not wait for a store that fails.
            _ if self.failing => true,
            (ClientMessage::Accept(_), ServerMessage::Joined(joined)) => {
                let ring = |kept: &&KeptRing| kept.ring.call == joined.call;
                keep.rings.values().filter(ring).any(|kept| {
                    kept.ended.map(|(outcome, _)| outcome) == Some(RingOutcome::Accepted)
                }) && keep.seated.contains(&joined.you)
            }
            (ClientMessage::Join(_) | ClientMessage::Invite(_), ServerMessage::Joined(joined)) => {
                keep.seated.contains(&joined.you)
            }
            (ClientMessage::Hangup(Hangup { call }), ServerMessage::Ok(_)) => {
                let seat = ParticipantId::of(*call, client.device());
                let sits = |kept: &KeptCall| {
                    // It came back since, and what is answered may be said once more on another socket.
                    let seats = client.seats();
                    let again = seats.iter().any(|seat| seat.room == kept.room)
                        || client.unanswered().filter(|other| *other == asked).count() > 1;
                    kept.ended.is_none() && kept.seats.contains_key(&seat) && !again
                };
                !keep.calls.get(call).is_some_and(sits)
            }
            (ClientMessage::Decline(Decline { ring }), ServerMessage::Ok(_)) => ended(ring),
            (ClientMessage::Cancel(Cancel { ring }), ServerMessage::Ok(_)) => ended(ring),
            _ => true,
        };
        assert!(stored, "what is answered is stored: {asked:?}, {answer:?}");
    }

    // ---- what is so at every moment ----

    /// After something has happened.
    pub fn look_around(&self, exchange: &Exchange, clients: &[Client]) {
        for call in exchange.calls() {
            let seats = call.people.len();
            assert!(seats <= limits::PARTICIPANTS, "{seats} seats in {call:?}");
        }
        for (who, client) in clients.iter().enumerate() {
            for ring in client.alerts() {
                let stale = self.stale.get(&who).is_some_and(|s| s.contains(&ring));
                assert!(!stale, "{ring} rings, and was over before");
            }
        }
    }

    // ---- what is so when all is read ----

    /// Everybody is connected, has read everything, and everything is stored.
    pub fn agree(&self, exchange: &Exchange, clients: &[Client], keep: &Keep) {
        let live: BTreeMap<_, _> = keep
            .rings
            .iter()
            .filter(|(_, kept)| kept.ended.is_none())
            .map(|(id, kept)| (*id, &kept.ring))
            .collect();
        assert_eq!(exchange.live_rings(), live.len(), "rings that go on");
        for (who, client) in clients.iter().enumerate() {
            assert!(client.is_online(), "who keeps trying comes back");
            let user = client.user();
            let to_them = live
                .iter()
                .filter(|(_, ring)| Some(ring.callee) == user && !ring.hidden);
            let expected: BTreeSet<_> = to_them.map(|(id, _)| *id).collect();
            let rings: BTreeSet<_> = client.rings().keys().copied().collect();
            let unknown = expected.difference(&rings);
            let kept_quiet = unknown
                .copied()
                .all(|ring| self.busy.contains(&(who, ring)));
            let rings = rings.is_subset(&expected) && kept_quiet;
            assert!(
                rings,
                "what rings at {who}: {expected:?}, {:?}",
                client.rings()
            );
            for dial in client.dials() {
                let ring = live.get(&dial.invite.ring);
                let theirs = ring.is_some_and(|ring| ring.caller_device == client.device());
                assert!(theirs, "whom a device is calling: {dial:?}");
            }
            for seat in client.seats() {
                let kept = keep
                    .calls
                    .get(&seat.call)
                    .filter(|call| call.ended.is_none());
                let sits =
                    kept.is_some_and(|call| seat.me.is_some_and(|me| call.seats.contains_key(&me)));
                assert!(sits, "who sits where: {seat:?}");
            }
        }
        self.agree_on_connections(clients);
    }

    fn agree_on_connections(&self, clients: &[Client]) {
        let mut calls: BTreeMap<CallId, Vec<(usize, Option<ConnectionId>)>> = BTreeMap::new();
        for (who, client) in clients.iter().enumerate() {
            for seat in client.seats() {
                let connection = seat.connection.as_ref().map(|mine| mine.connection);
                calls.entry(seat.call).or_default().push((who, connection));
            }
        }
        for (call, ends) in calls {
            assert!(ends.len() <= limits::PARTICIPANTS, "{call}: {ends:?}");
            let [(one, mine), (other, theirs)] = ends[..] else {
                continue;
            };
            assert_eq!(mine, theirs, "the two ends of a connection in {call}");
            let connection = mine.expect("two who sit in a call have a connection");
            for (from, to) in [(one, other), (other, one)] {
                // Those of an older generation are of no use any more.
                let newest = self.newest_candidates(connection, |by| by == from);
                let missed = self.missed.get(&(connection, to)).copied();
                let heard = |of| clients[to].heard().candidates.contains(&(connection, of));
                let arrived = newest <= missed || newest.is_some_and(heard);
                assert!(
                    arrived,
                    "candidates are kept and not dropped: {call}, from {from} to {to}"
                );
            }
        }
    }

    /// Nobody is there any more, and all deadlines have passed.
    pub fn all_is_over(&self, exchange: &Exchange, keep: &Keep) {
        assert_eq!(exchange.live_sessions(), 0, "sessions live for ever");
        assert_eq!(exchange.live_calls(), 0, "calls live for ever");
        assert_eq!(exchange.live_rings(), 0, "rings live for ever");
        assert_eq!(exchange.poll_timeout(), None, "timers live for ever");
        for (id, call) in &keep.calls {
            assert!(call.ended.is_some(), "{id} has no end in the store");
        }
        for (id, kept) in &keep.rings {
            assert!(kept.ended.is_some(), "{id} has no end in the store");
            let ring = &kept.ring;
            for (user, concerned) in [(ring.caller, true), (ring.callee, !ring.hidden)] {
                let entry = keep.history.contains_key(&(user, Subject::Ring(*id)));
                assert_eq!(entry, concerned, "{id} in the history of {user}");
            }
        }
    }
}
