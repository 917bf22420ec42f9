//! Webhooks: where events go.

use std::collections::BTreeSet;

use protocol::id::UserId;

use super::{Error, Row, Store, Value, args};
use crate::webhooks::{EventKind, WebhookId};

/// Webhooks there can be. Every event is written down for each that asked for it.
pub const WEBHOOKS: u32 = 20;

/// A webhook, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: WebhookId,
    /// Where events go.
    pub url: String,
    /// Which.
    pub events: BTreeSet<EventKind>,
    /// When it was made.
    pub created_ms: u64,
    /// Since when it is switched off.
    pub disabled_ms: Option<u64>,
    /// Since when nothing could be delivered.
    pub failing_ms: Option<u64>,
}

/// A webhook to be kept.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its name.
    pub id: WebhookId,
    /// Where events go.
    pub url: String,
    /// What signs them.
    pub secret: String,
    /// Which.
    pub events: BTreeSet<EventKind>,
}

/// What is to be another; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Where events go.
    pub url: Option<String>,
    /// Which.
    pub events: Option<BTreeSet<EventKind>>,
    /// Whether it is switched on. On: what had failed is forgotten.
    pub enabled: Option<bool>,
}

/// What a delivery needs to know of its webhook.
#[derive(Clone)]
pub struct Target {
    /// The webhook.
    pub id: WebhookId,
    /// Where to.
    pub url: String,
    /// What signs it; the newest first.
    pub secrets: Vec<String>,
    /// Since when nothing could be delivered.
    pub failing_ms: Option<u64>,
}

impl Store {
    /// Keeps a webhook; `false`: there are too many.
    pub async fn add_webhook(
        &self,
        now_ms: u64,
        by: UserId,
        new: &NewWebhook,
    ) -> Result<bool, Error> {
        let mut open = self.begin().await?;
        let count = open
            .row("SELECT COUNT(*) AS n FROM webhooks", args![])
            .await?;
        let count: u64 = count.map_or(Ok(0), |row| row.get("n"))?;
        if count >= WEBHOOKS.into() {
            return Ok(false);
        }
        let sql = "INSERT INTO webhooks (id, created_by, url, secret, events, created_ms)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let (url, secret) = (&new.url, &new.secret);
        let values = args![new.id, by, url, secret, words(&new.events), now_ms];
        open.execute(sql, values).await?;
        open.commit().await?;
        Ok(true)
    }

    /// All webhooks, the oldest first.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, Error> {
        let sql = "SELECT id, url, events, created_ms, disabled_ms, failing_ms FROM webhooks
                   ORDER BY created_ms, id";
        let rows = self.rows(sql, args![]).await?;
        rows.iter().map(Webhook::of).collect()
    }

    /// One of them.
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, Error> {
        let all = self.webhooks().await?;
        Ok(all.into_iter().find(|webhook| webhook.id == id))
    }

    /// Changes one; `false`: there is none.
    pub async fn change_webhook(
        &self,
        now_ms: u64,
        id: WebhookId,
        change: &WebhookChange,
    ) -> Result<bool, Error> {
        let sql = "UPDATE webhooks SET url = COALESCE($2, url), events = COALESCE($3, events),
                   failing_ms = CASE WHEN $4 THEN NULL ELSE failing_ms END,
                   disabled_ms = CASE WHEN $4 THEN NULL WHEN $5 THEN COALESCE(disabled_ms, $6)
                                 ELSE disabled_ms END
                   WHERE id = $1";
        let (on, off) = (change.enabled == Some(true), change.enabled == Some(false));
        let events = change.events.as_ref().map(words);
        let values = args![id, change.url.clone(), events, on, off, now_ms];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Gives it another secret; that of before signs as well until then. `false`: there is none.
    pub async fn rotate_webhook(
        &self,
        id: WebhookId,
        secret: &str,
        old_until_ms: u64,
    ) -> Result<bool, Error> {
        let sql = "UPDATE webhooks SET old_secret = secret, old_secret_until_ms = $3, secret = $2
                   WHERE id = $1";
        Ok(self.execute(sql, args![id, secret, old_until_ms]).await? > 0)
    }

    /// Forgets one, and what was not delivered to it; `false`: there is none.
    pub async fn drop_webhook(&self, id: WebhookId) -> Result<bool, Error> {
        let sql = "DELETE FROM webhooks WHERE id = $1";
        Ok(self.execute(sql, args![id]).await? > 0)
    }

    /// Whether there is one that is switched on.
    pub async fn has_webhooks(&self) -> Result<bool, Error> {
        let sql = "SELECT id FROM webhooks WHERE disabled_ms IS NULL LIMIT 1";
        Ok(self.row(sql, args![]).await?.is_some())
    }

    /// Where there is something to deliver now.
    pub async fn webhooks_due(&self, now_ms: u64) -> Result<Vec<Target>, Error> {
        let sql = "SELECT id, url, secret, failing_ms,
                   CASE WHEN old_secret_until_ms > $1 THEN old_secret END AS old_secret
                   FROM webhooks WHERE disabled_ms IS NULL AND EXISTS
                   (SELECT 1 FROM webhook_deliveries
                    WHERE webhook_id = webhooks.id AND next_ms <= $1)";
        let target = |row: Row| {
            let mut secrets = vec![row.get("secret")?];
            secrets.extend(row.find::<String>("old_secret")?);
            Ok(Target {
                id: row.get("id")?,
                url: row.get("url")?,
                secrets,
                failing_ms: row.find("failing_ms")?,
            })
        };
        let rows = self.rows(sql, args![now_ms]).await?;
        rows.into_iter().map(target).collect()
    }
}

impl Webhook {
    fn of(row: &Row) -> Result<Webhook, Error> {
        let events: String = row.get("events")?;
        Ok(Webhook {
            id: row.get("id")?,
            url: row.get("url")?,
            events: events.split(' ').filter_map(EventKind::of).collect(),
            created_ms: row.get("created_ms")?,
            disabled_ms: row.find("disabled_ms")?,
            failing_ms: row.find("failing_ms")?,
        })
    }
}

/// With a space before, between and behind.
fn words(events: &BTreeSet<EventKind>) -> String {
    let words = events.iter().map(|event| format!(" {}", event.as_str()));
    format!("{} ", words.collect::<String>())
}

impl From<WebhookId> for Value {
    fn from(id: WebhookId) -> Value {
        Value::Bytes(Some(id.0.to_vec()))
    }
}
