//! From sessions to calls, and from calls back to sessions, the store and the clock.

use protocol::id::{CallId, ParticipantId, SessionId};
use protocol::limits;
use protocol::message::*;
use protocol::time::{Now, Tick};

use crate::call::{self, Call, CallInput, CallOutput, Context, Request};
use crate::ledger::{Asker, Parked};
use crate::records::{Record, WriteId};
use crate::session::{Routed, Session, Target};
use crate::timers::Timer;
use crate::{Exchange, Output};

impl Exchange {
    pub(super) fn route(&mut self, now: Now, session: SessionId, routed: Routed) {
        let Routed { to, re } = routed;
        let by = Asker { session, re };
        match to {
            Target::Room(join) => self.join(now, by, join),
            Target::Call(call, request) => self.ask_call(now, by, call, request),
            Target::Invite(invite) => self.invite(now, by, invite),
            Target::Leg(ring, action) => self.act_on_ring(now, by, ring, action),
            Target::Cancel(ring) => self.cancel_ring(now, by, ring),
            Target::Message(message) => self.leave_message(now, by, *message),
        }
    }

    fn join(&mut self, now: Now, by: Asker, mut join: Box<Join>) {
        let session = self.sessions.get(&by.session);
        if let Some(visitor) = session.and_then(Session::visitor) {
            if visitor.room != join.room {
                return self.answer(by.session, by.re.as_ref(), call::not_found());
            }
            join.name = visitor.name.clone();
        }
        let call = match self.call_of_room(now, by.session, &join) {
            Ok(call) => call,
            Err(refusal) => return self.answer(by.session, by.re.as_ref(), *refusal),
        };
        let Some(session) = self.sessions.get(&by.session) else {
            return;
        };
        let account = session.user().and_then(|user| {
            let name = self.people.get(user)?.person.name.clone();
            Some((user, name))
        });
        let request = Request::Join {
            device: session.device,
            account,
            join,
        };
        self.request(now, call, by, request);
        // After the seat, which is kept before the end of the ring.
        self.come_by_link(now, call);
    }

    fn ask_call(&mut self, now: Now, by: Asker, call: CallId, request: Request) {
        let seated = |seats: &Call| match request {
            // Who comes back after a restart may have hung up meanwhile.
            Request::Hangup(device) => seats.has_seat(ParticipantId::of(call, device)),
            _ => seats.seats_session(by.session),
        };
        if self.calls.get(&call).is_some_and(seated) {
            return self.request(now, call, by, request);
        }
        let refusal = match request {
            // Hanging up twice is no mistake. The end of the call may not be kept yet.
            Request::Hangup(_) => {
                self.ledger.wait_for_all();
                Done {}.into()
            }
            _ => call::not_found(),
        };
        self.answer(by.session, by.re.as_ref(), refusal);
    }

    pub(super) fn request(&mut self, now: Now, call: CallId, by: Asker, request: Request) {
        let input = CallInput::Request {
            session: by.session,
            re: by.re,
            request,
        };
        self.tell_call(now, call, input);
    }

    /// The call of the room, opened if there is none.
    fn call_of_room(
        &mut self,
        now: Now,
        session: SessionId,
        join: &Join,
    ) -> Result<CallId, Box<ServerMessage>> {
        let refuse = |code, text| Err(Box::new(call::error(code, text)));
        let Some(seats) = self.sessions.get(&session).map(|session| &session.calls) else {
            return Err(Box::new(call::not_found()));
        };
        let current = self.rooms.get(&join.room).copied();
        let has_seat = current.is_some_and(|call| seats.contains(&call));
        if seats.len() >= limits::CALLS_PER_SESSION && !has_seat {
            let text = "You are in as many calls as one session can be.";
            return refuse(ErrorCode::Limit, text);
        }
        match current {
            Some(call) => Ok(call),
            None if self.closed.contains(&join.room) => {
                let text = "An administrator has closed this link. Start another call.";
                refuse(ErrorCode::Gone, text)
            }
            // What goes on in clients is taken up again; only what is new has to wait.
            None if self.ledger.is_failing() && join.connections.is_empty() => {
                refuse(ErrorCode::Unavailable, STORE_FAILS)
            }
            None => Ok(self.open_call(now, join)),
        }
    }

    fn open_call(&mut self, now: Now, join: &Join) -> CallId {
        // An id that is taken belongs to another room. It is not the asker's business which.
        let taken = self.calls.contains_key(&join.call);
        let id = if taken {
            CallId::from_bytes(self.ids.fresh())
        } else {
            join.call
        };
        let room = join.room;
        self.calls.insert(id, Call::new(id, room));
        self.rooms.insert(room, id);
        self.counters.calls_opened += 1;
        self.record(now, Record::CallOpened { call: id, room });
        id
    }

    /// Ends a call by the will of an administrator. Its link is no way back in.
    pub(super) fn kick(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let (room, participants) = (call.room(), call.participants().collect::<Vec<_>>());
        for participant in participants {
            self.revoke_relay(now, participant);
        }
        self.closed.insert(room);
        self.record(now, Record::RoomClosed { room });
        self.tell_call(now, id, CallInput::End(EndReason::Kicked));
    }

    /// Who is put off a seat does not use the relay any more. Who leaves may: what they have expires.
    pub(super) fn revoke_relay(&mut self, now: Now, participant: ParticipantId) {
        if !self.config.relay.turn_urls.is_empty() {
            let until = now.unix_seconds() + limits::RELAY_CREDENTIALS_MS / 1000;
            self.outputs
                .push_back(Output::RevokeRelay { participant, until });
        }
    }

    pub(super) fn tell_calls_of(
        &mut self,
        now: Now,
        session: SessionId,
        input: impl Fn() -> CallInput,
    ) {
        let session = self.sessions.get(&session);
        let calls = session.map(|session| session.calls.clone());
        for call in calls.into_iter().flatten() {
            self.tell_call(now, call, input());
        }
    }

    pub(super) fn tell_call(&mut self, now: Now, id: CallId, input: CallInput) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let mut out = Vec::new();
        let mut context = Context {
            now,
            ids: &mut self.ids,
            relay: &self.config.relay,
            people: &self.people,
            out: &mut out,
        };
        call.handle(input, &mut context);
        for output in out {
            self.carry_out(now, id, output);
        }
    }

    fn carry_out(&mut self, now: Now, call: CallId, output: CallOutput) {
        match output {
            CallOutput::Tell { session, message } => self.push(session, None, &message),
            CallOutput::Answer {
                session,
                re,
                answer,
            } => self.answer(session, re.as_ref(), answer),
            CallOutput::Seated(session) => self.set_seat(now, session, call, true),
            CallOutput::Unseated(session) => self.set_seat(now, session, call, false),
            CallOutput::ConnectionTimer(connection, at) => {
                self.set_timer(Timer::Connection(call, connection), at);
            }
            CallOutput::RenewTimer(at) => self.set_timer(Timer::Renew(call), at),
            CallOutput::Connected => self.counters.connections_up += 1,
            CallOutput::Record(record) => self.record(now, record),
            CallOutput::AfterAll => self.ledger.wait_for_all(),
            CallOutput::KeepChat {
                session,
                re,
                from,
                said,
            } => {
                let record = Record::Said(said.clone());
                let by = Asker { session, re };
                let parked = Parked::Chat {
                    call: Some(call),
                    from,
                    said,
                    by,
                };
                self.park(now, record, parked);
            }
            CallOutput::Over => self.forget_call(now, call),
        }
    }

    fn forget_call(&mut self, now: Now, id: CallId) {
        if let Some(call) = self.calls.remove(&id) {
            self.rooms.remove(&call.room());
        }
        self.ledger.forget_call(id);
        self.timers.clear(Timer::Reclaim(id));
        self.cancel_rings_of(now, id);
    }

    fn set_seat(&mut self, now: Now, id: SessionId, call: CallId, seated: bool) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let was_idle = session.calls.is_empty();
        if seated {
            session.calls.insert(call);
        } else {
            session.calls.remove(&call);
        }
        let user = session.user();
        if was_idle && seated && session.socket().is_some() {
            self.schedule_ping(now, id);
        }
        if let Some(user) = user {
            self.refresh_presence(user);
        }
    }

    // ---- the store ----

    pub(super) fn record(&mut self, now: Now, record: Record) {
        let entry = self.ledger.enter(now.unix_millis(), record);
        self.outputs.push_back(Output::Record(entry));
    }

    pub(super) fn park(&mut self, now: Now, record: Record, parked: Parked) {
        let entry = self.ledger.park(now.unix_millis(), record, parked);
        self.outputs.push_back(Output::Record(entry));
    }

    pub(super) fn handle_stored(&mut self, now: Now, id: WriteId) {
        let parked = self.ledger.stored(id);
        self.release();
        for parked in parked {
            match parked {
                Parked::Ring(ring) => self.offer_ring(now, ring),
                Parked::Message { ring, by } => self.message_is_left(ring, by),
                Parked::Chat {
                    call,
                    from,
                    said,
                    by,
                } => {
                    if let Some(call) = call {
                        self.tell_call(now, call, CallInput::Kept { from, said });
                    }
                    self.answer(by.session, by.re.as_ref(), Done {}.into());
                }
            }
        }
    }

    pub(super) fn handle_not_stored(&mut self, id: WriteId) {
        let parked = self.ledger.not_stored(id);
        self.release();
        for parked in parked {
            match parked {
                Parked::Ring(ring) => self.ring_is_refused(ring),
                Parked::Message { ring, by } => self.message_is_refused(ring, by),
                Parked::Chat { by, .. } => {
                    self.refuse(&by, ErrorCode::Unavailable, STORE_FAILS);
                }
            }
        }
    }

    /// Frames that waited for the store may leave.
    fn release(&mut self) {
        for id in self.ledger.take_waiting() {
            self.flush(id, None);
        }
    }

    pub(super) fn refuse(&mut self, by: &Asker, code: ErrorCode, text: &str) {
        self.answer(by.session, by.re.as_ref(), call::error(code, text));
    }

    // ---- time ----

    pub(super) fn set_timer(&mut self, timer: Timer, at: Option<Tick>) {
        match at {
            Some(at) => self.timers.set(timer, at),
            None => self.timers.clear(timer),
        }
    }
}

pub(super) const STORE_FAILS: &str =
    "The server cannot keep anything at the moment. What goes on goes on; try again in a minute.";
