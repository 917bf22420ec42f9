//! The breakages.

use super::Mutant;

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a second device wins a ring as well",
        rule: "one device wins",
        world: "answering",
        depth: 7,
        edits: &[
            (
                "ring.rs",
                "        if self.is_over() {\n            return Verdict::Gone;\n        }\n",
                "        if self.is_over() {\n            return match action {\n                \
                 LegAction::Accept(_) if self.phase == Phase::Over(RingOutcome::Accepted) => \
                 Verdict::Won,\n                _ => Verdict::Gone,\n            \
                 };\n        }\n",
            ),
            (
                "call/seats.rs",
                "        if self.seat(me).is_none() && !self.has_room() {\n            return call_full();\n        \
                 }\n        let (user, name) = account;\n",
                "        let (user, name) = account;\n",
            ),
        ],
    },
    Mutant {
        name: "an accept ends the ring and seats nobody",
        rule: "is accepted and its callee does not sit in",
        world: "answering",
        depth: 7,
        edits: &[(
            "ringing.rs",
            "            self.seat_winner(now, by, call, media);\n            return self.carry_out_ring",
            "            let _ = media;\n            return self.carry_out_ring",
        )],
    },
    Mutant {
        name: "a device that only rings is in the call already",
        rule: "before a person accepts, dials or joins, nothing of theirs crosses",
        world: "answering",
        depth: 7,
        edits: &[(
            "ringing.rs",
            "        if let (Verdict::Won, LegAction::Accept(media)) = (verdict, action) {\n",
            "        if action == LegAction::Ringing {\n            \
             self.seat_winner(now, by.clone(), call, MediaState::default());\n        }\n        \
             if let (Verdict::Won, LegAction::Accept(media)) = (verdict, action) {\n",
        )],
    },
    Mutant {
        name: "other devices are not told that a ring is over",
        rule: "what rings at",
        world: "answering",
        depth: 7,
        edits: &[(
            "ring.rs",
            "                out.push(RingOutput::EndLeg(device, at_legs));\n",
            "                let _ = at_legs;\n",
        )],
    },
    Mutant {
        name: "a ring has no time at which it ends",
        rule: "a ring lives for ever",
        world: "answering",
        depth: 5,
        edits: &[(
            "ring.rs",
            "        self.ends_at = now + RING;\n        out.push(RingOutput::Timer(Some(self.ends_at)));\n",
            "        self.ends_at = now + RING;\n",
        )],
    },
    Mutant {
        name: "who gives up a ring that is over ends it again",
        rule: "a ring ends once",
        world: "answering",
        depth: 7,
        edits: &[(
            "ring.rs",
            "        if !self.is_over() {\n            self.end(RingOutcome::Cancelled",
            "        if self.phase != Phase::New {\n            self.end(RingOutcome::Cancelled",
        )],
    },
    Mutant {
        name: "an answer does not wait for the store",
        rule: "what is answered is stored",
        world: "a store that fails",
        depth: 7,
        edits: &[(
            "ledger.rs",
            "        self.issued.0 += 1;\n        self.current = Some(self.issued);\n",
            "        self.issued.0 += 1;\n",
        )],
    },
    Mutant {
        name: "a device that comes back is not told that it has missed something",
        rule: "rings, and was over before",
        world: "lost lines and repeats",
        depth: 9,
        edits: &[(
            "session.rs",
            "            up_to: self.outbox.last_seq(),\n",
            "            up_to: resume.last_seq,\n",
        )],
    },
    Mutant {
        name: "what was missed is not sent again",
        rule: "no frame is lost and none comes twice",
        world: "lost lines and repeats",
        depth: 8,
        edits: &[(
            "session.rs",
            "        self.sent = resume.last_seq;\n",
            "        self.sent = self.outbox.last_seq();\n",
        )],
    },
    Mutant {
        name: "candidates are taken and go nowhere",
        rule: "candidates are kept and not dropped",
        world: "talking",
        depth: 7,
        edits: &[(
            "call/negotiation.rs",
            "        let passed_on = CandidatesFrom { from, candidates };\n        \
             self.tell_others(me, Some(passed_on.into()), cx);\n",
            "        let _ = from;\n",
        )],
    },
    Mutant {
        name: "a session without a socket is kept for ever",
        rule: "sessions live for ever",
        world: "answering",
        depth: 3,
        edits: &[(
            "lib.rs",
            "        session.detach();\n        self.timers\n            \
             .set(Timer::Window(id), now.tick + session.window());\n",
            "        session.detach();\n",
        )],
    },
    Mutant {
        name: "a hidden ring rings at devices",
        rule: "a ring is nobody else's business",
        world: "calling somebody who has blocked one",
        depth: 5,
        edits: &[
            (
                "ring.rs",
                "        if self.what.hidden {\n            return;\n        }\n        out.push(RingOutput::PushTimer(Some(now + PUSH_AFTER)));\n",
                "",
            ),
            (
                "ring.rs",
                "self.is_live() && !self.what.hidden && ",
                "self.is_live() && ",
            ),
        ],
    },
    Mutant {
        name: "a hidden ring wakes devices",
        rule: "a hidden ring wakes nobody",
        world: "calling somebody who has blocked one",
        depth: 5,
        edits: &[(
            "ring.rs",
            "        if self.what.hidden {\n            return;\n        }\n        out.push(RingOutput::PushTimer",
            "        out.push(RingOutput::PushTimer",
        )],
    },
    Mutant {
        name: "a hidden ring is busy when the callee is",
        rule: "who is blocked sees what they would see",
        world: "blocked by somebody, and they are not to be disturbed",
        depth: 5,
        edits: &[(
            "ringing.rs",
            "&& !hidden\n            && let Some(why)",
            "&& let Some(why)",
        )],
    },
    Mutant {
        name: "who is blocked sees who is there",
        rule: "who is blocked sees what they would see",
        world: "blocked by somebody, and they are there",
        depth: 2,
        edits: &[(
            "people.rs",
            "!self.is_contact(user, viewer) || self.shuts_out(user, viewer)",
            "!self.is_contact(user, viewer)",
        )],
    },
];
