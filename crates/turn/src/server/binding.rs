//! Binding (RFC 8489 section 3), and what RFC 5780 adds to it.

use protocol::time::Tick;

use super::{Decision, Server};
use crate::allocation::FiveTuple;
use crate::discovery;
use crate::reply::{Answer, Envelope, UnknownAttributes};
use crate::stun::Message;

impl Server {
    /// Decides a Binding request, and changes the 5-tuple if the answer is to take another way.
    pub(super) fn decide_binding(
        &mut self,
        now: Tick,
        path: &mut FiveTuple,
        message: &Message<'_>,
    ) -> Decision {
        let discoverer = self.discoverer.as_mut().filter(|it| it.covers(path));
        let also_known: &[u16] = match discoverer {
            Some(_) => &discovery::ATTRIBUTES,
            None => &[],
        };
        let answer = if let Some(unknown) = UnknownAttributes::beyond(message, also_known) {
            Answer::Unknown(unknown)
        } else if let Some(discoverer) = discoverer {
            match discoverer.decide(now, *path, message) {
                Ok(Some((answered, discovered))) => {
                    *path = answered;
                    Answer::Discovered(discovered)
                }
                Ok(None) => return Decision::Ignore,
                Err(refusal) => Answer::Refused(refusal),
            }
        } else {
            Answer::Mapped
        };
        Decision::Answer(Envelope::of(message), answer)
    }
}
