//! Passkeys of accounts.

use protocol::id::UserId;
use webauthn_rs::prelude::Passkey;

use super::{Error, Row, Store, Transaction, args};

/// A passkey to be kept.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// What its owner calls it.
    pub name: String,
    /// What is needed to check its signatures.
    pub passkey: Passkey,
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The credential's id.
    pub id: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_ms: u64,
    /// When somebody signed in with it last.
    pub used_ms: Option<u64>,
}

impl Store {
    /// Somebody's passkeys, the oldest first.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<Listed>, Error> {
        let sql = "SELECT id, name, created_ms, used_ms FROM passkeys
                   WHERE user_id = $1 ORDER BY created_ms, id";
        let listed = |row: Row| {
            Ok(Listed {
                id: row.get("id")?,
                name: row.get("name")?,
                created_ms: row.get("created_ms")?,
                used_ms: row.find("used_ms")?,
            })
        };
        let rows = self.rows(sql, args![user]).await?;
        rows.into_iter().map(listed).collect()
    }

    /// What is needed to check the signatures of somebody's passkeys.
    pub async fn credentials(&self, user: UserId) -> Result<Vec<Passkey>, Error> {
        let sql = "SELECT credential FROM passkeys WHERE user_id = $1";
        let rows = self.rows(sql, args![user]).await?;
        rows.iter().map(credential).collect()
    }

    /// The same of one, if the account is open.
    pub async fn credential(&self, user: UserId, id: &[u8]) -> Result<Option<Passkey>, Error> {
        let sql = "SELECT credential FROM passkeys JOIN users ON users.id = passkeys.user_id
                   WHERE passkeys.id = $1 AND user_id = $2 AND closed_ms IS NULL";
        let row = self.row(sql, args![id, user]).await?;
        row.map(|row| credential(&row)).transpose()
    }

    /// Whether anybody has one.
    pub async fn has_passkeys(&self) -> Result<bool, Error> {
        let sql = "SELECT id FROM passkeys LIMIT 1";
        Ok(self.row(sql, args![]).await?.is_some())
    }

    /// Keeps one more; `false` if it is kept already.
    pub async fn add_passkey(
        &self,
        now_ms: u64,
        user: UserId,
        new: &NewPasskey,
    ) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        match open.add_passkey(now_ms, user, new).await {
            Err(error) if error.is_taken() => Ok(false),
            added => {
                added?;
                open.commit().await?;
                Ok(true)
            }
        }
    }

    /// Somebody has signed in with it.
    pub async fn passkey_used(&self, now_ms: u64, passkey: &Passkey) -> Result<(), Error> {
        let sql = "UPDATE passkeys SET credential = $2, used_ms = $3 WHERE id = $1";
        let values = args![&passkey.cred_id()[..], write(passkey)?, now_ms];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Forgets one; `false`: it is not theirs, or the only way to sign in.
    pub async fn drop_passkey(&self, user: UserId, id: &[u8]) -> Result<Dropped, Error> {
        let mut open = self.begin().await?;
        // Keeps two from dropping the last two at once.
        open.count_revocation().await?;
        let sql = "DELETE FROM passkeys WHERE id = $1 AND user_id = $2";
        if open.execute(sql, args![id, user]).await? == 0 {
            return Ok(Dropped::Unknown);
        }
        let sql = "SELECT id FROM users WHERE id = $1 AND (password_hash IS NOT NULL
                   OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1))";
        if open.row(sql, args![user]).await?.is_none() {
            return Ok(Dropped::Last);
        }
        open.commit().await?;
        Ok(Dropped::Done)
    }
}

/// Whether a passkey was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is.
    Done,
    /// They have no such passkey.
    Unknown,
    /// Without it they could not sign in.
    Last,
}

impl Transaction {
    pub(super) async fn add_passkey(
        &mut self,
        now_ms: u64,
        user: UserId,
        new: &NewPasskey,
    ) -> Result<(), Error> {
        let sql = "INSERT INTO passkeys (id, user_id, name, credential, created_ms)
                   VALUES ($1, $2, $3, $4, $5)";
        let id = &new.passkey.cred_id()[..];
        self.execute(
            sql,
            args![id, user, &new.name, write(&new.passkey)?, now_ms],
        )
        .await?;
        Ok(())
    }
}

fn credential(row: &Row) -> Result<Passkey, Error> {
    let text: String = row.get("credential")?;
    serde_json::from_str(&text).map_err(|error| Error::Damaged {
        column: "credential".to_owned(),
        what: error.to_string(),
    })
}

fn write(passkey: &Passkey) -> Result<String, Error> {
    serde_json::to_string(passkey).map_err(|error| Error::Value(error.to_string()))
}
