//! Who is signed in where.

use protocol::id::{LoginId, UserId};

use super::users::{User, select_user};
use super::{Error, Row, Store, Transaction, args};
use crate::accounts::secrets::SecretHash;

/// A sign-in that is not used for this long is over.
pub const LOGIN_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// Sign-ins of one account at once; the one that was not used for longest gives way.
const LOGINS: u32 = 100;

/// The setting that counts whenever something is revoked, so that a server notices what another
/// process has done.
const REVOCATIONS: &str = "revocations";

/// A sign-in that begins.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Its id.
    pub login: LoginId,
    /// The hash of what its cookie holds.
    pub secret: SecretHash,
    /// The device's name.
    pub name: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which sign-in.
    pub login: LoginId,
    /// When it was used last.
    pub seen_ms: u64,
}

/// A sign-in as its owner sees it.
#[derive(Clone, Debug)]
pub struct Device {
    /// The sign-in.
    pub login: LoginId,
    /// The device's name.
    pub name: String,
    /// When it began.
    pub created_ms: u64,
    /// When it was used last.
    pub seen_ms: u64,
}

impl Store {
    /// Signs somebody in; `false` if the account is closed.
    pub async fn sign_in(&self, now_ms: u64, user: UserId, new: &NewLogin) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        let begun = open.add_login(now_ms, user, new).await?;
        open.commit().await?;
        Ok(begun)
    }

    /// The same for who has just shown the password with this hash; `false` also if it is another
    /// one by now.
    pub async fn sign_in_by_password(
        &self,
        now_ms: u64,
        (user, hash): (UserId, &str),
        new: &NewLogin,
    ) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        // Who sets another password waits for this, and then signs it out, or has done so before.
        let sql = "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $2";
        let is_same = open.execute(sql, args![user, hash]).await? > 0;
        let begun = is_same && open.add_login(now_ms, user, new).await?;
        open.commit().await?;
        Ok(begun)
    }

    /// Whose cookie holds the secret with this hash.
    pub async fn signed_in(
        &self,
        now_ms: u64,
        secret: SecretHash,
    ) -> Result<Option<SignedIn>, Error> {
        let sql = select_user!(
            ", logins.id AS login_id, logins.seen_ms FROM logins JOIN users ON users.id = logins.user_id
             WHERE secret_hash = $1 AND revoked_ms IS NULL AND closed_ms IS NULL AND seen_ms > $2"
        );
        let values = args![secret.0, now_ms.saturating_sub(LOGIN_MS)];
        let signed_in = |row: Row| {
            Ok(SignedIn {
                user: User::of(&row)?,
                login: row.get("login_id")?,
                seen_ms: row.get("seen_ms")?,
            })
        };
        self.row(sql, values).await?.map(signed_in).transpose()
    }

    /// It was used now.
    pub async fn touch_login(&self, now_ms: u64, login: LoginId) -> Result<(), Error> {
        let sql = "UPDATE logins SET seen_ms = $2 WHERE id = $1";
        self.execute(sql, args![login, now_ms]).await?;
        Ok(())
    }

    /// Where somebody is signed in, the newest first.
    pub async fn devices(&self, now_ms: u64, user: UserId) -> Result<Vec<Device>, Error> {
        let sql = "SELECT id, name, created_ms, seen_ms FROM logins
                   WHERE user_id = $1 AND revoked_ms IS NULL AND seen_ms > $2
                   ORDER BY created_ms DESC, id";
        let device = |row: Row| {
            Ok(Device {
                login: row.get("id")?,
                name: row.get("name")?,
                created_ms: row.get("created_ms")?,
                seen_ms: row.get("seen_ms")?,
            })
        };
        let values = args![user, now_ms.saturating_sub(LOGIN_MS)];
        let rows = self.rows(sql, values).await?;
        rows.into_iter().map(device).collect()
    }

    /// Signs one device out; `false` if it was not signed in.
    pub async fn revoke_login(
        &self,
        now_ms: u64,
        user: UserId,
        login: LoginId,
    ) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        open.count_revocation().await?;
        let sql = "UPDATE logins SET revoked_ms = $3
                   WHERE id = $1 AND user_id = $2 AND revoked_ms IS NULL";
        let revoked = open.execute(sql, args![login, user, now_ms]).await? > 0;
        open.drop_subscriptions(user).await?;
        open.commit().await?;
        Ok(revoked)
    }

    /// Signs out all devices but one.
    pub async fn revoke_other_logins(
        &self,
        now_ms: u64,
        user: UserId,
        stays: LoginId,
    ) -> Result<(), Error> {
        let mut open = self.begin().await?;
        open.count_revocation().await?;
        open.revoke_logins(now_ms, user, Some(stays)).await?;
        open.commit().await
    }

    /// Counts upwards whenever something is revoked.
    pub async fn revocations(&self) -> Result<Option<String>, Error> {
        self.setting(REVOCATIONS).await
    }

    /// Sign-ins that were revoked, and accounts that were closed, at this time or later.
    pub async fn revoked_since(&self, at_ms: u64) -> Result<(Vec<LoginId>, Vec<UserId>), Error> {
        let sql = "SELECT id FROM logins WHERE revoked_ms >= $1";
        let logins = self.rows(sql, args![at_ms]).await?;
        let logins: Result<_, Error> = logins.iter().map(|row| row.get("id")).collect();
        let sql = "SELECT id FROM users WHERE closed_ms >= $1";
        let users = self.rows(sql, args![at_ms]).await?;
        let users: Result<_, Error> = users.iter().map(|row| row.get("id")).collect();
        Ok((logins?, users?))
    }

    /// Forgets sign-ins that have been over for long.
    pub async fn forget_logins(&self, now_ms: u64) -> Result<(), Error> {
        let sql = "DELETE FROM logins WHERE seen_ms < $1";
        let before = now_ms.saturating_sub(2 * LOGIN_MS);
        self.execute(sql, args![before]).await?;
        Ok(())
    }
}

impl Transaction {
    /// Adds a sign-in; `false` if the account is closed.
    pub(super) async fn add_login(
        &mut self,
        now_ms: u64,
        user: UserId,
        new: &NewLogin,
    ) -> Result<bool, Error> {
        let sql = "INSERT INTO logins (id, user_id, secret_hash, name, created_ms, seen_ms)
                   SELECT $1, id, $3, $4, $5, $5 FROM users WHERE id = $2 AND closed_ms IS NULL";
        let values = args![new.login, user, new.secret.0, &new.name, now_ms];
        if self.execute(sql, values).await? == 0 {
            return Ok(false);
        }
        let sql = "SELECT id FROM logins WHERE user_id = $1 AND revoked_ms IS NULL
                   ORDER BY seen_ms DESC, id LIMIT 1000 OFFSET $2";
        let surplus = self.rows(sql, args![user, LOGINS]).await?;
        if !surplus.is_empty() {
            self.count_revocation().await?;
        }
        for row in surplus {
            let login: LoginId = row.get("id")?;
            let sql = "UPDATE logins SET revoked_ms = $2 WHERE id = $1";
            self.execute(sql, args![login, now_ms]).await?;
        }
        Ok(true)
    }

    /// Keeps a sign-in from being revoked until this transaction is over; `false` if it has been.
    /// Who revokes it waits for this, and then finds what was made by it.
    pub(super) async fn hold_login(&mut self, login: LoginId) -> Result<bool, Error> {
        let sql = "UPDATE logins SET revoked_ms = NULL WHERE id = $1 AND revoked_ms IS NULL";
        Ok(self.execute(sql, args![login]).await? > 0)
    }

    /// Signs out all devices, but for one if it is named.
    pub(super) async fn revoke_logins(
        &mut self,
        now_ms: u64,
        user: UserId,
        stays: Option<LoginId>,
    ) -> Result<(), Error> {
        let sql = "UPDATE logins SET revoked_ms = $2
                   WHERE user_id = $1 AND revoked_ms IS NULL AND ($3 IS NULL OR id <> $3)";
        self.execute(sql, args![user, now_ms, stays]).await?;
        self.drop_subscriptions(user).await
    }

    /// A device that is signed out is woken no more.
    async fn drop_subscriptions(&mut self, user: UserId) -> Result<(), Error> {
        let sql = "DELETE FROM push_subscriptions WHERE login_id IN
                   (SELECT id FROM logins WHERE user_id = $1 AND revoked_ms IS NOT NULL)";
        self.execute(sql, args![user]).await?;
        Ok(())
    }

    /// Something is revoked in this transaction. Others that revoke wait until it is over.
    pub(super) async fn count_revocation(&mut self) -> Result<(), Error> {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, '1') ON CONFLICT (key) DO UPDATE
                   SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT)";
        self.execute(sql, args![REVOCATIONS]).await?;
        Ok(())
    }
}
