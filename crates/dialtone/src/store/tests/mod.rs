//! The same tests on both databases.

mod accounts;
mod backups;
mod deliveries;
mod faults;
mod history;
mod join_tokens;
mod opening;
mod restoring;
mod settings;
mod speed;
mod story;
mod subscriptions;
mod tidying;
mod webhooks;
mod writing;

use std::future::Future;

use tempfile::TempDir;

use super::{Place, Store};

#[path = "../../../tests/postgres_support/mod.rs"]
mod postgres;

/// An empty store, and where it is.
pub struct Fresh {
    pub place: Place,
    pub store: Store,
    pub folder: TempDir,
}

pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(None, folder.path()).unwrap();
    let store = place.open().await.unwrap();
    Fresh {
        place,
        store,
        folder,
    }
}

pub async fn postgres() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres::fresh_database();
    let place = Place::new(Some(&url), folder.path()).unwrap();
    let store = place.open().await.unwrap();
    Fresh {
        place,
        store,
        folder,
    }
}

/// Runs a test on an empty store of either kind.
pub fn on_both<F: Future<Output = ()>>(test: impl Fn(Fresh) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        println!("on SQLite");
        test(sqlite().await).await;
        println!("on PostgreSQL");
        test(postgres().await).await;
    });
}
