//! Whom one can call, whom one has added, whom one does not want to hear from.

use protocol::id::UserId;
use protocol::text::Name;

use super::{Error, Row, Store, args};

/// Contacts, and likewise blocked people, that somebody can have. The exchange keeps them in
/// memory.
const CONTACTS: u32 = protocol::limits::CONTACTS as u32;

/// Somebody as another member sees them.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: Name,
    /// Whether the one who looks has added them.
    pub contact: bool,
    /// Whether the one who looks has blocked them.
    pub blocked: bool,
}

/// Whether somebody was put on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// They are on it.
    Done,
    /// There is no such person.
    Unknown,
    /// The list is full.
    Full,
}

/// A query for [`Seen`] people: `$1` looks.
macro_rules! select_seen {
    ($rest:literal) => {
        concat!(
            "SELECT users.id, users.login, users.name, \
             EXISTS (SELECT 1 FROM contacts WHERE user_id = $1 AND contact_id = users.id) AS contact, \
             EXISTS (SELECT 1 FROM blocks WHERE user_id = $1 AND blocked_id = users.id) AS blocked \
             FROM users WHERE closed_ms IS NULL AND ",
            $rest,
            " ORDER BY name_key, login_key"
        )
    };
}

impl Store {
    /// Members whose name or login name has this text in it, in any case; not oneself.
    pub async fn find_people(&self, who: UserId, text: &str) -> Result<Vec<Seen>, Error> {
        let sql = concat!(
            select_seen!(
                r"users.id <> $1 AND (name_key LIKE $2 ESCAPE '\' OR login_key LIKE $2 ESCAPE '\')"
            ),
            " LIMIT 50"
        );
        let mut pattern = String::from("%");
        for c in text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        self.seen(sql, args![who, pattern]).await
    }

    /// Whom somebody has added.
    pub async fn contacts(&self, who: UserId) -> Result<Vec<Seen>, Error> {
        let sql = select_seen!("users.id IN (SELECT contact_id FROM contacts WHERE user_id = $1)");
        self.seen(sql, args![who]).await
    }

    /// Whom somebody has blocked.
    pub async fn blocks(&self, who: UserId) -> Result<Vec<Seen>, Error> {
        let sql = select_seen!("users.id IN (SELECT blocked_id FROM blocks WHERE user_id = $1)");
        self.seen(sql, args![who]).await
    }

    async fn seen(&self, sql: &'static str, values: Vec<super::Value>) -> Result<Vec<Seen>, Error> {
        let seen = |row: Row| {
            Ok(Seen {
                user: row.get("id")?,
                login: row.get("login")?,
                name: row.get("name")?,
                contact: row.get("contact")?,
                blocked: row.get("blocked")?,
            })
        };
        let rows = self.rows(sql, values).await?;
        rows.into_iter().map(seen).collect()
    }

    /// Adds somebody.
    pub async fn add_contact(&self, now_ms: u64, who: UserId, whom: UserId) -> Result<Put, Error> {
        let insert = "INSERT INTO contacts (user_id, contact_id, created_ms)
                      SELECT $1, id, $3 FROM users WHERE id = $2 AND id <> $1 AND closed_ms IS NULL
                      AND (SELECT COUNT(*) FROM contacts WHERE user_id = $1) < $4
                      ON CONFLICT (user_id, contact_id) DO NOTHING";
        self.put(insert, now_ms, who, whom).await
    }

    /// Blocks somebody.
    pub async fn add_block(&self, now_ms: u64, who: UserId, whom: UserId) -> Result<Put, Error> {
        let insert = "INSERT INTO blocks (user_id, blocked_id, created_ms)
                      SELECT $1, id, $3 FROM users WHERE id = $2 AND id <> $1 AND closed_ms IS NULL
                      AND (SELECT COUNT(*) FROM blocks WHERE user_id = $1) < $4
                      ON CONFLICT (user_id, blocked_id) DO NOTHING";
        self.put(insert, now_ms, who, whom).await
    }

    async fn put(
        &self,
        insert: &'static str,
        now_ms: u64,
        who: UserId,
        whom: UserId,
    ) -> Result<Put, Error> {
        if who == whom || self.user(whom).await?.is_none() {
            return Ok(Put::Unknown);
        }
        let values = args![who, whom, now_ms, CONTACTS];
        if self.execute(insert, values).await? > 0 {
            return Ok(Put::Done);
        }
        // They were on it before, or there was no room.
        let sql = "SELECT (SELECT COUNT(*) FROM contacts WHERE user_id = $1) AS contacts,
                   (SELECT COUNT(*) FROM blocks WHERE user_id = $1) AS blocks";
        let row = self.row(sql, args![who]).await?;
        let full = row.map(|row| -> Result<bool, Error> {
            let column = if insert.contains("contacts") {
                "contacts"
            } else {
                "blocks"
            };
            Ok(row.get::<u32>(column)? >= CONTACTS)
        });
        Ok(match full.transpose()? {
            Some(true) => Put::Full,
            _ => Put::Done,
        })
    }

    /// Removes a contact.
    pub async fn drop_contact(&self, who: UserId, whom: UserId) -> Result<(), Error> {
        let sql = "DELETE FROM contacts WHERE user_id = $1 AND contact_id = $2";
        self.execute(sql, args![who, whom]).await?;
        Ok(())
    }

    /// Removes a block.
    pub async fn drop_block(&self, who: UserId, whom: UserId) -> Result<(), Error> {
        let sql = "DELETE FROM blocks WHERE user_id = $1 AND blocked_id = $2";
        self.execute(sql, args![who, whom]).await?;
        Ok(())
    }
}
