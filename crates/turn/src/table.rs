//! All allocations, found by 5-tuple, by relayed transport address, and by deadline.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use protocol::time::Tick;

use crate::allocation::{Allocation, AllocationId, FiveTuple};
use crate::seed::{KeyedHasher, Seed};

/// The table of allocations. Its maps are only looked into, never walked through, so that their
/// order cannot reach an output.
#[derive(Debug)]
pub(crate) struct Allocations {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_path: HashMap<FiveTuple, AllocationId, KeyedHasher>,
    by_relayed: HashMap<SocketAddr, AllocationId, KeyedHasher>,
    deadlines: BTreeSet<(Tick, AllocationId)>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    allocation: Option<Box<Allocation>>,
}

impl Allocations {
    pub(crate) fn new(seed: &Seed) -> Allocations {
        Allocations {
            slots: Vec::new(),
            free: Vec::new(),
            by_path: HashMap::with_hasher(seed.hasher("5-tuples")),
            by_relayed: HashMap::with_hasher(seed.hasher("relayed transport addresses")),
            deadlines: BTreeSet::new(),
        }
    }

    /// Adds an allocation. If its 5-tuple has one already, that is of the other address family,
    /// and stays the first.
    pub(crate) fn insert(&mut self, allocation: Allocation) -> AllocationId {
        let path = allocation.path;
        let deadline = allocation.expires;
        let id = self.place(Box::new(allocation));
        match self.by_path.get(&path).copied() {
            None => {
                self.by_path.insert(path, id);
            }
            Some(first) => self.link(first, id),
        }
        self.deadlines.insert((deadline, id));
        id
    }

    /// Records the relayed transport address that was opened; `false` if another allocation has
    /// it already.
    pub(crate) fn set_relayed(&mut self, id: AllocationId, relayed: SocketAddr) -> bool {
        if self.by_relayed.contains_key(&relayed) {
            return false;
        }
        let Some(allocation) = self.get_mut(id) else {
            return false;
        };
        allocation.relayed = relayed;
        self.by_relayed.insert(relayed, id);
        true
    }

    /// Moves the deadline of an allocation.
    pub(crate) fn set_deadline(&mut self, id: AllocationId, expires: Tick) {
        let Some(allocation) = self.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut allocation.expires, expires);
        self.deadlines.remove(&(before, id));
        self.deadlines.insert((expires, id));
    }

    /// Lets a 5-tuple, which must not have one, lead to an allocation.
    pub(crate) fn add_path(&mut self, path: FiveTuple, id: AllocationId) {
        self.by_path.insert(path, id);
    }

    /// Lets a 5-tuple lead nowhere.
    pub(crate) fn remove_path(&mut self, path: &FiveTuple) {
        self.by_path.remove(path);
    }

    /// Takes an allocation out.
    pub(crate) fn remove(&mut self, id: AllocationId) -> Option<Box<Allocation>> {
        self.get(id)?;
        let slot = &mut self.slots[id.slot()];
        slot.generation = slot.generation.wrapping_add(1);
        let allocation = slot.allocation.take()?;
        self.free.push(id.slot);
        for path in allocation.paths() {
            self.by_path.remove(&path);
        }
        if let Some(other) = allocation.other {
            self.by_path.insert(allocation.path, other);
            if let Some(other) = self.get_mut(other) {
                other.other = None;
            }
        }
        if allocation.is_open() {
            self.by_relayed.remove(&allocation.relayed);
        }
        self.deadlines.remove(&(allocation.expires, id));
        Some(allocation)
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<(Tick, AllocationId)> {
        self.deadlines.first().copied()
    }

    pub(crate) fn get(&self, id: AllocationId) -> Option<&Allocation> {
        let slot = self.slots.get(id.slot())?;
        slot.allocation
            .as_deref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: AllocationId) -> Option<&mut Allocation> {
        let slot = self.slots.get_mut(id.slot())?;
        slot.allocation
            .as_deref_mut()
            .filter(|_| slot.generation == id.generation)
    }

    /// The allocation of a 5-tuple, also one that is still being opened. If there are two, the
    /// first.
    pub(crate) fn on_path(&self, path: &FiveTuple) -> Option<(AllocationId, &Allocation)> {
        let id = *self.by_path.get(path)?;
        Some((id, self.get(id)?))
    }

    /// The allocation of a 5-tuple for peers of this address family.
    pub(crate) fn of_family(
        &self,
        path: &FiveTuple,
        family: u8,
    ) -> Option<(AllocationId, &Allocation)> {
        self.all_on_path(path)
            .find(|(_, allocation)| allocation.family() == family)
    }

    /// One or two allocations of a 5-tuple.
    pub(crate) fn all_on_path(
        &self,
        path: &FiveTuple,
    ) -> impl Iterator<Item = (AllocationId, &Allocation)> {
        let first = self.on_path(path);
        let other = first.and_then(|(_, first)| {
            let id = first.other?;
            Some((id, self.get(id)?))
        });
        first.into_iter().chain(other)
    }

    fn link(&mut self, first: AllocationId, second: AllocationId) {
        for (id, other) in [(first, second), (second, first)] {
            if let Some(allocation) = self.get_mut(id) {
                allocation.other = Some(other);
            }
        }
    }

    /// The allocation that owns a relayed transport address.
    pub(crate) fn with_relayed(&self, relayed: &SocketAddr) -> Option<AllocationId> {
        self.by_relayed.get(relayed).copied()
    }

    /// All allocations, by slot: their order follows from the inputs alone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (AllocationId, &Allocation)> {
        self.slots.iter().zip(0..).filter_map(|(place, slot)| {
            let id = AllocationId {
                slot,
                generation: place.generation,
            };
            Some((id, place.allocation.as_deref()?))
        })
    }

    /// The same, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (AllocationId, &mut Allocation)> {
        self.slots.iter_mut().zip(0..).filter_map(|(place, slot)| {
            let id = AllocationId {
                slot,
                generation: place.generation,
            };
            Some((id, place.allocation.as_deref_mut()?))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn place(&mut self, allocation: Box<Allocation>) -> AllocationId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                allocation: None,
            });
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.allocation = Some(allocation);
        AllocationId {
            slot,
            generation: place.generation,
        }
    }
}
