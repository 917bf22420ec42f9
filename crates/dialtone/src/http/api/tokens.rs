//! API tokens: for programs that do something in one's name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::LoginId;
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{SignedIn, signed_out};
use super::input::{Input, Named};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::secrets::{Secret, TOKEN_PREFIX, random};
use crate::accounts::{Scopes, now_ms};
use crate::http::Shared;
use crate::store::tokens::{Added, Listed, NewToken};

/// An API token.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiToken {
    /// Its id.
    #[schema(value_type = String, example = "c7Yb2K1sR9e4mQ0zX5vN8w")]
    id: LoginId,
    /// What its owner calls it.
    name: String,
    /// What it may be used for.
    #[schema(value_type = Vec<crate::accounts::Scope>)]
    scopes: Scopes,
    /// When it was made, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When it was used last, to about five minutes.
    seen_at_ms: Option<u64>,
}

impl From<Listed> for ApiToken {
    fn from(listed: Listed) -> ApiToken {
        ApiToken {
            id: listed.id,
            name: listed.name,
            scopes: listed.scopes,
            created_at_ms: listed.created_ms,
            seen_at_ms: listed.seen_ms,
        }
    }
}

/// One's API tokens.
#[utoipa::path(get, path = "/tokens", tag = "API tokens", responses(
    (status = 200, description = "The oldest first", body = Vec<ApiToken>),
    Always, NeedsAccount, NeedsRight))]
pub async fn list(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
) -> Result<Json<Vec<ApiToken>>, Refusal> {
    let listed = shared.accounts.store().tokens(member.user.user).await?;
    Ok(Json(listed.into_iter().map(ApiToken::from).collect()))
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AskedToken {
    /// What to call it: 1 to 64 characters.
    #[schema(value_type = String, example = "Door bell")]
    name: Name,
    /// What it shall be used for; at least one.
    #[schema(value_type = Vec<crate::accounts::Scope>)]
    scopes: Scopes,
}

/// A new token. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownToken {
    #[serde(flatten)]
    listed: ApiToken,
    /// Send it as `Authorization: Bearer TOKEN`.
    #[schema(example = "dialtone_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// Makes a token.
#[utoipa::path(post, path = "/tokens", tag = "API tokens", request_body = AskedToken, responses(
    (status = 200, description = "Made; nobody will see the token again", body = ShownToken),
    (status = 409, description = "`too_many`: take one back first", body = Body),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn make(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Input(asked): Input<AskedToken>,
) -> Result<Json<ShownToken>, Refusal> {
    if asked.scopes.is_empty() {
        let text = "A token needs at least one scope: calls, people, history, join, admin.";
        return Err(Refusal::bad_request(text));
    }
    let secret = Secret::draw()?;
    let new = NewToken {
        id: LoginId::from_bytes(random()?),
        secret: secret.hash(),
        name: asked.name.into(),
        scopes: asked.scopes,
    };
    let now_ms = now_ms();
    let store = shared.accounts.store();
    let by = (member.user.user, member.login);
    match store.add_token(now_ms, by, &new).await? {
        Added::Kept => {}
        Added::TooMany => {
            let text = "You have as many tokens as there can be. Take one back first.";
            return Err(Refusal::conflict("too_many", text));
        }
        Added::SignedOut => return Err(signed_out()),
    }
    Ok(Json(ShownToken {
        token: format!("{TOKEN_PREFIX}{}", secret.write()),
        listed: ApiToken {
            id: new.id,
            name: new.name,
            scopes: new.scopes,
            created_at_ms: now_ms,
            seen_at_ms: None,
        },
    }))
}

/// Takes a token back, within a second also from its calls.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "API tokens",
    params(("id" = String, Path, description = "The token")), responses(
    (status = 204, description = "Taken back"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Named(id): Named<LoginId>,
) -> Result<StatusCode, Refusal> {
    let store = shared.accounts.store();
    if !store.drop_token(member.user.user, id).await? {
        return Err(Refusal::not_found("You have no such token."));
    }
    shared.accounts.tokens_revoked(vec![id]).await;
    Ok(StatusCode::NO_CONTENT)
}
