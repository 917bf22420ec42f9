//! Delivers what is due.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::{interval, sleep, timeout};

use super::schedule::{SWITCH_OFF, is_hopeless, next_ms};
use super::{Bell, Event, WebhookId, signature};
use crate::clock;
use crate::outgoing::{Answer, NoAnswer, Outgoing};
use crate::store::{Attempt, Delivery, Error, Store, Target};

/// Deliveries of one webhook that are read at a time.
const BATCH: u32 = 64;
/// Those under way at once to one webhook. More would come further out of order.
const AT_ONCE: usize = 4;
/// The pause between two looks into the store, at the cost of as much delay.
const TOGETHER: Duration = Duration::from_millis(20);
/// How long it is slept when nothing is due and nobody wakes us; also after an error of the store.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long what was delivered, or given up, is kept to be looked at. A webhook can fail for three
/// days before that matters to it.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often it is looked for what was kept long enough.
const TIDY: Duration = Duration::from_secs(3600);

pub(super) struct Courier {
    pub store: Store,
    pub outgoing: Arc<Outgoing>,
    pub bell: Arc<Bell>,
}

impl Courier {
    /// One worker for each webhook that has something due: a slow one keeps none waiting.
    pub async fn run(self: Arc<Self>) {
        let mut working: HashSet<WebhookId> = HashSet::new();
        let (done, mut idle) = mpsc::unbounded_channel();
        let mut tidying = pin!(self.tidy());
        loop {
            self.count().await;
            let targets = self
                .store
                .webhooks_due(now_ms())
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!("webhooks: the store does not say what is due: {error}");
                    Vec::new()
                });
            for target in targets {
                if working.insert(target.id) {
                    let (courier, done) = (self.clone(), done.clone());
                    tokio::spawn(async move {
                        courier.work(&target).await;
                        let _ = done.send(target.id);
                    });
                }
            }
            let wait = self.until_next().await;
            tokio::select! {
                // What came for one that was busy is looked for again when it is idle.
                Some(id) = idle.recv() => drop(working.remove(&id)),
                _ = timeout(wait, self.bell.news.notified()) => {}
                () = &mut tidying => {}
            }
            // What comes meanwhile is looked for together.
            sleep(TOGETHER).await;
        }
    }

    /// Looks whether there is anybody to tell. In doubt there is.
    async fn count(&self) {
        let heard = self.store.has_webhooks().await.unwrap_or(true);
        self.bell.heard.store(heard, Ordering::Relaxed);
    }

    /// Forgets what was kept long enough, now and then.
    async fn tidy(&self) {
        let mut hourly = interval(TIDY);
        loop {
            hourly.tick().await;
            let kept = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
            let before = now_ms().saturating_sub(kept);
            if let Err(error) = self.store.forget_deliveries(before).await {
                tracing::warn!("webhooks: old deliveries cannot be forgotten: {error}");
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let next = self.store.next_delivery_ms().await.ok().flatten();
        let wait = next.map(|next| Duration::from_millis(next.saturating_sub(now_ms())));
        // What is due now is being worked on, and the worker says when it is done.
        wait.filter(|wait| !wait.is_zero())
            .unwrap_or(LONGEST_SLEEP)
            .min(LONGEST_SLEEP)
    }

    /// Delivers what is due for one webhook.
    async fn work(&self, target: &Target) {
        let due = self.store.deliveries_due(target.id, now_ms(), BATCH).await;
        if let Err(error) = &due {
            tracing::warn!("webhooks: what is due cannot be read: {error}");
            sleep(LONGEST_SLEEP).await;
        }
        let deliver = |delivery| async move {
            if let Err(error) = self.deliver(target, &delivery).await {
                tracing::warn!("webhooks: what was delivered cannot be written down: {error}");
                // It would be due again at once.
                sleep(LONGEST_SLEEP).await;
            }
        };
        stream::iter(due.unwrap_or_default())
            .for_each_concurrent(AT_ONCE, deliver)
            .await;
    }

    async fn deliver(&self, target: &Target, delivery: &Delivery) -> Result<(), Error> {
        let attempt = match self.store.event(delivery).await? {
            Some(event) => self.attempt(target, delivery, &event).await,
            None => Attempt {
                status: None,
                error: Some("what it is about is forgotten".to_owned()),
                next_ms: None,
                switch_off: false,
            },
        };
        if attempt.switch_off {
            let days = SWITCH_OFF.as_secs() / (24 * 3600);
            let id = target.id;
            tracing::warn!("webhook {id} is switched off: nothing was taken for {days} days");
        }
        let (id, position) = (target.id, delivery.position);
        self.store.attempted(now_ms(), id, position, &attempt).await
    }

    async fn attempt(&self, target: &Target, delivery: &Delivery, event: &Event) -> Attempt {
        let answer = self.post(target, event).await;
        let (status, error, asked) = match answer {
            Ok(answer) if answer.status.is_success() => {
                return Attempt {
                    status: Some(answer.status.as_u16()),
                    error: None,
                    next_ms: None,
                    switch_off: false,
                };
            }
            Ok(answer) => {
                let error = format!("it answered {}", answer.status);
                (Some(answer.status.as_u16()), error, answer.retry_after)
            }
            Err(error) => (None, error.to_string(), None),
        };
        let now_ms = now_ms();
        let failing = target.failing_ms.unwrap_or(now_ms);
        Attempt {
            // Gone: it says itself that it wants no more (RFC 9110, section 15.5.11).
            switch_off: status == Some(410) || is_hopeless(now_ms, failing),
            next_ms: next_ms(now_ms, delivery.at_ms, delivery.attempts + 1, asked),
            status,
            error: Some(error),
        }
    }

    async fn post(&self, target: &Target, event: &Event) -> Result<Answer, NoAnswer> {
        let refused = |error: &dyn ToString| NoAnswer::Refused(error.to_string());
        let to = self
            .outgoing
            .address(&target.url)
            .map_err(|e| refused(&e))?;
        let body = serde_json::to_vec(event).map_err(|e| refused(&e))?;
        let secrets: Vec<&str> = target.secrets.iter().map(String::as_str).collect();
        let signature = signature::header(&secrets, now_ms() / 1000, &body);
        let signature = HeaderValue::try_from(signature).map_err(|e| refused(&e))?;
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static(signature::HEADER), signature),
        ]);
        self.outgoing.post(&to, headers, body).await
    }
}

fn now_ms() -> u64 {
    u64::try_from(clock::now().unix.as_millis()).unwrap_or(u64::MAX)
}
