//! What a person's history shows: one entry for each ring that ended, and for each call they came
//! to by a link.
//!
//! The writer makes the entries (see `keep.rs`); what they show is read from the ring and the call,
//! so an answered ring and its call are one entry, which gets its duration when the call ends.

use exchange::records::RingOutcome;
use protocol::id::*;
use protocol::limits;
use protocol::message::MediaState;
use protocol::text::Body;

use super::{Error, Row, Store, args, words};

/// Entries of one answer, at most.
pub const PAGE: u32 = 100;

/// A page of somebody's history, newest first.
#[derive(Debug)]
pub struct Page {
    pub entries: Vec<HistoryEntry>,
    /// Missed calls that have not been looked at, of all pages.
    pub unseen: u64,
    /// Whether there are older entries.
    pub more: bool,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// Names it, for its owner; a later entry has a greater one.
    pub id: u64,
    /// The ring, unless they came by a link.
    pub ring: Option<RingId>,
    pub call: CallId,
    /// When the ring, or their part in the call, began.
    pub at_ms: u64,
    pub direction: Direction,
    pub outcome: HistoryOutcome,
    /// Why it was missed, if it could not even ring.
    pub unreachable: Option<Unreachable>,
    /// What the caller offered; unknown for a link.
    pub media: Option<MediaState>,
    /// The other side; none if nobody came, or there is no such person.
    pub peer: Option<Peer>,
    /// How long they talked, once they have.
    pub duration_ms: Option<u64>,
    /// What the caller left after the ring.
    pub message: Option<Message>,
    /// It needs no attention (any more).
    pub seen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Outgoing,
    Incoming,
    Link,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOutcome {
    Answered,
    /// Incoming, and nobody answered, or could.
    Missed,
    Declined,
    Busy,
    NoAnswer,
    Cancelled,
}

/// Why nobody could answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// They were busy with another call.
    Busy,
    /// They did not want to be disturbed.
    DoNotDisturb,
}

/// Who was at the other end.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// None for a guest.
    pub user: Option<UserId>,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub body: Body<{ limits::MESSAGE_BYTES }>,
    pub at_ms: u64,
}

/// For a link, the peer is who sat down last of all others, and one's own part begins with one's
/// own first seat.
const LIST: &str = "
    SELECT h.position, h.user_id, h.ring_id, h.call_id, h.seen,
        r.caller, r.callee, r.outcome, r.audio, r.video,
        r.at_ms AS rung_ms, r.ended_ms AS answered_ms,
        c.connected_ms, c.ended_ms,
        m.body, m.at_ms AS message_ms,
        u.id AS peer_id, u.name AS peer_name,
        s.user_id AS other_id, s.name AS other_name,
        (SELECT MIN(o.first_ms) FROM seats o
            WHERE o.call_id = h.call_id AND o.user_id = h.user_id) AS sat_ms,
        (SELECT MAX(o.left_ms) FROM seats o
            WHERE o.call_id = h.call_id AND o.user_id = h.user_id) AS left_ms
    FROM history h
    LEFT JOIN rings r ON r.id = h.ring_id
    LEFT JOIN calls c ON c.id = h.call_id
    LEFT JOIN ring_messages m ON m.ring_id = h.ring_id
    LEFT JOIN users u ON u.id = CASE WHEN r.caller = h.user_id THEN r.callee ELSE r.caller END
    LEFT JOIN seats s ON h.ring_id IS NULL AND s.call_id = h.call_id AND s.participant = (
        SELECT o.participant FROM seats o
        WHERE o.call_id = h.call_id AND (o.user_id IS NULL OR o.user_id <> h.user_id)
        ORDER BY o.seated_ms DESC, o.participant LIMIT 1)
    WHERE h.user_id = $1 AND h.position < $2
    ORDER BY h.position DESC LIMIT $3";

impl Store {
    /// The entries before one of them, or the newest; at most `limit`, and at most [`PAGE`].
    pub async fn history(
        &self,
        user: UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page, Error> {
        let limit = limit.clamp(1, PAGE);
        let before = before.unwrap_or(u64::MAX);
        let rows = self.rows(LIST, args![user, before, limit + 1]).await?;
        let more = rows.len() > limit as usize;
        let rows = rows.iter().take(limit as usize);
        Ok(Page {
            entries: rows.map(entry).collect::<Result<_, _>>()?,
            unseen: self.unseen(user).await?,
            more,
        })
    }

    /// How many missed calls somebody has not looked at.
    pub async fn unseen(&self, user: UserId) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) AS unseen FROM history WHERE user_id = $1 AND NOT seen";
        let row = self.row(sql, args![user]).await?;
        row.map_or(Ok(0), |row| row.get("unseen"))
    }

    /// They have looked at all of it. Says whether that was news.
    pub async fn mark_seen(&self, user: UserId) -> Result<bool, Error> {
        let sql = "UPDATE history SET seen = TRUE WHERE user_id = $1 AND NOT seen";
        Ok(self.execute(sql, args![user]).await? > 0)
    }

    /// Deletes an entry of theirs; others keep theirs. Says whether it was there.
    pub async fn delete_history(&self, user: UserId, id: u64) -> Result<bool, Error> {
        let sql = "DELETE FROM history WHERE user_id = $1 AND position = $2";
        Ok(self.execute(sql, args![user, id]).await? > 0)
    }
}

fn entry(row: &Row) -> Result<HistoryEntry, Error> {
    let ring = row.find::<RingId>("ring_id")?;
    let rest = match ring {
        Some(_) => of_ring(row)?,
        None => of_link(row)?,
    };
    Ok(HistoryEntry {
        id: row.get("position")?,
        ring,
        call: row.get("call_id")?,
        seen: row.get("seen")?,
        ..rest
    })
}

fn of_ring(row: &Row) -> Result<HistoryEntry, Error> {
    let user: UserId = row.get("user_id")?;
    let words::Outcome(ended) = row.get("outcome")?;
    let direction = match row.get::<UserId>("caller")? == user {
        true => Direction::Outgoing,
        false => Direction::Incoming,
    };
    let outcome = match (ended, direction) {
        (RingOutcome::Accepted, _) => HistoryOutcome::Answered,
        (RingOutcome::Declined, _) => HistoryOutcome::Declined,
        (_, Direction::Incoming) => HistoryOutcome::Missed,
        (RingOutcome::Busy | RingOutcome::DoNotDisturb, _) => HistoryOutcome::Busy,
        (RingOutcome::NoAnswer, _) => HistoryOutcome::NoAnswer,
        (RingOutcome::Cancelled, _) => HistoryOutcome::Cancelled,
    };
    let unreachable = match (ended, direction) {
        (RingOutcome::Busy, Direction::Incoming) => Some(Unreachable::Busy),
        (RingOutcome::DoNotDisturb, Direction::Incoming) => Some(Unreachable::DoNotDisturb),
        _ => None,
    };
    let talked = ended == RingOutcome::Accepted;
    Ok(HistoryEntry {
        at_ms: row.get("rung_ms")?,
        direction,
        outcome,
        unreachable,
        media: Some(MediaState {
            audio: row.get("audio")?,
            video: row.get("video")?,
            screen: false,
            held: false,
            paused: false,
        }),
        peer: peer(row, "peer_id", "peer_name")?,
        duration_ms: match talked {
            true => duration(row, row.find("answered_ms")?, None)?,
            false => None,
        },
        message: message(row)?,
        ..empty(row)?
    })
}

fn of_link(row: &Row) -> Result<HistoryEntry, Error> {
    let sat = row.find("sat_ms")?;
    let connected = row.find::<u64>("connected_ms")?.is_some();
    Ok(HistoryEntry {
        at_ms: sat.unwrap_or(0),
        outcome: match connected {
            true => HistoryOutcome::Answered,
            false => HistoryOutcome::NoAnswer,
        },
        peer: peer(row, "other_id", "other_name")?,
        duration_ms: duration(row, sat, row.find("left_ms")?)?,
        ..empty(row)?
    })
}

/// From when both were there and media could flow, until one of them left.
fn duration(row: &Row, from: Option<u64>, until: Option<u64>) -> Result<Option<u64>, Error> {
    let connected = row.find::<u64>("connected_ms")?;
    let ended = row.find::<u64>("ended_ms")?;
    let until = match (until, ended) {
        (Some(left), Some(ended)) => Some(left.min(ended)),
        (left, ended) => ended.or(left),
    };
    Ok(match (connected, until) {
        (Some(connected), Some(until)) => {
            Some(until.saturating_sub(connected.max(from.unwrap_or(0))))
        }
        _ => None,
    })
}

fn peer(row: &Row, id: &str, name: &str) -> Result<Option<Peer>, Error> {
    let user = row.find(id)?;
    let name = row.find::<String>(name)?;
    Ok(name.map(|name| Peer { user, name }))
}

fn message(row: &Row) -> Result<Option<Message>, Error> {
    Ok(match row.find("body")? {
        Some(body) => Some(Message {
            body,
            at_ms: row.get("message_ms")?,
        }),
        None => None,
    })
}

fn empty(row: &Row) -> Result<HistoryEntry, Error> {
    Ok(HistoryEntry {
        id: 0,
        ring: None,
        call: row.get("call_id")?,
        at_ms: 0,
        direction: Direction::Link,
        outcome: HistoryOutcome::NoAnswer,
        unreachable: None,
        media: None,
        peer: None,
        duration_ms: None,
        message: None,
        seen: true,
    })
}
