//! The store: what outlives a restart, in SQLite or PostgreSQL.
//!
//! Both understand the same SQL as long as it keeps to what is listed here, so every query is
//! written once. Each topic has a file with its own `impl Store`:
//!
//! ```ignore
//! impl Store {
//!     pub async fn name_of(&self, user: UserId) -> Result<Option<String>, Error> {
//!         let sql = "SELECT name FROM users WHERE id = $1 AND closed_ms IS NULL";
//!         let row = self.row(sql, args![user]).await?;
//!         row.map(|row| row.get("name")).transpose()
//!     }
//! }
//! ```
//!
//! [`Store::rows`] and [`Store::row`] read, [`Store::execute`] writes one statement, and
//! [`Store::begin`] opens a transaction, which can do all of these. **Nothing slow may be awaited
//! while a transaction is open**: SQLite has one writer, and everybody else who writes waits.
//!
//! What both understand: `$1` placeholders; `INSERT … ON CONFLICT … DO UPDATE SET x = excluded.x`
//! (after a `SELECT`, which then needs a `WHERE`); `RETURNING`; `UPDATE … FROM`; `WITH v(a, b) AS
//! (VALUES …)`; `TRUE` and `FALSE`; `COUNT(*)`. Numbers are 64 bits wide in PostgreSQL only when
//! they come from a column or a parameter: write `CAST(1 AS BIGINT)`.
//!
//! The schema is in `migrations/`, one folder for each database. A migration that has been
//! released is never edited.

pub mod backup;
mod calls;
mod copy;
mod deliveries;
mod error;
pub mod history;
pub mod invitations;
pub mod join_tokens;
mod keep;
pub mod logins;
mod many;
mod migrate;
mod open;
pub mod passkeys;
pub mod people;
mod restore;
mod row;
mod run;
mod settings;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tidy;
pub mod tokens;
pub mod users;
mod value;
mod webhooks;
mod words;
pub mod writer;

pub use deliveries::{Attempt, Delivery, Listed as ListedDelivery};
pub use error::Error;
pub use migrate::VERSION as SCHEMA_VERSION;
pub use open::{Claim, Place};
pub use row::Row;
pub use subscriptions::Subscription;
pub use value::Value;
pub(crate) use value::args;
pub use webhooks::{NewWebhook, Target, Webhook, WebhookChange};

use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool};

/// A store that is open. A clone is the same store.
#[derive(Clone, Debug)]
pub struct Store(Backend);

#[derive(Clone, Debug)]
enum Backend {
    Sqlite {
        /// One connection: SQLite has one writer at a time, and waiting here is fairer than there.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Store {
    /// What a query finds.
    pub async fn rows(&self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        Ok(match &self.0 {
            Backend::Sqlite { readers, .. } => {
                let query = value::sqlite(sql, values)?;
                collect(query.fetch_all(readers).await?, Row::Sqlite)
            }
            Backend::Postgres(pool) => {
                let query = value::postgres(sql, values)?;
                collect(query.fetch_all(pool).await?, Row::Postgres)
            }
        })
    }

    /// The first row that a query finds.
    pub async fn row(
        &self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Writes one statement; gives how many rows it touched.
    pub async fn execute(&self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<u64, Error> {
        Ok(match &self.0 {
            Backend::Sqlite { writer, .. } => {
                let query = value::sqlite(sql, values)?;
                query.execute(writer).await?.rows_affected()
            }
            Backend::Postgres(pool) => {
                let query = value::postgres(sql, values)?;
                query.execute(pool).await?.rows_affected()
            }
        })
    }

    /// Begins a transaction that may write. Dropped without [`Transaction::commit`], it did nothing.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match &self.0 {
            Backend::Sqlite { writer, .. } => {
                // At once, or two that have read could both wait for the other to write.
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Backend::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Ends all connections, when what runs on them is done.
    pub async fn close(&self) {
        match &self.0 {
            Backend::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await; // The last one leaves no -wal file behind.
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }
}

/// Statements that count together or not at all.
#[derive(Debug)]
pub enum Transaction {
    /// Of SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// Of PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// What a query finds; also what a statement that writes is `RETURNING`.
    pub async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Transaction::Sqlite(open) => {
                let query = value::sqlite(sql, values)?;
                collect(query.fetch_all(&mut **open).await?, Row::Sqlite)
            }
            Transaction::Postgres(open) => {
                let query = value::postgres(sql, values)?;
                collect(query.fetch_all(&mut **open).await?, Row::Postgres)
            }
        })
    }

    /// The first row of [`Transaction::rows`].
    pub async fn row(
        &mut self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Writes one statement; gives how many rows it touched.
    pub async fn execute(
        &mut self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        Ok(match self {
            Transaction::Sqlite(open) => {
                let query = value::sqlite(sql, values)?;
                query.execute(&mut **open).await?.rows_affected()
            }
            Transaction::Postgres(open) => {
                let query = value::postgres(sql, values)?;
                query.execute(&mut **open).await?.rows_affected()
            }
        })
    }

    /// Several statements without parameters, as migrations have them.
    async fn script(&mut self, sql: impl SqlSafeStr) -> Result<(), Error> {
        match self {
            Transaction::Sqlite(open) => {
                sqlx::raw_sql(sql).execute(&mut **open).await?;
            }
            Transaction::Postgres(open) => {
                sqlx::raw_sql(sql).execute(&mut **open).await?;
            }
        }
        Ok(())
    }

    /// Makes it count, durably.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Transaction::Sqlite(open) => open.commit().await?,
            Transaction::Postgres(open) => open.commit().await?,
        }
        Ok(())
    }
}

fn collect<R>(rows: Vec<R>, row: fn(R) -> Row) -> Vec<Row> {
    rows.into_iter().map(row).collect()
}
