use exchange::records::RingOutcome;

use super::super::tidy::HISTORY;
use super::super::{Store, args};
use super::on_both;
use super::story::*;

const DAY_MS: u64 = 24 * 3_600_000;

async fn rows(store: &Store, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS rows FROM {table}"));
    let row = store.row(sql, args![]).await.unwrap().unwrap();
    row.get("rows").unwrap()
}

#[test]
fn chat_outlives_its_call_for_a_day() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let story = Story::default().opened(1).opened(2);
        let story = (0..250).fold(story, |story, n| story.said(1, 1, n));
        let story = story.said(2, 1, 1).said(2, 1, 2).ended(1);
        let ended_ms = story.entries.last().unwrap().at_ms;
        story.keep(store).await;
        store.tidy(ended_ms + DAY_MS).await.unwrap();
        assert_eq!(rows(store, "chat").await, 252);
        store.tidy(ended_ms + DAY_MS + 1).await.unwrap();
        // That of the call that goes on stays, however old it is.
        assert_eq!(rows(store, "chat").await, 2);
        store.tidy(ended_ms + 100 * DAY_MS).await.unwrap();
        assert_eq!(rows(store, "chat").await, 2);
    });
}

#[test]
fn a_history_keeps_its_newest_entries() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let more = HISTORY + 450;
        let sql = "INSERT INTO history (user_id, subject, call_id, seen) VALUES @rows";
        let mut open = store.begin().await.unwrap();
        let row = |who: u8, n: u64| args![user(who), &n.to_be_bytes()[..], call(1), true];
        let all = (0..more)
            .map(|n| row(1, n))
            .chain((0..3).map(|n| row(2, n)));
        open.many(sql, all.collect()).await.unwrap();
        open.commit().await.unwrap();

        let newest = store.history(user(1), None, 1).await.unwrap().entries[0].id;
        store.tidy(0).await.unwrap();
        assert_eq!(rows(store, "history").await, HISTORY as i64 + 3);
        let page = store.history(user(1), None, 1).await.unwrap();
        assert_eq!(page.entries[0].id, newest);
    });
}

#[test]
fn what_no_history_shows_goes_after_a_week() {
    on_both(async |fresh| {
        let store = &fresh.store;
        account(store, 1, "Ada").await;
        account(store, 2, "Ben").await;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, Some(user(1)), "Ada")
            .rung(1, 1, 2)
            .ring_ended(1, RingOutcome::NoAnswer)
            .message(1)
            .ended(1)
            // Guests alone.
            .opened(2)
            .seated(2, 3, None, "Cem")
            .seated(2, 4, None, "Dan")
            .ended(2);
        story.keep(store).await;
        let count = async || {
            let mut counts = Vec::new();
            for table in ["calls", "seats", "rings", "ring_messages"] {
                counts.push(rows(store, table).await);
            }
            counts
        };
        store.tidy(7 * DAY_MS).await.unwrap();
        assert_eq!(count().await, [2, 3, 1, 1]);
        store.tidy(8 * DAY_MS).await.unwrap();
        assert_eq!(count().await, [1, 1, 1, 1]);
        // One of the two deletes it: it is still in the other's history.
        for (who, left) in [(1, [1, 1, 1, 1]), (2, [0, 0, 0, 0])] {
            let entry = store.history(user(who), None, 1).await.unwrap().entries[0].id;
            assert!(store.delete_history(user(who), entry).await.unwrap());
            store.tidy(8 * DAY_MS).await.unwrap();
            assert_eq!(count().await, left);
        }
    });
}
