//! Opening a store: where it is, and what to do when it cannot be opened.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{anyhow, bail};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, SqlitePool};
use tokio::time::{Instant, sleep};

use super::migrate::Outdated;
use super::{Backend, Error, Store};

/// The file of SQLite in the data folder.
pub const FILE: &str = "dialtone.db";

/// Statements that the one that writes has prepared: those of records, in every size, and some more.
const PREPARED: usize = 160;
/// Memory for pages of the one that writes, in KiB: what a busy group of records touches.
const PAGES_KIB: u32 = 16 << 10;
/// Pages of the write-ahead log after which they are moved to the file (32 MiB): one that was written many
/// times meanwhile is moved once.
const LOG_PAGES: u32 = 8 << 10;
/// Connections that only read. More would help only where more processors are.
const READERS: u32 = 4;
/// Connections to PostgreSQL, whose default is 100 for everybody together.
const CONNECTIONS: u32 = 8;
/// How long a connection may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long PostgreSQL may work on one statement; none of ours takes a second.
const STATEMENT_MS: u32 = 10_000;

/// The pause before a new file is tried again that somebody else opens in the same moment.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

/// Names the lock that a server holds in PostgreSQL.
const CLAIM: i64 = 0x6469_616c_746f_6e66;
/// How often it is tried.
const CLAIMS: u32 = 20;
/// The pause between.
const CLAIM_PAUSE: Duration = Duration::from_millis(100);

/// Says that a database is one server's, as long as it lives.
#[derive(Debug)]
pub struct Claim {
    _connection: PgConnection,
}

/// Where a store is.
#[derive(Clone)]
pub enum Place {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Box<PgConnectOptions>),
}

impl Place {
    /// The store that `--store` names, or the one in the data folder.
    pub fn new(url: Option<&str>, data: &Path) -> anyhow::Result<Place> {
        let Some(url) = url else {
            return Ok(Place::Sqlite(data.join(FILE)));
        };
        // The URL may hold a password: it is not repeated in what is said about it.
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            bail!("--store wants a URL like postgres://USER:PASSWORD@HOST:5432/DATABASE");
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            anyhow!(
                "--store is not a URL of PostgreSQL ({error}). It looks like \
                 postgres://USER:PASSWORD@HOST:5432/DATABASE, special characters as %40."
            )
        })?;
        Ok(Place::Postgres(Box::new(
            options
                .application_name("dialtone")
                .disable_statement_logging(),
        )))
    }

    /// Opens the store, makes it where there is none, and brings it up to date.
    pub async fn open(&self) -> anyhow::Result<Store> {
        let store = match self {
            Place::Sqlite(path) => open_sqlite(path).await?,
            Place::Postgres(options) => open_postgres(options).await?,
        };
        match store.migrate().await {
            Ok(()) => Ok(store),
            Err(Outdated::Newer(version)) => Err(anyhow!(
                "{self} was used by a newer Dialtone ({}). Start that one, or restore a backup \
                 of before.",
                Outdated::Newer(version)
            )),
            Err(Outdated::Failed(error)) => Err(self.explain(error)),
        }
    }

    /// Opens a store that is there, and leaves its schema alone: a server may be using it.
    pub async fn open_as_it_is(&self) -> anyhow::Result<Store> {
        let store = match self {
            Place::Sqlite(path) if !path.exists() => bail!(
                "There is no store at {}. Name its folder with --data DIR, or its database with \
                 --store URL.",
                path.display()
            ),
            Place::Sqlite(path) => open_sqlite(path).await?,
            Place::Postgres(options) => open_postgres(options).await?,
        };
        match store.is_up_to_date().await {
            Ok(true) => Ok(store),
            Ok(false) => bail!("{self} is used by another version of Dialtone. Use that one."),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// The version of the schema of a store, if it is there; nothing is made or changed.
    pub async fn schema(&self) -> anyhow::Result<Option<u64>> {
        let store = match self {
            Place::Sqlite(path) if !path.exists() => return Ok(None),
            Place::Sqlite(path) => open_sqlite(path).await?,
            Place::Postgres(options) => open_postgres(options).await?,
        };
        let schema = store.schema().await;
        store.close().await;
        schema.map(Some).map_err(|error| self.explain(error))
    }

    /// Keeps other servers out of a database of PostgreSQL. A file of SQLite is in the data folder,
    /// which has a lock of its own.
    pub async fn claim(&self) -> anyhow::Result<Option<Claim>> {
        let Place::Postgres(options) = self else {
            return Ok(None);
        };
        let failed = |error: sqlx::Error| self.explain(error.into());
        let mut connection = options.connect().await.map_err(failed)?;
        // PostgreSQL may take a moment to see that a server has ended.
        for _ in 0..CLAIMS {
            let claimed: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
                .bind(CLAIM)
                .fetch_one(&mut connection)
                .await
                .map_err(failed)?;
            if claimed {
                return Ok(Some(Claim {
                    _connection: connection,
                }));
            }
            sleep(CLAIM_PAUSE).await;
        }
        bail!("{self} belongs to another server. End it first, or name another database.")
    }

    /// What went wrong, and what to do.
    fn explain(&self, error: Error) -> anyhow::Error {
        let remedy = match (self, code(&error).as_deref()) {
            (Place::Sqlite(_), Some("5" | "6" | "261" | "517")) => {
                "Another program has it locked: end that, and start again."
            }
            (Place::Sqlite(_), Some("8" | "264" | "776" | "1032" | "1544")) => {
                "It may not be written: check who owns the data folder, or name another one \
                 with --data DIR."
            }
            (Place::Sqlite(_), Some("13")) => "The disk is full: make room.",
            (Place::Sqlite(_), Some("11" | "26" | "267" | "523")) => {
                "It is not a database of Dialtone, or it is damaged: restore a backup, or name \
                 another folder with --data DIR."
            }
            // A table is not there.
            (Place::Sqlite(_), Some("1")) | (Place::Postgres(_), Some("42P01")) => {
                "No server has used it yet: check --data and --store."
            }
            (Place::Sqlite(_), _) => {
                "Check who owns the data folder, or name another one with --data DIR."
            }
            (Place::Postgres(_), Some("28P01" | "28000")) => {
                "Check user and password in --store, and pg_hba.conf of the server."
            }
            (Place::Postgres(_), Some("3D000")) => {
                "Make the database first: createdb -O USER DATABASE."
            }
            (Place::Postgres(_), Some("42501")) => {
                "The user of --store must be allowed to make tables there: make them the owner \
                 of the database."
            }
            (Place::Postgres(_), Some("53300")) => {
                "The server has no connection left: raise its max_connections."
            }
            (Place::Postgres(_), _) => {
                "Check that the server runs, and host, port and database in --store."
            }
        };
        anyhow!("{self} cannot be opened ({error}). {remedy}")
    }
}

impl std::fmt::Display for Place {
    /// For people; without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Sqlite(path) => write!(f, "The store {}", path.display()),
            Place::Postgres(options) => write!(
                f,
                "The store {} of PostgreSQL at {}:{}",
                options.get_database().unwrap_or("without a name"),
                options.get_host(),
                options.get_port(),
            ),
        }
    }
}

fn code(error: &Error) -> Option<String> {
    match error {
        Error::Database(sqlx::Error::Database(error)) => error.code().map(|code| code.into_owned()),
        _ => None,
    }
}

async fn open_sqlite(path: &Path) -> anyhow::Result<Store> {
    let place = Place::Sqlite(path.to_owned());
    make_private(path).map_err(|error| {
        anyhow!(
            "{place} cannot be made ({error}). Check who owns the data folder, or name another \
             one with --data DIR."
        )
    })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk before anybody hears of it.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    // A file does not go away like a server: asking it before each use is of no use.
    let pool = SqlitePoolOptions::new()
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE);
    let writing = options
        .clone()
        .statement_cache_capacity(PREPARED)
        .pragma("cache_size", format!("-{PAGES_KIB}"))
        .pragma("wal_autocheckpoint", LOG_PAGES.to_string());
    let writer = connect_in_turn(pool.clone().max_connections(1), writing)
        .await
        .map_err(|error| place.explain(error))?;
    let readers = pool
        .max_connections(READERS)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Store(Backend::Sqlite { writer, readers }))
}

/// The `busy_timeout` says nothing about the moment in which a new file gets its write-ahead log: who is
/// not alone in that is told at once that it is locked, and has to try again.
async fn connect_in_turn(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let opened = pool.clone().connect_with(options.clone()).await;
        match opened.map_err(Error::from) {
            Err(error) if code(&error).as_deref() == Some("5") && Instant::now() < deadline => {
                sleep(LOCKED_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Makes the file before SQLite does: it is nobody else's to read, nor are those beside it, which
/// get the mode of the first.
fn make_private(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    drop(file);
    Ok(())
}

async fn open_postgres(options: &PgConnectOptions) -> anyhow::Result<Store> {
    let place = Place::Postgres(Box::new(options.clone()));
    let limit = format!("SET statement_timeout = {STATEMENT_MS}");
    let limit = std::sync::Arc::<str>::from(limit);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            let limit = sqlx::AssertSqlSafe(limit.clone());
            Box::pin(async move { connection.execute(limit).await.map(drop) })
        })
        .connect_with(options.clone())
        .await
        .map_err(|error| place.explain(error.into()))?;
    Ok(Store(Backend::Postgres(pool)))
}
