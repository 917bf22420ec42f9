//! Accounts.

use protocol::id::{LoginId, UserId};
use protocol::text::Name;

use super::row::Column;
use super::{Error, Row, Store, Transaction, args};
use crate::accounts::Role;
use crate::accounts::names::LoginName;

/// An account that is open.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub user: UserId,
    /// What they sign in with.
    pub login: String,
    /// The name others see.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Nobody's call rings.
    pub do_not_disturb: bool,
    /// A second call rings while the first goes on.
    pub call_waiting: bool,
    /// Whether they can sign in with a password.
    pub has_password: bool,
}

/// An account as administrators see it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub user: UserId,
    /// What they sign in with.
    pub login: String,
    /// The name others see.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// Whether it is closed.
    pub closed: bool,
    /// When it was made.
    pub created_ms: u64,
    /// When they were seen last, if ever.
    pub seen_ms: Option<u64>,
}

/// What somebody changes about themselves; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The name others see.
    pub name: Option<Name>,
    /// Nobody's call rings.
    pub do_not_disturb: Option<bool>,
    /// A second call rings while the first goes on.
    pub call_waiting: Option<bool>,
}

/// What an administrator changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Administered {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether the account is closed.
    pub closed: Option<bool>,
    /// The name others see.
    pub name: Option<Name>,
}

/// How a change ended that could take the last administrator away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done, and these API tokens are good no more.
    Done(Vec<LoginId>),
    /// There is no such account.
    Unknown,
    /// Nobody could administer the server any more.
    LastAdministrator,
}

/// A query for [`User`]s.
macro_rules! select_user {
    ($rest:literal) => {
        concat!(
            "SELECT users.id AS user_id, users.login, users.name, users.role, users.do_not_disturb, \
             users.call_waiting, users.password_hash IS NOT NULL AS has_password ",
            $rest
        )
    };
}
pub(super) use select_user;

impl User {
    pub(super) fn of(row: &Row) -> Result<User, Error> {
        Ok(User {
            user: row.get("user_id")?,
            login: row.get("login")?,
            name: row.get("name")?,
            role: row.get("role")?,
            do_not_disturb: row.get("do_not_disturb")?,
            call_waiting: row.get("call_waiting")?,
            has_password: row.get("has_password")?,
        })
    }
}

impl Column for Role {
    type Raw = String;

    fn raw(row: &Row, column: &str) -> Result<Option<String>, Error> {
        String::raw(row, column)
    }

    fn of(raw: String) -> Result<Role, String> {
        raw.parse()
    }
}

impl Store {
    /// An account, if it is open.
    pub async fn user(&self, user: UserId) -> Result<Option<User>, Error> {
        let sql = select_user!("FROM users WHERE id = $1 AND closed_ms IS NULL");
        let row = self.row(sql, args![user]).await?;
        row.map(|row| User::of(&row)).transpose()
    }

    /// The account with this login name, also a closed one.
    pub async fn user_named(&self, login: &LoginName) -> Result<Option<UserId>, Error> {
        let sql = "SELECT id FROM users WHERE login_key = $1";
        let row = self.row(sql, args![login.as_str()]).await?;
        row.map(|row| row.get("id")).transpose()
    }

    /// Whose password has this hash: the open account with this login name, if it has one.
    pub async fn password_of(&self, login: &LoginName) -> Result<Option<(UserId, String)>, Error> {
        let sql = "SELECT id, password_hash FROM users
                   WHERE login_key = $1 AND closed_ms IS NULL AND password_hash IS NOT NULL";
        let row = self.row(sql, args![login.as_str()]).await?;
        row.map(|row| Ok((row.get("id")?, row.get("password_hash")?)))
            .transpose()
    }

    /// Everybody who has or had an account, by login name.
    pub async fn users(&self) -> Result<Vec<Listed>, Error> {
        let sql = "SELECT id, login, name, role, closed_ms, created_ms,
                   (SELECT MAX(seen_ms) FROM logins WHERE logins.user_id = users.id) AS seen_ms
                   FROM users ORDER BY login_key";
        let listed = |row: Row| {
            Ok(Listed {
                user: row.get("id")?,
                login: row.get("login")?,
                name: row.get("name")?,
                role: row.get("role")?,
                closed: row.find::<u64>("closed_ms")?.is_some(),
                created_ms: row.get("created_ms")?,
                seen_ms: row.find("seen_ms")?,
            })
        };
        let rows = self.rows(sql, args![]).await?;
        rows.into_iter().map(listed).collect()
    }

    /// Whether anybody can administer the server.
    pub async fn has_administrator(&self) -> Result<bool, Error> {
        let sql = "SELECT id FROM users WHERE role = 'admin' AND closed_ms IS NULL LIMIT 1";
        Ok(self.row(sql, args![]).await?.is_some())
    }

    /// Changes what is given.
    pub async fn change_profile(&self, user: UserId, to: Profile) -> Result<(), Error> {
        let sql = "UPDATE users SET name = COALESCE($2, name), name_key = COALESCE($3, name_key),
                   do_not_disturb = COALESCE($4, do_not_disturb),
                   call_waiting = COALESCE($5, call_waiting)
                   WHERE id = $1 AND closed_ms IS NULL";
        let key = to.name.as_deref().map(str::to_lowercase);
        let values = args![user, to.name, key, to.do_not_disturb, to.call_waiting];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Changes what is given. Closing an account signs it out everywhere; the one-time links of who
    /// is no administrator any more are good no more.
    pub async fn administer(
        &self,
        now_ms: u64,
        user: UserId,
        to: Administered,
    ) -> Result<Changed, Error> {
        let mut open = self.begin().await?;
        // Also keeps two from taking the last two administrators away at once.
        open.count_revocation().await?;
        let key = to.name.as_deref().map(str::to_lowercase);
        let sql = "UPDATE users SET role = COALESCE($2, role), name = COALESCE($3, name),
                   name_key = COALESCE($4, name_key) WHERE id = $1";
        let values = args![user, to.role.map(Role::as_str), to.name, key];
        if open.execute(sql, values).await? == 0 {
            return Ok(Changed::Unknown);
        }
        let mut tokens = Vec::new();
        match to.closed {
            Some(true) => {
                let sql = "UPDATE users SET closed_ms = $2 WHERE id = $1 AND closed_ms IS NULL";
                open.execute(sql, args![user, now_ms]).await?;
                open.revoke_logins(now_ms, user, None).await?;
                tokens = open.revoke_tokens(user).await?;
                open.drop_reset_links(user).await?;
            }
            Some(false) => {
                let sql = "UPDATE users SET closed_ms = NULL WHERE id = $1";
                open.execute(sql, args![user]).await?;
            }
            None => {}
        }
        if to.closed == Some(true) || to.role == Some(Role::Member) {
            open.drop_links_of(user).await?;
        }
        let sql = "SELECT id FROM users WHERE role = 'admin' AND closed_ms IS NULL LIMIT 1";
        if open.row(sql, args![]).await?.is_none() {
            return Ok(Changed::LastAdministrator);
        }
        open.commit().await?;
        Ok(Changed::Done(tokens))
    }

    /// Sets a password, signs every other device out, and takes all API tokens back, which it gives:
    /// whoever knew the old password may have made some.
    pub async fn set_password(
        &self,
        now_ms: u64,
        user: UserId,
        hash: &str,
        stays: LoginId,
    ) -> Result<Vec<LoginId>, Error> {
        let mut open = self.begin().await?;
        open.count_revocation().await?;
        open.put_password(user, hash).await?;
        open.revoke_logins(now_ms, user, Some(stays)).await?;
        let tokens = open.revoke_tokens(user).await?;
        open.drop_reset_links(user).await?;
        open.commit().await?;
        Ok(tokens)
    }
}

impl Transaction {
    /// Sets a password and nothing else.
    pub(super) async fn put_password(&mut self, user: UserId, hash: &str) -> Result<(), Error> {
        let sql = "UPDATE users SET password_hash = $2 WHERE id = $1";
        self.execute(sql, args![user, hash]).await?;
        Ok(())
    }

    /// Links that somebody has made: who may not make any more comes back through none of them.
    async fn drop_links_of(&mut self, maker: UserId) -> Result<(), Error> {
        let sql = "DELETE FROM invitations WHERE created_by = $1 AND used_ms IS NULL";
        self.execute(sql, args![maker]).await?;
        Ok(())
    }

    /// Links by which the account's password could still be set.
    pub(super) async fn drop_reset_links(&mut self, user: UserId) -> Result<(), Error> {
        let sql = "DELETE FROM invitations WHERE user_id = $1 AND used_ms IS NULL";
        self.execute(sql, args![user]).await?;
        Ok(())
    }
}
