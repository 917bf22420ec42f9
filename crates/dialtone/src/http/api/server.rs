//! What anybody may ask: what this server is, how it is, and a ticket.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::{Bearer, Visitor};
use protocol::id::{DeviceId, RoomId, Ticket};
use protocol::limits;
use protocol::message::MediaState;
use protocol::text::Name;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{MemberOrGuest, is_good, join_token, shown, signed_out};
use super::login::Browser;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::secrets::{Secret, SecretHash};
use crate::accounts::{Scope, now_ms};
use crate::http::{Shared, hosts};
use crate::store::join_tokens::Shown;

/// Bytes of a device's public key: an uncompressed point of P-256.
const KEY_BYTES: usize = 65;

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
    /// Where a join token leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    visit: Option<Visit>,
}

/// What a join token says.
#[derive(Debug, Serialize, ToSchema)]
struct Visit {
    /// The only room it is for.
    #[schema(value_type = String, example = "Jx0Yq3o2TrmD5n8ZkV1b7A")]
    room: RoomId,
    /// What the person is called.
    #[schema(value_type = String, example = "Ada")]
    name: Name,
    /// They join at once, with this on; missing: when they say so.
    #[schema(value_type = Option<super::join_tokens::JoinWith>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    join_with: Option<MediaState>,
}

/// A permission to open one socket: a member's with a cookie or an API token of the scope `calls`, a
/// visitor's with a join token and the header `Dialtone-Device`, otherwise a guest's. The request has no
/// body.
#[utoipa::path(post, path = "/tickets", tag = "Calls", params(
    ("Dialtone-Device" = Option<String>, Header,
        description = "With a join token: the device's public key, as in `hello`. The first device that comes by a token is the only one")),
    responses(
    (status = 200, description = "Good for 30 seconds", body = ShownTicket),
    (status = 400, description = "`bad_request`: a join token without a device", body = Body),
    (status = 401, description = "`signed_out`: the cookie is not good any more, and is taken away with this answer; `unknown_token`; of join tokens also `token_used`: by another device, `token_expired`", body = Body),
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
    if let Some(secret) = join_token(&browser.headers) {
        return visitors_ticket(&shared, &browser, secret).await;
    }
    let bearer = match who {
        Ok(who) => bearer(&shared, &browser, who).await,
        Err(refusal) => Err(refusal),
    };
    let bearer = bearer.or_else(|refusal| match refusal.is_unavailable() {
        true => remembered(&shared, &browser).ok_or(refusal),
        false => Err(refusal),
    })?;
    let ticket = shared.accounts.ticket(bearer.clone()).await;
    // It may have been revoked meanwhile, before the exchange had a ticket to take back.
    if let Bearer::Member { login, .. } = bearer
        && let Ok(false) = is_good(&shared, &browser.headers, browser.scheme).await
    {
        shared.accounts.tokens_revoked(vec![login]).await;
        return Err(signed_out());
    }
    ShownTicket::of(ticket, None)
}

impl ShownTicket {
    fn of(ticket: Option<Ticket>, visit: Option<Visit>) -> Result<Json<ShownTicket>, Refusal> {
        Ok(Json(ShownTicket {
            ticket: ticket.ok_or_else(Refusal::busy)?,
            expires_in_ms: limits::TICKET_MS,
            visit,
        }))
    }
}

/// Who gets the ticket.
async fn bearer(shared: &Shared, browser: &Browser, who: MemberOrGuest) -> Result<Bearer, Refusal> {
    let Some(member) = who.must_have(Scope::Calls)? else {
        return match shared.accounts.guests().await? {
            true => Ok(Bearer::Guest),
            false => {
                let text = "Calls need an account on this server. Sign in first.";
                Err(Refusal::new(StatusCode::FORBIDDEN, "guests_off", text))
            }
        };
    };
    let (user, login) = (member.user.user, member.login);
    let bearer = Bearer::Member { user, login };
    if let Some(secret) = shown(&browser.headers, browser.scheme) {
        let mut remembered = shared.accounts.remembered();
        remembered.add(secret.hash(), bearer.clone());
    }
    Ok(bearer)
}

/// The same as it was when the store answered last.
fn remembered(shared: &Shared, browser: &Browser) -> Option<Bearer> {
    let remembered = shared.accounts.remembered();
    match shown(&browser.headers, browser.scheme) {
        Some(secret) => remembered.find(secret.hash()),
        None => remembered
            .guests
            .filter(|allowed| *allowed)
            .map(|_| Bearer::Guest),
    }
}

// ---- visitors ----

/// A ticket for the device that comes by a join token.
async fn visitors_ticket(
    shared: &Shared,
    browser: &Browser,
    secret: Secret,
) -> Result<Json<ShownTicket>, Refusal> {
    let device = device(browser).ok_or_else(|| {
        let text = "A join token is for one device: say which in the header Dialtone-Device.";
        Refusal::bad_request(text)
    })?;
    let (store, hash) = (shared.accounts.store(), secret.hash());
    let shown = match store.show_join_token(now_ms(), hash, device).await {
        Ok(shown) => shown,
        Err(error) => came_back(shared, hash, device).ok_or(error)?,
    };
    let (visitor, join_with) = match shown {
        Shown::Good(visitor, join_with) => (visitor, join_with),
        refused => return Err(turned_away(&refused)),
    };
    let login = visitor.login;
    let visit = Visit {
        room: visitor.room,
        name: visitor.name.clone(),
        join_with,
    };
    let bearer = Bearer::Visitor(Box::new(visitor));
    shared.accounts.remembered().add(hash, bearer.clone());
    let ticket = shared.accounts.ticket(bearer).await;
    // It may have been taken back meanwhile, before the exchange had a ticket to take back.
    if let Ok(false) = store.has_join_token(login).await {
        shared.accounts.tokens_revoked(vec![login]).await;
        return Err(turned_away(&Shown::Unknown));
    }
    ShownTicket::of(ticket, Some(visit))
}

/// Whom the store knew by it when it answered last.
fn came_back(shared: &Shared, hash: SecretHash, device: DeviceId) -> Option<Shown> {
    let known = shared.accounts.remembered().find(hash);
    match known {
        Some(Bearer::Visitor(visitor)) if visitor.device == device => {
            Some(Shown::Good(Visitor::clone(&visitor), None))
        }
        _ => None,
    }
}

/// The device whose public key is in the header. Whoever has a ticket of its name still has to prove
/// that the key is theirs.
fn device(browser: &Browser) -> Option<DeviceId> {
    let key = browser.headers.get("dialtone-device")?.to_str().ok()?;
    let key = URL_SAFE_NO_PAD.decode(key).ok()?;
    (key.len() == KEY_BYTES).then(|| DeviceId::of(&key))
}

fn turned_away(shown: &Shown) -> Refusal {
    let (code, text) = match shown {
        Shown::Used => (
            "token_used",
            "This join token was used on another device. Get another one.",
        ),
        Shown::Expired => (
            "token_expired",
            "This join token is too old. Get another one.",
        ),
        _ => (
            "unknown_token",
            "This join token is not known here, or was taken back.",
        ),
    };
    Refusal::new(StatusCode::UNAUTHORIZED, code, text)
}
