use std::sync::Arc;
use std::time::Duration;

use exchange::records::{RingOutcome, WriteId};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::writer::{Outcome, Patience, REFUSE_BEYOND, Writer};
use super::super::{Store, args};
use super::faults::{Fault, Faulty};
use super::story::*;
use super::{on_both, sqlite};

/// Only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

const QUICK: Patience = Patience {
    late: LONG,
    lost: LONG,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(10),
};

type Outcomes = UnboundedReceiver<Outcome>;

/// Waits for an outcome; gives those before it.
async fn until(outcomes: &mut Outcomes, wanted: Outcome) -> Vec<Outcome> {
    let mut before = Vec::new();
    loop {
        let next = tokio::time::timeout(LONG, outcomes.recv()).await;
        match next.expect("an outcome").expect("the writer") {
            outcome if outcome == wanted => return before,
            outcome => before.push(outcome),
        }
    }
}

fn stored(id: u64) -> Outcome {
    Outcome::Stored(WriteId(id))
}

fn not_stored(id: u64) -> Outcome {
    Outcome::NotStored(WriteId(id))
}

fn write(writer: &Writer, story: &Story) {
    for entry in &story.entries {
        writer.write(entry.clone());
    }
}

/// A record that can be refused between two that cannot.
fn story() -> Story {
    Story::default().opened(1).rung(1, 1, 2).connected(1)
}

async fn rows(store: &Store, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) AS rows FROM {table}"));
    let row = store.row(sql, args![]).await.unwrap().unwrap();
    row.get("rows").unwrap()
}

async fn connected(store: &Store) -> bool {
    let calls = store.restore(0).await.unwrap().calls;
    calls.iter().any(|call| call.connected)
}

#[test]
fn what_is_said_to_be_stored_is_there() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let (writer, mut outcomes) = Writer::start(store.clone(), Patience::default());
        write(&writer, &story());
        let before = until(&mut outcomes, stored(3)).await;
        assert!(!before.contains(&not_stored(3)));
        assert!(connected(store).await);
        assert_eq!(rows(store, "rings").await, 1);
        assert!(writer.finish(LONG).await);
        assert!(outcomes.recv().await.is_none());
    });
}

#[test]
fn what_comes_while_a_commit_runs_is_one_group() {
    on_both(async |fresh| {
        let gate = Arc::new(Semaphore::new(0));
        let faulty = Faulty::new(fresh.store.clone(), [Fault::Held(gate.clone())]);
        let (writer, mut outcomes) = Writer::start(faulty.clone(), QUICK);
        let story = story().ringing(1).ring_ended(1, RingOutcome::Declined);
        writer.write(story.entries[0].clone());
        while faulty.tried.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        for entry in &story.entries[1..] {
            writer.write(entry.clone());
        }
        gate.add_permits(1);
        assert_eq!(until(&mut outcomes, stored(5)).await, [stored(1)]);
        assert_eq!(*faulty.tried.lock().unwrap(), [1, 4]);
    });
}

#[test]
fn a_store_that_fails_refuses_what_it_can_and_keeps_the_rest() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let faulty = Faulty::new(store.clone(), [Fault::Fails, Fault::Fails, Fault::Fails]);
        let (writer, mut outcomes) = Writer::start(faulty, QUICK);
        write(&writer, &story());
        let before = until(&mut outcomes, stored(3)).await;
        assert!(before.contains(&not_stored(3)));
        assert!(connected(store).await);
        assert_eq!(rows(store, "rings").await, 0);
        // And then it works as if nothing had been.
        write(&writer, &story().rung(2, 1, 2));
        let after = until(&mut outcomes, stored(4)).await;
        assert!(
            !after
                .iter()
                .any(|outcome| matches!(outcome, Outcome::NotStored(_)))
        );
        assert_eq!(rows(store, "rings").await, 2);
    });
}

#[test]
fn what_comes_while_the_store_fails_is_refused_at_once() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let gate = Arc::new(Semaphore::new(0));
        let faults = [Fault::Fails, Fault::Held(gate.clone())];
        let (writer, mut outcomes) = Writer::start(Faulty::new(store.clone(), faults), QUICK);
        let story = story().ended(1).said(1, 1, 1);
        writer.write(story.entries[0].clone());
        assert!(until(&mut outcomes, not_stored(1)).await.is_empty());
        for entry in &story.entries[1..] {
            writer.write(entry.clone());
        }
        // Said while the commit is held: nobody waits for the store.
        let said = until(&mut outcomes, not_stored(5)).await;
        assert_eq!(said, [not_stored(2), not_stored(3), not_stored(4)]);
        gate.add_permits(1);
        until(&mut outcomes, stored(4)).await;
        assert_eq!(rows(store, "rings").await, 0);
        assert_eq!(rows(store, "chat").await, 0);
        assert!(store.restore(0).await.unwrap().calls.is_empty(), "ended");
    });
}

#[test]
fn what_was_refused_and_stored_all_the_same_is_taken_back() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let (writer, mut outcomes) =
            Writer::start(Faulty::new(store.clone(), [Fault::LosesTheAnswer]), QUICK);
        let story = story().ring_ended(1, RingOutcome::Cancelled).message(1);
        write(&writer, &story.said(1, 1, 1));
        until(&mut outcomes, not_stored(6)).await;
        assert!(writer.finish(LONG).await);
        for table in ["rings", "history", "ring_messages", "chat"] {
            assert_eq!(rows(store, table).await, 0, "{table}");
        }
        assert!(connected(store).await);
    });
}

#[test]
fn a_store_that_is_slow_counts_as_failing_and_is_waited_for() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let gate = Arc::new(Semaphore::new(0));
        let faulty = Faulty::new(store.clone(), [Fault::Held(gate.clone())]);
        let patience = Patience {
            late: Duration::from_millis(1),
            ..QUICK
        };
        let (writer, mut outcomes) = Writer::start(faulty, patience);
        write(&writer, &story());
        let before = until(&mut outcomes, not_stored(3)).await;
        assert!(!before.contains(&stored(3)));
        gate.add_permits(1);
        until(&mut outcomes, stored(3)).await;
        assert!(connected(store).await);
        // It was committed, and refused before that.
        assert_eq!(rows(store, "rings").await, 0);
    });
}

#[test]
fn a_commit_that_never_ends_is_given_up_and_tried_again() {
    on_both(async |fresh| {
        let store = &fresh.store;
        let patience = Patience {
            late: Duration::from_millis(1),
            lost: Duration::from_millis(2),
            ..QUICK
        };
        let never = Fault::Slow(LONG * 60);
        let faulty = Faulty::new(store.clone(), [never.clone(), never]);
        let (writer, mut outcomes) = Writer::start(faulty.clone(), patience);
        write(&writer, &story());
        until(&mut outcomes, not_stored(3)).await;
        // On a busy machine it may be given up more often than the test wants it.
        until(&mut outcomes, stored(3)).await;
        assert!(faulty.tried.lock().unwrap().len() >= 3);
        assert!(connected(store).await);
    });
}

#[tokio::test]
async fn when_too_many_wait_the_store_counts_as_failing() {
    let fresh = sqlite().await;
    let gate = Arc::new(Semaphore::new(0));
    let faulty = Faulty::new(fresh.store.clone(), [Fault::Held(gate.clone())]);
    let (writer, mut outcomes) = Writer::start(faulty.clone(), QUICK);
    let mut entry = Story::default().rung(1, 1, 2).entries[0].clone();
    writer.write(entry.clone());
    while faulty.tried.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let last = REFUSE_BEYOND as u64 + 1;
    for id in 2..=last {
        entry.id = WriteId(id);
        writer.write(entry.clone());
    }
    assert!(until(&mut outcomes, not_stored(last)).await.is_empty());
    gate.add_permits(1);
    until(&mut outcomes, stored(1)).await;
    // The one that was on its way is refused as well.
    assert_eq!(rows(&fresh.store, "rings").await, 0);
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let fresh = sqlite().await;
    let never = Fault::Slow(LONG * 60);
    let (writer, _outcomes) = Writer::start(Faulty::new(fresh.store, [never]), QUICK);
    write(&writer, &story());
    assert!(!writer.finish(Duration::from_millis(10)).await);
}
