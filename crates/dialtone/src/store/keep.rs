//! Writes what the exchange wants to be kept, and what follows from it: history and deliveries.
//!
//! Each statement changes nothing when it runs again: a group whose commit was lost on the way is
//! written once more. And each passes over rows of NULL, which fill its list up.

use exchange::records::{Entry, Record};

use super::run::Run;
use super::writer::{Group, Keep};
use super::{Error, Store, Transaction, args};

/// Of an earlier call under the same id nothing is left but histories: nobody sits in the new one
/// yet.
const LEFT_BEFORE: &str = "
    WITH v (id, room, at_ms) AS (VALUES @rows)
    UPDATE seats SET left_ms = v.at_ms FROM v JOIN calls c ON c.id = v.id
    WHERE seats.call_id = v.id AND seats.left_ms IS NULL
        AND seats.seated_ms <= v.at_ms AND c.ended_ms <= v.at_ms";

/// And nothing was said.
const SAID_BEFORE: &str = "
    WITH v (id, room, at_ms) AS (VALUES @rows)
    DELETE FROM chat WHERE call_id IN
        (SELECT c.id FROM v JOIN calls c ON c.id = v.id WHERE c.ended_ms <= v.at_ms)";

/// A call begins again under its old id, unless this is an old record.
const OPENED: &str = "
    WITH v (id, room, at_ms) AS (VALUES @rows)
    INSERT INTO calls (id, room, opened_ms)
    SELECT id, room, at_ms FROM v WHERE id IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET room = excluded.room, ended_ms = NULL, reason = NULL
    WHERE calls.ended_ms <= excluded.opened_ms";

const SEATED: &str = "
    WITH v (call_id, participant, device, user_id, name, rung, at_ms) AS (VALUES @rows)
    INSERT INTO seats
        (call_id, participant, device, user_id, name, rung, first_ms, seated_ms)
    SELECT call_id, participant, device, user_id, name, rung, at_ms, at_ms
        FROM v WHERE call_id IS NOT NULL
    ON CONFLICT (call_id, participant) DO UPDATE SET
        user_id = excluded.user_id, name = excluded.name, rung = excluded.rung,
        seated_ms = excluded.seated_ms, left_ms = NULL
    WHERE seats.seated_ms <= excluded.seated_ms
        AND (seats.left_ms IS NULL OR seats.left_ms <= excluded.seated_ms)";

const CONNECTED: &str = "
    WITH v (id, at_ms) AS (VALUES @rows)
    UPDATE calls SET connected_ms = v.at_ms FROM v
    WHERE calls.id = v.id AND calls.connected_ms IS NULL";

const RUNG: &str = "
    WITH v (id, call_id, caller, caller_device, callee, audio, video, hidden, at_ms)
        AS (VALUES @rows)
    INSERT INTO rings
        (id, call_id, caller, caller_device, callee, audio, video, hidden, at_ms)
    SELECT id, call_id, caller, caller_device, callee, audio, video, hidden, at_ms
        FROM v WHERE id IS NOT NULL
    ON CONFLICT (id) DO NOTHING";

const RINGING: &str = "
    WITH v (id, at_ms) AS (VALUES @rows)
    UPDATE rings SET ringing_ms = v.at_ms FROM v
    WHERE rings.id = v.id AND rings.ringing_ms IS NULL";

const SAID: &str = "
    WITH v (call_id, id, participant, name, at_ms, body) AS (VALUES @rows)
    INSERT INTO chat (call_id, id, participant, name, at_ms, body)
    SELECT call_id, id, participant, name, at_ms, body FROM v WHERE id IS NOT NULL
    ON CONFLICT (call_id, id) DO NOTHING";

/// Before the ring's end is written, or it would be a second time. A callee who has blocked the
/// caller is not to learn of the ring.
const RING_HISTORY: &str = "
    WITH v (id, at_ms, outcome) AS (VALUES @rows)
    INSERT INTO history (user_id, subject, ring_id, call_id, seen)
    SELECT r.caller, r.id, r.id, r.call_id, TRUE
        FROM v JOIN rings r ON r.id = v.id WHERE r.ended_ms IS NULL
    UNION ALL
    SELECT r.callee, r.id, r.id, r.call_id, v.outcome IN ('accepted', 'declined')
        FROM v JOIN rings r ON r.id = v.id WHERE r.ended_ms IS NULL AND NOT r.hidden
    ON CONFLICT (call_id, subject, user_id) DO NOTHING";

const RINGS_ENDED: &str = "
    WITH v (id, at_ms, outcome) AS (VALUES @rows)
    UPDATE rings SET ended_ms = v.at_ms, outcome = v.outcome FROM v
    WHERE rings.id = v.id AND rings.ended_ms IS NULL";

/// A missed call with a message is news, also to who has seen it without.
const MESSAGE_HISTORY: &str = "
    WITH v (ring, id, body, at_ms) AS (VALUES @rows)
    UPDATE history SET seen = FALSE FROM v JOIN rings r ON r.id = v.ring
    WHERE history.call_id = r.call_id AND history.subject = r.id AND history.user_id = r.callee
        AND NOT EXISTS (SELECT 1 FROM ring_messages m WHERE m.ring_id = r.id)";

const MESSAGES: &str = "
    WITH v (ring, id, body, at_ms) AS (VALUES @rows)
    INSERT INTO ring_messages (ring_id, id, body, at_ms)
    SELECT r.id, v.id, v.body, v.at_ms FROM v JOIN rings r ON r.id = v.ring WHERE TRUE
    ON CONFLICT (ring_id) DO NOTHING";

const UNSEATED: &str = "
    WITH v (call_id, participant, at_ms) AS (VALUES @rows)
    UPDATE seats SET left_ms = v.at_ms FROM v
    WHERE seats.call_id = v.call_id AND seats.participant = v.participant
        AND seats.left_ms IS NULL AND seats.seated_ms <= v.at_ms";

/// Before the call's end is written. Whom a ring of the call concerned has that in their history;
/// and of two calls that became one, only the other is told of.
const CALL_HISTORY: &str = "
    WITH v (id, at_ms, reason) AS (VALUES @rows)
    INSERT INTO history (user_id, subject, call_id, seen)
    SELECT DISTINCT s.user_id, c.id, c.id, TRUE
        FROM v JOIN calls c ON c.id = v.id JOIN seats s ON s.call_id = c.id
        WHERE c.ended_ms IS NULL AND v.reason <> 'glare' AND s.user_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM rings r WHERE r.call_id = c.id
            AND (r.caller = s.user_id OR (r.callee = s.user_id AND NOT r.hidden)))
    ON CONFLICT (call_id, subject, user_id) DO NOTHING";

const CALLS_ENDED: &str = "
    WITH v (id, at_ms, reason) AS (VALUES @rows)
    UPDATE calls SET ended_ms = v.at_ms, reason = v.reason FROM v
    WHERE calls.id = v.id AND calls.ended_ms IS NULL";

const ROOMS_CLOSED: &str = "
    WITH v (room, at_ms) AS (VALUES @rows)
    INSERT INTO closed_rooms (room, closed_ms)
    SELECT room, at_ms FROM v WHERE room IS NOT NULL
    ON CONFLICT (room) DO NOTHING";

const DELIVERIES: &str = "
    WITH v (event, subject, of_ring, at_ms) AS (VALUES @rows)
    INSERT INTO webhook_deliveries (webhook_id, event, subject, of_ring, at_ms, next_ms)
    SELECT w.id, v.event, v.subject, v.of_ring, v.at_ms, v.at_ms
        FROM v
        JOIN webhooks w ON w.disabled_ms IS NULL AND w.events LIKE '% ' || v.event || ' %'
        LEFT JOIN rings r ON v.of_ring AND r.id = v.subject
        WHERE NOT v.of_ring OR NOT r.hidden
    ON CONFLICT (webhook_id, event, subject, at_ms) DO NOTHING";

impl Keep for Store {
    async fn keep(&self, group: &Group) -> Result<(), Error> {
        let mut open = self.begin().await?;
        for entry in &group.undo {
            undo(&mut open, entry).await?;
        }
        for run in Run::cut(&group.entries) {
            write(&mut open, run).await?;
        }
        open.commit().await
    }
}

async fn write(open: &mut Transaction, run: Run) -> Result<(), Error> {
    for (sql, rows) in [
        (LEFT_BEFORE, &run.opened),
        (SAID_BEFORE, &run.opened),
        (OPENED, &run.opened),
        (SEATED, &run.seated),
        (CONNECTED, &run.connected),
        (RUNG, &run.rung),
        (RINGING, &run.ringing),
        (SAID, &run.said),
        (RING_HISTORY, &run.rings_ended),
        (RINGS_ENDED, &run.rings_ended),
        (MESSAGE_HISTORY, &run.messages),
        (MESSAGES, &run.messages),
        (UNSEATED, &run.unseated),
        (CALL_HISTORY, &run.calls_ended),
        (CALLS_ENDED, &run.calls_ended),
        (ROOMS_CLOSED, &run.rooms_closed),
    ] {
        open.many_and_null(sql, rows).await?;
    }
    if !run.events.is_empty() && has_webhooks(open).await? {
        open.many_and_null(DELIVERIES, &run.events).await?;
    }
    Ok(())
}

async fn has_webhooks(open: &mut Transaction) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM webhooks WHERE disabled_ms IS NULL LIMIT 1";
    Ok(open.row(sql, args![]).await?.is_some())
}

/// Takes back what was refused and may have been stored all the same.
async fn undo(open: &mut Transaction, entry: &Entry) -> Result<(), Error> {
    match &entry.record {
        Record::Rung(ring) => {
            let sql = "DELETE FROM rings WHERE id = $1 AND at_ms = $2";
            if open.execute(sql, args![ring.ring, entry.at_ms]).await? > 0 {
                for sql in [
                    "DELETE FROM ring_messages WHERE ring_id = $1",
                    "DELETE FROM webhook_deliveries WHERE subject = $1",
                ] {
                    open.execute(sql, args![ring.ring]).await?;
                }
                let sql = "DELETE FROM history WHERE call_id = $1 AND subject = $2";
                open.execute(sql, args![ring.call, ring.ring]).await?;
            }
        }
        Record::Said(chat) => {
            let sql = "DELETE FROM chat WHERE call_id = $1 AND id = $2 AND at_ms = $3";
            let values = args![chat.chat.call, chat.chat.chat, chat.at_ms];
            open.execute(sql, values).await?;
        }
        Record::MessageLeft { ring, chat, .. } => {
            let sql = "DELETE FROM ring_messages WHERE ring_id = $1 AND id = $2 AND at_ms = $3";
            open.execute(sql, args![*ring, *chat, entry.at_ms]).await?;
        }
        // Nothing else is refused.
        _ => {}
    }
    Ok(())
}
