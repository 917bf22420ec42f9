//! What the exchange asks to be kept, and what it is given back at its next start.
//!
//! Whatever an answer promises is kept before the answer leaves: the driver is handed records,
//! in order, with `Output::Record`, and says with
//! `Input::Stored` how far they are safe. Calls, who sits in them, what
//! was said, and rings are kept; sessions, presence, descriptions and candidates are not.

use std::collections::BTreeSet;

use protocol::id::*;
use protocol::limits;
use protocol::message::*;
use protocol::text::{Body, Name};

/// Names a record; they count upwards from 1 in each run of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Something to be kept.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry {
    /// Its name.
    pub id: WriteId,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What happened.
    pub record: Record,
}

/// What happened. Writing one twice changes nothing.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// A call was opened. If its id was that of an earlier one, nothing of that is left: no seat,
    /// no chat, no end.
    CallOpened {
        /// The call.
        call: CallId,
        /// Its room.
        room: RoomId,
    },
    /// Somebody took a seat, or took it again.
    Seated {
        /// The call.
        call: CallId,
        /// The seat.
        participant: ParticipantId,
        /// Whose device sits there.
        device: DeviceId,
        /// The account, if it is a member's.
        user: Option<UserId>,
        /// The name others see.
        name: Name,
        /// They came by a ring and not by a link: callers who are no contacts of theirs are not
        /// shown their addresses.
        rung: bool,
    },
    /// Somebody does not sit there any more, and the call goes on.
    Unseated {
        /// The call.
        call: CallId,
        /// The seat.
        participant: ParticipantId,
    },
    /// Media could flow for the first time.
    CallConnected {
        /// The call.
        call: CallId,
    },
    /// The call is over for everybody.
    CallEnded {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
    /// An administrator has closed a room: no call is opened in it any more.
    RoomClosed {
        /// The room.
        room: RoomId,
    },
    /// A chat message; it has its call, its id and its time with it.
    Said(Box<ChatFrom>),
    /// Somebody was asked into a call.
    Rung(Ring),
    /// A device rings.
    Ringing {
        /// The ring.
        ring: RingId,
    },
    /// A ring is over.
    RingEnded {
        /// The ring.
        ring: RingId,
        /// How.
        outcome: RingOutcome,
    },
    /// The caller left a message.
    MessageLeft {
        /// The ring.
        ring: RingId,
        /// The message's id.
        chat: ChatId,
        /// Opaque to the server.
        body: Body<{ limits::MESSAGE_BYTES }>,
    },
}

impl Record {
    /// Whether it begins something that can still be refused.
    ///
    /// When the store fails, the driver drops such records and keeps every other one, in order,
    /// to try again until the store has it. It says so with `Input::NotStored`, naming the last
    /// record of the group that failed, also when none of the group was dropped: calls that go on
    /// then do not wait for the store. `Input::Stored` says that it works again.
    pub fn can_be_refused(&self) -> bool {
        matches!(
            self,
            Record::Rung(_) | Record::Said(_) | Record::MessageLeft { .. }
        )
    }
}

/// One attempt to ask a person into a call.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Ring {
    /// The ring.
    pub ring: RingId,
    /// The call it asks into.
    pub call: CallId,
    /// Who calls.
    pub caller: UserId,
    /// On which device.
    pub caller_device: DeviceId,
    /// Who is called.
    pub callee: UserId,
    /// What the caller sends.
    pub media: MediaState,
    /// The callee is not to learn of it: they have blocked the caller, or do not exist.
    pub hidden: bool,
}

/// How a ring ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RingOutcome {
    /// Somebody answered.
    Accepted,
    /// The callee declined.
    Declined,
    /// No device of the callee could take it: they are in another call, or called by others.
    Busy,
    /// The callee does not want to be disturbed. To the caller that is the same.
    DoNotDisturb,
    /// Nobody answered in time.
    NoAnswer,
    /// The caller gave up or was gone.
    Cancelled,
}

// ---- what is given back ----

/// What the exchange has to know at its start.
#[derive(Clone, Debug, Default, Hash)]
pub struct Restored {
    /// Everybody who has an account that is not closed.
    pub people: Vec<(UserId, Person)>,
    /// Calls that were not over.
    pub calls: Vec<RestoredCall>,
    /// Rooms that were closed.
    pub closed: Vec<RoomId>,
    /// Rings that were not over, and those of the last [`limits::LEAVE_MESSAGE_MS`].
    pub rings: Vec<RestoredRing>,
}

/// What the exchange knows of a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// The name others see.
    pub name: Name,
    /// Whom they have added.
    pub contacts: BTreeSet<UserId>,
    /// Whom they have blocked.
    pub blocked: BTreeSet<UserId>,
    /// Nobody's call rings.
    pub do_not_disturb: bool,
    /// A second call rings while the first goes on.
    pub call_waiting: bool,
}

/// A call that was not over when the server ended.
#[derive(Clone, Debug, Hash)]
pub struct RestoredCall {
    /// The call.
    pub call: CallId,
    /// Its room.
    pub room: RoomId,
    /// Media has flowed.
    pub connected: bool,
    /// Who sat in it.
    pub seats: Vec<RestoredSeat>,
    /// The newest of what was said, oldest first; at most [`limits::CHAT_BACKLOG`].
    pub chat: Vec<ChatFrom>,
}

/// A seat that is kept for a device.
#[derive(Clone, Debug, Hash)]
pub struct RestoredSeat {
    /// The seat.
    pub participant: ParticipantId,
    /// The device.
    pub device: DeviceId,
    /// The account, if it is a member's.
    pub user: Option<UserId>,
    /// The name others see.
    pub name: Name,
    /// They came by a ring.
    pub rung: bool,
}

/// A ring that was not over when the server ended, or had been for a short time.
#[derive(Clone, Debug, Hash)]
pub struct RestoredRing {
    /// What it was.
    pub ring: Ring,
    /// Whether a device rang.
    pub phase: RingPhase,
    /// How and when it ended, if it did.
    pub ended: Option<(RingOutcome, u64)>,
    /// The message that was left.
    pub message: Option<ChatId>,
}
