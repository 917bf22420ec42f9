//! Deadlines, by what they are for.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{CallId, ConnectionId, RingId, SessionId};
use protocol::time::Tick;

use crate::SocketId;

/// What a deadline is for. There is at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Timer {
    /// A new socket has to say hello.
    Hello(SocketId),
    /// A session's socket is to be pinged.
    Ping(SessionId),
    /// A session without a socket is given up.
    Window(SessionId),
    /// A connection has to come up, or come back.
    Connection(CallId, ConnectionId),
    /// The relay credentials of a call are to be renewed.
    Renew(CallId),
    /// Who has not come back to a call after a restart does not come any more.
    Reclaim(CallId),
    /// A ring has lasted as long as it may.
    Ring(RingId),
    /// Devices that sleep are to be woken for a ring.
    Push(RingId),
    /// A ring that is over is forgotten.
    Forget(RingId),
}

/// All deadlines, in the order they are due.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Timers {
    due: BTreeSet<(Tick, Timer)>,
    at: BTreeMap<Timer, Tick>,
}

impl Timers {
    /// Sets a deadline, in place of an earlier one for the same thing.
    pub(crate) fn set(&mut self, timer: Timer, at: Tick) {
        self.clear(timer);
        self.at.insert(timer, at);
        self.due.insert((at, timer));
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.due.remove(&(at, timer));
        }
    }

    pub(crate) fn next(&self) -> Option<Tick> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes out one deadline that is due.
    pub(crate) fn pop_due(&mut self, now: Tick) -> Option<Timer> {
        let (at, timer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: u64) -> Tick {
        Tick::from_micros(micros)
    }

    #[test]
    fn deadlines_come_in_order_and_only_when_due() {
        let mut timers = Timers::default();
        let (one, two) = (Timer::Hello(SocketId(1)), Timer::Hello(SocketId(2)));
        timers.set(one, at(5));
        timers.set(two, at(3));
        timers.set(one, at(9));
        assert_eq!(timers.next(), Some(at(3)));
        assert_eq!(timers.pop_due(at(8)), Some(two));
        assert_eq!(timers.pop_due(at(8)), None);
        timers.clear(one);
        assert_eq!(timers.next(), None);
    }
}
