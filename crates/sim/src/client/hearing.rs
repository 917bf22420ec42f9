//! What a client hears, and what it makes of it.

use std::collections::{BTreeSet, VecDeque};

use protocol::message::*;

use super::*;

impl Client {
    /// Reads a frame.
    pub fn hear(&mut self, frame: &ServerFrame) {
        if let Some(seq) = frame.seq {
            assert_eq!(
                seq,
                self.last_seq + 1,
                "no frame is lost and none comes twice"
            );
            self.last_seq = seq;
        }
        let asked = frame.re.as_ref().and_then(|id| self.answered(id));
        match &frame.message {
            ServerMessage::Welcome(welcome) => self.open(welcome),
            ServerMessage::Reset(reset) => self.reset(&reset.welcome),
            ServerMessage::Resumed(resumed) => self.resumed(resumed),
            ServerMessage::Ping(_) => self.send(None, Pong {}.into()),
            ServerMessage::Ok(_) => self.done(asked),
            ServerMessage::Error(error) => self.refused(asked, error.code),
            ServerMessage::Joined(joined) => self.joined(asked, joined),
            ServerMessage::Connection(opened) => self.set_connection(opened.call, Some(opened)),
            ServerMessage::ConnectionRestart(restart) => self.restart_connection(restart),
            ServerMessage::Candidates(candidates) => {
                let Candidates {
                    connection,
                    generation,
                    ..
                } = candidates.candidates;
                self.heard.candidates.insert((connection, generation));
            }
            ServerMessage::Chat(said) => self.show(said),
            ServerMessage::CallEnded(ended) => self.leave(ended.call),
            ServerMessage::Ring(offer) => self.offered(offer),
            ServerMessage::People(people) => {
                for offer in &people.incoming {
                    self.offered(offer);
                }
            }
            ServerMessage::RingState(state) => {
                for dial in self.dials.iter_mut() {
                    dial.ringing |=
                        dial.invite.ring == state.ring && state.phase == RingPhase::Ringing;
                }
            }
            ServerMessage::RingEnded(ended) => self.ring_ended(ended),
            _ => {}
        }
    }

    fn answered(&mut self, id: &Token) -> Option<ClientMessage> {
        let at = self
            .unanswered
            .iter()
            .position(|request| request.id == *id)?;
        Some(self.unanswered.remove(at)?.message)
    }

    fn open(&mut self, welcome: &Welcome) {
        self.session = Some(Keys {
            session: welcome.session,
            epoch: welcome.epoch,
            token: welcome.resume_token,
        });
        self.last_seq = 0;
        self.backlog = 0;
        self.online = true;
        self.repeat();
    }

    /// Hanging up comes first: the server may have kept calls that were left. Then it is in its
    /// calls again, then it calls whom it called, and then comes what else was not answered. A ring
    /// whose end it has heard is not asked for again, answered or not.
    fn reset(&mut self, welcome: &Welcome) {
        self.rings
            .retain(|_, ring| ring.mood == Reaction::Answering);
        let old = std::mem::take(&mut self.unanswered);
        let dialled: BTreeSet<_> = self.dials.iter().map(|dial| dial.invite.ring).collect();
        let old = old.into_iter().filter(|request| match &request.message {
            ClientMessage::Join(_) => false,
            ClientMessage::Invite(invite) => dialled.contains(&invite.ring),
            _ => true,
        });
        let (mut first, others): (VecDeque<_>, VecDeque<_>) =
            old.partition(|request| matches!(request.message, ClientMessage::Hangup(_)));
        for seat in &mut self.seats {
            seat.me = None;
            seat.again = true;
        }
        for seat in self.seats.clone() {
            let join = self.join_of(&seat);
            first.push_back(self.number(join.into()));
        }
        for dial in self.dials.clone() {
            let asked = |request: &&Request| request.message == dial.invite.into();
            if !others.iter().any(|request| asked(&request)) {
                first.push_back(self.number(dial.invite.into()));
            }
        }
        first.extend(others);
        self.unanswered = first;
        self.open(welcome);
    }

    fn resumed(&mut self, resumed: &Resumed) {
        if let Some(keys) = &mut self.session {
            keys.token = resumed.resume_token;
        }
        self.backlog = resumed.up_to;
        self.online = true;
        self.repeat();
    }

    fn repeat(&mut self) {
        for request in self.unanswered.clone() {
            self.send(Some(request.id), request.message);
        }
    }

    fn done(&mut self, asked: Option<ClientMessage>) {
        match asked {
            Some(ClientMessage::Invite(invite)) => {
                for dial in &mut self.dials {
                    dial.taken |= dial.invite.ring == invite.ring;
                }
            }
            Some(ClientMessage::Decline(Decline { ring }) | ClientMessage::Busy(Busy { ring })) => {
                self.rings.remove(&ring);
            }
            _ => {}
        }
    }

    fn refused(&mut self, asked: Option<ClientMessage>, code: ErrorCode) {
        let over = matches!(code, ErrorCode::Gone | ErrorCode::NotFound);
        match asked {
            Some(ClientMessage::Join(join)) => {
                self.seats.retain(|seat| seat.room != join.room);
                self.dials.retain(|dial| dial.invite.call != join.call);
            }
            Some(ClientMessage::Invite(invite)) => {
                self.dials.retain(|dial| dial.invite.ring != invite.ring);
            }
            Some(ClientMessage::Accept(Accept { ring, .. })) if !over => {
                if let Some(ring) = self.rings.get_mut(&ring) {
                    ring.mood = Reaction::Alerted;
                }
            }
            Some(
                ClientMessage::Accept(Accept { ring, .. })
                | ClientMessage::Ringing(Ringing { ring })
                | ClientMessage::Decline(Decline { ring })
                | ClientMessage::Ignore(Ignore { ring })
                | ClientMessage::Busy(Busy { ring }),
            ) if over => {
                self.rings.remove(&ring);
            }
            _ => {}
        }
    }

    fn joined(&mut self, asked: Option<ClientMessage>, joined: &Joined) {
        let by_ring = matches!(
            asked,
            Some(ClientMessage::Accept(_) | ClientMessage::Invite(_))
        );
        if by_ring || !self.seats.iter().any(|seat| seat.room == joined.room) {
            // It is answered, and does not ring here any more: dialling may have done that.
            self.rings
                .retain(|_, ring| ring.call != joined.call || ring.mood == Reaction::Answering);
        }
        let wanted = match asked {
            Some(ClientMessage::Accept(accept)) => self.rings.remove(&accept.ring).is_some(),
            Some(ClientMessage::Invite(invite)) => {
                let count = self.dials.len();
                self.dials.retain(|dial| dial.invite.ring != invite.ring);
                count > self.dials.len()
            }
            _ => false,
        };
        let in_room = |seat: &Seat| seat.room == joined.room;
        if wanted && !self.seats.iter().any(in_room) {
            self.seats.push(Seat {
                room: joined.room,
                call: joined.call,
                me: None,
                connection: None,
                again: false,
            });
        }
        let accepting =
            |ring: &Incoming| ring.call == joined.call && ring.mood == Reaction::Answering;
        if !self.seats.iter().any(in_room) && self.rings.values().any(accepting) {
            return; // Dialling was given up, but not the answer that crossed it.
        }
        let Some(seat) = self.seats.iter_mut().find(|seat| in_room(seat)) else {
            // It has hung up meanwhile.
            return self.request(Hangup { call: joined.call });
        };
        let before = std::mem::replace(&mut seat.call, joined.call);
        seat.me = Some(joined.you);
        if before != joined.call {
            self.dials.retain(|dial| dial.invite.call != before);
        }
        let again = std::mem::replace(&mut seat.again, false);
        self.set_connection(joined.call, joined.connections.first());
        if again {
            self.begin_again(joined.call);
        }
        for said in &joined.chat {
            self.show(said);
        }
    }

    fn set_connection(&mut self, call: CallId, opened: Option<&ConnectionOpened>) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.call == call) else {
            return;
        };
        let mine = seat.connection.as_ref().map(|mine| mine.connection);
        if mine.is_some() && mine == opened.map(|opened| opened.connection) {
            return;
        }
        seat.connection = opened.map(|opened| AnnouncedConnection {
            connection: opened.connection,
            generation: opened.generation,
            peer: opened.peer,
            peer_name: name("somebody"),
            polite: opened.polite,
            state: ConnectionState::Connecting,
        });
    }

    /// What the other end sent for a connection that was being restored may be lost.
    fn begin_again(&mut self, call: CallId) {
        let seat = self.seats.iter_mut().find(|seat| seat.call == call);
        let connection = seat.and_then(|seat| seat.connection.as_mut());
        if let Some(mine) = connection.filter(|it| it.state == ConnectionState::Reconnecting) {
            mine.generation += 1;
            self.negotiate(call);
        }
    }

    fn restart_connection(&mut self, restart: &ConnectionRestart) {
        for seat in &mut self.seats {
            if let Some(mine) = seat.connection.as_mut()
                && mine.connection == restart.connection
            {
                mine.generation = mine.generation.max(restart.generation);
            }
        }
    }

    fn show(&mut self, said: &ChatFrom) {
        let chat = &said.chat;
        let seat = self.seats.iter().find(|seat| seat.call == chat.call);
        let mine = seat.is_none_or(|seat| seat.me == Some(said.from));
        let same = |old: &ChatFrom| {
            (old.chat.call, old.from, old.chat.chat) == (chat.call, said.from, chat.chat)
        };
        if !mine && !self.heard.chat.iter().any(same) {
            self.heard.chat.push(said.clone());
        }
    }

    fn offered(&mut self, offer: &RingOffer) {
        self.rings.entry(offer.ring).or_insert(Incoming {
            call: offer.call,
            from: offer.from.user,
            mood: Reaction::None,
        });
    }

    fn ring_ended(&mut self, ended: &RingEnded) {
        self.rings.remove(&ended.ring);
        let count = self.dials.len();
        self.dials.retain(|dial| dial.invite.ring != ended.ring);
        if count > self.dials.len() && ended.reason != RingEndReason::Accepted {
            self.missed.insert(ended.ring);
        }
    }

    pub(super) fn leave(&mut self, call: CallId) {
        self.seats.retain(|seat| seat.call != call);
        self.dials.retain(|dial| dial.invite.call != call);
    }
}
