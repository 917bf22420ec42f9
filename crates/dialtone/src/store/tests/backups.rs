use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use exchange::records::{Record, RingOutcome, WriteId};
use sqlx::AssertSqlSafe;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::super::writer::{Outcome, Patience, Writer};
use super::super::{Store, Value, args, backup};
use super::story::*;
use super::{Fresh, on_both, postgres, sqlite};
use crate::data::DataFolder;

/// Only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

/// Something in every table, also what is NULL, and what is longest.
async fn fill(store: &Store) {
    let ada = account(store, 1, "Ada").await;
    let ben = account(store, 2, "Bén 🎉").await;
    store.set_setting("guests", "no").await.unwrap();
    let id = [9; 16];
    let hash = [7; 32];
    let (id, hash) = (&id[..], &hash[..]);
    for (sql, values) in [
        (
            "UPDATE users SET password_hash = $2, do_not_disturb = TRUE WHERE id = $1",
            args![ada, "argon"],
        ),
        (
            "INSERT INTO contacts (user_id, contact_id, created_ms) VALUES ($1, $2, 3)",
            args![ada, ben],
        ),
        (
            "INSERT INTO blocks (user_id, blocked_id, created_ms) VALUES ($2, $1, 3)",
            args![ada, ben],
        ),
        (
            "INSERT INTO passkeys (id, user_id, name, credential, created_ms)
             VALUES ($2, $1, 'key', '{}', 1)",
            args![ada, hash],
        ),
        (
            "INSERT INTO logins (id, user_id, secret_hash, name, created_ms, seen_ms)
             VALUES ($2, $1, $3, 'phone', 1, 9223372036854775807)",
            args![ada, id, hash],
        ),
        (
            "INSERT INTO push_subscriptions (login_id, endpoint, p256dh, auth, created_ms)
             VALUES ($1, 'https://example.org', $2, $2, 1)",
            args![id, hash],
        ),
        (
            "INSERT INTO invitations (id, token_hash, role, created_ms, expires_ms)
             VALUES ($1, $2, 'member', 1, 2)",
            args![id, hash],
        ),
        (
            "INSERT INTO api_tokens (id, user_id, token_hash, name, scopes, created_ms)
             VALUES ($2, $1, $3, 'script', 'calls people', 1)",
            args![ada, id, hash],
        ),
        (
            "INSERT INTO join_tokens
             (id, token_hash, user_id, made_by, room, name, audio, video, expires_ms)
             VALUES ($2, $3, $1, $2, $2, 'Patient', $4, $4, 1)",
            args![ada, id, hash, true],
        ),
        (
            "INSERT INTO webhooks (id, url, secret, events, created_ms)
             VALUES ($1, 'https://example.org', 's', ' call.started ', 1)",
            args![id],
        ),
    ] {
        store.execute(sql, values).await.unwrap();
    }
    let story = Story::default()
        .opened(1)
        .seated(1, 1, Some(ada), "Ada")
        .rung(1, 1, 2)
        .ringing(1)
        .said(1, 1, 1)
        .ring_ended(1, RingOutcome::NoAnswer)
        .message(1)
        .then(Record::RoomClosed { room: room(2) });
    let story = (2..200).fold(story, |story, n| story.said(1, 1, n));
    story.keep(store).await;
}

/// All rows of all tables.
async fn dump(store: &Store) -> BTreeMap<String, Vec<Vec<Value>>> {
    let mut open = store.begin_snapshot().await.unwrap();
    let mut all = BTreeMap::new();
    for table in open.tables().await.unwrap() {
        let columns = open.columns(&table).await.unwrap();
        let sql = AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2"));
        let rows = open.rows(sql, args![]).await.unwrap();
        let values = rows.iter().map(|row| {
            let values = columns.iter().map(|column| column.value(row).unwrap());
            values.map(numbers).collect()
        });
        all.insert(table, values.collect());
    }
    all
}

/// SQLite has no truth.
fn numbers(value: Value) -> Value {
    match value {
        Value::Bool(truth) => Value::Int(truth.map(i64::from)),
        value => value,
    }
}

fn data(folder: &Path) -> DataFolder {
    DataFolder::open(folder).unwrap()
}

#[test]
fn a_backup_of_either_is_restored_into_either() {
    on_both(async |from: Fresh| {
        fill(&from.store).await;
        let before = dump(&from.store).await;
        for (table, rows) in &before {
            assert!(!rows.is_empty(), "nothing in {table}");
        }
        let secret = data(from.folder.path()).relay_secret().unwrap();
        let file = from.folder.path().join("backup");
        let rows = backup::back_up(&data(from.folder.path()), &from.store, &file)
            .await
            .unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let bytes = std::fs::read(&file).unwrap();

        for to in [sqlite().await, postgres().await] {
            let folder = data(to.folder.path());
            let restored = backup::restore(&file, &folder, &to.store, false).await;
            assert_eq!(restored.unwrap(), rows);
            assert!(dump(&to.store).await == before, "{}", to.place);
            assert_eq!(folder.relay_secret().unwrap(), secret);

            // And it goes on where it was.
            let story = Story::default().rung(7, 1, 2);
            let story = story.ring_ended(7, RingOutcome::NoAnswer);
            story.said(1, 1, 201).keep(&to.store).await;
            let newest = to.store.history(user(2), None, 1).await.unwrap();
            assert_eq!(newest.entries[0].ring, Some(ring(7)));
            assert!(newest.more);
        }
        assert!(
            bytes == std::fs::read(&file).unwrap(),
            "the backup was changed"
        );
        for entry in std::fs::read_dir(from.folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains("unfinished"), "{name}");
            assert!(!name.starts_with("backup-"), "{name}");
        }
    });
}

#[test]
fn what_is_in_a_store_is_replaced_only_when_that_is_said() {
    on_both(async |to: Fresh| {
        let from = sqlite().await;
        account(&from.store, 1, "Ada").await;
        let file = from.folder.path().join("backup");
        backup::back_up(&data(from.folder.path()), &from.store, &file)
            .await
            .unwrap();
        fill(&to.store).await;
        let before = dump(&to.store).await;
        let folder = data(to.folder.path());
        let secret = folder.relay_secret().unwrap();

        let refused = backup::restore(&file, &folder, &to.store, false).await;
        let said = format!("{:#}", refused.unwrap_err());
        assert!(said.contains("--replace"), "{said}");
        assert!(dump(&to.store).await == before);
        assert_eq!(folder.relay_secret().unwrap(), secret);

        backup::restore(&file, &folder, &to.store, true)
            .await
            .unwrap();
        assert!(dump(&to.store).await == dump(&from.store).await);
        assert_ne!(folder.relay_secret().unwrap(), secret);
    });
}

#[tokio::test]
async fn what_is_no_backup_is_refused() {
    let to = sqlite().await;
    let folder = data(to.folder.path());
    let file = to.folder.path().join("file");
    for (content, words) in [
        (Some(&b"a letter to Ben"[..]), "is no backup"),
        (None, "cannot be read"),
    ] {
        let _ = std::fs::remove_file(&file);
        if let Some(content) = content {
            std::fs::write(&file, content.repeat(1000)).unwrap();
        }
        let refused = backup::restore(&file, &folder, &to.store, false).await;
        let said = format!("{:#}", refused.unwrap_err());
        assert!(said.contains(words), "{said}");
    }
    // A store that is no backup.
    let other = sqlite().await;
    other.store.close().await;
    let file = other.folder.path().join("dialtone.db");
    let refused = backup::restore(&file, &folder, &to.store, false).await;
    let said = format!("{:#}", refused.unwrap_err());
    assert!(said.contains("not one that backup has written"), "{said}");
}

#[test]
fn a_backup_while_calls_go_on_is_of_one_moment() {
    on_both(async |from: Fresh| {
        let Fresh { store, folder, .. } = from;
        let patience = Patience {
            late: LONG, // On a busy machine, too.
            ..Patience::default()
        };
        let (writer, mut outcomes) = Writer::start(store.clone(), patience);
        // Each call in one piece; and the first is there.
        let call = |n: u64| {
            let mut story = Story::default().opened(1).seated(1, 1, None, "Ada");
            story = story.rung(1, 1, 2).ring_ended(1, RingOutcome::NoAnswer);
            renumber(&mut story, n);
            story
        };
        let mut written: u64 = 0;
        let mut write = |writer: &Writer| {
            written += 1;
            for entry in call(written).entries {
                writer.write(entry);
            }
            written
        };
        write(&writer);
        loop {
            match outcomes.recv().await {
                Some(Outcome::Stored(WriteId(4))) => break,
                Some(Outcome::Stored(_)) => {} // It came in two pieces.
                other => panic!("{other:?}"),
            }
        }

        let file = folder.path().join("backup");
        let (done, mut stop) = oneshot::channel::<()>();
        let writing = async {
            let (mut last, mut stored) = (1, 4);
            while stop.try_recv() == Err(TryRecvError::Empty) {
                last = write(&writer);
                tokio::time::sleep(Duration::from_millis(1)).await;
                while stored + 40 < last * 4 {
                    match outcomes.recv().await {
                        Some(Outcome::Stored(WriteId(id))) => stored = id,
                        other => panic!("{other:?}"),
                    }
                }
            }
            last
        };
        let backing = async {
            let folder = data(folder.path());
            let mut counts = Vec::new();
            for _ in 0..3 {
                let _ = std::fs::remove_file(&file);
                backup::back_up(&folder, &store, &file).await.unwrap();
                let to = sqlite().await;
                let its = data(to.folder.path());
                backup::restore(&file, &its, &to.store, false)
                    .await
                    .unwrap();
                counts.push(whole_calls(&to.store).await);
            }
            drop(done);
            counts
        };
        let (last, counts) = tokio::join!(writing, backing);
        assert!(writer.finish(LONG).await);
        // Nobody was disturbed, and each sees more than the one before.
        assert_eq!(whole_calls(&store).await, last);
        assert!(counts[0] >= 1 && counts.is_sorted(), "{counts:?}");
        assert!(
            counts[0] < counts[2] && counts[2] <= last,
            "{counts:?} {last}"
        );
    });
}

/// Gives the records of a call other ids.
fn renumber(story: &mut Story, n: u64) {
    use exchange::records::Record::*;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    let (of_call, of_ring) = (
        protocol::id::CallId::from_bytes(bytes),
        protocol::id::RingId::from_bytes(bytes),
    );
    for (entry, step) in story.entries.iter_mut().zip(1..) {
        entry.id = WriteId((n - 1) * 4 + step);
        match &mut entry.record {
            CallOpened { call, .. } | Seated { call, .. } => *call = of_call,
            Rung(rung) => (rung.ring, rung.call) = (of_ring, of_call),
            RingEnded { ring, .. } => *ring = of_ring,
            _ => {}
        }
    }
}

/// How many calls there are, each of which has all that belongs to it.
async fn whole_calls(store: &Store) -> u64 {
    let mut all = dump(store).await;
    let mut count = |table| all.remove(table).unwrap().len() as u64;
    let (calls, seats, rings) = (count("calls"), count("seats"), count("rings"));
    assert!(calls.abs_diff(seats) <= 1 && calls.abs_diff(rings) <= 1);
    assert!(count("history").abs_diff(2 * rings) <= 2);
    calls
}
