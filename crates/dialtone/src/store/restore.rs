//! What the exchange is given at its start.

use std::collections::BTreeMap;

use exchange::records::{Person, Restored, RestoredCall, RestoredRing, RestoredSeat, Ring};
use protocol::id::*;
use protocol::limits;
use protocol::message::{Chat, ChatFrom, MediaState, RingPhase};

use super::{Error, Row, Store, args, words};

impl Store {
    /// Everybody, and everything that was not over. `now_ms` is the time since the Unix epoch.
    pub async fn restore(&self, now_ms: u64) -> Result<Restored, Error> {
        Ok(Restored {
            people: self.people().await?,
            calls: self.live_calls().await?,
            closed: self.closed_rooms().await?,
            rings: self.late_rings(now_ms).await?,
        })
    }

    /// What the exchange knows of a person; none if there is none, or the account is closed.
    pub async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        let sql = "SELECT name, do_not_disturb, call_waiting FROM users
                   WHERE id = $1 AND closed_ms IS NULL";
        let Some(row) = self.row(sql, args![user]).await? else {
            return Ok(None);
        };
        let mut person = person(&row)?;
        let sql = "SELECT contact_id FROM contacts WHERE user_id = $1";
        for row in self.rows(sql, args![user]).await? {
            person.contacts.insert(row.get("contact_id")?);
        }
        let sql = "SELECT blocked_id FROM blocks WHERE user_id = $1";
        for row in self.rows(sql, args![user]).await? {
            person.blocked.insert(row.get("blocked_id")?);
        }
        Ok(Some(person))
    }

    async fn people(&self) -> Result<Vec<(UserId, Person)>, Error> {
        let mut people = BTreeMap::new();
        let sql = "SELECT id, name, do_not_disturb, call_waiting FROM users
                   WHERE closed_ms IS NULL";
        for row in self.rows(sql, args![]).await? {
            people.insert(row.get::<UserId>("id")?, person(&row)?);
        }
        let sql = "SELECT user_id, contact_id FROM contacts";
        for row in self.rows(sql, args![]).await? {
            if let Some(person) = people.get_mut(&row.get("user_id")?) {
                person.contacts.insert(row.get("contact_id")?);
            }
        }
        let sql = "SELECT user_id, blocked_id FROM blocks";
        for row in self.rows(sql, args![]).await? {
            if let Some(person) = people.get_mut(&row.get("user_id")?) {
                person.blocked.insert(row.get("blocked_id")?);
            }
        }
        Ok(people.into_iter().collect())
    }

    async fn live_calls(&self) -> Result<Vec<RestoredCall>, Error> {
        let mut calls = BTreeMap::new();
        let sql = "SELECT id, room, connected_ms FROM calls WHERE ended_ms IS NULL";
        for row in self.rows(sql, args![]).await? {
            let call = RestoredCall {
                call: row.get("id")?,
                room: row.get("room")?,
                connected: row.find::<u64>("connected_ms")?.is_some(),
                seats: Vec::new(),
                chat: Vec::new(),
            };
            calls.insert(call.call, call);
        }
        let sql = "SELECT s.call_id, s.participant, s.device, s.user_id, s.name, s.rung
                   FROM calls c JOIN seats s ON s.call_id = c.id
                   WHERE c.ended_ms IS NULL AND s.left_ms IS NULL
                   ORDER BY s.seated_ms, s.participant";
        for row in self.rows(sql, args![]).await? {
            if let Some(call) = calls.get_mut(&row.get("call_id")?) {
                call.seats.push(seat(&row)?);
            }
        }
        let sql = "SELECT call_id, id, participant, name, at_ms, body FROM (
                       SELECT h.*, ROW_NUMBER() OVER
                           (PARTITION BY h.call_id ORDER BY h.position DESC) AS newer
                       FROM calls c JOIN chat h ON h.call_id = c.id WHERE c.ended_ms IS NULL
                   ) AS newest WHERE newer <= $1 ORDER BY position";
        let most = args![limits::CHAT_BACKLOG as u64];
        for row in self.rows(sql, most).await? {
            if let Some(call) = calls.get_mut(&row.get("call_id")?) {
                call.chat.push(chat(&row)?);
            }
        }
        Ok(calls.into_values().collect())
    }

    async fn closed_rooms(&self) -> Result<Vec<RoomId>, Error> {
        let rows = self.rows("SELECT room FROM closed_rooms", args![]).await?;
        rows.iter().map(|row| row.get("room")).collect()
    }

    async fn late_rings(&self, now_ms: u64) -> Result<Vec<RestoredRing>, Error> {
        let sql = "SELECT r.*, m.id AS message
                   FROM rings r LEFT JOIN ring_messages m ON m.ring_id = r.id
                   WHERE r.ended_ms IS NULL OR r.ended_ms > $1 ORDER BY r.at_ms, r.id";
        let since = now_ms.saturating_sub(limits::LEAVE_MESSAGE_MS);
        let rows = self.rows(sql, args![since]).await?;
        rows.iter().map(late_ring).collect()
    }
}

fn person(row: &Row) -> Result<Person, Error> {
    Ok(Person {
        name: row.get("name")?,
        contacts: Default::default(),
        blocked: Default::default(),
        do_not_disturb: row.get("do_not_disturb")?,
        call_waiting: row.get("call_waiting")?,
    })
}

fn seat(row: &Row) -> Result<RestoredSeat, Error> {
    Ok(RestoredSeat {
        participant: row.get("participant")?,
        device: row.get("device")?,
        user: row.find("user_id")?,
        name: row.get("name")?,
        rung: row.get("rung")?,
    })
}

fn chat(row: &Row) -> Result<ChatFrom, Error> {
    Ok(ChatFrom {
        from: row.get("participant")?,
        name: row.get("name")?,
        at_ms: row.get("at_ms")?,
        chat: Chat {
            call: row.get("call_id")?,
            chat: row.get("id")?,
            body: row.get("body")?,
        },
    })
}

fn late_ring(row: &Row) -> Result<RestoredRing, Error> {
    let ring = Ring {
        ring: row.get("id")?,
        call: row.get("call_id")?,
        caller: row.get("caller")?,
        caller_device: row.get("caller_device")?,
        callee: row.get("callee")?,
        media: MediaState {
            audio: row.get("audio")?,
            video: row.get("video")?,
            screen: false,
            held: false,
            paused: false,
        },
        hidden: row.get("hidden")?,
    };
    let phase = match row.find::<u64>("ringing_ms")? {
        Some(_) => RingPhase::Ringing,
        None => RingPhase::Offered,
    };
    let ended = match row.find::<u64>("ended_ms")? {
        Some(ended_ms) => Some((row.get::<words::Outcome>("outcome")?.0, ended_ms)),
        None => None,
    };
    Ok(RestoredRing {
        ring,
        phase,
        ended,
        message: row.find("message")?,
    })
}
