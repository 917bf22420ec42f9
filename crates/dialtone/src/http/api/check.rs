//! What anybody may have who wants to know whether they could call here.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use protocol::relay::{self, TRIAL};
use serde::Serialize;
use utoipa::ToSchema;

use super::login::Browser;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::clock;
use crate::http::Shared;

/// How long the credentials are good: a check takes a few seconds.
const LIFETIME: Duration = Duration::from_secs(60);

/// A way to STUN or TURN, as browsers take it (`RTCIceServer`).
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialServer {
    /// Where it is (RFC 7064, RFC 7065).
    #[schema(example = json!(["turn:192.0.2.1:3478?transport=udp"]))]
    urls: Vec<String>,
    /// Only for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// Only for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

/// Access to the relay for a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trial {
    /// For `RTCPeerConnection`.
    ice_servers: Vec<TrialServer>,
    /// How long it is good.
    #[schema(example = 60000)]
    expires_in_ms: u64,
}

/// Access to STUN and to the relay, to find out whether one could call: for a minute, from one end to
/// the other of the same check and nowhere else, and with no more than 250,000 bytes a second. Nobody has
/// to be signed in. The request has no body.
#[utoipa::path(post, path = "/check", tag = "Calls", responses(
    (status = 200, description = "Good for a minute", body = Trial),
    (status = 403, description = "`foreign_origin`: a page of another site asks", body = Body),
    Always, Limited))]
pub async fn trial(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
) -> Result<Json<Trial>, Refusal> {
    let allowed = shared.sources.take_check(browser.address.ip());
    allowed.map_err(|wait| {
        let text = "Too many checks were begun from your address. Wait a moment.";
        Refusal::limit(wait, text)
    })?;
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(|_| Refusal::busy())?;
    let name = format!("{TRIAL}{:032x}", u128::from_be_bytes(name));
    let config = &shared.relay;
    let expires = clock::now().unix_seconds() + LIFETIME.as_secs();
    let minted = relay::mint(&config.secret, &name, expires);
    let stun = TrialServer {
        urls: config.stun_urls.clone(),
        username: None,
        credential: None,
    };
    let turn = TrialServer {
        urls: config.turn_urls.clone(),
        username: Some(minted.username),
        credential: Some(minted.password),
    };
    // Browsers take no server without a URL.
    let servers = [stun, turn].into_iter();
    Ok(Json(Trial {
        ice_servers: servers.filter(|it| !it.urls.is_empty()).collect(),
        expires_in_ms: LIFETIME.as_millis() as u64,
    }))
}
