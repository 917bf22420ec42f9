//! Push subscriptions: by which devices are woken. Each belongs to a sign-in, and goes with it.

use protocol::id::{LoginId, UserId};

use super::{Error, Row, Store, args};

/// A subscription as a browser gave it.
#[derive(Clone)]
pub struct Subscription {
    /// Whose device it wakes.
    pub login: LoginId,
    /// Where messages go.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point of P-256.
    pub p256dh: Vec<u8>,
    /// The browser's authentication secret, 16 bytes.
    pub auth: Vec<u8>,
}

impl Store {
    /// Keeps a subscription in place of the one the sign-in had. A browser that somebody else has
    /// signed in on is theirs. `false`: there is no such sign-in any more.
    pub async fn subscribe(&self, now_ms: u64, new: &Subscription) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        if !open.hold_login(new.login).await? {
            return Ok(false);
        }
        let sql = "DELETE FROM push_subscriptions WHERE endpoint = $1 AND login_id <> $2";
        open.execute(sql, args![&new.endpoint, new.login]).await?;
        let sql = "INSERT INTO push_subscriptions (login_id, endpoint, p256dh, auth, created_ms)
                   VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (login_id) DO UPDATE SET endpoint = excluded.endpoint,
                   p256dh = excluded.p256dh, auth = excluded.auth, created_ms = excluded.created_ms";
        let (endpoint, p256dh, auth) = (&new.endpoint, &new.p256dh, &new.auth);
        let values = args![new.login, endpoint, p256dh, auth, now_ms];
        open.execute(sql, values).await?;
        open.commit().await?;
        Ok(true)
    }

    /// The sign-in does not want to be woken by it any more.
    pub async fn unsubscribe(&self, login: LoginId, endpoint: &str) -> Result<(), Error> {
        let sql = "DELETE FROM push_subscriptions WHERE login_id = $1 AND endpoint = $2";
        self.execute(sql, args![login, endpoint]).await?;
        Ok(())
    }

    /// The push service says that there is no such subscription.
    pub async fn drop_subscription(&self, endpoint: &str) -> Result<(), Error> {
        let sql = "DELETE FROM push_subscriptions WHERE endpoint = $1";
        self.execute(sql, args![endpoint]).await?;
        Ok(())
    }

    /// By which devices somebody is reached.
    pub async fn subscriptions(&self, user: UserId) -> Result<Vec<Subscription>, Error> {
        let sql = "SELECT login_id, endpoint, p256dh, auth FROM push_subscriptions
                   JOIN logins ON logins.id = login_id
                   WHERE user_id = $1 AND revoked_ms IS NULL ORDER BY login_id";
        let subscription = |row: Row| {
            Ok(Subscription {
                login: row.get("login_id")?,
                endpoint: row.get("endpoint")?,
                p256dh: row.get("p256dh")?,
                auth: row.get("auth")?,
            })
        };
        let rows = self.rows(sql, args![user]).await?;
        rows.into_iter().map(subscription).collect()
    }
}
