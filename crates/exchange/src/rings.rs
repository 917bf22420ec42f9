//! All rings: those that go on, by call and by callee, and those that are over for a short time.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{CallId, RingId, UserId};

use crate::ring::Ring;

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Rings {
    all: BTreeMap<RingId, Ring>,
    /// The one ring of a call that is not over.
    of_call: BTreeMap<CallId, RingId>,
    /// The rings to a person that are not over.
    to: BTreeMap<UserId, BTreeSet<RingId>>,
}

impl Rings {
    pub(crate) fn get(&self, id: RingId) -> Option<&Ring> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: RingId) -> Option<&mut Ring> {
        self.all.get_mut(&id)
    }

    pub(crate) fn insert(&mut self, ring: Ring) {
        let id = ring.what.ring;
        if !ring.is_over() {
            self.of_call.insert(ring.what.call, id);
            self.to.entry(ring.what.callee).or_default().insert(id);
        }
        self.all.insert(id, ring);
    }

    /// A ring is over, and kept to answer those who ask again.
    pub(crate) fn retire(&mut self, id: RingId) {
        let Some(ring) = self.all.get(&id) else {
            return;
        };
        if self.of_call.get(&ring.what.call) == Some(&id) {
            self.of_call.remove(&ring.what.call);
        }
        if let Some(rings) = self.to.get_mut(&ring.what.callee) {
            rings.remove(&id);
            if rings.is_empty() {
                self.to.remove(&ring.what.callee);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: RingId) -> Option<Ring> {
        self.retire(id);
        self.all.remove(&id)
    }

    /// The ring of a call that is not over.
    pub(crate) fn of_call(&self, call: CallId) -> Option<&Ring> {
        self.all.get(self.of_call.get(&call)?)
    }

    /// The rings to a person that are not over.
    pub(crate) fn to(&self, user: UserId) -> impl Iterator<Item = &Ring> {
        let ids = self.to.get(&user).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id))
    }

    /// The rings that are not over.
    pub(crate) fn live_rings(&self) -> impl Iterator<Item = &Ring> {
        self.of_call.values().filter_map(|id| self.all.get(id))
    }

    /// How many are not over.
    pub(crate) fn live(&self) -> usize {
        self.of_call.len()
    }
}
