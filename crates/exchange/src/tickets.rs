//! Tickets: single-use permissions to open a session.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use protocol::id::Ticket;
use protocol::limits;
use protocol::time::Tick;

use crate::ids::Ids;

/// Tickets that may wait at once. More would let a flood take memory, fewer would let it keep
/// others out for the 30 seconds a ticket lives; each costs about 100 bytes.
const MAX_WAITING: usize = 50_000;

/// Tickets that have been issued and not yet used.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    valid: BTreeSet<Ticket>,
    expiring: VecDeque<(Tick, Ticket)>,
}

impl Tickets {
    /// A new ticket; `None` when too many are waiting.
    pub(crate) fn issue(&mut self, now: Tick, ids: &mut Ids) -> Option<Ticket> {
        self.expire(now);
        if self.expiring.len() >= MAX_WAITING {
            return None;
        }
        let ticket = Ticket::from_bytes(ids.fresh());
        self.valid.insert(ticket);
        self.expiring
            .push_back((now + Duration::from_millis(limits::TICKET_MS), ticket));
        Some(ticket)
    }

    /// Whether the ticket is good, once.
    pub(crate) fn redeem(&mut self, now: Tick, ticket: Ticket) -> bool {
        self.expire(now);
        self.valid.remove(&ticket)
    }

    fn expire(&mut self, now: Tick) {
        while let Some((at, ticket)) = self.expiring.front().copied()
            && at <= now
        {
            self.expiring.pop_front();
            self.valid.remove(&ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_not_for_ever() {
        let (mut tickets, mut ids) = (Tickets::default(), Ids::new([0; 32]));
        let start = Tick::default();
        let (one, two) = (
            tickets.issue(start, &mut ids),
            tickets.issue(start, &mut ids),
        );
        assert!(tickets.redeem(start, one.unwrap()));
        assert!(!tickets.redeem(start, one.unwrap()));
        assert!(!tickets.redeem(start + Duration::from_secs(30), two.unwrap()));
        assert!(!tickets.redeem(start, Ticket::from_bytes([7; 16])));
    }

    #[test]
    fn a_flood_of_tickets_takes_bounded_memory() {
        let (mut tickets, mut ids) = (Tickets::default(), Ids::new([0; 32]));
        let start = Tick::default();
        let issued = (0..MAX_WAITING + 10)
            .filter_map(|_| tickets.issue(start, &mut ids))
            .count();
        assert_eq!(issued, MAX_WAITING);
        assert!(
            tickets
                .issue(start + Duration::from_secs(31), &mut ids)
                .is_some()
        );
    }
}
