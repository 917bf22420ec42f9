//! Refresh (RFC 8656 section 8.2).

use std::time::Duration;

use protocol::time::Tick;

use super::Server;
use super::allocate::{family_of, requested_family, requested_lifetime};
use crate::allocation::FiveTuple;
use crate::reply::{Answer, Refusal};
use crate::stun::Message;

impl Server {
    pub(super) fn refresh(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
    ) -> Result<Answer, Refusal> {
        let (id, allocation) = self.allocation_on(path)?;
        let family = family_of(allocation.relayed.ip());
        let age = now.saturating_since(allocation.created);
        if requested_family(message)?.is_some_and(|requested| requested != family) {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let requested = requested_lifetime(message)?;
        if requested == Some(Duration::ZERO) {
            self.close(id);
            return Ok(Answer::Refreshed(Duration::ZERO));
        }
        let lifetime = self.lifetime(requested, age);
        self.allocations.set_deadline(id, now + lifetime);
        self.purge(id, now);
        Ok(Answer::Refreshed(lifetime))
    }
}
