//! What webhooks have to be told: an outbox, which is written together with the records it is about.

use protocol::id::{CallId, RingId};

use super::{Error, Row, Store, args};
use crate::webhooks::{Event, EventKind, Part, Someone, Subject, WebhookId, event_id};

/// Deliveries that are listed.
const LISTED: u32 = 100;

/// Something to be delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number.
    pub position: u64,
    /// What happened.
    pub event: EventKind,
    /// To what.
    pub subject: Subject,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How often it was tried.
    pub attempts: u64,
}

/// A delivery as it is listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What it is.
    pub delivery: Delivery,
    /// When it is tried (again), unless it is done with.
    pub next_ms: Option<u64>,
    /// When it was delivered.
    pub delivered_ms: Option<u64>,
    /// The HTTP status of the last answer.
    pub status: Option<u32>,
    /// What went wrong in the last attempt.
    pub error: Option<String>,
}

/// How an attempt went.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; `None`: it was delivered.
    pub error: Option<String>,
    /// When to try again; `None`: it is done with.
    pub next_ms: Option<u64>,
    /// Whether the webhook is switched off.
    pub switch_off: bool,
}

impl Store {
    /// What is due for a webhook now, in order.
    pub async fn deliveries_due(
        &self,
        webhook: WebhookId,
        now_ms: u64,
        most: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let sql = "SELECT position, event, subject, of_ring, at_ms, attempts
                   FROM webhook_deliveries WHERE webhook_id = $1 AND next_ms <= $2
                   ORDER BY position LIMIT $3";
        let rows = self.rows(sql, args![webhook, now_ms, most]).await?;
        rows.iter().map(Delivery::of).collect()
    }

    /// When something is due next, now or later.
    pub async fn next_delivery_ms(&self) -> Result<Option<u64>, Error> {
        let sql = "SELECT MIN(next_ms) AS next_ms FROM webhook_deliveries
                   JOIN webhooks ON webhooks.id = webhook_id
                   WHERE next_ms IS NOT NULL AND disabled_ms IS NULL";
        let row = self.row(sql, args![]).await?;
        row.map_or(Ok(None), |row| row.find("next_ms"))
    }

    /// Writes down how an attempt went, with the delivery and with its webhook.
    pub async fn attempted(
        &self,
        now_ms: u64,
        webhook: WebhookId,
        position: u64,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let delivered = attempt.error.is_none();
        let mut open = self.begin().await?;
        let sql = "UPDATE webhook_deliveries SET attempts = attempts + 1, status = $2, error = $3,
                   next_ms = $4, delivered_ms = $5 WHERE position = $1";
        let status = attempt.status.map(u32::from);
        let (error, next_ms) = (attempt.error.clone(), attempt.next_ms);
        let delivered_ms = delivered.then_some(now_ms);
        open.execute(sql, args![position, status, error, next_ms, delivered_ms])
            .await?;
        let sql = "UPDATE webhooks SET
                   failing_ms = CASE WHEN $2 THEN NULL ELSE COALESCE(failing_ms, $3) END,
                   disabled_ms = CASE WHEN $4 THEN COALESCE(disabled_ms, $3) ELSE disabled_ms END
                   WHERE id = $1";
        let values = args![webhook, delivered, now_ms, attempt.switch_off];
        open.execute(sql, values).await?;
        open.commit().await
    }

    /// The newest deliveries to a webhook.
    pub async fn deliveries(&self, webhook: WebhookId) -> Result<Vec<Listed>, Error> {
        let sql =
            "SELECT position, event, subject, of_ring, at_ms, attempts, next_ms, delivered_ms,
                   status, error FROM webhook_deliveries WHERE webhook_id = $1
                   ORDER BY position DESC LIMIT $2";
        let listed = |row: Row| {
            Ok(Listed {
                delivery: Delivery::of(&row)?,
                next_ms: row.find("next_ms")?,
                delivered_ms: row.find("delivered_ms")?,
                status: row.find("status")?,
                error: row.find("error")?,
            })
        };
        let rows = self.rows(sql, args![webhook, LISTED]).await?;
        rows.into_iter().map(listed).collect()
    }

    /// Forgets what happened before then and is done with; what is off is not tried any more.
    pub async fn forget_deliveries(&self, before_ms: u64) -> Result<(), Error> {
        let sql = "DELETE FROM webhook_deliveries WHERE at_ms < $1 AND (next_ms IS NULL OR EXISTS
                   (SELECT 1 FROM webhooks WHERE id = webhook_id AND disabled_ms IS NOT NULL))";
        self.execute(sql, args![before_ms]).await?;
        Ok(())
    }

    /// What a delivery says; `None`: it is about something that is forgotten.
    pub async fn event(&self, delivery: &Delivery) -> Result<Option<Event>, Error> {
        match delivery.subject {
            Subject::Call(call) => self.event_of_call(delivery, call).await,
            Subject::Ring(ring) => self.event_of_ring(delivery, ring).await,
        }
    }

    async fn event_of_call(
        &self,
        delivery: &Delivery,
        call: CallId,
    ) -> Result<Option<Event>, Error> {
        let sql = "SELECT connected_ms, ended_ms, reason FROM calls WHERE id = $1";
        let Some(row) = self.row(sql, args![call]).await? else {
            return Ok(None);
        };
        // Who came later has nothing to do with its beginning.
        let sql = "SELECT user_id, name FROM seats WHERE call_id = $1 AND first_ms <= $2
                   ORDER BY first_ms, participant";
        let someone = |row: Row| {
            Ok(Someone {
                user: row.find("user_id")?,
                name: row.get("name")?,
                role: Part::Participant,
            })
        };
        let people = self.rows(sql, args![call, delivery.at_ms]).await?;
        let mut event = delivery.event(call);
        event.people = people
            .into_iter()
            .map(someone)
            .collect::<Result<_, Error>>()?;
        if delivery.event == EventKind::Ended {
            let connected_ms: Option<u64> = row.find("connected_ms")?;
            let lasted = |from: u64| delivery.at_ms.saturating_sub(from);
            event.duration_ms = connected_ms.map(lasted);
            event.reason = row.find("reason")?;
        }
        Ok(Some(event))
    }

    async fn event_of_ring(
        &self,
        delivery: &Delivery,
        ring: RingId,
    ) -> Result<Option<Event>, Error> {
        let sql = "SELECT rings.call_id, rings.video, rings.caller, rings.callee,
                   CASE outcome WHEN 'do_not_disturb' THEN 'busy' ELSE outcome END AS reason,
                   a.name AS caller_name, b.name AS callee_name FROM rings
                   JOIN users a ON a.id = rings.caller JOIN users b ON b.id = rings.callee
                   WHERE rings.id = $1";
        let Some(row) = self.row(sql, args![ring]).await? else {
            return Ok(None);
        };
        let mut event = delivery.event(row.get("call_id")?);
        event.ring = Some(ring);
        event.video = Some(row.get("video")?);
        if delivery.event == EventKind::Missed {
            event.reason = row.find("reason")?;
        }
        for (user, name, role) in [
            ("caller", "caller_name", Part::Caller),
            ("callee", "callee_name", Part::Callee),
        ] {
            event.people.push(Someone {
                user: row.find(user)?,
                name: row.get(name)?,
                role,
            });
        }
        Ok(Some(event))
    }
}

impl Delivery {
    fn of(row: &Row) -> Result<Delivery, Error> {
        let event: String = row.get("event")?;
        let damaged = || Error::Damaged {
            column: "event".to_owned(),
            what: "an event that there is not".to_owned(),
        };
        Ok(Delivery {
            position: row.get("position")?,
            event: EventKind::of(&event).ok_or_else(damaged)?,
            subject: match row.get("of_ring")? {
                true => Subject::Ring(row.get("subject")?),
                false => Subject::Call(row.get("subject")?),
            },
            at_ms: row.get("at_ms")?,
            attempts: row.get("attempts")?,
        })
    }

    fn event(&self, call: CallId) -> Event {
        Event {
            id: event_id(self.event, self.subject.as_bytes(), self.at_ms),
            event: self.event,
            at_ms: self.at_ms,
            call,
            ring: None,
            video: None,
            reason: None,
            duration_ms: None,
            people: Vec::new(),
        }
    }
}
