//! Push messages: which devices are woken when somebody calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{SignedIn, signed_out};
use super::input::Input;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::now_ms;
use crate::http::Shared;
use crate::push::{self, BadSubscription};

/// The key of this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    /// What a browser subscribes with (VAPID): a point of P-256 in base64url.
    key: String,
}

/// With which key a browser subscribes (`applicationServerKey`).
#[utoipa::path(get, path = "/push/key", tag = "Push messages", responses(
    (status = 200, description = "The same for as long as the server keeps its store", body = PushKey),
    Always, NeedsAccount, NeedsRight))]
pub async fn key(State(shared): State<Arc<Shared>>, _: SignedIn) -> Json<PushKey> {
    let key = shared.reach.push_key.clone();
    Json(PushKey { key })
}

/// What a browser's push service gave it (`PushSubscription.toJSON()`).
#[derive(Deserialize, ToSchema)]
pub struct NewSubscription {
    /// Where messages go: an `https` address that is public.
    #[schema(example = "https://push.example.org/c7Yb2K1sR9e4")]
    endpoint: String,
    /// What they are sealed with.
    keys: Keys,
}

/// What messages are sealed with (RFC 8291).
#[derive(Deserialize, ToSchema)]
pub struct Keys {
    /// The browser's public key: a point of P-256 in base64url.
    p256dh: String,
    /// The browser's secret: 16 bytes in base64url.
    auth: String,
}

/// Has this device woken when somebody calls. It ends with the sign-in.
#[utoipa::path(put, path = "/push/subscription", tag = "Push messages",
    request_body = NewSubscription, responses(
    (status = 204, description = "Kept, in place of what this sign-in had"),
    (status = 400, description = "`bad_subscription`: an address or a key that cannot be used", body = Body),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn subscribe(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Input(new): Input<NewSubscription>,
) -> Result<StatusCode, Refusal> {
    let Keys { p256dh, auth } = &new.keys;
    let outgoing = &shared.reach.outgoing;
    let kept = push::read(outgoing, member.login, &new.endpoint, p256dh, auth)?;
    match shared.accounts.store().subscribe(now_ms(), &kept).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(signed_out()),
    }
}

/// Which subscription.
#[derive(Deserialize, ToSchema)]
pub struct Endpoint {
    /// Its address, as it was given.
    endpoint: String,
}

/// Does not have this device woken any more.
#[utoipa::path(delete, path = "/push/subscription", tag = "Push messages",
    request_body = Endpoint, responses(
    (status = 204, description = "Forgotten, if it was this sign-in's"),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn unsubscribe(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Input(which): Input<Endpoint>,
) -> Result<StatusCode, Refusal> {
    // It was kept as it is written when it is read.
    if let Ok(address) = shared.reach.outgoing.address(&which.endpoint) {
        let store = shared.accounts.store();
        store.unsubscribe(member.login, address.as_str()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl From<BadSubscription> for Refusal {
    fn from(bad: BadSubscription) -> Refusal {
        let status = StatusCode::BAD_REQUEST;
        Refusal::new(status, "bad_subscription", bad.to_string())
    }
}
