use exchange::records::RingOutcome::*;
use protocol::message::EndReason;

use super::super::history::{Direction, HistoryEntry, HistoryOutcome, Page, Unreachable};
use super::super::{Place, Store, args};
use super::story::*;
use super::{Fresh, on_both};

async fn people(store: &Store) {
    account(store, 1, "Ada").await;
    account(store, 2, "Ben").await;
}

async fn history(store: &Store, who: u8) -> Page {
    store.history(user(who), None, 50).await.unwrap()
}

async fn only(store: &Store, who: u8) -> HistoryEntry {
    let page = history(store, who).await;
    assert_eq!(page.entries.len(), 1, "{page:?}");
    page.entries[0].clone()
}

fn answered_call() -> Story {
    Story::default()
        .opened(1)
        .seated(1, 1, Some(user(1)), "Ada")
        .rung(1, 1, 2)
        .ringing(1)
        .seated(1, 2, Some(user(2)), "Ben")
        .ring_ended(1, Accepted)
        .connected(1)
        .said(1, 1, 1)
        .unseated(1, 2)
        .ended(1)
}

#[test]
fn an_answered_ring_and_its_call_are_one_entry() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        answered_call().keep(store).await;
        for (who, direction, peer) in [(1, Direction::Outgoing, 2), (2, Direction::Incoming, 1)] {
            let entry = only(store, who).await;
            assert_eq!(entry.direction, direction);
            assert_eq!(entry.outcome, HistoryOutcome::Answered);
            assert_eq!((entry.ring, entry.call), (Some(ring(1)), call(1)));
            assert_eq!(entry.at_ms, 3_000);
            // From the seventh second to the tenth.
            assert_eq!(entry.duration_ms, Some(3_000));
            assert_eq!(entry.peer.unwrap().user, Some(user(peer)));
            assert!(entry.media.unwrap().audio && !entry.media.unwrap().video);
            assert!(entry.seen && entry.message.is_none());
        }
    });
}

#[test]
fn groups_make_no_difference_and_neither_do_repeats() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = answered_call().seated(1, 3, None, "late").message(1);
        story.keep_slowly(store).await;
        let slowly = (history(store, 1).await, history(store, 2).await);
        story.keep(store).await;
        story.keep_slowly(store).await;
        for (who, before) in [(1, &slowly.0), (2, &slowly.1)] {
            assert_eq!(history(store, who).await.entries, before.entries);
        }
        for (table, rows) in [
            ("calls", 1),
            ("seats", 3),
            ("rings", 1),
            ("chat", 1),
            ("history", 2),
            ("ring_messages", 1),
        ] {
            assert_eq!(count(store, table).await, rows, "{table}");
        }
    });
}

async fn count(store: &Store, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS rows FROM {table}"));
    let row = store.row(sql, args![]).await.unwrap().unwrap();
    row.get("rows").unwrap()
}

#[test]
fn how_a_ring_ended_is_told_to_both_in_their_own_words() {
    use HistoryOutcome as Told;
    for (ended, caller, callee, why) in [
        (Declined, Told::Declined, Told::Declined, None),
        (Busy, Told::Busy, Told::Missed, Some(Unreachable::Busy)),
        (
            DoNotDisturb,
            Told::Busy,
            Told::Missed,
            Some(Unreachable::DoNotDisturb),
        ),
        (NoAnswer, Told::NoAnswer, Told::Missed, None),
        (Cancelled, Told::Cancelled, Told::Missed, None),
    ] {
        on_both(async |fresh| {
            let store = &fresh.store;
            people(store).await;
            let story = Story::default()
                .opened(1)
                .seated(1, 1, Some(user(1)), "Ada");
            let story = story.rung(1, 1, 2).ring_ended(1, ended).ended(1);
            story.keep(store).await;
            // The call that came to nothing is no entry of its own.
            let (from, to) = (only(store, 1).await, only(store, 2).await);
            assert_eq!((from.outcome, to.outcome), (caller, callee));
            let not_told = "the caller does not learn why";
            assert_eq!(
                (from.unreachable, to.unreachable),
                (None, why),
                "{not_told}"
            );
            assert_eq!((from.duration_ms, to.duration_ms), (None, None));
            assert!(from.seen);
            assert_eq!(to.seen, callee != Told::Missed);
        });
    }
}

#[test]
fn a_ring_that_is_going_on_is_no_history_yet() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default().opened(1).rung(1, 1, 2).ringing(1);
        story.keep(store).await;
        assert!(history(store, 1).await.entries.is_empty());
        assert!(history(store, 2).await.entries.is_empty());
    });
}

#[test]
fn who_is_blocked_sees_no_answer_and_who_blocks_sees_nothing() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, Some(user(1)), "Ada");
        let story = story.rung_as(1, 1, 1, 2, true).ring_ended(1, NoAnswer);
        story.message(1).ended(1).keep(store).await;
        assert_eq!(only(store, 1).await.outcome, HistoryOutcome::NoAnswer);
        let page = history(store, 2).await;
        assert!(page.entries.is_empty() && page.unseen == 0);
    });
}

#[test]
fn nobody_is_at_the_other_end_of_a_call_to_nobody() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default().opened(1).rung_as(1, 1, 1, 77, true);
        story.ring_ended(1, NoAnswer).keep(store).await;
        assert_eq!(only(store, 1).await.peer, None);
    });
}

#[test]
fn a_call_by_link_is_in_the_history_of_members() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, Some(user(1)), "Ada")
            .seated(1, 9, None, "A guest")
            .connected(1)
            .ended(1);
        story.keep(store).await;
        let entry = only(store, 1).await;
        assert_eq!(entry.direction, Direction::Link);
        assert_eq!(entry.outcome, HistoryOutcome::Answered);
        assert_eq!((entry.ring, entry.call), (None, call(1)));
        assert_eq!(entry.at_ms, 2_000);
        assert_eq!(entry.duration_ms, Some(1_000));
        let peer = entry.peer.unwrap();
        assert_eq!((peer.user, peer.name.as_str()), (None, "A guest"));
        assert_eq!(count(store, "history").await, 1);
    });
}

#[test]
fn who_came_by_link_to_a_call_with_a_ring_has_an_entry_of_their_own() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        account(store, 3, "Cem").await;
        let story = Story::default()
            .opened(1)
            .seated(1, 1, Some(user(1)), "Ada")
            .rung(1, 1, 2)
            .ring_ended(1, NoAnswer)
            .seated(1, 3, Some(user(3)), "Cem")
            .connected(1)
            .ended(1);
        story.keep(store).await;
        assert_eq!(only(store, 1).await.direction, Direction::Outgoing);
        assert_eq!(only(store, 2).await.direction, Direction::Incoming);
        assert_eq!(only(store, 3).await.direction, Direction::Link);
    });
}

#[test]
fn a_call_that_went_over_into_another_is_not_told_of() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default()
            .opened(2)
            .seated(2, 2, Some(user(2)), "Ben");
        story.ended_with(2, EndReason::Glare).keep(store).await;
        assert!(history(store, 2).await.entries.is_empty());
    });
}

#[test]
fn a_message_makes_a_missed_call_news_again_and_stands_beside_it() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let story = Story::default().opened(1).rung(1, 1, 2);
        let story = story.ring_ended(1, NoAnswer);
        story.keep(store).await;
        assert_eq!(history(store, 2).await.unseen, 1);
        assert!(store.mark_seen(user(2)).await.unwrap());
        assert!(!store.mark_seen(user(2)).await.unwrap());
        assert_eq!(history(store, 2).await.unseen, 0);

        let story = story.message(1);
        story.keep(store).await;
        let entry = only(store, 2).await;
        assert!(!entry.seen);
        let message = entry.message.unwrap();
        assert_eq!(&*message.body, "call me back");
        assert_eq!(message.at_ms, 4_000);

        // The same record once more is no news.
        store.mark_seen(user(2)).await.unwrap();
        story.keep(store).await;
        assert!(only(store, 2).await.seen);
    });
}

#[test]
fn pages_follow_each_other_also_when_entries_are_deleted_or_added() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        let missed = |story: Story, n| story.rung(n, 1, 2).ring_ended(n, Cancelled);
        let story = (1..=10).fold(Story::default(), missed);
        story.keep(store).await;

        let first = store.history(user(2), None, 4).await.unwrap();
        let rings = |page: &Page| -> Vec<_> { page.entries.iter().map(|e| e.ring).collect() };
        assert_eq!(rings(&first), [10, 9, 8, 7].map(|n| Some(ring(n))));
        assert_eq!((first.unseen, first.more), (10, true));

        let last = first.entries[3].id;
        missed(story, 11).keep(store).await;
        assert!(store.delete_history(user(2), last).await.unwrap());
        assert!(!store.delete_history(user(2), last).await.unwrap());

        let second = store.history(user(2), Some(last), 4).await.unwrap();
        assert_eq!(rings(&second), [6, 5, 4, 3].map(|n| Some(ring(n))));
        let last = second.entries[3].id;
        let third = store.history(user(2), Some(last), 2).await.unwrap();
        assert_eq!(rings(&third), [2, 1].map(|n| Some(ring(n))));
        assert!(!third.more);
    });
}

#[test]
fn one_deletes_ones_own_entry_and_nobody_elses() {
    on_both(async |fresh| {
        let store = &fresh.store;
        people(store).await;
        answered_call().keep(store).await;
        let (mine, theirs) = (only(store, 1).await, only(store, 2).await);
        assert!(!store.delete_history(user(1), theirs.id).await.unwrap());
        assert!(store.delete_history(user(1), mine.id).await.unwrap());
        assert!(history(store, 1).await.entries.is_empty());
        only(store, 2).await;
        // It does not come back with a repeat.
        answered_call().keep(store).await;
        assert!(history(store, 1).await.entries.is_empty());
    });
}

/// The table as the first versions had it, with what it holds now.
#[test]
fn entries_of_older_stores_stay_as_they_were() {
    on_both(async |Fresh { place, store, .. }| {
        people(&store).await;
        answered_call().keep(&store).await;
        let first = match &place {
            Place::Sqlite(_) => include_str!("../migrations/sqlite/0001_first.sql"),
            Place::Postgres(_) => include_str!("../migrations/postgres/0001_first.sql"),
        };
        let (_, table) = first.split_once("CREATE TABLE history").unwrap();
        let (table, _) = table.split_once("-- ---- webhooks ----").unwrap();
        let columns = "user_id, subject, ring_id, call_id, seen";
        let mut open = store.begin().await.unwrap();
        for sql in [
            "CREATE TABLE now AS SELECT * FROM history",
            "DROP TABLE history",
            &format!("CREATE TABLE history{table}"),
            &format!("INSERT INTO history ({columns}) SELECT {columns} FROM now ORDER BY position"),
            // The newest is gone, and its position nobody else's.
            "DELETE FROM history WHERE position = 2",
            "DROP TABLE now",
            "DROP TABLE join_tokens",
            "DELETE FROM migrations WHERE version >= 4",
        ] {
            open.script(sqlx::AssertSqlSafe(sql.to_owned()))
                .await
                .unwrap();
        }
        open.commit().await.unwrap();
        store.close().await;

        let store = place.open().await.unwrap();
        let old = only(&store, 1).await;
        assert_eq!((old.id, old.ring, old.call), (1, Some(ring(1)), call(1)));
        Story::default()
            .opened(2)
            .seated(2, 1, Some(user(1)), "Ada")
            .ended(2)
            .keep(&store)
            .await;
        let page = history(&store, 1).await;
        let ids: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [3, 1]);
    });
}
