//! What the server says, as far as clients here need it. The types of `protocol` would do; reading
//! them costs several times as much, and the generator is to take less of its core than the server.

use std::borrow::Cow;

use protocol::id::{ConnectionId, Epoch, ParticipantId, ResumeToken, RingId, SessionId, Ticket};
use protocol::message::ResetReason;
use serde::Deserialize;

/// The answer to `POST /api/v1/tickets`.
#[derive(Debug, Deserialize)]
pub struct TicketAnswer {
    pub ticket: Ticket,
}

/// The answer to `hello` or `resume`.
#[derive(Debug, Deserialize)]
pub struct Opening<'a> {
    #[serde(borrow)]
    pub t: Cow<'a, str>,
    pub session: Option<SessionId>,
    pub epoch: Option<Epoch>,
    pub resume_token: Option<ResumeToken>,
    pub reason: Option<ResetReason>,
    pub message: Option<Cow<'a, str>>,
}

/// A frame of an open session.
#[derive(Debug, Deserialize)]
pub struct Heard<'a> {
    #[serde(borrow)]
    pub t: Cow<'a, str>,
    pub seq: Option<u64>,
    #[serde(borrow)]
    pub re: Option<Cow<'a, str>>,
    pub connection: Option<ConnectionId>,
    pub you: Option<ParticipantId>,
    pub ring: Option<RingId>,
    #[serde(borrow)]
    pub body: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub candidates: Vec<Cow<'a, str>>,
    #[serde(default)]
    pub connections: Vec<Opened>,
    #[serde(borrow)]
    pub code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub message: Option<Cow<'a, str>>,
}

/// A connection, in `joined`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Opened {
    pub connection: ConnectionId,
    pub peer: ParticipantId,
}
