//! A call: the home that decides who sits in it and what passes between them.
//!
//! A call speaks with sessions only by messages: [`CallInput`] comes in, [`CallOutput`] goes out.
//! It never learns whether a session lives on this node.

mod negotiation;
mod relaying;
mod seats;

use protocol::id::{CallId, ConnectionId, DeviceId, ParticipantId, RoomId, SessionId, UserId};
use protocol::limits;
use protocol::message::*;
use protocol::text::{Name, Token};
use protocol::time::{Now, Tick};

use crate::RelayConfig;
use crate::chat::ChatLog;
use crate::connection::Connection;
use crate::ids::Ids;
use crate::people::People;
use crate::records::{Record, RestoredCall};
use seats::{Presence, Seat};

/// Something for a call.
#[derive(Debug)]
pub(crate) enum CallInput {
    /// A session asks for something.
    Request {
        session: SessionId,
        re: Option<Token>,
        request: Request,
    },
    /// A session has a socket again.
    Attached(SessionId),
    /// A session has lost its socket.
    Detached(SessionId),
    /// A session is given up. `closing`: it said that its page was being unloaded.
    Gone { session: SessionId, closing: bool },
    /// A connection's phase has lasted as long as it may.
    ConnectionDeadline(ConnectionId),
    /// The relay credentials are to be renewed.
    Renew,
    /// A chat message is kept, and may be passed on.
    Kept {
        from: ParticipantId,
        said: Box<ChatFrom>,
    },
    /// Who has not come back after a restart of the server does not come any more.
    ReclaimDeadline,
    /// It is over for everybody.
    End(EndReason),
}

/// What a session can ask a call for.
#[derive(Debug)]
pub(crate) enum Request {
    Join {
        device: DeviceId,
        /// The account, whose name counts and not the one in `join`.
        account: Option<(UserId, Name)>,
        join: Box<Join>,
    },
    /// Somebody who was rung has answered.
    Enter {
        device: DeviceId,
        account: (UserId, Name),
        media: MediaState,
    },
    /// The call as it is now.
    Look,
    /// Also before the device has come back to the seat that is kept for it.
    Hangup(DeviceId),
    Media(MediaState),
    Chat(Chat),
    Description(Description),
    Candidates(Candidates),
    Report(ConnectionReport),
}

/// Something a call wants.
#[derive(Debug)]
pub(crate) enum CallOutput {
    /// Tell a session.
    Tell {
        session: SessionId,
        message: ServerMessage,
    },
    /// Answer a session's request.
    Answer {
        session: SessionId,
        re: Option<Token>,
        answer: ServerMessage,
    },
    /// The session sits in this call from now on.
    Seated(SessionId),
    /// The session does not sit in this call any more.
    Unseated(SessionId),
    /// Set or clear the deadline of a connection's phase.
    ConnectionTimer(ConnectionId, Option<Tick>),
    /// Set or clear the time to renew relay credentials.
    RenewTimer(Option<Tick>),
    /// A connection came up.
    Connected,
    /// Keep this; what is told after it waits until it is kept.
    Record(Record),
    /// What is told next waits until everything so far is kept.
    AfterAll,
    /// Keep this message, and hand it back with [`CallInput::Kept`]; answer the session then.
    KeepChat {
        session: SessionId,
        re: Option<Token>,
        from: ParticipantId,
        said: Box<ChatFrom>,
    },
    /// The call is over; forget it.
    Over,
}

/// What handling an input needs beside the call itself.
pub(crate) struct Context<'a> {
    pub(crate) now: Now,
    pub(crate) ids: &'a mut Ids,
    pub(crate) relay: &'a RelayConfig,
    pub(crate) people: &'a People,
    pub(crate) out: &'a mut Vec<CallOutput>,
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Call {
    id: CallId,
    room: RoomId,
    seats: Vec<Seat>,
    connection: Option<Connection>,
    /// Media has flowed.
    connected: bool,
    chat: ChatLog,
}

impl Call {
    pub(crate) fn new(id: CallId, room: RoomId) -> Call {
        Call {
            id,
            room,
            seats: Vec::new(),
            connection: None,
            connected: false,
            chat: ChatLog::default(),
        }
    }

    /// A call from before a restart. Everybody is awaited.
    pub(crate) fn restored(restored: RestoredCall) -> Call {
        let mut call = Call::new(restored.call, restored.room);
        call.connected = restored.connected;
        call.seats = restored.seats.into_iter().map(Seat::restored).collect();
        for said in restored.chat {
            call.chat.push(said);
        }
        call
    }

    pub(crate) fn room(&self) -> RoomId {
        self.room
    }

    /// Whether a seat is taken, or kept for somebody.
    pub(crate) fn has_seat(&self, participant: ParticipantId) -> bool {
        self.seat(participant).is_some()
    }

    /// Whether somebody else could sit down.
    pub(crate) fn has_room(&self) -> bool {
        self.seats.len() < limits::PARTICIPANTS
    }

    /// Who sits in it, for administrators.
    pub(crate) fn occupants(&self) -> impl Iterator<Item = (Option<UserId>, &Name)> {
        self.seats.iter().map(|seat| (seat.user, &seat.name))
    }

    /// Who has a seat in it, or a seat kept for them.
    pub(crate) fn participants(&self) -> impl Iterator<Item = ParticipantId> {
        self.seats.iter().map(|seat| seat.participant)
    }

    /// Whether media has flowed.
    pub(crate) fn was_connected(&self) -> bool {
        self.connected
    }

    /// The session of a seat, if it has one.
    pub(crate) fn session_of(&self, participant: ParticipantId) -> Option<SessionId> {
        self.seat(participant)?.presence.session()
    }

    /// Whether the session sits in this call.
    pub(crate) fn seats_session(&self, session: SessionId) -> bool {
        self.seat_of(session).is_some()
    }

    /// Decides. Afterwards, a call without seats says that it is over.
    pub(crate) fn handle(&mut self, input: CallInput, cx: &mut Context<'_>) {
        match input {
            CallInput::Request {
                session,
                re,
                request,
            } => {
                if let Request::Chat(chat) = request {
                    self.say(session, re, chat, cx);
                } else {
                    let answer = self.handle_request(session, request, cx);
                    cx.out.push(CallOutput::Answer {
                        session,
                        re,
                        answer,
                    });
                }
            }
            CallInput::Attached(session) => self.set_presence(session, Presence::Online, cx),
            CallInput::Detached(session) => self.set_presence(session, Presence::Away, cx),
            CallInput::Gone { session, closing } => self.handle_gone(session, closing, cx),
            CallInput::ConnectionDeadline(id) => self.handle_deadline(id, cx),
            CallInput::Renew => self.renew_relay(cx),
            CallInput::Kept { from, said } => self.pass_chat(from, *said, cx),
            CallInput::ReclaimDeadline => self.give_up_awaited(cx),
            CallInput::End(reason) => self.end(reason, None, cx),
        }
        if self.seats.is_empty() {
            self.drop_connection(cx);
            cx.out.push(CallOutput::Over);
        }
    }

    fn handle_request(
        &mut self,
        session: SessionId,
        request: Request,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        match request {
            Request::Join {
                device,
                account,
                join,
            } => return self.join(session, device, account, *join, cx),
            Request::Enter {
                device,
                account,
                media,
            } => return self.enter(session, device, account, media, cx),
            Request::Hangup(device) => return self.hang_up(session, device, cx),
            _ => {}
        }
        let Some(me) = self.seat_of(session).map(|seat| seat.participant) else {
            return not_found();
        };
        match request {
            Request::Join { .. }
            | Request::Enter { .. }
            | Request::Hangup(_)
            | Request::Chat(_) => unreachable!("handled above"),
            Request::Look => self.snapshot_for(me, cx).into(),
            Request::Media(media) => self.set_media(me, media, cx),
            Request::Description(description) => self.describe(me, description, cx),
            Request::Candidates(candidates) => self.pass_candidates(me, candidates, cx),
            Request::Report(report) => self.report(me, report, cx),
        }
    }

    // ---- what others see ----

    fn snapshot_for(&self, me: ParticipantId, cx: &Context<'_>) -> Box<Joined> {
        let others = self.seats.iter().filter(|seat| seat.participant != me);
        let connection = self.connection.as_ref();
        Box::new(Joined {
            call: self.id,
            room: self.room,
            you: me,
            participants: others.map(Seat::as_seen).collect(),
            connections: connection
                .map(|c| *self.opened_for(c, me, cx))
                .into_iter()
                .collect(),
            chat: self.chat.messages(),
        })
    }

    fn opened_for(
        &self,
        connection: &Connection,
        me: ParticipantId,
        cx: &Context<'_>,
    ) -> Box<ConnectionOpened> {
        let other = self
            .seats
            .iter()
            .map(|seat| seat.participant)
            .find(|other| *other != me);
        let relay_only = self.is_shy(me, other, cx);
        Box::new(ConnectionOpened {
            call: self.id,
            connection: connection.id,
            peer: other.unwrap_or(me),
            polite: connection.is_polite(me),
            generation: connection.generation,
            relay_only,
            relay: self.relay_terms(me, cx),
        })
    }

    /// Whether `me` is not to show their addresses: they were rung by somebody they do not know.
    fn is_shy(&self, me: ParticipantId, other: Option<ParticipantId>, cx: &Context<'_>) -> bool {
        let mine = self.seat(me).filter(|seat| seat.rung);
        let Some(user) = mine.and_then(|seat| seat.user) else {
            return false;
        };
        let other = other.and_then(|other| self.seat(other)?.user);
        !other.is_some_and(|other| cx.people.is_contact(user, other))
    }

    fn change_of(&self, participant: ParticipantId) -> Option<ServerMessage> {
        let participant = self.seat(participant)?.as_seen();
        Some(
            ParticipantChange {
                call: self.id,
                participant,
            }
            .into(),
        )
    }

    fn tell_others(&self, me: ParticipantId, message: Option<ServerMessage>, cx: &mut Context<'_>) {
        let Some(message) = message else { return };
        for seat in self.seats.iter().filter(|seat| seat.participant != me) {
            self.tell(seat.participant, message.clone(), cx);
        }
    }

    fn tell(&self, participant: ParticipantId, message: ServerMessage, cx: &mut Context<'_>) {
        let seat = self.seat(participant);
        if let Some(session) = seat.and_then(|seat| seat.presence.session()) {
            cx.out.push(CallOutput::Tell { session, message });
        }
    }

    fn seat(&self, participant: ParticipantId) -> Option<&Seat> {
        self.seats
            .iter()
            .find(|seat| seat.participant == participant)
    }

    fn seat_of(&self, session: SessionId) -> Option<&Seat> {
        self.seats
            .iter()
            .find(|seat| seat.presence.session() == Some(session))
    }
}

/// An error for a program and for a person.
pub(crate) fn error(code: ErrorCode, message: &str) -> ServerMessage {
    ErrorBody {
        code,
        message: message.to_owned(),
    }
    .into()
}

/// The same for a call that does not exist and for one that is none of the asker's business.
pub(crate) fn not_found() -> ServerMessage {
    error(
        ErrorCode::NotFound,
        "You are not in that call. Join it first.",
    )
}
