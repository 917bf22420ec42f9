//! A model of the store: it keeps what the exchange asks for, at once, late, or not at all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use exchange::records::{
    Entry, Person, Record, Restored, RestoredCall, RestoredRing, RestoredSeat, Ring, RingOutcome,
    WriteId,
};
use protocol::id::{CallId, ChatId, ParticipantId, RingId, RoomId, UserId};
use protocol::limits;
use protocol::message::{ChatFrom, EndReason, RingPhase};

use crate::switchboard::tick_of;

/// How the store behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Everything is stored at once.
    #[default]
    Prompt,
    /// Nothing is stored until somebody says so.
    Slow,
    /// Nothing can be stored.
    Failing,
}

/// What is kept.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Everybody with an account.
    pub people: BTreeMap<UserId, Person>,
    /// All calls there were.
    pub calls: BTreeMap<CallId, KeptCall>,
    /// Rooms that were closed.
    pub closed: BTreeSet<RoomId>,
    /// All rings there were.
    pub rings: BTreeMap<RingId, KeptRing>,
    /// What people find in their histories: one entry for each ring that is over, and one for each
    /// call they came to by a link.
    pub history: BTreeMap<(UserId, Subject), Option<RingOutcome>>,
    /// Every seat there ever was.
    pub seated: BTreeSet<ParticipantId>,
    /// Everything there ever was to read in chats.
    pub said: BTreeSet<ChatId>,
    /// What was handed in and is not kept yet.
    pub waiting: VecDeque<Entry>,
}

/// What an entry of a history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A ring.
    Ring(RingId),
    /// A call, of somebody whom none of its rings concerned.
    Call(CallId),
}

/// A call as it is kept.
#[derive(Clone, Debug, Hash)]
pub struct KeptCall {
    /// Its room.
    pub room: RoomId,
    /// Media has flowed.
    pub connected: bool,
    /// Who sits in it.
    pub seats: BTreeMap<ParticipantId, RestoredSeat>,
    /// Who has ever sat in it.
    pub users: BTreeSet<UserId>,
    /// What was said.
    pub chat: Vec<ChatFrom>,
    /// Why it ended, if it did.
    pub ended: Option<EndReason>,
}

/// A ring as it is kept.
#[derive(Clone, Debug)]
pub struct KeptRing {
    /// What it was.
    pub ring: Ring,
    /// Whether a device rang.
    pub phase: RingPhase,
    /// How and when it ended.
    pub ended: Option<(RingOutcome, u64)>,
    /// The message that was left.
    pub message: Option<ChatId>,
}

impl Hash for Keep {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Keep {
            people,
            calls,
            closed,
            rings,
            history,
            seated,
            said,
            waiting,
        } = self;
        (people, calls, closed, rings, history, seated, said).hash(state);
        for Entry { id, at_ms, record } in waiting {
            (id, tick_of(*at_ms), record).hash(state);
        }
    }
}

impl Hash for KeptRing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let KeptRing {
            ring,
            phase,
            ended,
            message,
        } = self;
        let ended = ended.map(|(outcome, at_ms)| (outcome, tick_of(at_ms)));
        (ring, phase, ended, message).hash(state);
    }
}

impl Keep {
    /// Takes a record to keep it later.
    pub fn take(&mut self, entry: Entry) {
        if let Some(last) = self.waiting.back() {
            assert!(last.id < entry.id, "records come in order");
        }
        self.waiting.push_back(entry);
    }

    /// Keeps the oldest records that wait, and returns how far that is.
    pub fn store(&mut self, count: usize) -> Option<WriteId> {
        let count = count.min(self.waiting.len());
        let stored: Vec<_> = self.waiting.drain(..count).collect();
        let last = stored.last()?.id;
        for entry in stored {
            self.apply(entry);
        }
        Some(last)
    }

    /// Fails to keep what waits: drops what can be refused. Returns how far that is.
    pub fn fail(&mut self) -> Option<WriteId> {
        let last = self.waiting.back()?.id;
        self.waiting.retain(|entry| !entry.record.can_be_refused());
        Some(last)
    }

    /// What does not wait any more when the server dies is lost.
    pub fn crash(&mut self) {
        self.waiting.clear();
    }

    /// What the exchange is given at its next start.
    pub fn restored(&self, unix_ms: u64) -> Restored {
        let live = |call: &&(&CallId, &KeptCall)| call.1.ended.is_none();
        let calls = self.calls.iter().collect::<Vec<_>>();
        let recent = |ring: &&KeptRing| {
            let over = ring.ended.map(|(_, at_ms)| at_ms);
            over.is_none_or(|at_ms| at_ms + limits::LEAVE_MESSAGE_MS > unix_ms)
        };
        Restored {
            people: self.people.clone().into_iter().collect(),
            calls: calls
                .iter()
                .filter(live)
                .map(|(id, call)| call.restored(**id))
                .collect(),
            closed: self.closed.iter().copied().collect(),
            rings: self
                .rings
                .values()
                .filter(recent)
                .map(KeptRing::restored)
                .collect(),
        }
    }

    fn apply(&mut self, entry: Entry) {
        let Entry { at_ms, record, .. } = entry;
        match record {
            Record::CallOpened { call, room } => {
                self.calls.insert(call, KeptCall::new(room));
            }
            Record::Seated {
                call,
                participant,
                device,
                user,
                name,
                rung,
            } => {
                let seat = RestoredSeat {
                    participant,
                    device,
                    user,
                    name,
                    rung,
                };
                self.seated.insert(participant);
                let call = self.call(call);
                call.users.extend(user);
                call.seats.insert(participant, seat);
            }
            Record::Unseated { call, participant } => {
                self.call(call).seats.remove(&participant);
            }
            Record::CallConnected { call } => self.call(call).connected = true,
            Record::CallEnded { call, reason } => self.end_call(call, reason),
            Record::RoomClosed { room } => {
                self.closed.insert(room);
            }
            Record::Said(said) => {
                self.said.insert(said.chat.chat);
                // A call that ended meanwhile may be forgotten; what was said in it is not missed.
                if let Some(call) = self.calls.get_mut(&said.chat.call)
                    && !call.chat.iter().any(|old| old.chat.chat == said.chat.chat)
                {
                    call.chat.push(*said);
                }
            }
            Record::Rung(ring) => {
                let kept = KeptRing {
                    phase: RingPhase::Offered,
                    ended: None,
                    message: None,
                    ring,
                };
                self.rings.entry(kept.ring.ring).or_insert(kept);
            }
            Record::Ringing { ring } => {
                if let Some(ring) = self.rings.get_mut(&ring) {
                    ring.phase = RingPhase::Ringing;
                }
            }
            Record::RingEnded { ring, outcome } => self.end_ring(ring, outcome, at_ms),
            Record::MessageLeft { ring, chat, .. } => {
                let ring = self.rings.get_mut(&ring).expect("of a ring that is kept");
                assert_eq!(ring.message, None, "one message is left");
                ring.message = Some(chat);
            }
        }
    }

    /// As the store does in `crates/dialtone/src/store/keep.rs`.
    fn end_ring(&mut self, id: RingId, outcome: RingOutcome, at_ms: u64) {
        // One that was refused, and cancelled meanwhile, was never there.
        let Some(kept) = self.rings.get_mut(&id) else {
            return;
        };
        assert_eq!(kept.ended, None, "a ring ends once");
        kept.ended = Some((outcome, at_ms));
        let Ring {
            caller,
            callee,
            hidden,
            ..
        } = kept.ring;
        let callee = Some(callee).filter(|_| !hidden);
        for user in [Some(caller), callee].into_iter().flatten() {
            let entry = self
                .history
                .insert((user, Subject::Ring(id)), Some(outcome));
            assert_eq!(entry, None, "one entry for each ring");
        }
    }

    fn end_call(&mut self, id: CallId, reason: EndReason) {
        let call = self.call(id);
        assert_eq!(call.ended, None, "a call ends once");
        call.ended = Some(reason);
        // Of two calls that became one, only the other is told of.
        if reason == EndReason::Glare {
            return;
        }
        for user in self.calls[&id].users.clone() {
            let concerns = |kept: &KeptRing| {
                let ring = &kept.ring;
                ring.call == id && (ring.caller == user || (ring.callee == user && !ring.hidden))
            };
            if !self.rings.values().any(concerns) {
                self.history.insert((user, Subject::Call(id)), None);
            }
        }
    }

    fn call(&mut self, id: CallId) -> &mut KeptCall {
        self.calls.get_mut(&id).expect("of a call that was opened")
    }
}

impl KeptCall {
    fn new(room: RoomId) -> KeptCall {
        KeptCall {
            room,
            connected: false,
            seats: BTreeMap::new(),
            users: BTreeSet::new(),
            chat: Vec::new(),
            ended: None,
        }
    }

    fn restored(&self, call: CallId) -> RestoredCall {
        let newest = self.chat.len().saturating_sub(limits::CHAT_BACKLOG);
        RestoredCall {
            call,
            room: self.room,
            connected: self.connected,
            seats: self.seats.values().cloned().collect(),
            chat: self.chat[newest..].to_vec(),
        }
    }
}

impl KeptRing {
    fn restored(&self) -> RestoredRing {
        RestoredRing {
            ring: self.ring.clone(),
            phase: self.phase,
            ended: self.ended,
            message: self.message,
        }
    }
}
