//! One-time links: they make an account, or set the password of one.

use protocol::id::{LoginId, UserId};
use protocol::text::Name;

use super::logins::NewLogin;
use super::passkeys::NewPasskey;
use super::{Error, Row, Store, Transaction, args};
use crate::accounts::Role;
use crate::accounts::names::LoginName;
use crate::accounts::secrets::SecretHash;

/// The setting that names the link of the first run.
const FIRST_RUN: &str = "first_run_link";

/// How long the first run's link is good if nobody starts the server again.
const FIRST_RUN_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

/// A link that is made.
#[derive(Clone, Copy, Debug)]
pub struct NewLink {
    /// Its name for administrators.
    pub id: [u8; 16],
    /// The hash of what it holds.
    pub token: SecretHash,
    /// What the new account may do.
    pub role: Role,
    /// Whose password it sets; `None`: it makes a new account.
    pub resets: Option<UserId>,
    /// Who made it, if it was somebody with an account.
    pub created_by: Option<UserId>,
    /// When it ends.
    pub expires_ms: u64,
}

/// A link that is still good.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name for administrators.
    pub id: Vec<u8>,
    /// What the account may do.
    pub role: Role,
    /// Whose password it sets, and their login name and name.
    pub resets: Option<(UserId, String, Name)>,
    /// When it was made.
    pub created_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
}

/// What somebody with a link asks for.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The hash of what the link holds.
    pub token: SecretHash,
    /// The account to be made, if it makes one.
    pub account: Option<(UserId, LoginName, Name)>,
    /// The hash of the password.
    pub password: Option<String>,
    /// The passkey.
    pub passkey: Option<NewPasskey>,
    /// The sign-in that begins.
    pub sign_in: NewLogin,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// This account was made, or has its new password; these API tokens are good no more.
    Done(UserId, Vec<LoginId>),
    /// The link is not good, or not any more.
    Gone,
    /// Somebody else has the login name. The link stays good.
    Taken,
    /// The passkey is somebody's already. The link stays good.
    PasskeyTaken,
}

impl Store {
    /// Makes a link.
    pub async fn add_link(&self, now_ms: u64, new: NewLink) -> Result<(), Error> {
        let mut open = self.begin().await?;
        open.add_link(now_ms, new).await?;
        open.commit().await
    }

    /// Makes the link of the first run; the one before it is good no more. `false`: there is an
    /// administrator already.
    pub async fn add_first_link(
        &self,
        now_ms: u64,
        id: [u8; 16],
        token: SecretHash,
    ) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        open.drop_first_link().await?;
        let sql = "SELECT id FROM users WHERE role = 'admin' AND closed_ms IS NULL LIMIT 1";
        let needed = open.row(sql, args![]).await?.is_none();
        if needed {
            let new = NewLink {
                id,
                token,
                role: Role::Admin,
                resets: None,
                created_by: None,
                expires_ms: now_ms + FIRST_RUN_MS,
            };
            open.add_link(now_ms, new).await?;
            let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
            open.execute(sql, args![FIRST_RUN, hex(&id)]).await?;
        }
        open.commit().await?;
        Ok(needed)
    }

    /// The link that holds what has this hash, if it is good.
    pub async fn link(&self, now_ms: u64, token: SecretHash) -> Result<Option<Link>, Error> {
        let sql = select_link!("AND invitations.token_hash = $2");
        let row = self.row(sql, args![now_ms, token.0]).await?;
        row.map(link).transpose()
    }

    /// Links that are good, the newest first; not that of the first run.
    pub async fn links(&self, now_ms: u64) -> Result<Vec<Link>, Error> {
        let sql = select_link!("ORDER BY invitations.created_ms DESC, invitations.id");
        let rows = self.rows(sql, args![now_ms]).await?;
        let first = self.setting(FIRST_RUN).await?;
        let links: Result<Vec<Link>, Error> = rows.into_iter().map(link).collect();
        let mut links = links?;
        links.retain(|link| first.as_deref() != Some(&*hex(&link.id)));
        Ok(links)
    }

    /// Takes a link back; `false`: it is not good any more.
    pub async fn drop_link(&self, id: [u8; 16]) -> Result<bool, Error> {
        let sql = "DELETE FROM invitations WHERE id = $1 AND used_ms IS NULL";
        Ok(self.execute(sql, args![&id[..]]).await? > 0)
    }

    /// Does what a link is for, once.
    pub async fn accept(&self, now_ms: u64, asked: Acceptance) -> Result<Accepted, Error> {
        let mut open = self.begin().await?;
        let sql = "UPDATE invitations SET used_ms = $2
                   WHERE token_hash = $1 AND used_ms IS NULL AND expires_ms > $2
                   RETURNING id, role, user_id";
        let claimed = open.row(sql, args![asked.token.0, now_ms]).await?;
        let Some(link) = claimed else {
            return Ok(Accepted::Gone);
        };
        let (user, tokens) = match (link.find::<UserId>("user_id")?, asked.account) {
            (Some(user), _) => {
                open.count_revocation().await?;
                open.revoke_logins(now_ms, user, None).await?;
                (user, open.revoke_tokens(user).await?)
            }
            (None, Some((user, login, name))) => {
                let role = link.get("role")?;
                if !open.add_user(now_ms, user, &login, &name, role).await? {
                    return Ok(Accepted::Taken);
                }
                (user, Vec::new())
            }
            (None, None) => return Ok(Accepted::Gone),
        };
        if let Some(hash) = &asked.password {
            open.put_password(user, hash).await?;
        }
        if let Some(passkey) = &asked.passkey {
            match open.add_passkey(now_ms, user, passkey).await {
                Err(error) if error.is_taken() => return Ok(Accepted::PasskeyTaken),
                added => added?,
            }
        }
        open.drop_reset_links(user).await?;
        if !open.add_login(now_ms, user, &asked.sign_in).await? {
            return Ok(Accepted::Gone); // The account is closed.
        }
        let id: Vec<u8> = link.get("id")?;
        let sql = "UPDATE invitations SET used_by = $2 WHERE id = $1";
        open.execute(sql, args![id, user]).await?;
        open.commit().await?;
        Ok(Accepted::Done(user, tokens))
    }
}

/// A query for [`Link`]s that are good at `$1`.
macro_rules! select_link {
    ($rest:literal) => {
        concat!(
            "SELECT invitations.id, invitations.role, invitations.user_id, users.login, users.name, \
             invitations.created_ms, expires_ms \
             FROM invitations LEFT JOIN users ON users.id = invitations.user_id \
             WHERE used_ms IS NULL AND expires_ms > $1 ",
            $rest
        )
    };
}
use select_link;

fn link(row: Row) -> Result<Link, Error> {
    let resets = match row.find("user_id")? {
        Some(user) => Some((user, row.get("login")?, row.get("name")?)),
        None => None,
    };
    Ok(Link {
        id: row.get("id")?,
        role: row.get("role")?,
        resets,
        created_ms: row.get("created_ms")?,
        expires_ms: row.get("expires_ms")?,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Transaction {
    async fn add_link(&mut self, now_ms: u64, new: NewLink) -> Result<(), Error> {
        let sql = "INSERT INTO invitations
                   (id, token_hash, role, user_id, created_by, created_ms, expires_ms)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let (id, role) = (&new.id[..], new.role.as_str());
        let values = args![
            id,
            new.token.0,
            role,
            new.resets,
            new.created_by,
            now_ms,
            new.expires_ms
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The first run's link makes no second administrator.
    async fn drop_first_link(&mut self) -> Result<(), Error> {
        let sql = "DELETE FROM settings WHERE key = $1 RETURNING value";
        if let Some(row) = self.row(sql, args![FIRST_RUN]).await? {
            let id: String = row.get("value")?;
            let bytes = (0..id.len() / 2).map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16));
            let bytes: Vec<u8> = bytes.flatten().collect();
            let sql = "DELETE FROM invitations WHERE id = $1 AND used_ms IS NULL";
            self.execute(sql, args![bytes]).await?;
        }
        Ok(())
    }

    /// `false`: somebody else has the login name.
    async fn add_user(
        &mut self,
        now_ms: u64,
        user: UserId,
        login: &LoginName,
        name: &Name,
        role: Role,
    ) -> Result<bool, Error> {
        let sql = "INSERT INTO users (id, login, login_key, name, name_key, role, created_ms)
                   VALUES ($1, $2, $2, $3, $4, $5, $6) ON CONFLICT (login_key) DO NOTHING";
        let key = name.to_lowercase();
        let values = args![user, login.as_str(), name, key, role.as_str(), now_ms];
        if self.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        if role == Role::Admin {
            self.drop_first_link().await?;
        }
        Ok(true)
    }
}
