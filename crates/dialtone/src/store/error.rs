//! What can go wrong with a store that is open.

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused it, or does not answer.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A value is not what this version writes: somebody else has.
    #[error("the database holds in {column} what Dialtone does not write: {what}")]
    Damaged {
        /// The column.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// A value cannot be given to the database.
    #[error("a value that the database cannot take: {0}")]
    Value(String),
}

impl Error {
    /// Whether something that there may be only once is there already, such as a login name.
    pub fn is_taken(&self) -> bool {
        match self {
            Error::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            _ => false,
        }
    }
}
