//! What threads hand to each other: connections, which one of them accepts for all, and which are
//! joined with those of peers where these are; and the packets
//! of clients that are heard by one and have their allocation with another, those that moved (see
//! `turn::mobility`), which are few.
//!
//! ```text
//! client ──► its socket, thread B ── packets ──► thread A, its allocation ──► peer
//!   ▲                                               │
//!   ├────────────────── data by UDP ────────────────┤
//!   └── thread B ◄───── packets: answers, and what goes by a connection
//! ```

use std::sync::{Arc, mpsc};

use mio::Waker;
use turn::{Content, FiveTuple};

use super::connections::Newcomer;
use super::worker::HandedOver;

/// Packets that may wait for one thread. More would only make them older, less would lose them
/// while that thread has a full round of its own.
const QUEUE: usize = 512;

/// Packets taken before sockets get their turn.
pub(super) const BUDGET: usize = 64;

/// A packet on its way between threads. If there is no room it is lost, as any on its way may be.
#[derive(Debug)]
pub(super) enum Packet {
    /// What came from a client; `heard_by` is the number of the thread it arrived at.
    FromClient {
        heard_by: u16,
        path: FiveTuple,
        bytes: Box<[u8]>,
    },
    /// What the other thread is to send.
    ToClient {
        path: FiveTuple,
        bytes: Box<[u8]>,
        content: Content,
    },
}

/// What must not be lost. There are as many as clients that come, move and go.
#[derive(Debug)]
pub(super) enum Note {
    /// Hand over what comes on this 5-tuple.
    Forward { path: FiveTuple, to: u16 },
    /// Do so no more.
    StopForwarding { path: FiveTuple, to: u16 },
    /// A connection that is to be this thread's.
    Newcomer(Box<Newcomer>),
    /// A connection that has to be this thread's, as the peer it asks for is.
    HandedOver(Box<HandedOver>),
    /// A connection is over.
    Disconnected(FiveTuple),
    /// A proxy has said of a connection elsewhere that it has this 5-tuple now: an older one is over.
    Replaced(FiveTuple),
}

/// The way to one thread.
#[derive(Clone, Debug)]
struct Way {
    packets: mpsc::SyncSender<Packet>,
    notes: mpsc::Sender<Note>,
    waker: Arc<Waker>,
}

/// What a thread is handed.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) packets: mpsc::Receiver<Packet>,
    pub(super) notes: mpsc::Receiver<Note>,
}

/// The ways to all threads, for one of them.
#[derive(Debug)]
pub(super) struct Colleagues {
    pub(super) own_number: u16,
    next: u16,
    ways: Vec<Way>,
}

/// The colleagues and the inbox of every thread, in the order of their wakers.
pub(super) fn introduce(wakers: &[Arc<Waker>]) -> Vec<(Colleagues, Inbox)> {
    let mut ways = Vec::new();
    let mut inboxes = Vec::new();
    for waker in wakers {
        let (packets, packets_inbox) = mpsc::sync_channel(QUEUE);
        let (notes, notes_inbox) = mpsc::channel();
        ways.push(Way {
            packets,
            notes,
            waker: waker.clone(),
        });
        inboxes.push(Inbox {
            packets: packets_inbox,
            notes: notes_inbox,
        });
    }
    let colleagues = |own_number| Colleagues {
        own_number,
        next: own_number,
        ways: ways.clone(),
    };
    (0..).map(colleagues).zip(inboxes).collect()
}

impl Colleagues {
    /// One of all threads, each in its turn; the own one first.
    pub(super) fn next(&mut self) -> u16 {
        let number = self.next;
        self.next = (number + 1) % self.ways.len() as u16;
        number
    }

    pub(super) fn hand(&self, to: u16, packet: Packet) {
        if let Some(way) = self.ways.get(usize::from(to))
            && way.packets.try_send(packet).is_ok()
        {
            let _ = way.waker.wake();
        }
    }

    pub(super) fn tell(&self, to: u16, note: Note) {
        if let Some(way) = self.ways.get(usize::from(to))
            && way.notes.send(note).is_ok()
        {
            let _ = way.waker.wake();
        }
    }

    /// Tells all others that an older connection with this 5-tuple is over.
    pub(super) fn replace(&self, path: FiveTuple) {
        let all = 0..self.ways.len() as u16;
        for to in all.filter(|to| *to != self.own_number) {
            self.tell(to, Note::Replaced(path));
        }
    }

    /// Wakes the thread itself: something is left in its inbox.
    pub(super) fn come_back(&self) {
        if let Some(way) = self.ways.get(usize::from(self.own_number)) {
            let _ = way.waker.wake();
        }
    }
}
