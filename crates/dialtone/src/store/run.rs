//! Records in the order in which tables want them.
//!
//! Record by record a group would take a statement each. A **run** is as much of a group as says
//! the same when it is written kind by kind, many rows at a time.

use std::collections::HashSet;

use exchange::records::{Entry, Record, Ring};
use protocol::id::*;
use protocol::message::ChatFrom;

use super::words;
use super::{Value, args};
use crate::webhooks::EventKind;

/// Rows, kind by kind.
#[derive(Debug, Default)]
pub struct Run {
    pub opened: Vec<Vec<Value>>,
    pub seated: Vec<Vec<Value>>,
    pub connected: Vec<Vec<Value>>,
    pub rung: Vec<Vec<Value>>,
    pub ringing: Vec<Vec<Value>>,
    pub said: Vec<Vec<Value>>,
    pub rings_ended: Vec<Vec<Value>>,
    pub messages: Vec<Vec<Value>>,
    pub unseated: Vec<Vec<Value>>,
    pub calls_ended: Vec<Vec<Value>>,
    pub rooms_closed: Vec<Vec<Value>>,
    /// What webhooks may want to hear of, in order.
    pub events: Vec<Vec<Value>>,
    seats: HashSet<(CallId, ParticipantId)>,
    calls: HashSet<CallId>,
    ended: HashSet<CallId>,
}

impl Run {
    /// Cuts a group into runs.
    pub fn cut(group: &[Entry]) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut run = Run::default();
        for entry in group {
            if !run.takes(&entry.record) {
                runs.push(std::mem::take(&mut run));
            }
            run.add(entry);
        }
        runs.push(run);
        runs
    }

    /// Whether what came before this record is also written before it, and none of its rows twice.
    fn takes(&self, record: &Record) -> bool {
        match record {
            Record::CallOpened { call, .. } => !self.calls.contains(call),
            Record::Seated {
                call, participant, ..
            } => !self.seats.contains(&(*call, *participant)) && !self.ended.contains(call),
            _ => true,
        }
    }

    fn add(&mut self, entry: &Entry) {
        let at = entry.at_ms;
        self.event(&entry.record, at);
        match &entry.record {
            Record::CallOpened { call, room } => {
                self.calls.insert(*call);
                self.opened.push(args![*call, *room, at]);
            }
            Record::Seated {
                call,
                participant,
                device,
                user,
                name,
                rung,
            } => {
                self.seats.insert((*call, *participant));
                self.seated
                    .push(args![*call, *participant, *device, *user, name, *rung, at]);
            }
            Record::Unseated { call, participant } => {
                self.seats.insert((*call, *participant));
                self.unseated.push(args![*call, *participant, at]);
            }
            Record::CallConnected { call } => self.connected.push(args![*call, at]),
            Record::CallEnded { call, reason } => {
                self.calls.insert(*call);
                self.ended.insert(*call);
                self.calls_ended
                    .push(args![*call, at, words::of_reason(*reason)]);
            }
            Record::RoomClosed { room } => self.rooms_closed.push(args![*room, at]),
            Record::Said(chat) => self.said.push(said(chat)),
            Record::Rung(ring) => self.rung.push(rung(ring, at)),
            Record::Ringing { ring } => {
                self.ringing.push(args![*ring, at]);
            }
            Record::RingEnded { ring, outcome } => {
                let word = words::of_outcome(*outcome);
                self.rings_ended.push(args![*ring, at, word]);
            }
            Record::MessageLeft { ring, chat, body } => {
                self.messages.push(args![*ring, *chat, body, at]);
            }
        }
    }

    fn event(&mut self, record: &Record, at_ms: u64) {
        let Some((event, subject)) = EventKind::of_record(record) else {
            return;
        };
        let (name, of_ring) = (event.as_str(), subject.is_ring());
        let subject = subject.as_bytes();
        self.events.push(args![name, &subject[..], of_ring, at_ms]);
    }
}

fn said(chat: &ChatFrom) -> Vec<Value> {
    args![
        chat.chat.call,
        chat.chat.chat,
        chat.from,
        &chat.name,
        chat.at_ms,
        &chat.chat.body
    ]
}

fn rung(ring: &Ring, at_ms: u64) -> Vec<Value> {
    args![
        ring.ring,
        ring.call,
        ring.caller,
        ring.caller_device,
        ring.callee,
        ring.media.audio,
        ring.media.video,
        ring.hidden,
        at_ms
    ]
}
