//! Copies a store into another, whatever both are.
//!
//! What there is to copy is asked of the databases: a table that a migration adds is copied, too.

use anyhow::bail;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::AssertSqlSafe;

use super::{Backend, Error, Row, Store, Transaction, Value, args, value};

type Found = Result<Row, sqlx::Error>;

/// Rows in flight.
const BATCH: usize = 128;

/// What is not copied: each store has its own.
const OWN: &[&str] = &["migrations", super::backup::TABLE];

impl Store {
    /// Begins a transaction that sees everything as it is now, whatever others write meanwhile, and
    /// keeps nobody from writing.
    pub(super) async fn begin_snapshot(&self) -> Result<Transaction, Error> {
        Ok(match &self.0 {
            Backend::Sqlite { readers, .. } => {
                let mut open = Transaction::Sqlite(readers.begin().await?);
                // SQLite takes the picture at the first look.
                open.rows("SELECT 1 FROM migrations", args![]).await?;
                open
            }
            Backend::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let mut open = Transaction::Postgres(pool.begin_with(begin).await?);
                open.without_limit().await?;
                open
            }
        })
    }
}

impl Transaction {
    /// A copy may take longer than what a server does in between.
    pub(super) async fn without_limit(&mut self) -> Result<(), Error> {
        if let Transaction::Postgres(_) = self {
            self.script("SET LOCAL statement_timeout = 0").await?;
        }
        Ok(())
    }

    /// All tables with data, those that others refer to first: in the order they were made in.
    pub(super) async fn tables(&mut self) -> Result<Vec<String>, Error> {
        let sql = match self {
            Transaction::Sqlite(_) => {
                "SELECT name FROM sqlite_schema
                 WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid"
            }
            Transaction::Postgres(_) => {
                "SELECT CAST(c.relname AS TEXT) AS name
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind = 'r' AND n.nspname = current_schema() ORDER BY c.oid"
            }
        };
        let rows = self.rows(sql, args![]).await?;
        let mut names = rows
            .iter()
            .map(|row| row.get("name"))
            .collect::<Result<Vec<String>, _>>()?;
        names.retain(|name| !OWN.contains(&name.as_str()));
        Ok(names)
    }

    pub(super) async fn columns(&mut self, table: &str) -> Result<Vec<Column>, Error> {
        let sql = match self {
            Transaction::Sqlite(_) => "SELECT name, type FROM pragma_table_info($1)",
            Transaction::Postgres(_) => {
                "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS type
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = $1
                 ORDER BY ordinal_position"
            }
        };
        let rows = self.rows(sql, args![table]).await?;
        rows.iter().map(Column::of).collect()
    }

    /// What a query finds, row by row: a table may be larger than the memory.
    fn stream(&mut self, sql: AssertSqlSafe<String>) -> Result<BoxStream<'_, Found>, Error> {
        Ok(match self {
            Transaction::Sqlite(open) => {
                let found = value::sqlite(sql, args![])?.fetch(&mut **open);
                found.map_ok(Row::Sqlite).boxed()
            }
            Transaction::Postgres(open) => {
                let found = value::postgres(sql, args![])?.fetch(&mut **open);
                found.map_ok(Row::Postgres).boxed()
            }
        })
    }

    /// Whether any table has a row.
    pub(super) async fn is_empty(&mut self) -> Result<bool, Error> {
        for table in self.tables().await? {
            let sql = AssertSqlSafe(format!("SELECT 1 FROM {table} LIMIT 1"));
            if self.row(sql, args![]).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Empties every table.
    pub(super) async fn clear(&mut self) -> Result<(), Error> {
        for table in self.tables().await?.into_iter().rev() {
            let sql = AssertSqlSafe(format!("DELETE FROM {table}"));
            self.execute(sql, args![]).await?;
        }
        Ok(())
    }
}

/// A column, and what is in it.
pub(super) struct Column {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
}

impl Column {
    fn of(row: &Row) -> Result<Column, Error> {
        let name: String = row.get("name")?;
        let kind = match row.get::<String>("type")?.to_lowercase().as_str() {
            "integer" | "bigint" => Kind::Int,
            "boolean" => Kind::Bool,
            "text" => Kind::Text,
            "blob" | "bytea" => Kind::Bytes,
            other => {
                return Err(Error::Damaged {
                    what: format!("the type {other}"),
                    column: name,
                });
            }
        };
        Ok(Column { name, kind })
    }

    pub(super) fn value(&self, row: &Row) -> Result<Value, Error> {
        let name = &self.name;
        Ok(match self.kind {
            Kind::Int => Value::Int(row.find(name)?),
            Kind::Bool => Value::Bool(row.find(name)?),
            Kind::Text => Value::Text(row.find(name)?),
            Kind::Bytes => Value::Bytes(row.find(name)?),
        })
    }
}

/// Copies all rows of all tables; gives how many.
pub(super) async fn copy(from: &mut Transaction, to: &mut Transaction) -> anyhow::Result<u64> {
    let mut rows = 0;
    let there = to.tables().await?;
    for table in from.tables().await? {
        if !there.contains(&table) {
            bail!("the table {table} is none of this Dialtone's");
        }
        rows += copy_table(from, to, &table).await?;
        follow(to, &table).await?;
    }
    Ok(rows)
}

async fn copy_table(
    from: &mut Transaction,
    to: &mut Transaction,
    table: &str,
) -> anyhow::Result<u64> {
    // SQLite does not tell truth from numbers, PostgreSQL does.
    let columns = match to {
        Transaction::Postgres(_) => to.columns(table).await?,
        Transaction::Sqlite(_) => from.columns(table).await?,
    };
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let names = names.join(", ");
    let insert = format!("INSERT INTO {table} ({names}) VALUES @rows");
    let select = AssertSqlSafe(format!("SELECT {names} FROM {table}"));
    let mut found = from.stream(select)?;
    let mut batch = Vec::with_capacity(BATCH);
    let mut count = 0;
    while let Some(row) = found.try_next().await? {
        let values: Result<Vec<_>, _> = columns.iter().map(|column| column.value(&row)).collect();
        batch.push(values?);
        count += 1;
        if batch.len() == BATCH {
            to.many(&insert, std::mem::take(&mut batch)).await?;
        }
    }
    to.many(&insert, batch).await?;
    Ok(count)
}

/// Has PostgreSQL number on from where the copied rows end; SQLite does so by itself.
async fn follow(to: &mut Transaction, table: &str) -> Result<(), Error> {
    let Transaction::Postgres(_) = to else {
        return Ok(());
    };
    let sql = "SELECT CAST(column_name AS TEXT) AS name FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'";
    for row in to.rows(sql, args![table]).await? {
        let column: String = row.get("name")?;
        let sql = AssertSqlSafe(format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'),
                 COALESCE(MAX({column}), 1), MAX({column}) IS NOT NULL) FROM {table}"
        ));
        to.rows(sql, args![]).await?;
    }
    Ok(())
}
