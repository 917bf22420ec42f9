//! Deletes what need not be kept any longer, a little at a time: whoever writes meanwhile waits for
//! a short statement, not for a long one.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::join_tokens::RETURN_MS;
use super::{Error, Store, args};
use crate::clock;

/// How often.
const EVERY: Duration = Duration::from_secs(3_600);
/// How long chat outlives its call: long enough to come back after a bad day of the server's.
const CHAT_MS: u64 = 24 * 3_600_000;
/// How long calls and rings outlive their end when no history shows them: webhooks tell of them.
const UNSEEN_MS: u64 = 7 * 24 * 3_600_000;
/// Entries of one person's history: years of calls, and a page of them still comes at once.
pub const HISTORY: u64 = 10_000;
/// Rows that one statement deletes.
const ROWS: u64 = 200;

const CHAT: &str = "
    DELETE FROM chat WHERE position IN (
        SELECT h.position FROM chat h JOIN calls c ON c.id = h.call_id
        WHERE c.ended_ms < $1 ORDER BY h.position LIMIT $2)";

const LONG_HISTORIES: &str = "SELECT user_id FROM history GROUP BY user_id HAVING COUNT(*) > $1";

const OLD_HISTORY: &str = "
    DELETE FROM history WHERE position IN (
        SELECT position FROM history WHERE user_id = $1 AND position <= (
            SELECT position FROM history WHERE user_id = $1
            ORDER BY position DESC LIMIT 1 OFFSET $2)
        ORDER BY position LIMIT $3)";

const RINGS: &str = "
    DELETE FROM rings WHERE id IN (
        SELECT r.id FROM rings r WHERE r.ended_ms < $1
        AND NOT EXISTS (SELECT 1 FROM history h WHERE h.call_id = r.call_id) LIMIT $2)";

const CALLS: &str = "
    DELETE FROM calls WHERE id IN (
        SELECT c.id FROM calls c WHERE c.ended_ms < $1
        AND NOT EXISTS (SELECT 1 FROM history h WHERE h.call_id = c.id) LIMIT $2)";

/// What belonged to them.
const MESSAGES: &str = "
    DELETE FROM ring_messages WHERE ring_id IN (
        SELECT m.ring_id FROM ring_messages m
        WHERE m.at_ms < $1
        AND NOT EXISTS (SELECT 1 FROM rings r WHERE r.id = m.ring_id) LIMIT $2)";

const SEATS: &str = "
    DELETE FROM seats WHERE call_id IN (
        SELECT s.call_id FROM seats s
        WHERE s.seated_ms < $1
        AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.id = s.call_id) LIMIT $2)";

/// Nobody can come by them any more, nor come back.
const JOIN_TOKENS: &str = "
    DELETE FROM join_tokens WHERE id IN (
        SELECT id FROM join_tokens WHERE COALESCE(used_ms, expires_ms) < $1 LIMIT $2)";

impl Store {
    /// Deletes what is old now and then, until it is dropped.
    pub async fn keep_tidy(self) {
        let mut often = interval(EVERY);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            often.tick().await;
            if let Err(error) = self.tidy(clock::now().unix_millis()).await {
                tracing::warn!("what is old stays in the store for another hour: {error}");
            }
        }
    }

    /// Deletes what is old by now.
    pub(super) async fn tidy(&self, now_ms: u64) -> Result<(), Error> {
        self.delete(CHAT, now_ms.saturating_sub(CHAT_MS)).await?;
        for row in self.rows(LONG_HISTORIES, args![HISTORY]).await? {
            let user: protocol::id::UserId = row.get("user_id")?;
            while self
                .execute(OLD_HISTORY, args![user, HISTORY, ROWS])
                .await?
                == ROWS
            {}
        }
        self.delete(JOIN_TOKENS, now_ms.saturating_sub(RETURN_MS))
            .await?;
        let unseen = now_ms.saturating_sub(UNSEEN_MS);
        for sql in [RINGS, CALLS, MESSAGES, SEATS] {
            self.delete(sql, unseen).await?;
        }
        Ok(())
    }

    async fn delete(&self, sql: &'static str, before_ms: u64) -> Result<(), Error> {
        // Seats go by the call, so that it may be more than was asked for.
        while self.execute(sql, args![before_ms, ROWS]).await? >= ROWS {}
        Ok(())
    }
}
