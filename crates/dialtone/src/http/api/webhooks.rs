//! Webhooks, for administrators.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Admin;
use super::input::{Input, Named};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::now_ms;
use crate::http::Shared;
use crate::outgoing::BadAddress;
use crate::store;
use crate::store::{ListedDelivery, NewWebhook, WebhookChange};
use crate::webhooks::{EventKind, WebhookId, draw_secret};

/// How long the secret of before still signs.
const BOTH_SECRETS_MS: u64 = 24 * 3600 * 1000;

/// Another program that is told what happens in calls. What it gets are `Event`s.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(value_type = String, example = "Kx2m8VqT2x5nB7cR1yJ9aw")]
    id: WebhookId,
    /// Where events go.
    #[schema(example = "https://hooks.example.org/dialtone")]
    url: String,
    /// Which.
    events: BTreeSet<EventKind>,
    /// When it was made, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// Since when nothing could be delivered.
    failing_since_ms: Option<u64>,
    /// Since when it is switched off, by somebody or because it had failed for three days.
    disabled_at_ms: Option<u64>,
}

impl From<store::Webhook> for Webhook {
    fn from(kept: store::Webhook) -> Webhook {
        Webhook {
            id: kept.id,
            url: kept.url,
            events: kept.events,
            created_at_ms: kept.created_ms,
            failing_since_ms: kept.failing_ms,
            disabled_at_ms: kept.disabled_ms,
        }
    }
}

/// All webhooks.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", responses(
    (status = 200, description = "The oldest first", body = Vec<Webhook>),
    Always, NeedsAccount, NeedsRight))]
pub async fn list(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
) -> Result<Json<Vec<Webhook>>, Refusal> {
    let kept = shared.accounts.store().webhooks().await?;
    Ok(Json(kept.into_iter().map(Webhook::from).collect()))
}

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AskedWebhook {
    /// Where events shall go: an `https` address that is public.
    #[schema(example = "https://hooks.example.org/dialtone")]
    url: String,
    /// Which; at least one.
    events: BTreeSet<EventKind>,
}

/// A new webhook. Its secret is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    #[serde(flatten)]
    shown: ShownSecret,
}

/// A secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownSecret {
    /// Signs what is delivered.
    #[schema(example = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    secret: String,
}

/// Makes a webhook.
#[utoipa::path(post, path = "/webhooks", tag = "Webhooks", request_body = AskedWebhook, responses(
    (status = 200, description = "Made; nobody will see the secret again", body = ShownWebhook),
    (status = 400, description = "`bad_address`: nothing is sent there", body = Body),
    (status = 409, description = "`too_many`: delete one first", body = Body),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn make(
    State(shared): State<Arc<Shared>>,
    Admin(member): Admin,
    Input(asked): Input<AskedWebhook>,
) -> Result<Json<ShownWebhook>, Refusal> {
    at_least_one(&asked.events)?;
    let new = NewWebhook {
        id: WebhookId::draw()?,
        url: shared
            .reach
            .outgoing
            .address(&asked.url)?
            .as_str()
            .to_owned(),
        secret: draw_secret()?,
        events: asked.events,
    };
    let now_ms = now_ms();
    let store = shared.accounts.store();
    if !store.add_webhook(now_ms, member.user.user, &new).await? {
        let text = "There are as many webhooks as there can be. Delete one first.";
        return Err(Refusal::conflict("too_many", text));
    }
    shared.reach.webhooks.wake();
    Ok(Json(ShownWebhook {
        webhook: Webhook {
            id: new.id,
            url: new.url,
            events: new.events,
            created_at_ms: now_ms,
            failing_since_ms: None,
            disabled_at_ms: None,
        },
        shown: ShownSecret { secret: new.secret },
    }))
}

/// What is to be changed; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangedWebhook {
    /// Where events shall go.
    url: Option<String>,
    /// Which; at least one.
    events: Option<BTreeSet<EventKind>>,
    /// Whether it is switched on. Of what happens while it is off nothing is delivered later.
    enabled: Option<bool>,
}

/// Changes a webhook.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "Webhooks", request_body = ChangedWebhook,
    params(("id" = String, Path, description = "The webhook")), responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "`bad_address`: nothing is sent there", body = Body),
    Always, NeedsAccount, NeedsRight, Names, TakesBody))]
pub async fn change(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(id): Named<WebhookId>,
    Input(asked): Input<ChangedWebhook>,
) -> Result<StatusCode, Refusal> {
    asked.events.as_ref().map_or(Ok(()), at_least_one)?;
    let url = asked.url.map(|url| shared.reach.outgoing.address(&url));
    let change = WebhookChange {
        url: url.transpose()?.map(|url| url.as_str().to_owned()),
        events: asked.events,
        enabled: asked.enabled,
    };
    let store = shared.accounts.store();
    found(store.change_webhook(now_ms(), id, &change).await?)?;
    shared.reach.webhooks.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret. The one of before signs as well for a day.
#[utoipa::path(post, path = "/webhooks/{id}/secret", tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")), responses(
    (status = 200, description = "Nobody will see the secret again", body = ShownSecret),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn rotate(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(id): Named<WebhookId>,
) -> Result<Json<ShownSecret>, Refusal> {
    let secret = draw_secret()?;
    let until_ms = now_ms() + BOTH_SECRETS_MS;
    let store = shared.accounts.store();
    found(store.rotate_webhook(id, &secret, until_ms).await?)?;
    Ok(Json(ShownSecret { secret }))
}

/// Forgets a webhook, and what was not delivered to it.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")), responses(
    (status = 204, description = "Forgotten"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(id): Named<WebhookId>,
) -> Result<StatusCode, Refusal> {
    found(shared.accounts.store().drop_webhook(id).await?)?;
    shared.reach.webhooks.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// An event on its way, or what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Its number.
    id: String,
    /// What happened.
    event: EventKind,
    /// When, in milliseconds since the Unix epoch.
    at_ms: u64,
    /// How often it was tried.
    attempts: u64,
    /// How it stands.
    state: DeliveryState,
    /// When it is tried (again).
    next_at_ms: Option<u64>,
    /// When it was delivered.
    delivered_at_ms: Option<u64>,
    /// The HTTP status of the last answer.
    status: Option<u32>,
    /// What went wrong in the last attempt.
    error: Option<String>,
}

/// How a delivery stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be tried.
    Waiting,
    /// It was heard.
    Delivered,
    /// It was given up.
    Failed,
}

impl From<ListedDelivery> for Delivery {
    fn from(listed: ListedDelivery) -> Delivery {
        let state = match (listed.delivered_ms, listed.next_ms) {
            (Some(_), _) => DeliveryState::Delivered,
            (None, Some(_)) => DeliveryState::Waiting,
            (None, None) => DeliveryState::Failed,
        };
        Delivery {
            id: listed.delivery.position.to_string(),
            event: listed.delivery.event,
            at_ms: listed.delivery.at_ms,
            attempts: listed.delivery.attempts,
            state,
            next_at_ms: listed.next_ms,
            delivered_at_ms: listed.delivered_ms,
            status: listed.status,
            error: listed.error,
        }
    }
}

/// What was delivered, or will be.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "Webhooks",
    params(("id" = String, Path, description = "The webhook")), responses(
    (status = 200, description = "The newest hundred, the newest first", body = Vec<Delivery>),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn deliveries(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(id): Named<WebhookId>,
) -> Result<Json<Vec<Delivery>>, Refusal> {
    let store = shared.accounts.store();
    found(store.webhook(id).await?.is_some())?;
    let listed = store.deliveries(id).await?;
    Ok(Json(listed.into_iter().map(Delivery::from).collect()))
}

fn at_least_one(events: &BTreeSet<EventKind>) -> Result<(), Refusal> {
    match events.is_empty() {
        true => Err(Refusal::bad_request("A webhook needs at least one event.")),
        false => Ok(()),
    }
}

fn found(found: bool) -> Result<(), Refusal> {
    match found {
        true => Ok(()),
        false => Err(Refusal::not_found("There is no such webhook.")),
    }
}

impl From<BadAddress> for Refusal {
    fn from(bad: BadAddress) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_address", bad.to_string())
    }
}
