//! The passkeys of somebody who is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::guard::SignedIn;
use super::input::{Input, Named};
use super::login::Browser;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use super::shapes::Begun;
use crate::accounts::now_ms;
use crate::accounts::passkeys::{self, Purpose};
use crate::http::Shared;
use crate::store::passkeys::{Dropped, Listed, NewPasskey};

/// Passkeys that somebody can have.
const PASSKEYS: usize = 50;

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passkey {
    /// Its id, in base64url.
    id: String,
    /// What its owner calls it.
    name: String,
    /// When it was made, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When somebody signed in with it last.
    seen_at_ms: Option<u64>,
}

impl From<Listed> for Passkey {
    fn from(listed: Listed) -> Passkey {
        Passkey {
            id: URL_SAFE_NO_PAD.encode(listed.id),
            name: listed.name,
            created_at_ms: listed.created_ms,
            seen_at_ms: listed.used_ms,
        }
    }
}

/// One's passkeys.
#[utoipa::path(get, path = "/me/passkeys", tag = "Me", responses(
    (status = 200, description = "The oldest first", body = Vec<Passkey>),
    Always, NeedsAccount, NeedsRight))]
pub async fn list(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
) -> Result<Json<Vec<Passkey>>, Refusal> {
    let listed = shared.accounts.store().passkeys(member.user.user).await?;
    Ok(Json(listed.into_iter().map(Passkey::from).collect()))
}

/// Begins to make one more.
#[utoipa::path(post, path = "/me/passkeys/begin", tag = "Me", responses(
    (status = 200, description = "Ask the authenticator", body = Begun),
    (status = 409, description = "`no_passkeys`: not at this address of the server; `too_many`: remove one first", body = Body),
    Always, NeedsAccount, NeedsRight))]
pub async fn begin(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    SignedIn(member): SignedIn,
) -> Result<Json<Begun>, Refusal> {
    let party = browser.party(&shared)?;
    let user = member.user;
    let existing = shared.accounts.store().credentials(user.user).await?;
    if existing.len() >= PASSKEYS {
        let text = "You have as many passkeys as there can be. Remove one first.";
        return Err(Refusal::conflict("too_many", text));
    }
    let login = user.login.parse();
    let login = login.map_err(|_| Refusal::bad_request("This account has no login name."))?;
    let (options, state) = party.begin_making(user.user, &login, &user.name, &existing)?;
    let purpose = Purpose::Another {
        user: user.user,
        state: Box::new(state),
    };
    let ceremonies = shared.accounts.ceremonies();
    let ceremony = ceremonies.begin(browser.address.ip(), purpose)?;
    Ok(Json(Begun { ceremony, options }))
}

/// What an authenticator has made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MadeAnother {
    /// The ceremony that was begun.
    ceremony: String,
    /// The credential, as its `toJSON()` gives it.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
    /// What to call it: 1 to 64 characters.
    #[schema(value_type = String, example = "Phone")]
    name: Name,
}

/// Ends it: the passkey is good from now on.
#[utoipa::path(post, path = "/me/passkeys/finish", tag = "Me", request_body = MadeAnother, responses(
    (status = 200, description = "Kept", body = Passkey),
    (status = 403, description = "`passkey_refused`: its signature or its origin is not good; `forbidden`, `foreign_origin`", body = Body),
    (status = 409, description = "`no_passkeys`, `passkey_taken`: it is somebody's already", body = Body),
    (status = 410, description = "`ceremony_over`: begin again", body = Body),
    Always, NeedsAccount, TakesBody))]
pub async fn finish(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    SignedIn(member): SignedIn,
    Input(made): Input<MadeAnother>,
) -> Result<Json<Passkey>, Refusal> {
    let party = browser.party(&shared)?;
    let purpose = shared.accounts.ceremonies().finish(&made.ceremony)?;
    let Purpose::Another { user, state } = purpose else {
        return Err(passkeys::Failure::Over.into());
    };
    if user != member.user.user {
        return Err(passkeys::Failure::Over.into());
    }
    let new = NewPasskey {
        name: made.name.into(),
        passkey: party.finish_making(&made.credential, &state)?,
    };
    let now_ms = now_ms();
    let store = shared.accounts.store();
    if !store.add_passkey(now_ms, user, &new).await? {
        let text = "This passkey is kept already.";
        return Err(Refusal::conflict("passkey_taken", text));
    }
    Ok(Json(Passkey {
        id: URL_SAFE_NO_PAD.encode(new.passkey.cred_id()),
        name: new.name,
        created_at_ms: now_ms,
        seen_at_ms: None,
    }))
}

/// Forgets a passkey.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "Me",
    params(("id" = String, Path, description = "The passkey")), responses(
    (status = 204, description = "Forgotten"),
    (status = 409, description = "`last_way_in`: without it and without a password you could not sign in", body = Body),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Named(id): Named<String>,
) -> Result<StatusCode, Refusal> {
    let unknown = || Refusal::not_found("You have no such passkey.");
    let id = URL_SAFE_NO_PAD.decode(id).map_err(|_| unknown())?;
    let store = shared.accounts.store();
    match store.drop_passkey(member.user.user, &id).await? {
        Dropped::Done => Ok(StatusCode::NO_CONTENT),
        Dropped::Unknown => Err(unknown()),
        Dropped::Last => {
            let text = "It is your only way to sign in. Set a password or make another passkey \
                        first.";
            Err(Refusal::conflict("last_way_in", text))
        }
    }
}
