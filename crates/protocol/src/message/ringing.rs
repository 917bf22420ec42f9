//! People and rings: who may be called, how a call asks a person in, and how that ends.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::MediaState;
use crate::id::{CallId, ChatId, RingId, UserId};
use crate::limits;
use crate::text::{Body, Name};

// ---- people ----

/// The account a session belongs to.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Account {
    /// Who it is.
    pub user: UserId,
    /// The name others see.
    pub name: Name,
    /// Nobody's call rings here.
    pub do_not_disturb: bool,
    /// A second call rings while the first goes on; otherwise the caller hears that it is busy.
    pub call_waiting: bool,
}

/// Who a member knows, and what rings for them: the whole, after `welcome` and after a `reset`,
/// and again whenever the account, the contacts or the blocks have changed.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct People {
    /// The receiver.
    pub me: Account,
    /// Whom the receiver has added.
    pub contacts: Vec<Contact>,
    /// What rings for the receiver now.
    pub incoming: Vec<RingOffer>,
    /// Whom this device is calling now.
    pub outgoing: Vec<RingState>,
}

/// Somebody the receiver has added.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Contact {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Whether they can be reached. `offline` for those who do not know the receiver, too.
    pub presence: Availability,
}

/// Whether somebody can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// No device is connected, or the asker is not to know.
    Offline,
    /// A device is connected.
    Available,
    /// In a call.
    Busy,
    /// Connected, and does not want to be called.
    DoNotDisturb,
}

/// A contact came, went, or is called otherwise now.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct PresenceChange {
    /// The contact as it is now.
    pub contact: Contact,
}

/// Something that the API serves about the receiver is not as it was; ask again when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Changed {
    /// What.
    pub what: ChangedPart,
}

/// A part of what the API serves about somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangedPart {
    /// Calls that were, and were missed.
    History,
}

// ---- from clients ----

/// Asks a person into a call the sender sits in.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Invite {
    /// Made by the caller: a repeat rings nobody twice, not even after a restart of the server.
    pub ring: RingId,
    /// The call.
    pub call: CallId,
    /// The person.
    pub to: UserId,
    /// What the caller sends: a voice call or a video call.
    pub media: MediaState,
}

/// The device alerts its person now.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Ringing {
    /// The ring.
    pub ring: RingId,
}

/// The person answers. The first device to do so takes a seat in the call.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Accept {
    /// The ring.
    pub ring: RingId,
    /// What the callee sends. Video only when the person chose it.
    pub media: MediaState,
}

/// The person does not want to talk: it stops ringing everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Decline {
    /// The ring.
    pub ring: RingId,
}

/// It stops ringing on this device only, and the caller does not learn of it.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Ignore {
    /// The ring.
    pub ring: RingId,
}

/// This device cannot take the call now. When no device can, the caller hears that it is busy.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Busy {
    /// The ring.
    pub ring: RingId,
}

/// The caller gives up.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Cancel {
    /// The ring.
    pub ring: RingId,
}

/// Leaves a message to somebody who did not answer, within ten minutes, once.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct LeaveMessage {
    /// The ring that was not answered.
    pub ring: RingId,
    /// Made by the sender.
    pub chat: ChatId,
    /// Opaque to the server. Between web apps it is JSON with `text`, as in a chat.
    #[ts(type = "string")]
    pub body: Body<{ limits::MESSAGE_BYTES }>,
}

// ---- to clients ----

/// Somebody calls.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct RingOffer {
    /// The ring.
    pub ring: RingId,
    /// The call it asks into.
    pub call: CallId,
    /// Who calls.
    pub from: Caller,
    /// What the caller sends.
    pub media: MediaState,
    /// The receiver's person is in another call.
    pub waiting: bool,
    /// How long it will ring, in milliseconds.
    pub expires_in_ms: u64,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Whether the receiver has added them. With others, the receiver's address is kept from
    /// them: the connection is relay-only at the receiver's end.
    pub contact: bool,
}

/// How a ring of this device goes.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct RingState {
    /// The ring.
    pub ring: RingId,
    /// The call it asks into.
    pub call: CallId,
    /// Who is called.
    pub to: UserId,
    /// How it stands.
    pub phase: RingPhase,
}

/// How a ring stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RingPhase {
    /// No device has said yet that it rings.
    Offered,
    /// At least one device rings.
    Ringing,
}

/// A ring is over for the receiver: the caller, or a device that rang.
#[derive(Clone, Copy, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
pub struct RingEnded {
    /// The ring.
    pub ring: RingId,
    /// Why.
    pub reason: RingEndReason,
}

codes! {
    /// Why a ring ended.
    RingEndReason {
        /// To the caller: somebody answered, and sits in the call.
        "accepted" => Accepted,
        /// To the other devices: one of them answered.
        "answered_elsewhere" => AnsweredElsewhere,
        /// To the caller: the person does not want to talk.
        "declined" => Declined,
        /// To the other devices: the person declined on one of them.
        "declined_elsewhere" => DeclinedElsewhere,
        /// To the caller: the person talks to somebody else, or does not want to be disturbed.
        "busy" => Busy,
        /// Nobody answered in time.
        "no_answer" => NoAnswer,
        /// The caller gave up, or is gone.
        "cancelled" => Cancelled,
    }
}
