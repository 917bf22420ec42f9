//! What a query finds.

use protocol::id::*;
use protocol::text::{Body, Name};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::Error;
use crate::webhooks::WebhookId;

/// One row.
#[derive(Debug)]
pub enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// The value in a column. Where there may be none, ask for an `Option`.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        self.find(column)?.ok_or_else(|| damaged(column, "nothing"))
    }

    /// The value in a column, if there is one.
    pub fn find<T: Column>(&self, column: &str) -> Result<Option<T>, Error> {
        let raw: Option<T::Raw> = T::raw(self, column)?;
        raw.map(|raw| T::of(raw).map_err(|what| damaged(column, &what)))
            .transpose()
    }
}

fn damaged(column: &str, what: &str) -> Error {
    Error::Damaged {
        column: column.to_owned(),
        what: what.to_owned(),
    }
}

/// What can stand in a column.
pub trait Column: Sized {
    /// What the database calls it.
    type Raw;

    /// Reads it.
    fn raw(row: &Row, column: &str) -> Result<Option<Self::Raw>, Error>;

    /// Makes sense of it.
    fn of(raw: Self::Raw) -> Result<Self, String>;
}

macro_rules! column {
    ($($type:ty: $raw:ty => $of:expr;)*) => {$(
        impl Column for $type {
            type Raw = $raw;

            fn raw(row: &Row, column: &str) -> Result<Option<$raw>, Error> {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get(column)?,
                    Row::Postgres(row) => row.try_get(column)?,
                })
            }

            fn of(raw: $raw) -> Result<Self, String> {
                $of(raw)
            }
        }
    )*};
}

column! {
    bool: bool => Ok;
    i64: i64 => Ok;
    u64: i64 => |n| u64::try_from(n).map_err(|_| "a number below zero".to_owned());
    u32: i64 => |n| u32::try_from(n).map_err(|_| "a number out of range".to_owned());
    String: String => Ok;
    Vec<u8>: Vec<u8> => Ok;
    Name: String => Name::try_from;
}

impl<const MAX: usize> Column for Body<MAX> {
    type Raw = String;

    fn raw(row: &Row, column: &str) -> Result<Option<String>, Error> {
        String::raw(row, column)
    }

    fn of(raw: String) -> Result<Self, String> {
        Body::try_from(raw)
    }
}

macro_rules! id_column {
    ($($id:ident)*) => {
        column! {$(
            $id: Vec<u8> => |bytes: Vec<u8>| match bytes.try_into() {
                Ok(bytes) => Ok($id::from_bytes(bytes)),
                Err(_) => Err("an id that has not 16 bytes".to_owned()),
            };
        )*}
    };
}

column! {
    WebhookId: Vec<u8> => |bytes: Vec<u8>| match bytes.try_into() {
        Ok(bytes) => Ok(WebhookId(bytes)),
        Err(_) => Err("an id that has not 16 bytes".to_owned()),
    };
}

id_column! { CallId ChatId DeviceId LoginId ParticipantId RingId RoomId UserId }
