//! What is given to a query.

use protocol::id::*;
use protocol::text::{Body, Name};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Postgres, SqlSafeStr, Sqlite};

use super::Error;

/// One parameter. Its type is known even when it is NULL, as PostgreSQL wants it.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A number, or a time in milliseconds.
    Int(Option<i64>),
    /// True or false.
    Bool(Option<bool>),
    /// A text.
    Text(Option<String>),
    /// An id, a hash, a key.
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// NULL of the same type.
    pub(super) fn null(&self) -> Value {
        match self {
            Value::Int(_) => Value::Int(None),
            Value::Bool(_) => Value::Bool(None),
            Value::Text(_) => Value::Text(None),
            Value::Bytes(_) => Value::Bytes(None),
        }
    }
}

impl std::fmt::Debug for Value {
    /// Values are people's and may be secret: only the kind is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Int(_) => "Int",
            Value::Bool(_) => "Bool",
            Value::Text(_) => "Text",
            Value::Bytes(_) => "Bytes",
        })
    }
}

/// The parameters of a query, in order: `args![user, at_ms, None::<String>]`.
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::store::Value::from($value)),*]
    };
}
pub(crate) use args;

macro_rules! value_from {
    ($($from:ty => $variant:ident($convert:expr);)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Value {
                Value::$variant(Some($convert(value)))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Value {
                Value::$variant(value.map($convert))
            }
        }
    )*};
}

value_from! {
    i64 => Int(|n| n);
    u64 => Int(|n| i64::try_from(n).unwrap_or(i64::MAX));
    u32 => Int(i64::from);
    bool => Bool(|b| b);
    &str => Text(str::to_owned);
    String => Text(|text| text);
    &String => Text(String::clone);
    Name => Text(String::from);
    &Name => Text(|name: &Name| (**name).to_owned());
    &[u8] => Bytes(<[u8]>::to_vec);
    Vec<u8> => Bytes(|bytes| bytes);
    &Vec<u8> => Bytes(Vec::clone);
    [u8; 32] => Bytes(|bytes: [u8; 32]| bytes.to_vec());
    &[u8; 32] => Bytes(|bytes: &[u8; 32]| bytes.to_vec());
    CallId => Bytes(|id: CallId| id.as_bytes().to_vec());
    ChatId => Bytes(|id: ChatId| id.as_bytes().to_vec());
    DeviceId => Bytes(|id: DeviceId| id.as_bytes().to_vec());
    LoginId => Bytes(|id: LoginId| id.as_bytes().to_vec());
    ParticipantId => Bytes(|id: ParticipantId| id.as_bytes().to_vec());
    RingId => Bytes(|id: RingId| id.as_bytes().to_vec());
    RoomId => Bytes(|id: RoomId| id.as_bytes().to_vec());
    UserId => Bytes(|id: UserId| id.as_bytes().to_vec());
}

impl<const MAX: usize> From<&Body<MAX>> for Value {
    fn from(body: &Body<MAX>) -> Value {
        Value::Text(Some((**body).to_owned()))
    }
}

macro_rules! query_with {
    ($(#[$doc:meta])* $name:ident, $database:ty, $arguments:ty) => {
        $(#[$doc])*
        pub(super) fn $name(
            sql: impl SqlSafeStr,
            values: Vec<Value>,
        ) -> Result<Query<'static, $database, $arguments>, Error> {
            let mut arguments = <$arguments>::default();
            for value in values {
                match value {
                    Value::Int(value) => arguments.add(value),
                    Value::Bool(value) => arguments.add(value),
                    Value::Text(value) => arguments.add(value),
                    Value::Bytes(value) => arguments.add(value),
                }
                .map_err(|error| Error::Value(error.to_string()))?;
            }
            Ok(sqlx::query_with(sql, arguments))
        }
    };
}

query_with!(
    /// A query with its values, for SQLite.
    sqlite,
    Sqlite,
    SqliteArguments
);
query_with!(
    /// A query with its values, for PostgreSQL.
    postgres,
    Postgres,
    PgArguments
);
