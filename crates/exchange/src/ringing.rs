//! Rings, joined with the callers' calls and the callees' devices.

use protocol::id::{CallId, ParticipantId, RingId, SessionId, UserId};
use protocol::limits;
use protocol::message::*;
use protocol::time::Now;

use crate::call::{self, CallInput, Request};
use crate::ledger::{Asker, Parked};
use crate::records::{self, Record, RestoredRing, RingOutcome};
use crate::ring::{Crossed, LegAction, Message, Phase, Ring, RingOutput, Verdict, reasons};
use crate::routing::STORE_FAILS;
use crate::session::Session;
use crate::timers::Timer;
use crate::{Exchange, Output, PushKind, PushNotice, millis};

impl Exchange {
    // ---- what callers ask for ----

    pub(super) fn invite(&mut self, now: Now, by: Asker, invite: Invite) {
        let Some(session) = self.sessions.get(&by.session) else {
            return;
        };
        let device = session.device;
        let Some(caller) = session.user() else {
            return self.refuse(&by, ErrorCode::Forbidden, SIGN_IN);
        };
        if self.rings.get(invite.ring).is_some() {
            return self.repeat_invite(by, caller, invite);
        }
        if let Err((code, text)) = self.check_invite(now, by.session, caller, &invite) {
            return self.refuse(&by, code, text);
        }
        if let Some(crossing) = self.ring_between(invite.to, caller, by.session) {
            return self.cross(now, crossing, Crossed { by, invite });
        }
        let what = records::Ring {
            ring: invite.ring,
            call: invite.call,
            caller,
            caller_device: device,
            callee: invite.to,
            media: invite.media,
            hidden: self.people.shuts_out(invite.to, caller),
        };
        self.park(now, Record::Rung(what.clone()), Parked::Ring(invite.ring));
        self.counters.rings_begun += 1;
        self.rings.insert(Ring::new(what, by));
    }

    fn check_invite(
        &mut self,
        now: Now,
        session: SessionId,
        caller: UserId,
        invite: &Invite,
    ) -> Result<(), (ErrorCode, &'static str)> {
        let call = self.calls.get(&invite.call);
        let Some(call) = call.filter(|call| call.seats_session(session)) else {
            let text = "You are not in that call. Join it before you ask somebody in.";
            return Err((ErrorCode::NotFound, text));
        };
        if invite.to == caller {
            let text = "You cannot call yourself. Your other devices answer calls from others.";
            return Err((ErrorCode::BadState, text));
        }
        if !call.has_room() {
            let text = "Two people are in this call already.";
            return Err((ErrorCode::CallFull, text));
        }
        if self.rings.of_call(invite.call).is_some() {
            let text = "You are calling somebody already. Give that up first.";
            return Err((ErrorCode::BadState, text));
        }
        if !self.people.take_ring(now.tick, caller, invite.to) {
            let text = "Too many calls in a short time. Wait a minute.";
            return Err((ErrorCode::RateLimited, text));
        }
        Ok(())
    }

    /// The same invite again, as after a reset: the same answer, and how it stands.
    fn repeat_invite(&mut self, by: Asker, caller: UserId, invite: Invite) {
        let Some(ring) = self.rings.get_mut(invite.ring) else {
            return;
        };
        let what = &ring.what;
        if (what.caller, what.callee, what.call) != (caller, invite.to, invite.call) {
            let text = "That id belongs to another ring. Draw a new one.";
            return self.refuse(&by, ErrorCode::BadState, text);
        }
        if !ring.askers.is_empty() {
            return ring.askers.push(by); // It is not kept yet, and may never have been.
        }
        let news = match ring.phase {
            Phase::New | Phase::Offered | Phase::Ringing => ring.state().into(),
            Phase::Over(outcome) => {
                self.ledger.wait_for_all();
                ended(invite.ring, reasons(outcome).0)
            }
        };
        self.answer(by.session, by.re.as_ref(), Done {}.into());
        self.push(by.session, None, &news);
    }

    pub(super) fn cancel_ring(&mut self, now: Now, by: Asker, id: RingId) {
        let user = self.user_of(by.session);
        if let Some(crossing) = user.and_then(|user| self.take_crossing(user, id)) {
            // It was to answer a ring that is not offered yet.
            self.refuse(&crossing.by, ErrorCode::Gone, "You gave that call up.");
            return self.answer(by.session, by.re.as_ref(), Done {}.into());
        }
        let Some((ring, user)) = self.rings.get(id).zip(user) else {
            return self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING);
        };
        if user == ring.what.caller {
            // Giving up twice is no mistake. That it is over may not be kept yet.
            if ring.is_over() {
                self.ledger.wait_for_all();
            }
            self.answer(by.session, by.re.as_ref(), Done {}.into());
            self.tell_ring(now, id, |ring, out| ring.cancel(out));
        } else if user == ring.what.callee && !ring.what.hidden {
            self.refuse(
                &by,
                ErrorCode::BadDirection,
                "Only the caller can give a call up.",
            );
        } else {
            self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING);
        }
    }

    pub(super) fn leave_message(&mut self, now: Now, by: Asker, message: LeaveMessage) {
        let user = self.user_of(by.session);
        let ring = self.rings.get(message.ring);
        let Some(ring) = ring.filter(|ring| Some(ring.what.caller) == user) else {
            return self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING);
        };
        if let Some(left) = &ring.message {
            if left.chat == message.chat {
                return self.repeat_message(by, message.ring);
            }
            let text = "A message was left already.";
            return self.refuse(&by, ErrorCode::BadState, text);
        }
        // It may be over before it is kept, and never have been.
        let kept = ring.askers.is_empty();
        if !kept || !ring.is_over() || ring.phase == Phase::Over(RingOutcome::Accepted) {
            let text = "A message can be left when nobody has answered.";
            return self.refuse(&by, ErrorCode::BadState, text);
        }
        let LeaveMessage { ring, chat, body } = message;
        let left = Message {
            chat,
            is_kept: false,
            askers: Vec::new(),
        };
        self.set_message(ring, Some(left));
        let record = Record::MessageLeft { ring, chat, body };
        self.park(now, record, Parked::Message { ring, by });
    }

    /// The same message again, as after a reset: the same answer.
    fn repeat_message(&mut self, by: Asker, id: RingId) {
        let ring = self.rings.get_mut(id);
        match ring.and_then(|ring| ring.message.as_mut()) {
            Some(left) if !left.is_kept => left.askers.push(by),
            _ => self.answer(by.session, by.re.as_ref(), Done {}.into()),
        }
    }

    pub(super) fn message_is_left(&mut self, id: RingId, by: Asker) {
        let mut askers = vec![by];
        let ring = self.rings.get_mut(id);
        if let Some(left) = ring.and_then(|ring| ring.message.as_mut()) {
            left.is_kept = true;
            askers.append(&mut left.askers);
        }
        self.tell_histories(id);
        for by in askers {
            self.answer(by.session, by.re.as_ref(), Done {}.into());
        }
    }

    /// The message could not be stored: another one may be left.
    pub(super) fn message_is_refused(&mut self, id: RingId, by: Asker) {
        let left = self.set_message(id, None);
        let again = left.map(|left| left.askers).unwrap_or_default();
        for by in [by].into_iter().chain(again) {
            self.refuse(&by, ErrorCode::Unavailable, STORE_FAILS);
        }
    }

    fn set_message(&mut self, id: RingId, left: Option<Message>) -> Option<Message> {
        let ring = self.rings.get_mut(id)?;
        std::mem::replace(&mut ring.message, left)
    }

    /// Whose session it is; `None` for a guest's, and for one that is gone.
    pub(super) fn user_of(&self, session: SessionId) -> Option<UserId> {
        self.sessions.get(&session).and_then(Session::user)
    }

    // ---- what the callee's devices say ----

    pub(super) fn act_on_ring(&mut self, now: Now, by: Asker, id: RingId, action: LegAction) {
        let user = self.user_of(by.session);
        let Some((ring, user)) = self.rings.get(id).zip(user) else {
            return self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING);
        };
        if user == ring.what.caller {
            let text = "It is for the one who is called to say this.";
            return self.refuse(&by, ErrorCode::BadDirection, text);
        }
        // Who was not told of it learns nothing of it.
        if user != ring.what.callee || ring.what.hidden || ring.phase == Phase::New {
            return self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING);
        }
        let call = ring.what.call;
        if let LegAction::Accept(media) = action {
            let won = ring.phase == Phase::Over(RingOutcome::Accepted);
            if won && self.has_seat(by.session, call) {
                // Its answer was lost, as when the server was restarted.
                return self.seat_winner(now, by, call, media);
            }
            if ring.is_live()
                && let Err((code, text)) = self.check_accept(by.session, call)
            {
                return self.refuse(&by, code, text);
            }
        }
        let mut out = Vec::new();
        let ring = self.rings.get_mut(id);
        let Some(ring) = ring else { return };
        let verdict = ring.act(now.tick, by.session, action, &mut out);
        if let (Verdict::Won, LegAction::Accept(media)) = (verdict, action) {
            // The seat is kept before the end of the ring: the server may die between the two,
            // and a ring that was answered has to have somebody who sits in its call.
            self.seat_winner(now, by, call, media);
            return self.carry_out_ring(now, id, out);
        }
        self.carry_out_ring(now, id, out);
        match (verdict, action) {
            (Verdict::Ok | Verdict::Won, _) => {
                self.answer(by.session, by.re.as_ref(), Done {}.into());
            }
            (Verdict::Gone, _) => self.refuse(&by, ErrorCode::Gone, "That call is over."),
            (Verdict::NotFound, _) => self.refuse(&by, ErrorCode::NotFound, NO_SUCH_RING),
        }
    }

    /// Whether the device of a session has a seat in a call.
    fn has_seat(&self, session: SessionId, call: CallId) -> bool {
        let session = self.sessions.get(&session);
        let seat = session.map(|session| ParticipantId::of(call, session.device));
        let call = self.calls.get(&call);
        seat.is_some_and(|seat| call.is_some_and(|call| call.has_seat(seat)))
    }

    fn check_accept(
        &self,
        session: SessionId,
        call: CallId,
    ) -> Result<(), (ErrorCode, &'static str)> {
        let seats = self
            .sessions
            .get(&session)
            .map_or(0, |session| session.calls.len());
        if seats >= limits::CALLS_PER_SESSION {
            let text = "You are in as many calls as one session can be. End one first.";
            return Err((ErrorCode::Limit, text));
        }
        let has_room = self.calls.get(&call).is_some_and(call::Call::has_room);
        if !has_room && !self.has_seat(session, call) {
            let text = "Somebody else has joined that call by its link. Call back.";
            return Err((ErrorCode::CallFull, text));
        }
        Ok(())
    }

    /// Somebody has come to a call by its link. Who is being rung into it has answered by that.
    pub(super) fn come_by_link(&mut self, now: Now, call: CallId) {
        let ring = self.rings.of_call(call).filter(|ring| ring.is_live());
        let Some(what) = ring.map(|ring| &ring.what) else {
            return;
        };
        let id = what.ring;
        if self.sits_in(what.callee, call) {
            self.tell_ring(now, id, |ring, out| ring.answer(out));
        }
    }

    fn seat_winner(&mut self, now: Now, by: Asker, call: CallId, media: MediaState) {
        let session = self.sessions.get(&by.session);
        let device = session.map(|session| session.device);
        let account = session.and_then(|session| self.people.account(session.user()?));
        let Some((device, account)) = device.zip(account) else {
            return;
        };
        let seated = |call: &call::Call| call.seats_session(by.session);
        let request = if self.calls.get(&call).is_some_and(seated) {
            Request::Look
        } else {
            Request::Enter {
                device,
                account: (account.user, account.name),
                media,
            }
        };
        self.request(now, call, by, request);
    }

    // ---- what the store says ----

    /// The ring is stored. It is offered, unless that is of no use.
    pub(super) fn offer_ring(&mut self, now: Now, id: RingId) {
        let Some(ring) = self.rings.get_mut(id) else {
            return;
        };
        let callee = ring.what.callee;
        let (over, hidden) = (ring.outcome(), ring.what.hidden);
        let (crossed, call) = (ring.crossed.take(), ring.what.call);
        let askers = std::mem::take(&mut ring.askers);
        for by in &askers {
            self.answer(by.session, by.re.as_ref(), Done {}.into());
        }
        if let Some(outcome) = over {
            // Who has asked again since was not there to hear of it.
            self.ledger.wait_for_all();
            for by in askers.iter().skip(1) {
                self.push(by.session, None, &ended(id, reasons(outcome).0));
            }
            // Who dialled meanwhile calls after all.
            if let Some(crossed) = crossed {
                self.invite(now, crossed.by, crossed.invite);
            }
            return;
        }
        let (crossed, dialled) = match crossed {
            Some(crossed) if !self.can_cross(&crossed, call) => (None, Some(crossed)),
            crossed => (crossed, None),
        };
        if crossed.is_none() && self.sits_in(callee, call) {
            self.tell_ring(now, id, |ring, out| ring.answer(out));
        } else if crossed.is_none()
            && !hidden
            && let Some(why) = self.why_busy(callee)
        {
            self.tell_ring(now, id, |ring, out| ring.refuse(why, out));
        } else {
            let dialling = crossed.as_ref().map(|crossed| crossed.by.session);
            let mut devices: Vec<_> = self.people.sessions(callee).collect();
            devices.retain(|device| Some(*device) != dialling);
            self.tell_ring(now, id, |ring, out| ring.offer(now.tick, devices, out));
            if let Some(crossed) = crossed {
                self.cross(now, id, crossed);
            }
        }
        if let Some(dialled) = dialled {
            self.invite(now, dialled.by, dialled.invite);
        }
    }

    /// Whether one of somebody's devices sits in a call.
    fn sits_in(&self, user: UserId, call: CallId) -> bool {
        let mut devices = self.people.sessions(user);
        let call = self.calls.get(&call);
        call.is_some_and(|call| devices.any(|device| call.seats_session(device)))
    }

    /// Whether who dialled still does, and can take the other's call. One who is gone, or gave it
    /// up, answers nothing.
    fn can_cross(&self, crossed: &Crossed, call: CallId) -> bool {
        let session = crossed.by.session;
        let dialling = self.calls.get(&crossed.invite.call);
        dialling.is_some_and(|call| call.seats_session(session))
            && self.check_accept(session, call).is_ok()
    }

    /// Takes back what was dialled while the other's ring was being stored.
    fn take_crossing(&mut self, user: UserId, dialled: RingId) -> Option<Crossed> {
        let is_it = |ring: &&Ring| {
            let crossed = ring.crossed.as_ref();
            crossed.is_some_and(|crossed| crossed.invite.ring == dialled)
        };
        let ring = self.rings.to(user).find(is_it)?.what.ring;
        self.rings.get_mut(ring)?.crossed.take()
    }

    /// How a ring ends at once whose callee does not want to be disturbed, or cannot be.
    fn why_busy(&self, callee: UserId) -> Option<RingOutcome> {
        let person = &self.people.get(callee)?.person;
        let at_once = self.rings.to(callee).filter(|ring| ring.is_live()).count();
        let talks = !person.call_waiting && self.is_in_call(callee);
        if person.do_not_disturb {
            Some(RingOutcome::DoNotDisturb)
        } else if talks || at_once >= limits::RINGS_AT_ONCE {
            Some(RingOutcome::Busy)
        } else {
            None
        }
    }

    /// The ring could not be stored: there never was one.
    pub(super) fn ring_is_refused(&mut self, id: RingId) {
        let Some(ring) = self.rings.remove(id) else {
            return;
        };
        self.timers.clear(Timer::Forget(id));
        let crossed = ring.crossed.map(|crossed| crossed.by);
        for by in ring.askers.into_iter().chain(crossed) {
            self.refuse(&by, ErrorCode::Unavailable, STORE_FAILS);
        }
    }

    // ---- glare ----

    /// The ring from one to the other that is not over, if the other may know of it.
    fn ring_between(&self, caller: UserId, callee: UserId, device: SessionId) -> Option<RingId> {
        let fits = |ring: &&Ring| {
            ring.what.caller == caller
                && !ring.what.hidden
                && ring.crossed.is_none()
                && self.check_accept(device, ring.what.call).is_ok()
        };
        self.rings.to(callee).find(fits).map(|ring| ring.what.ring)
    }

    /// Two people call each other: the one who dialled later answers the other's ring instead.
    fn cross(&mut self, now: Now, id: RingId, crossed: Crossed) {
        let Some(ring) = self.rings.get_mut(id) else {
            return;
        };
        if ring.phase == Phase::New {
            ring.crossed = Some(crossed);
            return;
        }
        let Crossed { by, invite } = crossed;
        let mut out = Vec::new();
        ring.add_leg(by.session, &mut Vec::new());
        let call = ring.what.call;
        let action = LegAction::Accept(invite.media);
        let verdict = ring.act(now.tick, by.session, action, &mut out);
        if verdict != Verdict::Won {
            self.carry_out_ring(now, id, out);
            return self.refuse(&by, ErrorCode::Gone, "That call is over.");
        }
        self.seat_winner(now, by.clone(), call, invite.media);
        self.carry_out_ring(now, id, out);
        // The call they had opened for theirs is not needed any more.
        let seated = |call: &call::Call| call.seats_session(by.session);
        if invite.call != call && self.calls.get(&invite.call).is_some_and(seated) {
            self.tell_call(now, invite.call, CallInput::End(EndReason::Glare));
        }
    }

    // ---- devices and calls come and go ----

    /// A device of somebody has come: what rings for them rings there too.
    ///
    /// It is not told by itself: it is about to be told whom it knows, and what rings.
    pub(super) fn add_legs(&mut self, session: SessionId, user: UserId) {
        for id in self.rings_to(user) {
            if let Some(ring) = self.rings.get_mut(id) {
                ring.add_leg(session, &mut Vec::new());
            }
        }
    }

    pub(super) fn remove_legs(&mut self, now: Now, session: SessionId, user: UserId) {
        for id in self.rings_to(user) {
            self.tell_ring(now, id, |ring, out| ring.remove_leg(session, out));
        }
    }

    /// A call is over: nobody can be asked into it any more.
    pub(super) fn cancel_rings_of(&mut self, now: Now, call: CallId) {
        if let Some(id) = self.rings.of_call(call).map(|ring| ring.what.ring) {
            self.tell_ring(now, id, |ring, out| ring.cancel(out));
        }
    }

    fn rings_to(&self, user: UserId) -> Vec<RingId> {
        self.rings.to(user).map(|ring| ring.what.ring).collect()
    }

    /// What rings at a session.
    pub(super) fn offers_at(&self, id: SessionId) -> Vec<RingOffer> {
        let user = self.user_of(id);
        let rings = user.into_iter().flat_map(|user| self.rings.to(user));
        let here = rings.filter(|ring| ring.rings_at(id));
        here.filter_map(|ring| self.offer_of(ring)).collect()
    }

    /// The rings a device has begun.
    pub(super) fn rings_from(&self, id: SessionId) -> Vec<RingState> {
        let Some(session) = self.sessions.get(&id) else {
            return Vec::new();
        };
        // After a restart the device has not joined its calls again yet.
        let mine = |ring: &&Ring| {
            ring.is_live()
                && Some(ring.what.caller) == session.user()
                && ring.what.caller_device == session.device
        };
        self.rings
            .live_rings()
            .filter(mine)
            .map(Ring::state)
            .collect()
    }

    fn offer_of(&self, ring: &Ring) -> Option<RingOffer> {
        let what = &ring.what;
        Some(RingOffer {
            ring: what.ring,
            call: what.call,
            from: self.caller_of(ring)?,
            media: what.media,
            waiting: self.is_in_call(what.callee),
            expires_in_ms: limits::RING_MS,
        })
    }

    fn caller_of(&self, ring: &Ring) -> Option<Caller> {
        let user = ring.what.caller;
        Some(Caller {
            user,
            name: self.people.get(user)?.person.name.clone(),
            contact: self.people.is_contact(ring.what.callee, user),
        })
    }

    // ---- carrying out ----

    pub(super) fn restore_ring(&mut self, now: Now, restored: RestoredRing) {
        let id = restored.ring.ring;
        let over_since = restored.ended.map(|(_, at_ms)| at_ms);
        let ring = Ring::restored(restored, now.tick);
        if let Some(deadline) = ring.deadline() {
            let known = self.calls.contains_key(&ring.what.call);
            self.timers.set(Timer::Ring(id), deadline);
            if !ring.what.hidden {
                let later = now.tick + millis(PUSH_AFTER_RESTART_MS);
                self.timers.set(Timer::Push(id), later);
            }
            self.rings.insert(ring);
            if !known {
                self.tell_ring(now, id, |ring, out| ring.cancel(out));
            }
        } else if let Some(over_since) = over_since {
            let age = now.unix_millis().saturating_sub(over_since);
            let left = limits::LEAVE_MESSAGE_MS.saturating_sub(age);
            self.timers.set(Timer::Forget(id), now.tick + millis(left));
            self.rings.insert(ring);
        }
    }

    pub(super) fn tell_ring(
        &mut self,
        now: Now,
        id: RingId,
        input: impl FnOnce(&mut Ring, &mut Vec<RingOutput>),
    ) {
        let mut out = Vec::new();
        if let Some(ring) = self.rings.get_mut(id) {
            input(ring, &mut out);
        }
        self.carry_out_ring(now, id, out);
    }

    fn carry_out_ring(&mut self, now: Now, id: RingId, out: Vec<RingOutput>) {
        for output in out {
            match output {
                RingOutput::Offer(session) => {
                    let offer = self.rings.get(id).and_then(|ring| self.offer_of(ring));
                    if let Some(offer) = offer {
                        self.push(session, None, &Box::new(offer).into());
                    }
                }
                RingOutput::Progress => {
                    let state = self.rings.get(id).map(Ring::state);
                    self.tell_caller(id, state.map(Into::into));
                }
                RingOutput::EndLeg(session, reason) => {
                    self.push(session, None, &ended(id, reason));
                }
                RingOutput::EndCaller(reason) => self.tell_caller(id, Some(ended(id, reason))),
                RingOutput::RecordRinging => self.record(now, Record::Ringing { ring: id }),
                RingOutput::RecordEnd(outcome) => self.ring_is_over(now, id, outcome),
                RingOutput::Timer(at) => self.set_timer(Timer::Ring(id), at),
                RingOutput::PushTimer(at) => self.set_timer(Timer::Push(id), at),
                RingOutput::Push => {
                    let ttl = self.rings.get(id).and_then(Ring::deadline);
                    let ttl = ttl
                        .map(|at| at.saturating_since(now.tick))
                        .unwrap_or_default();
                    self.push_notice(id, PushKind::Ringing { ttl });
                }
                RingOutput::PushOver(outcome) => self.push_notice(id, PushKind::Over(outcome)),
            }
        }
    }

    fn ring_is_over(&mut self, now: Now, id: RingId, outcome: RingOutcome) {
        if outcome == RingOutcome::Accepted {
            self.counters.rings_answered += 1;
        }
        self.record(now, Record::RingEnded { ring: id, outcome });
        self.rings.retire(id);
        let forget_at = now.tick + millis(limits::LEAVE_MESSAGE_MS);
        self.timers.set(Timer::Forget(id), forget_at);
        self.tell_histories(id);
    }

    /// A ring stands otherwise than before in the history of its caller, and of its callee if they
    /// know of it.
    fn tell_histories(&mut self, id: RingId) {
        let Some(ring) = self.rings.get(id) else {
            return;
        };
        let (caller, callee, hidden) = (ring.what.caller, ring.what.callee, ring.what.hidden);
        self.tell_history(caller);
        if !hidden {
            self.tell_history(callee);
        }
    }

    /// Tells whoever sits in the call for the caller: the device may have come back since.
    fn tell_caller(&mut self, id: RingId, message: Option<ServerMessage>) {
        let Some((ring, message)) = self.rings.get(id).zip(message) else {
            return;
        };
        let what = &ring.what;
        let seat = ParticipantId::of(what.call, what.caller_device);
        let call = self.calls.get(&what.call);
        if let Some(session) = call.and_then(|call| call.session_of(seat)) {
            self.push(session, None, &message);
        }
    }

    fn tell_history(&mut self, user: UserId) {
        let what = ChangedPart::History;
        for session in self.people.sessions(user) {
            self.push(session, None, &Changed { what }.into());
        }
    }

    fn push_notice(&mut self, id: RingId, kind: PushKind) {
        let Some(ring) = self.rings.get(id) else {
            return;
        };
        let Some(from) = self.caller_of(ring) else {
            return;
        };
        let login = |session| self.sessions.get(&session).and_then(Session::login);
        let notice = PushNotice {
            user: ring.what.callee,
            ring: id,
            call: ring.what.call,
            from,
            media: ring.what.media,
            kind,
            except: ring.awake().filter_map(login).collect(),
        };
        self.outputs.push_back(Output::Push(notice));
    }
}

/// After a restart devices come back by themselves; who has not by then sleeps.
const PUSH_AFTER_RESTART_MS: u64 = 5 * limits::PUSH_AFTER_MS;

fn ended(ring: RingId, reason: RingEndReason) -> ServerMessage {
    RingEnded { ring, reason }.into()
}

const SIGN_IN: &str = "Only people with an account call and are called. Sign in first.";
const NO_SUCH_RING: &str = "There is no such call for you. It may be over.";
