//! What somebody sees and changes of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::text::Name;
use serde::Deserialize;
use utoipa::ToSchema;

use super::guard::{Anyone, SignedIn};
use super::input::Input;
use super::login::{Browser, judge};
use super::refusal::Refusal;
use super::refusals::*;
use super::shapes::{Me, Password};
use crate::accounts::{now_ms, passwords};
use crate::http::Shared;
use crate::store::users::Profile;

/// Who is asking.
#[utoipa::path(get, path = "/me", tag = "Me", responses(
    (status = 200, description = "This one", body = Me), Always, NeedsAccount))]
pub async fn read(Anyone(member): Anyone) -> Json<Me> {
    Json(member.into())
}

/// What is to be changed; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Change {
    /// The name others see: 1 to 64 characters.
    #[schema(value_type = Option<String>, example = "Ada")]
    name: Option<Name>,
    /// Nobody's call rings.
    do_not_disturb: Option<bool>,
    /// A second call rings while the first goes on.
    call_waiting: Option<bool>,
}

/// Changes name and settings.
#[utoipa::path(patch, path = "/me", tag = "Me", request_body = Change, responses(
    (status = 200, description = "As it is now", body = Me),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn change(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Input(change): Input<Change>,
) -> Result<Json<Me>, Refusal> {
    let to = Profile {
        name: change.name,
        do_not_disturb: change.do_not_disturb,
        call_waiting: change.call_waiting,
    };
    let (store, user) = (shared.accounts.store(), member.user.user);
    store.change_profile(user, to).await?;
    shared.accounts.changed(user).await?;
    let user = store.user(user).await?.unwrap_or(member.user);
    Ok(Json(Me::of(user, member.login)))
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The one there is; not needed if there is none.
    old: Option<Password>,
    /// The one there shall be: 8 to 256 characters, not the login name, none of the commonest.
    new: Password,
}

/// Sets the password, signs every other device out, and takes all API tokens back.
#[utoipa::path(put, path = "/me/password", tag = "Me", request_body = NewPassword, responses(
    (status = 204, description = "Set"),
    (status = 400, description = "`unsuitable_password`: the message says why; `bad_request`", body = super::refusal::Body),
    (status = 403, description = "`wrong_credentials`: the old password is wrong; `forbidden`: not with an API token; `foreign_origin`", body = super::refusal::Body),
    (status = 413, description = "`too_large`: the body has more than 16 KiB", body = super::refusal::Body),
    (status = 415, description = "`not_json`: the content type is not `application/json`", body = super::refusal::Body),
    Always, NeedsAccount, Limited))]
pub async fn set_password(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    SignedIn(member): SignedIn,
    Input(asked): Input<NewPassword>,
) -> Result<StatusCode, Refusal> {
    let (accounts, user) = (&shared.accounts, &member.user);
    if user.has_password {
        let old = asked.old.map(|old| old.0).unwrap_or_default();
        let from = browser.address.ip();
        let (compared, _) = accounts.compare(from, &user.login, old).await?;
        judge(compared, || {
            let text = "The old password is wrong.";
            Refusal::new(StatusCode::FORBIDDEN, "wrong_credentials", text)
        })?;
    }
    let login = user.login.parse();
    let login = login.map_err(|_| Refusal::bad_request("This account has no login name."))?;
    passwords::check(&asked.new.0, &login)?;
    let hash = accounts.hash(asked.new.0).await?;
    let store = accounts.store();
    let tokens = store
        .set_password(now_ms(), user.user, &hash, member.login)
        .await?;
    accounts.revoked();
    accounts.tokens_revoked(tokens).await;
    Ok(StatusCode::NO_CONTENT)
}
