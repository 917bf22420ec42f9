//! Refresh (RFC 8656 section 8.2, RFC 8016 section 3.2).

use std::time::Duration;

use protocol::time::Tick;

use super::Server;
use super::allocate::{requested_family, requested_lifetime};
use super::authenticate::User;
use crate::allocation::{AllocationId, FiveTuple};
use crate::reply::{Answer, Refusal};
use crate::stun::{Message, attribute as attr};

impl Server {
    pub(super) fn refresh(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<Answer, Refusal> {
        if message.first(attr::MOBILITY_TICKET).is_some() {
            return self.refresh_with_ticket(now, path, message, user);
        }
        let all = self.allocations_on(path)?;
        let ids = match meant_family(message)? {
            None => all,
            Some(family) => vec![self.allocation_for(path, family)?],
        };
        let mut lifetime = Duration::ZERO;
        for id in ids {
            lifetime = self.renew(now, id, message)?;
        }
        Ok(Answer::Refreshed {
            lifetime,
            ticket: None,
        })
    }

    /// Lets an allocation live as long as is asked for, and gives how long that is. Zero ends it.
    pub(super) fn renew(
        &mut self,
        now: Tick,
        id: AllocationId,
        message: &Message<'_>,
    ) -> Result<Duration, Refusal> {
        let allocation = self.allocations.get(id);
        let allocation = allocation.ok_or(Refusal::AllocationMismatch)?;
        let (family, age, is_trial) = (
            allocation.family(),
            now.saturating_since(allocation.created),
            allocation.is_trial,
        );
        if meant_family(message)?.is_some_and(|requested| requested != family) {
            return Err(Refusal::PeerFamilyMismatch);
        }
        let requested = requested_lifetime(message)?;
        if requested == Some(Duration::ZERO) {
            self.close(id);
            return Ok(Duration::ZERO);
        }
        let lifetime = self.lifetime(requested, age, is_trial);
        self.allocations.set_deadline(id, now + lifetime);
        self.purge(id, now);
        Ok(lifetime)
    }
}

/// Of which family the allocation is that is meant. A family that no allocation can have is another
/// than that of any.
fn meant_family(message: &Message<'_>) -> Result<Option<u8>, Refusal> {
    requested_family(message).map_err(|refusal| match refusal {
        Refusal::FamilyNotSupported => Refusal::PeerFamilyMismatch,
        refusal => refusal,
    })
}
