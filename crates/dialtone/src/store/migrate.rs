//! Brings the schema of a store up to what this binary knows, and never back.

use super::{Backend, Error, Row, Store, args};

/// One step forward.
struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($name:literal)*) => {
        &[$(Migration {
            name: $name,
            sqlite: include_str!(concat!("migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

/// All of them; the first is version 1.
const MIGRATIONS: &[Migration] = migrations! {
    "0001_first" "0002_webhooks" "0003_closed_rooms" "0004_history_by_call" "0005_join_tokens"
};

/// The version of the schema that this binary works with.
pub const VERSION: u64 = MIGRATIONS.len() as u64;

/// Keeps two processes that start at once from both migrating a PostgreSQL database.
const LOCK: i64 = 0x6469_616c_746f_6e65; // "dialtone"

/// Why a store could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Outdated {
    /// A newer binary has been here.
    #[error("its schema has version {0}, and this Dialtone knows up to {VERSION}")]
    Newer(u64),
    /// It did not work.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Store {
    /// Does what is missing, each step in a transaction of its own.
    pub(super) async fn migrate(&self) -> Result<(), Outdated> {
        while self.step().await? {}
        Ok(())
    }

    /// Whether the schema is as this binary knows it.
    pub(super) async fn is_up_to_date(&self) -> Result<bool, Error> {
        Ok(self.schema().await? == VERSION)
    }

    /// The version of its schema.
    pub(super) async fn schema(&self) -> Result<u64, Error> {
        newest(self.row(NEWEST, args![]).await?)
    }

    async fn step(&self) -> Result<bool, Outdated> {
        let mut open = self.begin().await?;
        if let Backend::Postgres(_) = self.0 {
            open.rows("SELECT pg_advisory_xact_lock($1)", args![LOCK])
                .await?;
        }
        open.script(
            "CREATE TABLE IF NOT EXISTS migrations
             (version BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL)",
        )
        .await?;
        let version = newest(open.row(NEWEST, args![]).await?)?;
        if version > VERSION {
            return Err(Outdated::Newer(version));
        }
        let Some(next) = MIGRATIONS.get(version as usize) else {
            return Ok(false);
        };
        let script = match self.0 {
            Backend::Sqlite { .. } => next.sqlite,
            Backend::Postgres(_) => next.postgres,
        };
        open.script(script).await?;
        open.execute(
            "INSERT INTO migrations (version, name) VALUES ($1, $2)",
            args![version + 1, next.name],
        )
        .await?;
        open.commit().await?;
        Ok(true)
    }
}

const NEWEST: &str = "SELECT MAX(version) AS version FROM migrations";

fn newest(row: Option<Row>) -> Result<u64, Error> {
    match row {
        Some(row) => Ok(row.find("version")?.unwrap_or(0)),
        None => Ok(0),
    }
}
