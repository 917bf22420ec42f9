//! One-time links: `https://host/welcome#TOKEN` makes an account, or sets the password of one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::id::UserId;
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::input::Input;
use super::login::{Browser, welcome};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use super::shapes::{Begun, LinkToken, Me, Password};
use crate::accounts::names::LoginName;
use crate::accounts::passkeys::{self, Purpose};
use crate::accounts::passwords;
use crate::accounts::secrets::{Secret, SecretHash, random};
use crate::accounts::{Role, now_ms};
use crate::http::Shared;
use crate::store::invitations::{Acceptance, Accepted, Link};
use crate::store::passkeys::NewPasskey;

/// What stands behind the `#` of the link.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Look {
    /// The token.
    token: LinkToken,
}

/// What a link is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// What the account may do.
    role: Role,
    /// When the link ends, in milliseconds since the Unix epoch.
    expires_at_ms: u64,
    /// It makes the administrator of a new server.
    first_run: bool,
    /// The account whose password it sets; without one it makes a new account.
    #[serde(skip_serializing_if = "Option::is_none")]
    resets: Option<Resets>,
}

/// The account whose password a link sets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resets {
    /// What they sign in with.
    login: String,
    /// Their name.
    #[schema(value_type = String)]
    name: Name,
}

/// What a link is for. It stays good.
#[utoipa::path(post, path = "/invitations/look", tag = "One-time links", request_body = Look, responses(
    (status = 200, description = "It is good", body = Invitation),
    (status = 404, description = "`link_gone`: unknown, used, or too old", body = Body),
    Always, Changes, TakesBody, Limited))]
pub async fn look(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(asked): Input<Look>,
) -> Result<Json<Invitation>, Refusal> {
    browser.may_ask(&shared)?;
    let (_, link) = find(&shared, &asked.token).await?;
    let first_run = link.resets.is_none() && link.role == Role::Admin;
    let first_run = first_run && !shared.accounts.store().has_administrator().await?;
    let resets = link.resets.map(|(_, login, name)| Resets { login, name });
    Ok(Json(Invitation {
        role: link.role,
        expires_at_ms: link.expires_ms,
        first_run,
        resets,
    }))
}

fn gone() -> Refusal {
    let text = "This link is not good any more: it was used, taken back, or is too old. Ask for a \
                new one.";
    Refusal::new(StatusCode::NOT_FOUND, "link_gone", text)
}

fn taken() -> Refusal {
    let text = "Somebody has this login name already. Choose another one.";
    Refusal::conflict("login_taken", text)
}

async fn find(shared: &Shared, token: &LinkToken) -> Result<(SecretHash, Link), Refusal> {
    let hash = Secret::read(&token.0).ok_or_else(gone)?.hash();
    let link = shared.accounts.store().link(now_ms(), hash).await?;
    Ok((hash, link.ok_or_else(gone)?))
}

/// Whose account it will be.
struct Account {
    user: UserId,
    login: LoginName,
    name: Name,
    is_new: bool,
}

/// A link that makes an account needs names; one that sets a password has them.
async fn account(
    shared: &Shared,
    link: Link,
    login: Option<LoginName>,
    name: Option<Name>,
) -> Result<Account, Refusal> {
    if let Some((user, login, name)) = link.resets {
        let login = login.parse().map_err(|_| gone())?;
        return Ok(Account {
            user,
            login,
            name,
            is_new: false,
        });
    }
    let (Some(login), Some(name)) = (login, name) else {
        let text = "A new account needs a login and a name.";
        return Err(Refusal::bad_request(text));
    };
    // Said before the work; whether it is so is decided when the account is made.
    if shared.accounts.store().user_named(&login).await?.is_some() {
        return Err(taken());
    }
    Ok(Account {
        user: UserId::from_bytes(random()?),
        login,
        name,
        is_new: true,
    })
}

/// An account with a password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewAccount {
    /// What stands behind the `#` of the link.
    token: LinkToken,
    /// What to sign in with; not needed if the link sets a password.
    login: Option<LoginName>,
    /// The name others see, 1 to 64 characters; not needed if the link sets a password.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// The password: 8 to 256 characters, not the login name, none of the commonest.
    password: Password,
}

/// Makes the account, or sets its password, and signs in. After a new password everything else that
/// was signed in to the account is signed out.
#[utoipa::path(post, path = "/accounts", tag = "One-time links", request_body = NewAccount, responses(
    (status = 200, description = "Signed in, with a cookie", body = Me),
    (status = 404, description = "`link_gone`: unknown, used, or too old", body = Body),
    (status = 409, description = "`login_taken`: choose another login name", body = Body),
    Always, Changes, TakesBody, Limited))]
pub async fn create(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(asked): Input<NewAccount>,
) -> Result<Response, Refusal> {
    browser.may_ask(&shared)?;
    let (token, link) = find(&shared, &asked.token).await?;
    let account = account(&shared, link, asked.login, asked.name).await?;
    passwords::check(&asked.password.0, &account.login)?;
    let hash = shared.accounts.hash(asked.password.0).await?;
    accept(&shared, &browser, token, account, Some(hash), None).await
}

async fn accept(
    shared: &Shared,
    browser: &Browser,
    token: SecretHash,
    account: Account,
    password: Option<String>,
    passkey: Option<NewPasskey>,
) -> Result<Response, Refusal> {
    let (sign_in, cookie) = browser.new_login()?;
    let is_new = account.is_new;
    let acceptance = Acceptance {
        token,
        account: is_new.then_some((account.user, account.login, account.name)),
        password,
        passkey,
        sign_in: sign_in.clone(),
    };
    let accepted = shared.accounts.store().accept(now_ms(), acceptance).await?;
    match accepted {
        Accepted::Gone => Err(gone()),
        Accepted::Taken => Err(taken()),
        Accepted::PasskeyTaken => {
            let text = "This passkey is somebody's already.";
            Err(Refusal::conflict("passkey_taken", text))
        }
        Accepted::Done(user, tokens) => {
            shared.accounts.tokens_revoked(tokens).await;
            shared.accounts.revoked();
            shared.accounts.changed(user).await?;
            welcome(shared, user, sign_in, cookie).await
        }
    }
}

/// An account with a passkey.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewPasskeyAccount {
    /// What stands behind the `#` of the link.
    token: LinkToken,
    /// What to sign in with; not needed if the link is for an account that is there.
    login: Option<LoginName>,
    /// The name others see; likewise.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

/// Begins to make an account without a password. The link stays good until the end.
#[utoipa::path(post, path = "/accounts/passkey/begin", tag = "One-time links", request_body = NewPasskeyAccount, responses(
    (status = 200, description = "Ask the authenticator", body = Begun),
    (status = 404, description = "`link_gone`: unknown, used, or too old", body = Body),
    (status = 409, description = "`login_taken`: choose another login name; `no_passkeys`: not at this address of the server", body = Body),
    Always, Changes, TakesBody, Limited))]
pub async fn begin(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(asked): Input<NewPasskeyAccount>,
) -> Result<Json<Begun>, Refusal> {
    browser.may_ask(&shared)?;
    let party = browser.party(&shared)?;
    let (token, link) = find(&shared, &asked.token).await?;
    let account = account(&shared, link, asked.login, asked.name).await?;
    let store = shared.accounts.store();
    let existing = store.credentials(account.user).await?;
    let (options, state) =
        party.begin_making(account.user, &account.login, &account.name, &existing)?;
    let purpose = Purpose::ByLink {
        token,
        user: account.user,
        login: account.login,
        name: account.name,
        is_new: account.is_new,
        state: Box::new(state),
    };
    let ceremonies = shared.accounts.ceremonies();
    let ceremony = ceremonies.begin(browser.address.ip(), purpose)?;
    Ok(Json(Begun { ceremony, options }))
}

/// What an authenticator has made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Made {
    /// The ceremony that was begun.
    ceremony: String,
    /// The credential, as its `toJSON()` gives it.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
    /// What to call the passkey: 1 to 64 characters.
    #[schema(value_type = String, example = "Phone")]
    passkey_name: Name,
}

/// Ends it: makes the account and signs in.
#[utoipa::path(post, path = "/accounts/passkey/finish", tag = "One-time links", request_body = Made, responses(
    (status = 200, description = "Signed in, with a cookie", body = Me),
    (status = 403, description = "`passkey_refused`: its signature or its origin is not good; `foreign_origin`: a page of another site asks", body = Body),
    (status = 404, description = "`link_gone`: unknown, used, or too old", body = Body),
    (status = 409, description = "`login_taken`, `no_passkeys`, `passkey_taken`: it is somebody's already", body = Body),
    (status = 410, description = "`ceremony_over`: begin again", body = Body),
    Always, TakesBody))]
pub async fn finish(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(made): Input<Made>,
) -> Result<Response, Refusal> {
    let party = browser.party(&shared)?;
    let purpose = shared.accounts.ceremonies().finish(&made.ceremony)?;
    let Purpose::ByLink {
        token,
        user,
        login,
        name,
        is_new,
        state,
    } = purpose
    else {
        return Err(passkeys::Failure::Over.into());
    };
    let passkey = NewPasskey {
        name: made.passkey_name.into(),
        passkey: party.finish_making(&made.credential, &state)?,
    };
    let account = Account {
        user,
        login,
        name,
        is_new,
    };
    accept(&shared, &browser, token, account, None, Some(passkey)).await
}
