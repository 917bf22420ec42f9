//! Tickets: single-use permissions to open a session.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::id::{DeviceId, LoginId, RoomId, Ticket, UserId};
use protocol::limits;
use protocol::text::Name;
use protocol::time::Tick;

use crate::ids::Ids;

/// Tickets that may wait at once. More would let a flood take memory, fewer would let it keep
/// others out for the 30 seconds a ticket lives; each costs about 100 bytes.
const MAX_WAITING: usize = 50_000;

/// Whose ticket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// Anybody's.
    Guest,
    /// A person's, who has signed in.
    Member {
        /// Who.
        user: UserId,
        /// With which sign-in; when it is revoked, so is what came of it.
        login: LoginId,
    },
    /// Somebody's without an account, whom a join token lets into one room.
    Visitor(Box<Visitor>),
}

/// Whom a join token lets in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Visitor {
    /// The token; when it is revoked, so is what came of it.
    pub login: LoginId,
    /// The one device that may use it.
    pub device: DeviceId,
    /// The one room it is for.
    pub room: RoomId,
    /// What they are called there.
    pub name: Name,
}

impl Bearer {
    /// The sign-in or token it rests on; `None` for a guest.
    pub(crate) fn login(&self) -> Option<LoginId> {
        match self {
            Bearer::Guest => None,
            Bearer::Member { login, .. } => Some(*login),
            Bearer::Visitor(visitor) => Some(visitor.login),
        }
    }
}

/// Tickets that have been issued and not yet used.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Tickets {
    valid: BTreeMap<Ticket, Bearer>,
    expiring: VecDeque<(Tick, Ticket)>,
}

impl Tickets {
    /// A new ticket; `None` when too many are waiting.
    pub(crate) fn issue(&mut self, now: Tick, bearer: Bearer, ids: &mut Ids) -> Option<Ticket> {
        self.expire(now);
        if self.expiring.len() >= MAX_WAITING {
            return None;
        }
        let ticket = Ticket::from_bytes(ids.fresh());
        self.valid.insert(ticket, bearer);
        self.expiring
            .push_back((now + Duration::from_millis(limits::TICKET_MS), ticket));
        Some(ticket)
    }

    /// Whose ticket it is, if it is good; once.
    pub(crate) fn redeem(&mut self, now: Tick, ticket: Ticket) -> Option<Bearer> {
        self.expire(now);
        self.valid.remove(&ticket)
    }

    /// What a sign-in has asked for is of no use any more.
    pub(crate) fn revoke(&mut self, revoked: LoginId) {
        self.valid
            .retain(|_, bearer| bearer.login() != Some(revoked));
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
            tickets.issue(start, Bearer::Guest, &mut ids),
            tickets.issue(start, Bearer::Guest, &mut ids),
        );
        assert_eq!(tickets.redeem(start, one.unwrap()), Some(Bearer::Guest));
        assert_eq!(tickets.redeem(start, one.unwrap()), None);
        let late = start + Duration::from_secs(30);
        assert_eq!(tickets.redeem(late, two.unwrap()), None);
        assert_eq!(tickets.redeem(start, Ticket::from_bytes([7; 16])), None);
    }

    #[test]
    fn a_revoked_sign_in_leaves_no_ticket_behind() {
        let (mut tickets, mut ids) = (Tickets::default(), Ids::new([0; 32]));
        let start = Tick::default();
        let member: fn(u8) -> Bearer = |n| Bearer::Member {
            user: UserId::from_bytes([1; 16]),
            login: LoginId::from_bytes([n; 16]),
        };
        let visitor: fn(u8) -> Bearer = |n| {
            Bearer::Visitor(Box::new(Visitor {
                login: LoginId::from_bytes([n; 16]),
                device: DeviceId::from_bytes([1; 16]),
                room: RoomId::from_bytes([1; 16]),
                name: "Ada".to_owned().try_into().unwrap(),
            }))
        };
        for bearer in [member, visitor] {
            let one = tickets.issue(start, bearer(1), &mut ids).unwrap();
            let two = tickets.issue(start, bearer(2), &mut ids).unwrap();
            tickets.revoke(LoginId::from_bytes([1; 16]));
            assert_eq!(tickets.redeem(start, one), None);
            assert_eq!(tickets.redeem(start, two), Some(bearer(2)));
        }
    }

    #[test]
    fn a_flood_of_tickets_takes_bounded_memory() {
        let (mut tickets, mut ids) = (Tickets::default(), Ids::new([0; 32]));
        let start = Tick::default();
        let issued = (0..MAX_WAITING + 10)
            .filter_map(|_| tickets.issue(start, Bearer::Guest, &mut ids))
            .count();
        assert_eq!(issued, MAX_WAITING);
        assert!(
            tickets
                .issue(start + Duration::from_secs(31), Bearer::Guest, &mut ids)
                .is_some()
        );
    }
}
