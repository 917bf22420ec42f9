//! A ring: one attempt to ask a person into a call. It decides who answers, exactly once.
//!
//! ```text
//!       stored             a device rings
//! New ─────────► Offered ─────────────────► Ringing
//!  │ not stored     │                          │
//!  ▼                └──────────┬───────────────┘
//! refused                      ▼ accept · decline · busy · 45 s · cancel
//!                             Over
//! ```
//!
//! It knows the callee's devices only as sessions, and the caller as whoever sits in the call.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::id::{ChatId, SessionId};
use protocol::limits;
use protocol::message::*;
use protocol::time::Tick;

use crate::ledger::Asker;
use crate::records::{self, RingOutcome};

/// Where a ring stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// It is being stored; nobody has heard of it.
    New,
    /// The callee's devices have been told.
    Offered,
    /// One of them alerts its person.
    Ringing,
    /// It is over.
    Over(RingOutcome),
}

/// How one of the callee's devices stands to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Leg {
    /// It has been told.
    Offered,
    /// It alerts its person.
    Ringing,
    /// Its person does not want to hear it.
    Ignored,
    /// It cannot take the call.
    Busy,
}

/// What follows from an input, to be carried out in order.
#[derive(Debug)]
pub(crate) enum RingOutput {
    /// Tell a device of the callee that it rings.
    Offer(SessionId),
    /// Tell the caller how it goes.
    Progress,
    /// Tell one of the callee's devices that it is over.
    EndLeg(SessionId, RingEndReason),
    /// Tell the caller that it is over.
    EndCaller(RingEndReason),
    /// A device rings for the first time: to be recorded.
    RecordRinging,
    /// It is over: to be recorded, and in both histories.
    RecordEnd(RingOutcome),
    /// Set or clear the time at which it ends by itself.
    Timer(Option<Tick>),
    /// Set or clear the time at which sleeping devices are woken.
    PushTimer(Option<Tick>),
    /// Wake the callee's devices, except those that know already.
    Push,
    /// Tell the callee's woken devices that it is over.
    PushOver(RingOutcome),
}

/// What a device of the callee says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LegAction {
    Ringing,
    Accept(MediaState),
    Decline,
    Ignore,
    Busy,
}

/// What is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done.
    Ok,
    /// This device has won: it gets a seat, and that is the answer.
    Won,
    /// It is over already.
    Gone,
    /// It is not for this device.
    NotFound,
}

/// Somebody who dialled while they were called: accepts as soon as the ring is offered.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Crossed {
    pub(crate) by: Asker,
    pub(crate) invite: Invite,
}

/// What the caller left after the ring.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Message {
    pub(crate) chat: ChatId,
    pub(crate) is_kept: bool,
    /// Who said it again meanwhile, and waits to hear whether it was stored.
    pub(crate) askers: Vec<Asker>,
}

impl Message {
    fn kept(chat: ChatId) -> Message {
        Message {
            chat,
            is_kept: true,
            askers: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Ring {
    pub(crate) what: records::Ring,
    pub(crate) phase: Phase,
    /// Who waits to hear whether it was stored.
    pub(crate) askers: Vec<Asker>,
    pub(crate) crossed: Option<Crossed>,
    pub(crate) message: Option<Message>,
    legs: BTreeMap<SessionId, Leg>,
    /// When it was offered.
    since: Tick,
    /// When it ends by itself.
    ends_at: Tick,
    pushed: bool,
}

impl Ring {
    pub(crate) fn new(what: records::Ring, by: Asker) -> Ring {
        Ring {
            what,
            phase: Phase::New,
            askers: vec![by],
            crossed: None,
            message: None,
            legs: BTreeMap::new(),
            since: Tick::default(),
            ends_at: Tick::default(),
            pushed: false,
        }
    }

    /// A ring from before a restart.
    pub(crate) fn restored(restored: records::RestoredRing, now: Tick) -> Ring {
        let phase = match (restored.ended, restored.phase) {
            (Some((outcome, _)), _) => Phase::Over(outcome),
            (None, RingPhase::Offered) => Phase::Offered,
            (None, RingPhase::Ringing) => Phase::Ringing,
        };
        // Devices that sleep may have been woken before, and are told when it ends.
        let pushed = restored.ended.is_none() && !restored.ring.hidden;
        Ring {
            what: restored.ring,
            phase,
            askers: Vec::new(),
            crossed: None,
            message: restored.message.map(Message::kept),
            legs: BTreeMap::new(),
            since: now,
            ends_at: now + RING,
            pushed,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Offered | Phase::Ringing)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.outcome().is_some()
    }

    /// How it ended, if it is over.
    pub(crate) fn outcome(&self) -> Option<RingOutcome> {
        match self.phase {
            Phase::Over(outcome) => Some(outcome),
            Phase::New | Phase::Offered | Phase::Ringing => None,
        }
    }

    /// When it ends by itself, while it is live.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.is_live().then_some(self.ends_at)
    }

    /// Whether a device has a part in it that its person still has to decide on.
    pub(crate) fn rings_at(&self, session: SessionId) -> bool {
        let leg = self.legs.get(&session);
        self.is_live() && matches!(leg, Some(Leg::Offered | Leg::Ringing))
    }

    /// The devices that know of it, and need not be woken.
    pub(crate) fn awake(&self) -> impl Iterator<Item = SessionId> {
        let knows = |(_, leg): &(&SessionId, &Leg)| **leg != Leg::Offered;
        self.legs.iter().filter(knows).map(|(session, _)| *session)
    }

    /// How the caller sees it.
    pub(crate) fn state(&self) -> RingState {
        RingState {
            ring: self.what.ring,
            call: self.what.call,
            to: self.what.callee,
            phase: if self.phase == Phase::Ringing {
                RingPhase::Ringing
            } else {
                RingPhase::Offered
            },
        }
    }

    // ---- inputs ----

    /// It is stored: the callee's devices ring.
    pub(crate) fn offer(
        &mut self,
        now: Tick,
        devices: impl IntoIterator<Item = SessionId>,
        out: &mut Vec<RingOutput>,
    ) {
        if self.phase != Phase::New {
            return;
        }
        self.phase = Phase::Offered;
        self.since = now;
        self.ends_at = now + RING;
        out.push(RingOutput::Timer(Some(self.ends_at)));
        if self.what.hidden {
            return;
        }
        out.push(RingOutput::PushTimer(Some(now + PUSH_AFTER)));
        for device in devices {
            self.add_leg(device, out);
        }
    }

    /// A device of the callee has come.
    pub(crate) fn add_leg(&mut self, device: SessionId, out: &mut Vec<RingOutput>) {
        if self.is_live() && !self.what.hidden && !self.legs.contains_key(&device) {
            self.legs.insert(device, Leg::Offered);
            out.push(RingOutput::Offer(device));
        }
    }

    /// A device of the callee is gone for good.
    pub(crate) fn remove_leg(&mut self, device: SessionId, out: &mut Vec<RingOutput>) {
        if self.legs.remove(&device).is_some() {
            self.end_if_all_are_busy(out);
        }
    }

    /// A device of the callee says something.
    pub(crate) fn act(
        &mut self,
        now: Tick,
        device: SessionId,
        action: LegAction,
        out: &mut Vec<RingOutput>,
    ) -> Verdict {
        if self.is_over() {
            return Verdict::Gone;
        }
        let Some(leg) = self.legs.get_mut(&device) else {
            return Verdict::NotFound;
        };
        match action {
            LegAction::Ringing => {
                if *leg == Leg::Offered {
                    *leg = Leg::Ringing;
                }
                if self.phase == Phase::Offered && self.legs[&device] == Leg::Ringing {
                    self.phase = Phase::Ringing;
                    self.ends_at = (now + RING).min(self.since + RING * 2);
                    out.push(RingOutput::RecordRinging);
                    out.push(RingOutput::Timer(Some(self.ends_at)));
                    out.push(RingOutput::Progress);
                }
            }
            LegAction::Ignore => *leg = Leg::Ignored,
            LegAction::Busy => {
                *leg = Leg::Busy;
                self.end_if_all_are_busy(out);
            }
            LegAction::Decline => {
                self.end(RingOutcome::Declined, Some(device), out);
            }
            LegAction::Accept(_) => {
                self.end(RingOutcome::Accepted, Some(device), out);
                return Verdict::Won;
            }
        }
        Verdict::Ok
    }

    /// Who is called sits in the call already. They did not ask the ring, so all devices are told.
    pub(crate) fn answer(&mut self, out: &mut Vec<RingOutput>) {
        self.end(RingOutcome::Accepted, None, out);
    }

    /// The caller gave up, or is gone.
    pub(crate) fn cancel(&mut self, out: &mut Vec<RingOutput>) {
        if !self.is_over() {
            self.end(RingOutcome::Cancelled, None, out);
        }
    }

    /// The callee cannot be called now.
    pub(crate) fn refuse(&mut self, outcome: RingOutcome, out: &mut Vec<RingOutput>) {
        self.end(outcome, None, out);
    }

    /// It has lasted as long as it may.
    pub(crate) fn expire(&mut self, out: &mut Vec<RingOutput>) {
        if self.is_live() {
            self.end(RingOutcome::NoAnswer, None, out);
        }
    }

    /// Devices that did not say that they ring are woken.
    pub(crate) fn push_is_due(&mut self, out: &mut Vec<RingOutput>) {
        if self.is_live() {
            self.pushed = true;
            out.push(RingOutput::Push);
        }
    }

    fn end_if_all_are_busy(&mut self, out: &mut Vec<RingOutput>) {
        let all_busy = !self.legs.is_empty() && self.legs.values().all(|leg| *leg == Leg::Busy);
        if self.is_live() && all_busy {
            self.end(RingOutcome::Busy, None, out);
        }
    }

    /// The one way in which a ring ends. `by` decided it, and is answered instead of told.
    fn end(&mut self, outcome: RingOutcome, by: Option<SessionId>, out: &mut Vec<RingOutput>) {
        self.phase = Phase::Over(outcome);
        out.push(RingOutput::Timer(None));
        out.push(RingOutput::PushTimer(None));
        out.push(RingOutput::RecordEnd(outcome));
        let (at_caller, at_legs) = reasons(outcome);
        for (device, leg) in std::mem::take(&mut self.legs) {
            if Some(device) != by && matches!(leg, Leg::Offered | Leg::Ringing | Leg::Ignored) {
                out.push(RingOutput::EndLeg(device, at_legs));
            }
        }
        out.push(RingOutput::EndCaller(at_caller));
        if self.pushed {
            out.push(RingOutput::PushOver(outcome));
        }
    }
}

/// What the caller hears, and what the callee's other devices hear.
pub(crate) fn reasons(outcome: RingOutcome) -> (RingEndReason, RingEndReason) {
    match outcome {
        RingOutcome::Accepted => (RingEndReason::Accepted, RingEndReason::AnsweredElsewhere),
        RingOutcome::Declined => (RingEndReason::Declined, RingEndReason::DeclinedElsewhere),
        RingOutcome::Busy | RingOutcome::DoNotDisturb => (RingEndReason::Busy, RingEndReason::Busy),
        RingOutcome::NoAnswer => (RingEndReason::NoAnswer, RingEndReason::NoAnswer),
        RingOutcome::Cancelled => (RingEndReason::Cancelled, RingEndReason::Cancelled),
    }
}

const RING: Duration = Duration::from_millis(limits::RING_MS);
const PUSH_AFTER: Duration = Duration::from_millis(limits::PUSH_AFTER_MS);
