//! What anybody may ask: what this server is, how it is, and a ticket.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::Ticket;
use protocol::limits;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::MemberOrGuest;
use super::login::Browser;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::Scope;
use crate::http::{Shared, hosts};

/// What this server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerInfo {
    /// Its version.
    version: &'static str,
    /// One can call by link without an account.
    guests: bool,
    /// One can sign in with passkeys at the address that was asked.
    passkeys: bool,
    /// There is no administrator yet: the server has printed a link that makes one.
    first_run: bool,
}

/// What this server is. Nothing in it is private.
#[utoipa::path(get, path = "/server", tag = "Server", responses(
    (status = 200, description = "As it is", body = ServerInfo), Always))]
pub async fn info(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
) -> Result<Json<ServerInfo>, Refusal> {
    let accounts = &shared.accounts;
    Ok(Json(ServerInfo {
        version: env!("CARGO_PKG_VERSION"),
        guests: accounts.guests().await?,
        passkeys: accounts.party(hosts::name(&browser.headers)).is_some(),
        first_run: !accounts.store().has_administrator().await?,
    }))
}

/// How busy the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Calls that go on.
    calls: usize,
    /// Sessions that are open or can be resumed.
    sessions: usize,
}

/// For monitoring. Nothing in it is private.
#[utoipa::path(get, path = "/health", tag = "Server", responses(
    (status = 200, description = "It works", body = Health), Always))]
pub async fn health(State(shared): State<Arc<Shared>>) -> Json<Health> {
    let statistics = shared.hub.statistics().await;
    Json(Health {
        calls: statistics.calls,
        sessions: statistics.sessions,
    })
}

/// A permission to open one socket once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownTicket {
    /// To be shown in the first frame on `GET /api/v1/ws`.
    #[schema(value_type = String, example = "mJ3kSxq0T0yJm6mUo7q4mA")]
    ticket: Ticket,
    /// How long it is good.
    #[schema(example = 30000)]
    expires_in_ms: u64,
}

/// A permission to open one socket: a member's with a cookie or an API token of the scope `calls`,
/// otherwise a guest's. The request has no body.
#[utoipa::path(post, path = "/tickets", tag = "Calls", responses(
    (status = 200, description = "Good for 30 seconds", body = ShownTicket),
    (status = 401, description = "`signed_out`: the cookie is not good any more, and is taken away with this answer; `unknown_token`", body = Body),
    (status = 403, description = "`guests_off`: calls need an account here; `forbidden`: the token lacks the scope; `foreign_origin`", body = Body),
    Always, Limited))]
pub async fn ticket(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    who: Result<MemberOrGuest, Refusal>,
) -> Result<Json<ShownTicket>, Refusal> {
    let allowed = shared.sources.take_ticket(browser.address.ip());
    allowed.map_err(|wait| {
        let text = "Too many tickets were asked for from your address. Wait a moment.";
        Refusal::limit(wait, text)
    })?;
    let member = who?.must_have(Scope::Calls)?;
    if member.is_none() && !shared.accounts.guests().await? {
        let text = "Calls need an account on this server. Sign in first.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "guests_off", text));
    }
    let bearer = member.map(|member| (member.user.user, member.login));
    let ticket = shared.accounts.ticket(bearer).await;
    Ok(Json(ShownTicket {
        ticket: ticket.ok_or_else(Refusal::busy)?,
        expires_in_ms: limits::TICKET_MS,
    }))
}
