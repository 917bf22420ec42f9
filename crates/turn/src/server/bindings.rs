//! Telling of channel bindings, for whoever mirrors them (see [`Event::BindingAdded`]).
//!
//! Nothing here is on the way of data: a binding changes by a request, or by the operator, and its
//! end by time stands in the event already.

use protocol::time::Tick;

use super::Server;
use crate::action::Event;
use crate::allocation::AllocationId;

impl Server {
    /// Tells of the channels of an allocation that carry data longer than was told before, or for
    /// the first time.
    pub(super) fn tell_bindings(&mut self, id: AllocationId, now: Tick) {
        let Some(allocation) = self.allocations.get_mut(id) else {
            return;
        };
        let events = &mut self.events;
        allocation.tell_bindings(id, now, |binding| events.push(Event::BindingAdded(binding)));
    }

    /// Takes out the channels of an allocation whose time is over, and tells.
    pub(super) fn purge(&mut self, id: AllocationId, now: Tick) {
        if let Some(allocation) = self.allocations.get_mut(id) {
            self.events.push_removed(allocation.purge(id, now));
        }
    }
}
