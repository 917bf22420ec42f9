//! What an exchange would say, in short.

use exchange::records::{Entry, Record, Ring, RingOutcome, WriteId};
use protocol::id::*;
use protocol::message::{Chat, ChatFrom, EndReason, MediaState};
use protocol::text::Name;

use super::super::writer::{Group, Keep as _};
use super::super::{Store, args};

pub fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

pub fn call(n: u8) -> CallId {
    CallId::from_bytes([n; 16])
}

pub fn ring(n: u8) -> RingId {
    RingId::from_bytes([0x80 + n; 16])
}

pub fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

pub fn device(n: u8) -> DeviceId {
    DeviceId::from_bytes([n; 16])
}

pub fn chat_id(n: u8) -> ChatId {
    ChatId::from_bytes([n; 16])
}

pub fn name(text: &str) -> Name {
    text.to_owned().try_into().unwrap()
}

/// A person with this number, in the store.
pub async fn account(store: &Store, n: u8, name: &str) -> UserId {
    let sql = "INSERT INTO users (id, login, login_key, name, name_key, role, created_ms)
               VALUES ($1, $2, $3, $4, $5, 'member', 1)";
    let key = name.to_lowercase();
    let values = args![user(n), name, &key, name, &key];
    store.execute(sql, values).await.unwrap();
    user(n)
}

/// Entries in the making; each is a second after the one before.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub entries: Vec<Entry>,
}

impl Story {
    pub fn then(mut self, record: Record) -> Story {
        let id = WriteId(self.entries.len() as u64 + 1);
        self.entries.push(Entry {
            id,
            at_ms: id.0 * 1000,
            record,
        });
        self
    }

    pub fn opened(self, n: u8) -> Story {
        self.then(Record::CallOpened {
            call: call(n),
            room: room(n),
        })
    }

    pub fn seated(self, n: u8, who: u8, user: Option<UserId>, named: &str) -> Story {
        self.then(Record::Seated {
            call: call(n),
            participant: ParticipantId::of(call(n), device(who)),
            device: device(who),
            user,
            name: name(named),
            rung: false,
        })
    }

    pub fn unseated(self, n: u8, who: u8) -> Story {
        self.then(Record::Unseated {
            call: call(n),
            participant: ParticipantId::of(call(n), device(who)),
        })
    }

    pub fn connected(self, n: u8) -> Story {
        self.then(Record::CallConnected { call: call(n) })
    }

    pub fn ended(self, n: u8) -> Story {
        self.ended_with(n, EndReason::Hangup)
    }

    pub fn ended_with(self, n: u8, reason: EndReason) -> Story {
        self.then(Record::CallEnded {
            call: call(n),
            reason,
        })
    }

    pub fn said(self, n: u8, who: u8, words: u8) -> Story {
        let at_ms = (self.entries.len() as u64 + 1) * 1000;
        self.then(Record::Said(Box::new(ChatFrom {
            from: ParticipantId::of(call(n), device(who)),
            name: name("Ada"),
            at_ms,
            chat: Chat {
                call: call(n),
                chat: chat_id(words),
                body: format!("words {words}").try_into().unwrap(),
            },
        })))
    }

    /// A ring with the number of its call.
    pub fn rung(self, n: u8, caller: u8, callee: u8) -> Story {
        self.rung_as(n, n, caller, callee, false)
    }

    pub fn rung_as(self, n: u8, of_call: u8, caller: u8, callee: u8, hidden: bool) -> Story {
        self.then(Record::Rung(Ring {
            ring: ring(n),
            call: call(of_call),
            caller: user(caller),
            caller_device: device(caller),
            callee: user(callee),
            media: MediaState {
                audio: true,
                video: false,
                screen: false,
                held: false,
                paused: false,
            },
            hidden,
        }))
    }

    pub fn ringing(self, n: u8) -> Story {
        self.then(Record::Ringing { ring: ring(n) })
    }

    pub fn ring_ended(self, n: u8, outcome: RingOutcome) -> Story {
        self.then(Record::RingEnded {
            ring: ring(n),
            outcome,
        })
    }

    pub fn message(self, n: u8) -> Story {
        self.then(Record::MessageLeft {
            ring: ring(n),
            chat: chat_id(n),
            body: "call me back".to_owned().try_into().unwrap(),
        })
    }

    /// All of it at once.
    pub async fn keep(&self, store: &Store) {
        keep(store, &self.entries).await;
    }

    /// Each record in a group of its own.
    pub async fn keep_slowly(&self, store: &Store) {
        for entry in &self.entries {
            keep(store, std::slice::from_ref(entry)).await;
        }
    }
}

pub async fn keep(store: &Store, entries: &[Entry]) {
    let group = Group {
        undo: Vec::new(),
        entries: entries.to_vec(),
    };
    store.keep(&group).await.unwrap();
}
