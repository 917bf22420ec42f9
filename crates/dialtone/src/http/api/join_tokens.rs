//! Join tokens: how a site lets its visitors into a call, one device each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::{LoginId, RoomId};
use protocol::message::MediaState;
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Admits;
use super::input::{Input, Named};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::now_ms;
use crate::accounts::secrets::{JOIN_PREFIX, Secret, random};
use crate::http::Shared;
use crate::store::join_tokens::NewJoinToken;

/// Seconds that somebody may take to come by a token: up to an hour.
const SECONDS: std::ops::RangeInclusive<u32> = 1..=3600;

/// The same, if nothing else is said.
const USUAL_SECONDS: u32 = 300;

/// What is on when somebody joins at once.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct JoinWith {
    /// The microphone.
    audio: bool,
    /// The camera.
    video: bool,
}

/// A join token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AskedJoinToken {
    /// The only room it is for: what stands before the `#` of the link. Do not send what stands behind.
    #[schema(value_type = String, example = "Jx0Yq3o2TrmD5n8ZkV1b7A")]
    room: RoomId,
    /// What the person is called there: 1 to 64 characters.
    #[schema(value_type = String, example = "Ada")]
    name: Name,
    /// The person joins at once, with this on, if they let the browser. Without it they see the lobby
    /// first, and nothing is on before a click.
    #[serde(default)]
    join_with: Option<JoinWith>,
    /// Seconds they may take to come by it: 1 to 3600, usually 300.
    #[serde(default)]
    #[schema(example = 300)]
    expires_in_s: Option<u32>,
}

/// A new join token. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownJoinToken {
    /// Its id.
    #[schema(value_type = String, example = "c7Yb2K1sR9e4mQ0zX5vN8w")]
    id: LoginId,
    /// For the attribute `token` of `<dialtone-call>`, or `Authorization: Bearer TOKEN` of
    /// `POST /api/v1/tickets`.
    #[schema(example = "dialtone_join_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
    /// Until when somebody has to come by it, in milliseconds since the Unix epoch.
    expires_at_ms: u64,
}

/// Makes a token that lets one device into one room under one name, also where guests are switched off.
/// The device that comes by it first may come back by it for twelve hours; no other one comes.
#[utoipa::path(post, path = "/join-tokens", tag = "Join tokens", request_body = AskedJoinToken, responses(
    (status = 200, description = "Made; nobody will see the token again", body = ShownJoinToken),
    (status = 409, description = "`too_many`: 10,000 wait to be used; let them expire", body = Body),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn make(
    State(shared): State<Arc<Shared>>,
    Admits(member): Admits,
    Input(asked): Input<AskedJoinToken>,
) -> Result<Json<ShownJoinToken>, Refusal> {
    let seconds = asked.expires_in_s.unwrap_or(USUAL_SECONDS);
    if !SECONDS.contains(&seconds) {
        let text = "A join token is good for 1 to 3600 seconds (`expires_in_s`).";
        return Err(Refusal::bad_request(text));
    }
    let secret = Secret::draw()?;
    let now_ms = now_ms();
    let new = NewJoinToken {
        id: LoginId::from_bytes(random()?),
        secret: secret.hash(),
        room: asked.room,
        name: asked.name,
        join_with: asked.join_with.map(|with| MediaState {
            audio: with.audio,
            video: with.video,
            ..MediaState::default()
        }),
        expires_ms: now_ms + u64::from(seconds) * 1000,
    };
    let by = (member.user.user, member.login);
    if !shared
        .accounts
        .store()
        .add_join_token(now_ms, by, &new)
        .await?
    {
        let text = "As many join tokens as there can be wait to be used. Let them expire.";
        return Err(Refusal::conflict("too_many", text));
    }
    Ok(Json(ShownJoinToken {
        id: new.id,
        token: format!("{JOIN_PREFIX}{}", secret.write()),
        expires_at_ms: new.expires_ms,
    }))
}

/// Takes a token back; who came by it is out of the call at once.
#[utoipa::path(delete, path = "/join-tokens/{id}", tag = "Join tokens",
    params(("id" = String, Path, description = "The token")), responses(
    (status = 204, description = "Taken back"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    Admits(member): Admits,
    Named(id): Named<LoginId>,
) -> Result<StatusCode, Refusal> {
    let store = shared.accounts.store();
    if !store.drop_join_token(member.user.user, id).await? {
        return Err(Refusal::not_found("You have made no such token."));
    }
    shared.accounts.tokens_revoked(vec![id]).await;
    Ok(StatusCode::NO_CONTENT)
}
