//! All connections: by slot, by 5-tuple, and counted by address.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::time::Tick;
use turn::FiveTuple;

use super::connection::{Arrival, Connection};
use crate::addresses::subscriber;

/// Connections one address may have open. Fewer would trouble an office behind one address, more
/// would let one machine take the server's file descriptors.
const OF_ONE_ADDRESS: usize = 512;
/// Connections in all.
const IN_ALL: usize = 8_192;

/// How often it is looked for connections whose time is over. Each look costs a comparison for
/// every connection; less often makes time-outs less exact.
const ROUND: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Connections {
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    by_path: HashMap<FiveTuple, usize>,
    by_address: BTreeMap<IpAddr, usize>,
    next_round: Option<Tick>,
}

impl Connections {
    /// Whether one more from this address is taken.
    pub(super) fn has_room_for(&self, client: SocketAddr) -> bool {
        let of_address = self.by_address.get(&subscriber(client.ip()));
        self.by_path.len() < IN_ALL && of_address.is_none_or(|count| *count < OF_ONE_ADDRESS)
    }

    /// The slot that the next connection gets.
    pub(super) fn next_slot(&self) -> usize {
        self.free.last().copied().unwrap_or(self.slots.len())
    }

    /// Adds a connection to [`Connections::next_slot`]. Of one with the same 5-tuple, which the
    /// system would not give twice, the old one has to be removed before.
    pub(super) fn insert(&mut self, arrival: Arrival, now: Tick) {
        let path = arrival.path();
        let connection = Some(Connection::new(arrival, path, now));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = connection;
                slot
            }
            None => {
                self.slots.push(connection);
                self.slots.len() - 1
            }
        };
        self.count_in(path, slot);
        self.look_again(now);
    }

    /// Gives a connection another 5-tuple, which no other may have.
    pub(super) fn rename(&mut self, slot: usize, path: FiveTuple) {
        if let Some(connection) = self.slots.get_mut(slot).and_then(Option::as_mut) {
            let old = connection.path();
            connection.set_path(path);
            self.count_out(&old);
            self.count_in(path, slot);
        }
    }

    fn count_in(&mut self, path: FiveTuple, slot: usize) {
        self.by_path.insert(path, slot);
        let address = subscriber(path.client.ip());
        *self.by_address.entry(address).or_default() += 1;
    }

    fn count_out(&mut self, path: &FiveTuple) {
        self.by_path.remove(path);
        let address = subscriber(path.client.ip());
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slots.get_mut(slot)?.as_mut()
    }

    pub(super) fn slot_of(&self, path: &FiveTuple) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Closes a connection; gives the 5-tuple that is no more.
    pub(super) fn remove(&mut self, slot: usize) -> Option<FiveTuple> {
        let path = self.slots.get_mut(slot)?.take()?.path();
        self.free.push(slot);
        self.count_out(&path);
        Some(path)
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
        let slots = self.slots.iter().enumerate();
        slots
            .filter(|(_, connection)| connection.as_ref().is_some_and(is_overdue))
            .map(|(slot, _)| slot)
            .collect()
    }
}
