//! What the exchange will hand over.
use std::collections::BTreeSet;
use std::time::Duration;

use exchange::records::RingOutcome;
use protocol::id::{CallId, LoginId, RingId, UserId};
use protocol::message::{Caller, MediaState};

#[derive(Clone, Debug, PartialEq)]
pub struct PushNotice {
    pub user: UserId,
    pub ring: RingId,
    pub call: CallId,
    pub from: Caller,
    pub media: MediaState,
    pub kind: PushKind,
    pub except: BTreeSet<LoginId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushKind {
    Ringing { ttl: Duration },
    Over(RingOutcome),
}
