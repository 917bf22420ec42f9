//! Calls that go on, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::{CallId, UserId};
use protocol::text::Name;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::Admin;
use super::input::Named;
use super::refusal::Refusal;
use super::refusals::*;
use crate::http::Shared;

/// A call that goes on. What is said in it nobody sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCall {
    /// Its id.
    #[schema(value_type = String, example = "aQ4w7E0r3T6y9U2i5O8p1Q")]
    call: CallId,
    /// When it was opened, in milliseconds since the Unix epoch; missing while that is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at_ms: Option<u64>,
    /// Whether media has flowed.
    connected: bool,
    /// Who sits in it.
    participants: Vec<Participant>,
}

/// Somebody in a call.
#[derive(Debug, Serialize, ToSchema)]
struct Participant {
    /// Their id; a guest has none.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    /// Their name.
    #[schema(value_type = String)]
    name: Name,
}

/// Calls that go on.
#[utoipa::path(get, path = "/admin/calls", tag = "Administration", responses(
    (status = 200, description = "All of them", body = Vec<LiveCall>),
    Always, NeedsAccount, NeedsRight))]
pub async fn list(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
) -> Result<Json<Vec<LiveCall>>, Refusal> {
    let opened = shared.accounts.store().calls_opened().await?;
    let calls = shared.hub.calls().await.into_iter().map(|live| LiveCall {
        started_at_ms: opened.get(&live.call).copied(),
        call: live.call,
        connected: live.connected,
        participants: live
            .people
            .into_iter()
            .map(|(user, name)| Participant { user, name })
            .collect(),
    });
    Ok(Json(calls.collect()))
}

/// Ends a call for everybody in it, and closes its link for good: nobody comes back by it.
#[utoipa::path(delete, path = "/admin/calls/{call}", tag = "Administration",
    params(("call" = String, Path, description = "The call")), responses(
    (status = 204, description = "Ended"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn end(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(call): Named<CallId>,
) -> Result<StatusCode, Refusal> {
    if !shared
        .hub
        .calls()
        .await
        .iter()
        .any(|live| live.call == call)
    {
        return Err(Refusal::not_found("There is no such call, or it is over."));
    }
    shared.hub.kick(call).await;
    Ok(StatusCode::NO_CONTENT)
}
