//! What was given to the store, how far it is safe, and what waits for it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{CallId, ParticipantId, RingId, SessionId};
use protocol::message::ChatFrom;
use protocol::text::Token;

use crate::records::{Entry, Record, WriteId};

/// A request that has an effect once its record is stored, and none if it cannot be.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Parked {
    /// A ring is offered.
    Ring(RingId),
    /// A message is left after a ring.
    Message { ring: RingId, by: Asker },
    /// A chat message is passed on, unless its call is over.
    Chat {
        call: Option<CallId>,
        from: ParticipantId,
        said: Box<ChatFrom>,
        by: Asker,
    },
}

/// Who is waiting for an answer.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Asker {
    pub(crate) session: SessionId,
    pub(crate) re: Option<Token>,
}

/// The order of everything that is to be kept.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Ledger {
    issued: WriteId,
    /// Nothing waits for records up to here: they are safe, or the store fails and they are
    /// being tried again.
    settled: WriteId,
    /// The newest record of the input that is being handled.
    current: Option<WriteId>,
    /// The store could not keep what it was last given.
    failing: bool,
    parked: BTreeMap<WriteId, Parked>,
    /// Sessions with frames that wait.
    waiting: BTreeSet<SessionId>,
}

impl Ledger {
    /// Gives a record its place.
    pub(crate) fn enter(&mut self, at_ms: u64, record: Record) -> Entry {
        self.issued.0 += 1;
        self.current = Some(self.issued);
        Entry {
            id: self.issued,
            at_ms,
            record,
        }
    }

    /// Gives a record its place, and puts aside what follows from it.
    pub(crate) fn park(&mut self, at_ms: u64, record: Record, parked: Parked) -> Entry {
        debug_assert!(record.can_be_refused());
        self.issued.0 += 1;
        self.parked.insert(self.issued, parked);
        Entry {
            id: self.issued,
            at_ms,
            record,
        }
    }

    /// A call is over: what is still to be stored of it is not said in another one with its id.
    pub(crate) fn forget_call(&mut self, id: CallId) {
        for parked in self.parked.values_mut() {
            if let Parked::Chat { call, .. } = parked {
                *call = call.filter(|call| *call != id);
            }
        }
    }

    /// What is told of the input that is being handled waits for every record there is.
    pub(crate) fn wait_for_all(&mut self) {
        self.current = Some(self.issued);
    }

    /// The record that frames of the input just handled wait for.
    pub(crate) fn take_current(&mut self) -> Option<WriteId> {
        self.current.take()
    }

    /// Everything up to `id` is safe. Returns what was put aside for it, in order.
    pub(crate) fn stored(&mut self, id: WriteId) -> Vec<Parked> {
        self.failing = false;
        self.settle(id)
    }

    /// The store fails. Returns what is to be refused, in order.
    pub(crate) fn not_stored(&mut self, id: WriteId) -> Vec<Parked> {
        self.failing = true;
        self.settle(id)
    }

    fn settle(&mut self, id: WriteId) -> Vec<Parked> {
        self.settled = self.settled.max(id.min(self.issued));
        let later = self.parked.split_off(&WriteId(self.settled.0 + 1));
        std::mem::replace(&mut self.parked, later)
            .into_values()
            .collect()
    }

    pub(crate) fn settled(&self) -> WriteId {
        self.settled
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    pub(crate) fn wait(&mut self, session: SessionId) {
        self.waiting.insert(session);
    }

    pub(crate) fn take_waiting(&mut self) -> BTreeSet<SessionId> {
        std::mem::take(&mut self.waiting)
    }
}
