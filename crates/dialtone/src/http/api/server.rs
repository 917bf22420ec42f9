//! What anybody may ask: what this server is, how it is, and a ticket.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::{LoginId, Ticket, UserId};
use protocol::limits;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{MemberOrGuest, is_good, shown, signed_out};
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
    /// Whose pages may show calls in theirs.
    #[schema(example = json!(["https://example.org"]))]
    embed_origins: Vec<String>,
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
        embed_origins: shared.embedding.origins().map(str::to_owned).collect(),
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
    let bearer = match who {
        Ok(who) => bearer(&shared, &browser, who).await,
        Err(refusal) => Err(refusal),
    };
    let bearer = bearer.or_else(|refusal| match refusal.is_unavailable() {
        true => remembered(&shared, &browser).ok_or(refusal),
        false => Err(refusal),
    })?;
    let ticket = shared.accounts.ticket(bearer).await;
    // It may have been revoked meanwhile, before the exchange had a ticket to take back.
    if let Some((_, login)) = bearer
        && let Ok(false) = is_good(&shared, &browser.headers, browser.scheme).await
    {
        shared.accounts.tokens_revoked(vec![login]).await;
        return Err(signed_out());
    }
    Ok(Json(ShownTicket {
        ticket: ticket.ok_or_else(Refusal::busy)?,
        expires_in_ms: limits::TICKET_MS,
    }))
}

/// Who gets the ticket; `None`: a guest.
async fn bearer(
    shared: &Shared,
    browser: &Browser,
    who: MemberOrGuest,
) -> Result<Option<(UserId, LoginId)>, Refusal> {
    let Some(member) = who.must_have(Scope::Calls)? else {
        return match shared.accounts.guests().await? {
            true => Ok(None),
            false => {
                let text = "Calls need an account on this server. Sign in first.";
                Err(Refusal::new(StatusCode::FORBIDDEN, "guests_off", text))
            }
        };
    };
    let (user, login) = (member.user.user, member.login);
    if let Some(secret) = shown(&browser.headers, browser.scheme) {
        shared.accounts.remembered().add(secret.hash(), user, login);
    }
    Ok(Some((user, login)))
}

/// The same as it was when the store answered last.
fn remembered(shared: &Shared, browser: &Browser) -> Option<Option<(UserId, LoginId)>> {
    let remembered = shared.accounts.remembered();
    match shown(&browser.headers, browser.scheme) {
        Some(secret) => remembered.find(secret.hash()).map(Some),
        None => remembered.guests.filter(|allowed| *allowed).map(|_| None),
    }
}
