//! A call: the home that decides who sits in it and what passes between them.
//!
//! A call speaks with sessions only by messages: [`CallInput`] comes in, [`CallOutput`] goes out.
//! It never learns whether a session lives on this node.

use std::time::Duration;

use protocol::id::{CallId, ConnectionId, DeviceId, ParticipantId, RoomId, SessionId};
use protocol::limits;
use protocol::message::*;
use protocol::relay;
use protocol::text::{Name, Token};
use protocol::time::{Now, Tick};

use crate::RelayConfig;
use crate::chat::ChatLog;
use crate::connection::{Connection, Step};
use crate::ids::Ids;

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
    /// The server is stopped for good.
    Stop,
}

/// What a session can ask a call for.
#[derive(Debug)]
pub(crate) enum Request {
    Join {
        device: DeviceId,
        join: Box<Join>,
    },
    /// The call as it is now.
    Look,
    Hangup,
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
    /// The call is over; forget it.
    Over,
}

/// What handling an input needs beside the call itself.
pub(crate) struct Context<'a> {
    pub(crate) now: Now,
    pub(crate) ids: &'a mut Ids,
    pub(crate) relay: &'a RelayConfig,
    pub(crate) out: &'a mut Vec<CallOutput>,
}

#[derive(Debug)]
pub(crate) struct Call {
    id: CallId,
    room: RoomId,
    seats: Vec<Seat>,
    connection: Option<Connection>,
    chat: ChatLog,
}

/// A participant's place in the call.
#[derive(Debug)]
struct Seat {
    participant: ParticipantId,
    name: Name,
    media: MediaState,
    presence: Presence,
}

/// Whether somebody can be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// The session has a socket.
    Online(SessionId),
    /// It has none, and may come back to what was kept for it.
    Away(SessionId),
    /// The session is given up, or did not come back yet after a restart. The seat is kept
    /// because the connection may still be up.
    Gone,
}

impl Presence {
    fn session(self) -> Option<SessionId> {
        match self {
            Presence::Online(session) | Presence::Away(session) => Some(session),
            Presence::Gone => None,
        }
    }
}

impl Seat {
    fn as_seen(&self) -> Participant {
        Participant {
            participant: self.participant,
            name: self.name.clone(),
            media: self.media,
            online: matches!(self.presence, Presence::Online(_)),
        }
    }
}

impl Call {
    pub(crate) fn new(id: CallId, room: RoomId) -> Call {
        Call {
            id,
            room,
            seats: Vec::new(),
            connection: None,
            chat: ChatLog::default(),
        }
    }

    pub(crate) fn room(&self) -> RoomId {
        self.room
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
                let answer = self.handle_request(session, request, cx);
                cx.out.push(CallOutput::Answer {
                    session,
                    re,
                    answer,
                });
            }
            CallInput::Attached(session) => self.set_presence(session, Presence::Online, cx),
            CallInput::Detached(session) => self.set_presence(session, Presence::Away, cx),
            CallInput::Gone { session, closing } => self.handle_gone(session, closing, cx),
            CallInput::ConnectionDeadline(id) => self.handle_deadline(id, cx),
            CallInput::Renew => self.renew_relay(cx),
            CallInput::Stop => self.end(EndReason::ServerStopped, None, cx),
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
        if let Request::Join { device, join } = request {
            return self.join(session, device, *join, cx);
        }
        let Some(me) = self.seat_of(session).map(|seat| seat.participant) else {
            return not_found();
        };
        match request {
            Request::Join { .. } => unreachable!("handled above"),
            Request::Look => self.snapshot_for(me, cx).into(),
            Request::Hangup => self.hang_up(me, session, cx),
            Request::Media(media) => self.set_media(me, media, cx),
            Request::Chat(chat) => self.say(me, chat, cx),
            Request::Description(description) => self.describe(me, description, cx),
            Request::Candidates(candidates) => self.pass_candidates(me, candidates, cx),
            Request::Report(report) => self.report(me, report, cx),
        }
    }

    // ---- seats ----

    fn join(
        &mut self,
        session: SessionId,
        device: DeviceId,
        join: Join,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let me = ParticipantId::of(self.id, device);
        let returning = self.seat(me).is_some();
        if !returning && self.seats.len() >= limits::PARTICIPANTS {
            return call_full();
        }
        self.adopt(me, &join, cx);
        self.take_seat(me, session, &join, cx);
        self.tell_others(me, self.change_of(me), cx);
        match self.living(&join) {
            Some(announced) => self.take_up(me, &announced, cx),
            None => self.connect(me, cx),
        }
        self.snapshot_for(me, cx).into()
    }

    /// What the joining client says of the connection of this call, if it still has it.
    fn living(&self, join: &Join) -> Option<AnnouncedConnection> {
        let connection = self.connection.as_ref()?;
        let is_it = |announced: &&AnnouncedConnection| announced.connection == connection.id;
        join.connections.iter().find(is_it).cloned()
    }

    /// The client's view of a connection counts as a report: while it was away it may have sent
    /// one that never arrived, and it will not say again what has not changed since.
    fn take_up(
        &mut self,
        me: ParticipantId,
        announced: &AnnouncedConnection,
        cx: &mut Context<'_>,
    ) {
        if let Ok(connection) = self.live(announced.connection, announced.generation) {
            let step = connection.report(me, announced.state);
            self.take_step(step, cx);
        }
    }

    /// Takes up a connection that the client says is alive and the server does not know of,
    /// which is so after a restart, and keeps the seat at its other end.
    fn adopt(&mut self, me: ParticipantId, join: &Join, cx: &mut Context<'_>) {
        let Some(announced) = join.connections.first() else {
            return;
        };
        // Seats are derived from the call: under another id nobody could take the one kept here.
        let same_call = join.call == self.id;
        if !same_call || !self.seats.is_empty() || announced.peer == me {
            return;
        }
        self.seats.push(Seat {
            participant: announced.peer,
            name: announced.peer_name.clone(),
            media: MediaState::default(),
            presence: Presence::Gone,
        });
        let connection = Connection::adopted(me, announced);
        self.start_timer(&connection, cx);
        self.connection = Some(connection);
        self.schedule_renewal(cx);
    }

    fn take_seat(
        &mut self,
        me: ParticipantId,
        session: SessionId,
        join: &Join,
        cx: &mut Context<'_>,
    ) {
        let presence = Presence::Online(session);
        let (name, media) = (join.name.clone(), join.media);
        match self.seats.iter_mut().find(|seat| seat.participant == me) {
            Some(seat) => {
                let before = seat.presence.session();
                *seat = Seat {
                    participant: me,
                    name,
                    media,
                    presence,
                };
                if let Some(before) = before.filter(|before| *before != session) {
                    self.dismiss(before, EndReason::Replaced, cx);
                }
            }
            None => self.seats.push(Seat {
                participant: me,
                name,
                media,
                presence,
            }),
        }
        cx.out.push(CallOutput::Seated(session));
    }

    fn set_presence(
        &mut self,
        session: SessionId,
        presence: fn(SessionId) -> Presence,
        cx: &mut Context<'_>,
    ) {
        let of_session = |seat: &&mut Seat| seat.presence.session() == Some(session);
        let Some(seat) = self.seats.iter_mut().find(of_session) else {
            return;
        };
        seat.presence = presence(session);
        let me = seat.participant;
        self.tell_others(me, self.change_of(me), cx);
    }

    /// A session is given up. Media that still flows is not interrupted for it: the one at the
    /// other end will say when it stops.
    fn handle_gone(&mut self, session: SessionId, closing: bool, cx: &mut Context<'_>) {
        let Some(me) = self.seat_of(session).map(|seat| seat.participant) else {
            return;
        };
        let up = self.connection.as_ref().is_some_and(Connection::is_up);
        let somebody_is_there = self
            .seats
            .iter()
            .any(|seat| seat.participant != me && seat.presence != Presence::Gone);
        if closing || !up || !somebody_is_there {
            let reason = if closing {
                EndReason::Left
            } else {
                EndReason::ConnectionLost
            };
            return self.end(reason, Some(me), cx);
        }
        for seat in &mut self.seats {
            if seat.participant == me {
                seat.presence = Presence::Gone;
            }
        }
    }

    fn hang_up(
        &mut self,
        me: ParticipantId,
        session: SessionId,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        self.seats.retain(|seat| seat.participant != me);
        cx.out.push(CallOutput::Unseated(session));
        self.end(EndReason::Hangup, None, cx);
        Done {}.into()
    }

    /// Ends the call for everybody. `gone` is the one who is not there to be told.
    fn end(&mut self, reason: EndReason, gone: Option<ParticipantId>, cx: &mut Context<'_>) {
        for seat in std::mem::take(&mut self.seats) {
            let Some(session) = seat.presence.session() else {
                continue;
            };
            if Some(seat.participant) == gone {
                cx.out.push(CallOutput::Unseated(session));
            } else {
                self.dismiss(session, reason, cx);
            }
        }
    }

    fn dismiss(&self, session: SessionId, reason: EndReason, cx: &mut Context<'_>) {
        let message = CallEnded {
            call: self.id,
            reason,
        }
        .into();
        cx.out.push(CallOutput::Tell { session, message });
        cx.out.push(CallOutput::Unseated(session));
    }

    fn set_media(
        &mut self,
        me: ParticipantId,
        media: MediaState,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        for seat in &mut self.seats {
            if seat.participant == me {
                seat.media = media;
            }
        }
        self.tell_others(me, self.change_of(me), cx);
        Done {}.into()
    }

    fn say(&mut self, me: ParticipantId, chat: Chat, cx: &mut Context<'_>) -> ServerMessage {
        let Some(seat) = self.seat(me) else {
            return not_found();
        };
        let said = ChatFrom {
            from: me,
            name: seat.name.clone(),
            at_ms: cx.now.unix_millis(),
            chat,
        };
        if self.chat.push(said.clone()) {
            self.tell_others(me, Some(said.into()), cx);
        }
        Done {}.into()
    }

    // ---- the connection ----

    /// Opens a new connection between `me`, who came last, and whoever is there.
    fn connect(&mut self, me: ParticipantId, cx: &mut Context<'_>) {
        self.drop_connection(cx);
        // Without their connection nothing keeps the seats of those who are gone.
        self.seats.retain(|seat| seat.presence != Presence::Gone);
        let other = |seat: &&Seat| seat.participant != me;
        let Some(peer) = self.seats.iter().find(other).map(|seat| seat.participant) else {
            return;
        };
        let id = ConnectionId::from_bytes(cx.ids.fresh());
        let connection = Connection::new(id, me, peer);
        self.start_timer(&connection, cx);
        let opened = self.opened_for(&connection, peer, cx);
        self.connection = Some(connection);
        self.tell(peer, opened.into(), cx);
        self.schedule_renewal(cx);
    }

    fn drop_connection(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = self.connection.take() {
            cx.out
                .push(CallOutput::ConnectionTimer(connection.id, None));
            cx.out.push(CallOutput::RenewTimer(None));
        }
    }

    fn describe(
        &mut self,
        me: ParticipantId,
        description: Description,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(description.connection, description.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        debug_assert!(connection.joins(me));
        self.tell_others(
            me,
            Some(
                DescriptionFrom {
                    from: me,
                    description,
                }
                .into(),
            ),
            cx,
        );
        Done {}.into()
    }

    fn pass_candidates(
        &mut self,
        me: ParticipantId,
        candidates: Candidates,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(candidates.connection, candidates.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        if !connection.admit_candidates(me, candidates.candidates.len()) {
            return error(
                ErrorCode::Limit,
                "More candidates than a generation may have.",
            );
        }
        self.tell_others(
            me,
            Some(
                CandidatesFrom {
                    from: me,
                    candidates,
                }
                .into(),
            ),
            cx,
        );
        Done {}.into()
    }

    fn report(
        &mut self,
        me: ParticipantId,
        report: ConnectionReport,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(report.connection, report.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        let step = connection.report(me, report.state);
        self.take_step(step, cx);
        Done {}.into()
    }

    fn handle_deadline(&mut self, id: ConnectionId, cx: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.id == id) else {
            return;
        };
        let step = connection.handle_deadline();
        self.take_step(step, cx);
    }

    fn take_step(&mut self, step: Step, cx: &mut Context<'_>) {
        let Some(connection) = &self.connection else {
            return;
        };
        match step {
            Step::Stay => {}
            Step::Changed => {
                if connection.is_up() {
                    cx.out.push(CallOutput::Connected);
                }
                self.start_timer(connection, cx);
            }
            Step::RetryRelayOnly => {
                self.start_timer(connection, cx);
                let restart = ConnectionRestart {
                    call: self.id,
                    connection: connection.id,
                    generation: connection.generation,
                };
                for seat in &self.seats {
                    self.tell(seat.participant, restart.into(), cx);
                }
            }
            Step::Failed(reason) => self.end(reason, None, cx),
        }
    }

    fn start_timer(&self, connection: &Connection, cx: &mut Context<'_>) {
        let at = connection.deadline().map(|span| cx.now.tick + span);
        cx.out.push(CallOutput::ConnectionTimer(connection.id, at));
    }

    /// The connection with this id, if this generation may still pass.
    fn live(
        &mut self,
        id: ConnectionId,
        generation: u32,
    ) -> Result<&mut Connection, Box<ServerMessage>> {
        let Some(connection) = self.connection.as_mut().filter(|c| c.id == id) else {
            let text = "That connection is closed.";
            return Err(Box::new(error(ErrorCode::Gone, text)));
        };
        if !connection.admit(generation) {
            let text = "A newer generation of that connection has begun.";
            return Err(Box::new(error(ErrorCode::Gone, text)));
        }
        Ok(connection)
    }

    // ---- the relay ----

    /// Credentials for one participant. They name the seat and not the session, since a STUN
    /// message carries the username in the clear.
    fn relay_terms(&self, participant: ParticipantId, cx: &Context<'_>) -> RelayTerms {
        let lifetime = Duration::from_millis(limits::RELAY_CREDENTIALS_MS);
        let mut ice_servers = Vec::new();
        if !cx.relay.stun_urls.is_empty() {
            ice_servers.push(IceServer {
                urls: cx.relay.stun_urls.clone(),
                username: None,
                credential: None,
            });
        }
        if !cx.relay.turn_urls.is_empty() {
            let expires = cx.now.unix_seconds() + lifetime.as_secs();
            let minted = relay::mint(&cx.relay.secret, &participant.to_string(), expires);
            ice_servers.push(IceServer {
                urls: cx.relay.turn_urls.clone(),
                username: Some(minted.username),
                credential: Some(minted.password),
            });
        }
        RelayTerms {
            ice_servers,
            expires_in_ms: limits::RELAY_CREDENTIALS_MS,
        }
    }

    fn schedule_renewal(&self, cx: &mut Context<'_>) {
        let after = Duration::from_millis(limits::RELAY_CREDENTIALS_MS / 4 * 3);
        cx.out
            .push(CallOutput::RenewTimer(Some(cx.now.tick + after)));
    }

    fn renew_relay(&self, cx: &mut Context<'_>) {
        for seat in &self.seats {
            let relay = self.relay_terms(seat.participant, cx);
            self.tell(
                seat.participant,
                RelayCredentials {
                    call: self.id,
                    relay,
                }
                .into(),
                cx,
            );
        }
        self.schedule_renewal(cx);
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
        Box::new(ConnectionOpened {
            call: self.id,
            connection: connection.id,
            peer: other.unwrap_or(me),
            polite: connection.is_polite(me),
            generation: connection.generation,
            relay: self.relay_terms(me, cx),
        })
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

fn call_full() -> ServerMessage {
    error(
        ErrorCode::CallFull,
        "Two people are in this call already. Ask them for another link.",
    )
}
