//! Who sits in a call: taking a seat, taking it back, losing it, leaving it.

use protocol::id::{DeviceId, ParticipantId, SessionId, UserId};
use protocol::message::*;
use protocol::text::{Name, Token};

use super::{Call, CallOutput, Context, error, not_found};
use crate::connection::Connection;
use crate::records::{Record, RestoredSeat};

/// A participant's place in the call.
#[derive(Clone, Debug, Hash)]
pub(super) struct Seat {
    pub(super) participant: ParticipantId,
    pub(super) device: DeviceId,
    pub(super) user: Option<UserId>,
    pub(super) name: Name,
    /// They came by a ring.
    pub(super) rung: bool,
    pub(super) media: MediaState,
    pub(super) presence: Presence,
}

/// Whether somebody can be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Presence {
    /// The session has a socket.
    Online(SessionId),
    /// It has none, and may come back to what was kept for it.
    Away(SessionId),
    /// The session is given up. The seat is kept because the connection may still be up.
    Gone,
    /// The server was restarted, and the device has not come back yet. The seat is kept for it.
    Awaited,
}

impl Presence {
    pub(super) fn session(self) -> Option<SessionId> {
        match self {
            Presence::Online(session) | Presence::Away(session) => Some(session),
            Presence::Gone | Presence::Awaited => None,
        }
    }
}

/// The device of a seat that somebody has only told of.
const NO_DEVICE: DeviceId = DeviceId::from_bytes([0; 16]);

impl Seat {
    /// Nobody has sat here since the server was started, as far as it knows itself.
    pub(super) fn is_hearsay(&self) -> bool {
        self.device == NO_DEVICE
    }

    pub(super) fn restored(restored: RestoredSeat) -> Seat {
        Seat {
            participant: restored.participant,
            device: restored.device,
            user: restored.user,
            name: restored.name,
            rung: restored.rung,
            media: MediaState::default(),
            presence: Presence::Awaited,
        }
    }

    pub(super) fn as_seen(&self) -> Participant {
        Participant {
            participant: self.participant,
            name: self.name.clone(),
            user: self.user,
            media: self.media,
            online: matches!(self.presence, Presence::Online(_)),
        }
    }
}

impl Call {
    /// Somebody comes by the link, or comes back.
    pub(super) fn join(
        &mut self,
        session: SessionId,
        device: DeviceId,
        account: Option<(UserId, Name)>,
        join: Join,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let me = ParticipantId::of(self.id, device);
        let before = self.seat(me);
        let was_hearsay = before.is_some_and(Seat::is_hearsay);
        if before.is_none() && !self.has_room() {
            return call_full();
        }
        let (user, name) = match account {
            Some((user, name)) => (Some(user), name),
            None => (None, join.name.clone()),
        };
        self.adopt(me, &join, cx);
        let seat = Seat {
            participant: me,
            device,
            user,
            name,
            rung: self.seat(me).is_some_and(|seat| seat.rung),
            media: join.media,
            presence: Presence::Online(session),
        };
        self.take_seat(session, seat, cx);
        let living = self.living(&join);
        if living.is_some() && was_hearsay {
            // Before the news of the return, at which what is broken is mended with them.
            self.hand_relay_to(|seat| seat.participant != me, cx);
        }
        match living {
            Some(announced) => {
                self.tell_others(me, self.change_of(me), cx);
                self.take_up(me, &announced, cx);
            }
            None => self.introduce(me, cx),
        }
        self.snapshot_for(me, cx).into()
    }

    /// Somebody who was rung has answered. From here on it is as if they had come by the link.
    pub(super) fn enter(
        &mut self,
        session: SessionId,
        device: DeviceId,
        account: (UserId, Name),
        media: MediaState,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let me = ParticipantId::of(self.id, device);
        if self.seat(me).is_none() && !self.has_room() {
            return call_full();
        }
        let (user, name) = account;
        let seat = Seat {
            participant: me,
            device,
            user: Some(user),
            name,
            rung: true,
            media,
            presence: Presence::Online(session),
        };
        self.take_seat(session, seat, cx);
        self.introduce(me, cx);
        self.snapshot_for(me, cx).into()
    }

    /// Somebody is new. First comes what there is most to do for: their connection, then who they are.
    fn introduce(&mut self, me: ParticipantId, cx: &mut Context<'_>) {
        self.connect(me, cx);
        self.tell_others(me, self.change_of(me), cx);
    }

    /// What the joining client says of the connection of this call, if it still has it.
    pub(super) fn living(&self, join: &Join) -> Option<AnnouncedConnection> {
        let connection = self.connection.as_ref()?;
        alive(join)
            .find(|announced| announced.connection == connection.id)
            .cloned()
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
        let Some(announced) = alive(join).next() else {
            return;
        };
        // Seats are derived from the call: under another id nobody could take the one kept here.
        let same_call = join.call == self.id;
        if !same_call || announced.peer == me || self.connection.is_some() {
            return;
        }
        match self.seat(announced.peer).map(|seat| seat.presence) {
            // The one at the other end has not come back yet.
            Some(Presence::Awaited) => {}
            // Somebody sits here, who has no such connection.
            _ if !self.seats.is_empty() => return,
            // Nothing is known of this call any more.
            _ => self.seats.push(Seat {
                participant: announced.peer,
                device: NO_DEVICE,
                user: None,
                name: announced.peer_name.clone(),
                rung: false,
                media: MediaState::default(),
                presence: Presence::Gone,
            }),
        }
        self.hold(Connection::adopted(me, announced), cx);
    }

    /// Puts somebody on their seat, and whoever sat there before in another page off it.
    pub(super) fn take_seat(&mut self, session: SessionId, seat: Seat, cx: &mut Context<'_>) {
        let me = seat.participant;
        let at = self.seats.iter().position(|seat| seat.participant == me);
        let before = at.map(|at| &self.seats[at]);
        let same = before.is_some_and(|before| {
            (before.user, &before.name, before.rung) == (seat.user, &seat.name, seat.rung)
        });
        if !same {
            cx.out.push(CallOutput::Record(Record::Seated {
                call: self.id,
                participant: me,
                device: seat.device,
                user: seat.user,
                name: seat.name.clone(),
                rung: seat.rung,
            }));
        } else {
            // It may have been told to an earlier session only, and not be kept yet.
            cx.out.push(CallOutput::AfterAll);
        }
        let older = before.and_then(|before| before.presence.session());
        match at {
            Some(at) => self.seats[at] = seat,
            None => self.seats.push(seat),
        }
        if let Some(older) = older.filter(|older| *older != session) {
            self.dismiss(older, EndReason::Replaced, cx);
        }
        cx.out.push(CallOutput::Seated(session));
    }

    /// Frees seats while the call goes on.
    pub(super) fn drop_seats(&mut self, which: impl Fn(&Seat) -> bool, cx: &mut Context<'_>) {
        let call = self.id;
        self.seats.retain(|seat| {
            let goes = which(seat);
            if goes {
                cx.out.push(CallOutput::Record(Record::Unseated {
                    call,
                    participant: seat.participant,
                }));
            }
            !goes
        });
    }

    /// The time in which devices come back after a restart of the server has passed.
    pub(super) fn give_up_awaited(&mut self, cx: &mut Context<'_>) {
        let awaited = |seat: &Seat| seat.presence == Presence::Awaited;
        // The server may have died between opening the call and the first seat in it.
        if !self.seats.is_empty() && !self.seats.iter().any(awaited) {
            return;
        }
        let up = self.connection.as_ref().is_some_and(Connection::is_up);
        let somebody_is_there = self
            .seats
            .iter()
            .any(|seat| seat.presence.session().is_some());
        if !up || !somebody_is_there {
            return self.end(EndReason::ConnectionLost, None, cx);
        }
        for seat in self.seats.iter_mut().filter(|seat| awaited(seat)) {
            seat.presence = Presence::Gone;
        }
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
            .any(|seat| seat.participant != me && seat.presence.session().is_some());
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

    /// Somebody hangs up, maybe before they have come back to their seat. A page whose seat
    /// another one of the same device has taken has nothing to hang up.
    pub(super) fn hang_up(
        &mut self,
        session: SessionId,
        device: DeviceId,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let me = ParticipantId::of(self.id, device);
        let taken = |other: Presence| matches!(other, Presence::Online(by) if by != session);
        if self.seat(me).is_some_and(|seat| !taken(seat.presence)) {
            self.end(EndReason::Hangup, Some(me), cx);
        }
        Done {}.into()
    }

    /// Ends the call for everybody. `gone` is the one who need not be told.
    pub(super) fn end(
        &mut self,
        reason: EndReason,
        gone: Option<ParticipantId>,
        cx: &mut Context<'_>,
    ) {
        let call = self.id;
        cx.out
            .push(CallOutput::Record(Record::CallEnded { call, reason }));
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

    /// Somebody says something. It is passed on, and answered, once it is kept.
    pub(super) fn say(
        &mut self,
        session: SessionId,
        re: Option<Token>,
        chat: Chat,
        cx: &mut Context<'_>,
    ) {
        let answer = match self.seat_of(session) {
            None => not_found(),
            Some(_) if self.chat.contains(chat.chat) => Done {}.into(),
            Some(seat) => {
                let said = Box::new(ChatFrom {
                    from: seat.participant,
                    name: seat.name.clone(),
                    at_ms: cx.now.unix_millis(),
                    chat,
                });
                let from = seat.participant;
                return cx.out.push(CallOutput::KeepChat {
                    session,
                    re,
                    from,
                    said,
                });
            }
        };
        cx.out.push(CallOutput::Answer {
            session,
            re,
            answer,
        });
    }

    pub(super) fn pass_chat(&mut self, from: ParticipantId, said: ChatFrom, cx: &mut Context<'_>) {
        if self.chat.push(said.clone()) {
            self.tell_others(from, Some(said.into()), cx);
        }
    }
}

/// The connections of a joining client that go on. One that has never been up does not: what the
/// other end sent for it meanwhile went to the lost session, and nobody would send it again.
fn alive(join: &Join) -> impl Iterator<Item = &AnnouncedConnection> {
    let is_alive =
        |announced: &&AnnouncedConnection| announced.state != ConnectionState::Connecting;
    join.connections.iter().filter(is_alive)
}

fn call_full() -> ServerMessage {
    error(
        ErrorCode::CallFull,
        "Two people are in this call already. Ask them for another link.",
    )
}
