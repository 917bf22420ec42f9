//! What the driver is to hear besides actions, in the order it happened.

use std::collections::VecDeque;

use crate::action::{Binding, Event};
use crate::allocation::{AllocationId, Bindings};

/// Events that wait to be polled. What one input can add is bounded by the tables: the channels of
/// an allocation that ended stay in the one piece they were in, until they are told one by one.
#[derive(Debug, Default)]
pub(super) struct Events(VecDeque<Pending>);

#[derive(Debug)]
enum Pending {
    One(Event),
    Unbound(Box<Bindings>),
}

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        self.0.push_back(Pending::One(event));
    }

    /// An allocation has ended, and its channels with it.
    pub(super) fn push_closed(&mut self, id: AllocationId, bindings: Bindings) {
        if !bindings.is_empty() {
            self.0.push_back(Pending::Unbound(Box::new(bindings)));
        }
        self.push(Event::RelayClosed(id));
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        loop {
            if let Pending::Unbound(bindings) = self.0.front_mut()?
                && let Some(binding) = bindings.pop()
            {
                return Some(Event::BindingRemoved(binding));
            }
            if let Pending::One(event) = self.0.pop_front()? {
                return Some(event);
            }
        }
    }

    /// Channels that are gone while their allocation lives.
    pub(super) fn push_removed(&mut self, bindings: impl IntoIterator<Item = Binding>) {
        for binding in bindings {
            self.push(Event::BindingRemoved(binding));
        }
    }
}
