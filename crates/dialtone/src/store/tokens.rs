//! API tokens.

use protocol::id::{LoginId, UserId};

use super::users::{User, select_user};
use super::{Error, Row, Store, Transaction, args};
use crate::accounts::Scopes;
use crate::accounts::secrets::SecretHash;

/// Tokens that somebody can have.
const TOKENS: u32 = 50;

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name, which is also that of what signs in with it.
    pub id: LoginId,
    /// The hash of what its owner was shown.
    pub secret: SecretHash,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
}

/// A token as its owner sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub id: LoginId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_ms: u64,
    /// When it was used last.
    pub seen_ms: Option<u64>,
}

/// What came of a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is kept.
    Kept,
    /// There are as many as there can be.
    TooMany,
    /// Who asks is signed out by now.
    SignedOut,
}

/// Who uses a token.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Whose it is.
    pub user: User,
    /// The token.
    pub token: LoginId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was used last.
    pub seen_ms: Option<u64>,
}

impl Store {
    /// Keeps a token that somebody asks for by this sign-in.
    pub async fn add_token(
        &self,
        now_ms: u64,
        (user, by): (UserId, LoginId),
        new: &NewToken,
    ) -> Result<Added, Error> {
        let mut open = self.begin().await?;
        if !open.hold_login(by).await? {
            return Ok(Added::SignedOut);
        }
        let sql = "INSERT INTO api_tokens (id, user_id, token_hash, name, scopes, created_ms)
                   SELECT $1, id, $3, $4, $5, $6 FROM users WHERE id = $2 AND closed_ms IS NULL
                   AND (SELECT COUNT(*) FROM api_tokens WHERE user_id = $2) < $7";
        let scopes = new.scopes.to_string();
        let values = args![
            new.id,
            user,
            new.secret.0,
            &new.name,
            scopes,
            now_ms,
            TOKENS
        ];
        let kept = open.execute(sql, values).await? > 0;
        open.commit().await?;
        Ok(match kept {
            true => Added::Kept,
            false => Added::TooMany,
        })
    }

    /// Somebody's tokens, the oldest first.
    pub async fn tokens(&self, user: UserId) -> Result<Vec<Listed>, Error> {
        let sql = "SELECT id, name, scopes, created_ms, seen_ms FROM api_tokens
                   WHERE user_id = $1 ORDER BY created_ms, id";
        let listed = |row: Row| {
            Ok(Listed {
                id: row.get("id")?,
                name: row.get("name")?,
                scopes: Scopes::of(&row.get::<String>("scopes")?),
                created_ms: row.get("created_ms")?,
                seen_ms: row.find("seen_ms")?,
            })
        };
        let rows = self.rows(sql, args![user]).await?;
        rows.into_iter().map(listed).collect()
    }

    /// Who holds the token with this hash.
    pub async fn token_holder(
        &self,
        now_ms: u64,
        secret: SecretHash,
    ) -> Result<Option<Holder>, Error> {
        let sql = select_user!(
            ", api_tokens.id AS token_id, api_tokens.scopes, api_tokens.seen_ms
             FROM api_tokens JOIN users ON users.id = api_tokens.user_id
             WHERE token_hash = $1 AND closed_ms IS NULL AND (expires_ms IS NULL OR expires_ms > $2)"
        );
        let holder = |row: Row| {
            Ok(Holder {
                user: User::of(&row)?,
                token: row.get("token_id")?,
                scopes: Scopes::of(&row.get::<String>("scopes")?),
                seen_ms: row.find("seen_ms")?,
            })
        };
        let row = self.row(sql, args![secret.0, now_ms]).await?;
        row.map(holder).transpose()
    }

    /// It was used now.
    pub async fn touch_token(&self, now_ms: u64, token: LoginId) -> Result<(), Error> {
        let sql = "UPDATE api_tokens SET seen_ms = $2 WHERE id = $1";
        self.execute(sql, args![token, now_ms]).await?;
        Ok(())
    }

    /// Takes a token back; `false`: they have no such token.
    pub async fn drop_token(&self, user: UserId, token: LoginId) -> Result<bool, Error> {
        let sql = "DELETE FROM api_tokens WHERE id = $1 AND user_id = $2";
        Ok(self.execute(sql, args![token, user]).await? > 0)
    }
}

impl Transaction {
    /// Takes back all tokens of an account.
    pub(super) async fn revoke_tokens(&mut self, user: UserId) -> Result<Vec<LoginId>, Error> {
        let sql = "DELETE FROM api_tokens WHERE user_id = $1 RETURNING id";
        let rows = self.rows(sql, args![user]).await?;
        rows.iter().map(|row| row.get("id")).collect()
    }
}
