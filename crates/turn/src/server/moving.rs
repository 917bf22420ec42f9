//! Allocations that move with their clients (RFC 8016), and clients that are heard by another
//! server than the one that has their allocation; see [`crate::mobility`].

use std::ops::Range;
use std::time::Duration;

use protocol::time::{Now, Tick};

use super::authenticate::User;
use super::{Decision, Server};
use crate::action::{Action, Event};
use crate::allocation::{Allocation, AllocationId, FiveTuple};
use crate::mobility::{LastMove, Mobile, SealedTicket, Ticket};
use crate::reply::{Answer, Refusal};
use crate::reservations::Reservations;
use crate::stun::{Message, Method, attribute as attr};

impl Server {
    /// Takes a datagram as [`Server::handle_datagram`] does, that another server was given and
    /// handed over; `arrives_at` is the number of that one. Never hands it on.
    ///
    /// # Panics
    /// If `datagram` is not inside of `buffer`.
    pub fn handle_from_shard(
        &mut self,
        now: Now,
        arrives_at: u16,
        path: FiveTuple,
        buffer: &mut [u8],
        datagram: Range<usize>,
    ) -> Action {
        self.arrives_at = Some(arrives_at);
        let action = self.handle_here(now, path, buffer, datagram);
        self.arrives_at = None;
        action
    }

    /// Hands over from now on whatever comes on a 5-tuple, as [`Event::Forward`] of that server
    /// asks for.
    pub fn forward(&mut self, path: FiveTuple, shard: u16) {
        self.away.insert(path, shard);
    }

    /// Ends what [`Server::forward`] began with the same server.
    pub fn stop_forwarding(&mut self, path: FiveTuple, shard: u16) {
        if self.away.get(&path) == Some(&shard) {
            self.away.remove(&path);
        }
    }

    /// Which other server whatever comes on this 5-tuple is handed over to.
    pub fn forwards_to(&self, path: &FiveTuple) -> Option<u16> {
        if self.away.is_empty() {
            return None;
        }
        self.away.get(path).copied()
    }

    /// Which other server hears the client on this 5-tuple, and has its connection if it is one.
    pub fn arrives_at(&self, path: &FiveTuple) -> Option<u16> {
        if self.visitors.is_empty() {
            return None;
        }
        self.visitors.get(path).copied()
    }

    /// MOBILITY-TICKET in Allocate: empty, it asks for a ticket.
    pub(super) fn wants_mobility(
        &self,
        message: &Message<'_>,
    ) -> Result<Option<Box<Mobile>>, Refusal> {
        match message.first(attr::MOBILITY_TICKET) {
            None => Ok(None),
            Some([]) if self.mobility => Ok(Some(Box::default())),
            Some([]) => Err(Refusal::MobilityForbidden),
            Some(_) => Err(Refusal::BadRequest),
        }
    }

    /// The ticket that is good for an allocation, if it has one.
    pub(super) fn ticket_of(&self, id: AllocationId) -> Option<Box<SealedTicket>> {
        let mobile = self.allocations.get(id)?.mobile.as_ref()?;
        let ticket = Ticket {
            shard: self.shard.number,
            allocation: id,
            moves: mobile.moves,
        };
        Some(Box::new(self.tickets.seal(&ticket)))
    }

    /// The allocation of this server that a request shows a ticket for, whoever sent it.
    pub(super) fn with_ticket(&self, message: &Message<'_>) -> Option<(AllocationId, &Allocation)> {
        let id = self.ticket_in(message)?.allocation;
        Some((id, self.allocations.get(id)?))
    }

    fn ticket_in(&self, message: &Message<'_>) -> Option<Ticket> {
        if message.method() != Method::REFRESH {
            return None;
        }
        let ticket = self.tickets.open(message.first(attr::MOBILITY_TICKET)?)?;
        (ticket.shard == self.shard.number).then_some(ticket)
    }

    /// Which other server a Refresh is for. The ticket is one of ours, or nobody is troubled; who
    /// sends it is for that server to find out, as it has the key of the allocation.
    pub(super) fn ticket_elsewhere(
        &self,
        path: &FiveTuple,
        message: &Message<'_>,
    ) -> Option<Decision> {
        let ticket = message.first(attr::MOBILITY_TICKET)?;
        let is_settled = self.arrives_at.is_some() || self.has_allocation(path);
        if is_settled || message.method() != Method::REFRESH || message.integrity().is_none() {
            return None;
        }
        let shard = self.tickets.open(ticket)?.shard;
        self.shard
            .has_other(shard)
            .then_some(Decision::Elsewhere(shard))
    }

    /// Which other server keeps the port that a user's Allocate asks for.
    pub(super) fn reservation_elsewhere(&self, message: &Message<'_>) -> Option<Decision> {
        let shard = Reservations::shard_of(message.first(attr::RESERVATION_TOKEN)?)?;
        let is_elsewhere = self.arrives_at.is_none() && self.shard.has_other(shard);
        is_elsewhere.then_some(Decision::Elsewhere(shard))
    }

    /// Refresh with a ticket: moves the allocation to where the request came from.
    pub(super) fn refresh_with_ticket(
        &mut self,
        now: Tick,
        path: FiveTuple,
        message: &Message<'_>,
        user: &User<'_>,
    ) -> Result<Answer, Refusal> {
        if !self.mobility {
            return Err(Refusal::MobilityForbidden);
        }
        let ticket = self.ticket_in(message).ok_or(Refusal::BadRequest)?;
        let id = ticket.allocation;
        let allocation = self.allocations.get(id).ok_or(Refusal::BadRequest)?;
        let mobile = allocation.mobile.as_ref().ok_or(Refusal::BadRequest)?;
        if allocation.share.username() != &*user.name || allocation.key != user.key {
            return Err(Refusal::WrongCredentials);
        }
        if let Some(last) = mobile.last
            && ticket.moves.wrapping_add(1) == mobile.moves
            && (last.transaction, last.path) == (message.transaction(), path)
        {
            return Ok(self.refreshed(id, last.lifetime));
        }
        if ticket.moves != mobile.moves || allocation.is_heard_only_on(&path) {
            return Err(Refusal::BadRequest);
        }
        let on_path = self.allocations.on_path(&path);
        if on_path.is_some_and(|(other, _)| other != id) {
            return Err(Refusal::AllocationMismatch);
        }
        let lifetime = self.renew(now, id, message)?;
        if !lifetime.is_zero() {
            let last = LastMove {
                transaction: message.transaction(),
                path,
                lifetime,
            };
            self.relocate(id, last);
        }
        Ok(self.refreshed(id, lifetime))
    }

    fn refreshed(&self, id: AllocationId, lifetime: Duration) -> Answer {
        Answer::Refreshed {
            lifetime,
            ticket: self.ticket_of(id),
        }
    }

    /// Lets an allocation be heard on another 5-tuple, too, and only there if its own is gone.
    fn relocate(&mut self, id: AllocationId, last: LastMove) {
        let path = last.path;
        let Some(allocation) = self.allocations.get_mut(id) else {
            return;
        };
        let (here, is_attached) = (allocation.path, allocation.is_attached());
        let Some(mobile) = allocation.mobile.as_mut() else {
            return;
        };
        mobile.moves = mobile.moves.wrapping_add(1);
        mobile.last = Some(last);
        let given_up = mobile.next.take();
        let is_back = is_attached && here == path;
        if !is_back {
            mobile.next = Some(path);
        }
        if let Some(given_up) = given_up {
            self.leave(given_up);
        }
        if !is_back {
            self.allocations.add_path(path, id);
            self.visit(path);
        }
        if !is_attached {
            self.settle(id);
        }
        self.counters.moves += 1;
    }

    /// The client has shown that it is where its allocation moves to: what it left counts no more.
    pub(super) fn settle(&mut self, id: AllocationId) {
        let Some(allocation) = self.allocations.get_mut(id) else {
            return;
        };
        let (before, was_attached) = (allocation.path, allocation.is_attached());
        let Some(mobile) = allocation.mobile.as_mut() else {
            return;
        };
        let Some(path) = mobile.next.take() else {
            return;
        };
        mobile.is_detached = false;
        let events = &mut self.events;
        allocation.set_path(id, path, |before, after| {
            events.push(Event::BindingRemoved(before));
            events.push(Event::BindingAdded(after));
        });
        if was_attached {
            self.leave(before);
        }
    }

    /// A connection is gone that may be one of two the client is heard on.
    pub(super) fn detach(&mut self, id: AllocationId, path: FiveTuple) {
        let Some(allocation) = self.allocations.get_mut(id) else {
            return;
        };
        let is_next = allocation.is_moving_to(&path);
        let Some(mobile) = allocation.mobile.as_mut() else {
            return self.close(id);
        };
        if is_next {
            mobile.next = None;
            self.leave(path);
        } else if mobile.next.is_some() {
            self.settle(id);
        } else {
            mobile.is_detached = true;
            self.leave(path);
        }
    }

    /// A client begins to be heard on a 5-tuple.
    pub(super) fn visit(&mut self, path: FiveTuple) {
        if let Some(arrives_at) = self.arrives_at {
            self.visitors.insert(path, arrives_at);
            self.events.push(Event::Forward { path, arrives_at });
        }
    }

    /// A 5-tuple stands for nobody any more.
    fn leave(&mut self, path: FiveTuple) {
        self.allocations.remove_path(&path);
        self.bid_farewell(path);
    }

    /// Nothing that comes on a 5-tuple is for here any more, unless another allocation has it, too.
    pub(super) fn bid_farewell(&mut self, path: FiveTuple) {
        if self.allocations.on_path(&path).is_some() {
            return;
        }
        if let Some(arrives_at) = self.visitors.remove(&path) {
            self.events.push(Event::StopForwarding { path, arrives_at });
        }
    }
}
