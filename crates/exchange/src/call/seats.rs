//! Who sits in a call: taking a seat, taking it back, losing it, leaving it.

use protocol::id::{DeviceId, ParticipantId, SessionId};
use protocol::limits;
use protocol::message::*;
use protocol::text::Name;

use super::{Call, CallOutput, Context, error, not_found};
use crate::connection::Connection;

/// A participant's place in the call.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) participant: ParticipantId,
    pub(super) name: Name,
    pub(super) media: MediaState,
    pub(super) presence: Presence,
}

/// Whether somebody can be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// The session has a socket.
    Online(SessionId),
    /// It has none, and may come back to what was kept for it.
    Away(SessionId),
    /// The session is given up, or did not come back yet after a restart. The seat is kept
    /// because the connection may still be up.
    Gone,
}

impl Presence {
    pub(super) fn session(self) -> Option<SessionId> {
        match self {
            Presence::Online(session) | Presence::Away(session) => Some(session),
            Presence::Gone => None,
        }
    }
}

impl Seat {
    pub(super) fn as_seen(&self) -> Participant {
        Participant {
            participant: self.participant,
            name: self.name.clone(),
            media: self.media,
            online: matches!(self.presence, Presence::Online(_)),
        }
    }
}

impl Call {
    pub(super) fn join(
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
    pub(super) fn living(&self, join: &Join) -> Option<AnnouncedConnection> {
        let connection = self.connection.as_ref()?;
        let is_it = |announced: &&AnnouncedConnection| announced.connection == connection.id;
        join.connections.iter().find(is_it).cloned()
    }

    /// The client's view of a connection counts as a report: while it was away it may have sent
    /// one that never arrived, and it will not say again what has not changed since.
    pub(super) fn take_up(
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
    pub(super) fn adopt(&mut self, me: ParticipantId, join: &Join, cx: &mut Context<'_>) {
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
        self.hold(Connection::adopted(me, announced), cx);
    }

    pub(super) fn take_seat(
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

    pub(super) fn set_presence(
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
    pub(super) fn handle_gone(&mut self, session: SessionId, closing: bool, cx: &mut Context<'_>) {
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

    pub(super) fn hang_up(
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
    pub(super) fn end(
        &mut self,
        reason: EndReason,
        gone: Option<ParticipantId>,
        cx: &mut Context<'_>,
    ) {
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

    pub(super) fn dismiss(&self, session: SessionId, reason: EndReason, cx: &mut Context<'_>) {
        let message = CallEnded {
            call: self.id,
            reason,
        }
        .into();
        cx.out.push(CallOutput::Tell { session, message });
        cx.out.push(CallOutput::Unseated(session));
    }

    pub(super) fn set_media(
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

    pub(super) fn say(
        &mut self,
        me: ParticipantId,
        chat: Chat,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
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
}

fn call_full() -> ServerMessage {
    error(
        ErrorCode::CallFull,
        "Two people are in this call already. Ask them for another link.",
    )
}
