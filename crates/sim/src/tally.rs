//! What happened in a world, counted: a world in which nothing happens proves nothing.

use std::fmt;
use std::ops::AddAssign;

use exchange::records::{Entry, Record, RingOutcome};
use protocol::message::{EndReason, ServerMessage};

use crate::client::Client;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A call was opened.
    Opened,
    /// A chat message was passed on.
    Said,
    /// A connection came up for the first time in its call.
    Connected,
    /// Somebody was rung who may know of it.
    Rung,
    /// Somebody was rung who has blocked the caller, or does not exist.
    Blocked,
    /// A ring was answered.
    Answered,
    /// A ring was declined.
    Declined,
    /// Nobody could take it.
    Busy,
    /// Who was called did not want to be disturbed.
    NotDisturbed,
    /// Nobody answered.
    NoAnswer,
    /// The caller gave up, or was gone.
    Cancelled,
    /// A device was told of a ring while its person was in a call.
    Waiting,
    /// Two called each other.
    Glare,
    /// A message was left after a ring.
    Message,
    /// A session was resumed.
    Resumed,
    /// A session was lost while its device sat in a call.
    ResetInCall,
    /// The server was restarted.
    Restarted,
    /// The server was restarted while somebody was rung.
    RestartedInRing,
    /// The store failed while somebody was rung.
    FailedInRing,
    /// An administrator ended a call.
    Kicked,
    /// A device that was connected was signed out.
    Revoked,
}

/// All of them.
pub const HAPPENINGS: [Happening; 21] = [
    Happening::Opened,
    Happening::Said,
    Happening::Connected,
    Happening::Rung,
    Happening::Blocked,
    Happening::Answered,
    Happening::Declined,
    Happening::Busy,
    Happening::NotDisturbed,
    Happening::NoAnswer,
    Happening::Cancelled,
    Happening::Waiting,
    Happening::Glare,
    Happening::Message,
    Happening::Resumed,
    Happening::ResetInCall,
    Happening::Restarted,
    Happening::RestartedInRing,
    Happening::FailedInRing,
    Happening::Kicked,
    Happening::Revoked,
];

/// How often what happened.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u64; HAPPENINGS.len()]);

impl Tally {
    /// How often this happened.
    pub fn of(&self, what: Happening) -> u64 {
        self.0[what as usize]
    }

    /// It happened once more.
    pub(crate) fn add(&mut self, what: Happening) {
        self.0[what as usize] += 1;
    }

    /// The exchange wants something to be kept.
    pub(crate) fn record(&mut self, entry: &Entry) {
        let what = match &entry.record {
            Record::CallOpened { .. } => Happening::Opened,
            Record::CallConnected { .. } => Happening::Connected,
            Record::Rung(ring) if ring.hidden => Happening::Blocked,
            Record::Rung(_) => Happening::Rung,
            Record::MessageLeft { .. } => Happening::Message,
            Record::RingEnded { outcome, .. } => match outcome {
                RingOutcome::Accepted => Happening::Answered,
                RingOutcome::Declined => Happening::Declined,
                RingOutcome::Busy => Happening::Busy,
                RingOutcome::DoNotDisturb => Happening::NotDisturbed,
                RingOutcome::NoAnswer => Happening::NoAnswer,
                RingOutcome::Cancelled => Happening::Cancelled,
            },
            Record::CallEnded { reason, .. } => match reason {
                EndReason::Glare => Happening::Glare,
                EndReason::Kicked => Happening::Kicked,
                _ => return,
            },
            _ => return,
        };
        self.add(what);
    }

    /// A message leaves for a client.
    pub(crate) fn sent(&mut self, message: &ServerMessage, client: &Client) {
        match message {
            ServerMessage::Chat(_) => self.add(Happening::Said),
            ServerMessage::Ring(offer) if offer.waiting => self.add(Happening::Waiting),
            ServerMessage::Resumed(_) => self.add(Happening::Resumed),
            ServerMessage::Reset(_) if !client.seats().is_empty() => {
                self.add(Happening::ResetInCall);
            }
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = HAPPENINGS.iter().map(|what| (what, self.of(*what)));
        f.debug_map().entries(each).finish()
    }
}
