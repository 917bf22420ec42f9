use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::super::{Place, args};
use super::{Fresh, on_both, sqlite};

async fn refusal(place: &Place) -> String {
    match place.open().await {
        Ok(_) => panic!("{place} was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_committed_is_there_when_it_is_opened_again() {
    on_both(async |Fresh { place, store, .. }| {
        store.set_setting("kept", "yes").await.unwrap();
        store.close().await;
        let again = place.open().await.unwrap();
        let said = again.setting("kept").await.unwrap();
        assert_eq!(said.as_deref(), Some("yes"));
    });
}

#[test]
fn a_transaction_that_is_dropped_did_nothing() {
    on_both(async |Fresh { store, .. }| {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
        let mut open = store.begin().await.unwrap();
        open.execute(sql, args!["dropped", "x"]).await.unwrap();
        drop(open);
        let mut open = store.begin().await.unwrap();
        open.execute(sql, args!["committed", "x"]).await.unwrap();
        open.commit().await.unwrap();
        assert_eq!(store.setting("dropped").await.unwrap(), None);
        assert!(store.setting("committed").await.unwrap().is_some());
    });
}

#[test]
fn what_there_may_be_only_once_is_taken() {
    on_both(async |Fresh { store, .. }| {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
        store.execute(sql, args!["once", "x"]).await.unwrap();
        let twice = store.execute(sql, args!["once", "x"]).await.unwrap_err();
        assert!(twice.is_taken(), "{twice}");
        let other = store.execute("INSERT INTO nowhere VALUES (1)", args![]);
        assert!(!other.await.unwrap_err().is_taken());
    });
}

#[test]
fn a_newer_schema_is_refused() {
    on_both(async |Fresh { place, store, .. }| {
        let sql = "INSERT INTO migrations (version, name) VALUES (1000, 'of the future')";
        store.execute(sql, args![]).await.unwrap();
        store.close().await;
        let said = refusal(&place).await;
        assert!(said.contains("newer Dialtone"), "{said}");
        assert!(said.contains("version 1000"), "{said}");
    });
}

#[test]
fn those_that_open_an_empty_store_at_once_migrate_it_once() {
    on_both(async |Fresh { folder, place, .. }| {
        let empty = |round: u32| match place {
            Place::Sqlite(_) => Place::Sqlite(folder.path().join(format!("{round}.db"))),
            Place::Postgres(_) => {
                let url = super::postgres::fresh_database();
                Place::new(Some(&url), folder.path()).unwrap()
            }
        };
        // A new file is dangerous for a moment that few of them meet.
        let rounds = match place {
            Place::Sqlite(_) => 20,
            Place::Postgres(_) => 1,
        };
        for place in (0..rounds).map(empty) {
            let open = || place.open();
            let opened = tokio::join!(open(), open(), open(), open());
            let all = [opened.0, opened.1, opened.2, opened.3].map(Result::unwrap);
            let sql = "SELECT COUNT(*) AS steps FROM migrations WHERE version = 1";
            let row = all[0].row(sql, args![]).await.unwrap().unwrap();
            assert_eq!(row.get::<i64>("steps").unwrap(), 1);
        }
    });
}

#[tokio::test]
async fn the_files_of_sqlite_are_nobody_elses_to_read() {
    let Fresh { store, folder, .. } = sqlite().await;
    store.set_setting("written", "yes").await.unwrap();
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and its index");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("dialtone.db"),
        "a letter to Ben".repeat(500),
    )
    .unwrap();
    let said = refusal(&Place::new(None, folder.path()).unwrap()).await;
    assert!(said.contains("not a database of Dialtone"), "{said}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    // Also root cannot make a file there.
    let said = refusal(&Place::new(None, "/proc/self".as_ref()).unwrap()).await;
    assert!(said.contains("/proc/self/dialtone.db"), "{said}");
    assert!(said.contains("--data DIR"), "{said}");
}

#[tokio::test]
async fn a_database_that_somebody_keeps_locked_is_refused() {
    let Fresh {
        place,
        store,
        folder: _folder,
    } = sqlite().await;
    let held = store.begin().await.unwrap();
    let said = refusal(&place).await;
    assert!(said.contains("has it locked"), "{said}");
    drop(held);
}

#[tokio::test]
async fn what_is_wrong_with_a_url_is_said_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "mysql://ada:geheim@localhost/x",
        "postgres://ada:geheim@localhost:port/x",
        "dialtone.db",
    ] {
        let Err(error) = Place::new(Some(url), folder.path()) else {
            panic!("{url} was taken");
        };
        let said = error.to_string();
        assert!(said.contains("postgres://USER:PASSWORD@HOST"), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = super::postgres::fresh_database();
    let missing = format!("{url}_not_there").replace("dialtone@", "dialtone:geheim@");
    let said = refusal(&Place::new(Some(&missing), folder.path()).unwrap()).await;
    assert!(said.contains("createdb"), "{said}");
    assert!(!said.contains("geheim"), "{said}");

    let nobody = "postgres://ada:geheim@127.0.0.1:1/x";
    let said = refusal(&Place::new(Some(nobody), folder.path()).unwrap()).await;
    assert!(said.contains("Check that the server runs"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}
