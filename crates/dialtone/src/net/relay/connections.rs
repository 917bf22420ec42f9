//! The connections of one thread: by slot and by 5-tuple.

use std::collections::HashMap;
use std::time::Duration;

use protocol::time::Tick;
use slab::Slab;
use turn::FiveTuple;

use super::connection::{Arrival, Connection};
use crate::net::guests::Guest;

/// How often it is looked for connections whose time is over. Each look costs a comparison for
/// every connection; less often makes time-outs less exact.
const ROUND: Duration = Duration::from_secs(1);

/// A connection that was accepted and has no thread yet.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) arrival: Arrival,
    pub(super) guest: Guest,
}

/// A connection, counted as long as it lasts.
pub(super) struct Seat {
    pub(super) connection: Connection,
    pub(super) guest: Guest,
}

#[derive(Default)]
pub(super) struct Connections {
    slots: Slab<Seat>,
    by_path: HashMap<FiveTuple, usize>,
    next_round: Option<Tick>,
}

impl Connections {
    /// The slot that the next connection gets.
    pub(super) fn next_slot(&self) -> usize {
        self.slots.vacant_key()
    }

    /// Adds a connection to [`Connections::next_slot`]. Of one with the same 5-tuple, which the
    /// system would not give twice, the old one has to be removed before.
    pub(super) fn insert(&mut self, Newcomer { arrival, guest }: Newcomer, now: Tick) {
        let path = arrival.path();
        let connection = Connection::new(arrival, path, now);
        self.seat(Seat { connection, guest }, now);
    }

    /// The same for one that has been somewhere else.
    pub(super) fn seat(&mut self, seat: Seat, now: Tick) {
        let path = seat.connection.path();
        let slot = self.slots.insert(seat);
        self.by_path.insert(path, slot);
        self.look_again(now);
    }

    /// Gives a connection another 5-tuple, which no other may have, and counts it as this guest.
    pub(super) fn rename(&mut self, slot: usize, path: FiveTuple, guest: Guest) {
        if let Some(seat) = self.slots.get_mut(slot) {
            self.by_path.remove(&seat.connection.path());
            self.by_path.insert(path, slot);
            seat.connection.set_path(path);
            seat.guest = guest;
        }
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slots.get_mut(slot).map(|seat| &mut seat.connection)
    }

    pub(super) fn slot_of(&self, path: &FiveTuple) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Closes a connection; gives the 5-tuple that is no more.
    pub(super) fn remove(&mut self, slot: usize) -> Option<FiveTuple> {
        Some(self.take(slot)?.connection.path())
    }

    /// Takes a connection out as it is.
    pub(super) fn take(&mut self, slot: usize) -> Option<Seat> {
        let seat = self.slots.try_remove(slot)?;
        self.by_path.remove(&seat.connection.path());
        Some(seat)
    }

    /// When the next look at all connections is due.
    pub(super) fn next_round(&self) -> Option<Tick> {
        self.next_round
    }

    /// Asks for a look at all connections soon.
    pub(super) fn look_again(&mut self, now: Tick) {
        self.next_round.get_or_insert(now + ROUND);
    }

    /// Slots of connections whose time is over, if it is time to look.
    pub(super) fn overdue(
        &mut self,
        now: Tick,
        has_allocation: impl Fn(&FiveTuple) -> bool,
    ) -> Vec<usize> {
        self.next_round = (!self.by_path.is_empty()).then(|| now + ROUND);
        let is_overdue = |connection: &Connection| {
            connection.is_overdue(has_allocation(&connection.path()), now)
        };
        let seats = self.slots.iter();
        seats
            .filter(|(_, seat)| is_overdue(&seat.connection))
            .map(|(slot, _)| slot)
            .collect()
    }
}
