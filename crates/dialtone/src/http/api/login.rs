//! Signing in and out.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use protocol::id::UserId;
use serde::Deserialize;
use utoipa::ToSchema;
use webauthn_rs::prelude::PublicKeyCredential;

use super::guard::{MemberOrGuest, scheme};
use super::input::Input;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use super::shapes::{Begun, Me, Password};
use super::{cookies, devices};
use crate::accounts::passkeys::{self, Purpose, RelyingParty};
use crate::accounts::{Compared, new_login, now_ms};
use crate::http::Shared;
use crate::http::hosts::{self, Scheme};
use crate::store::logins::NewLogin;

/// The topic of what is here.
pub const TAG: &str = "Signing in";

/// What is known of a browser that signs in.
#[derive(Debug)]
pub struct Browser {
    /// Its headers.
    pub headers: HeaderMap,
    /// How it came.
    pub scheme: Scheme,
    /// From where.
    pub address: SocketAddr,
}

impl FromRequestParts<Arc<Shared>> for Browser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let address = ConnectInfo::from_request_parts(parts, shared).await;
        let ConnectInfo(address) = address.map_err(|_| Refusal::busy())?;
        Ok(Browser {
            headers: parts.headers.clone(),
            scheme: scheme(parts),
            address,
        })
    }
}

impl Browser {
    /// A sign-in of this browser, and the cookie it will have.
    pub fn new_login(&self) -> Result<(NewLogin, HeaderValue), Refusal> {
        let (login, secret) = new_login(devices::name(&self.headers))?;
        Ok((login, cookies::set(&self.headers, self.scheme, &secret)))
    }

    /// What this server is to the passkeys of this browser.
    pub fn party<'a>(&self, shared: &'a Shared) -> Result<&'a RelyingParty, Refusal> {
        let party = shared.accounts.party(hosts::name(&self.headers));
        party.ok_or_else(|| {
            let text = "There are no passkeys at this address of the server: they need the host \
                        name that they were first made for. Use a password.";
            Refusal::conflict("no_passkeys", text)
        })
    }

    /// Keeps one address from asking too often without an account.
    pub fn may_ask(&self, shared: &Shared) -> Result<(), Refusal> {
        let allowed = shared.sources.take_ticket(self.address.ip());
        allowed.map_err(|wait| {
            let text = "Too many requests came from your address. Wait a moment.";
            Refusal::limit(wait, text)
        })
    }
}

/// The answer to who has just signed in.
pub async fn welcome(
    shared: &Shared,
    user: UserId,
    login: NewLogin,
    cookie: HeaderValue,
) -> Result<Response, Refusal> {
    let found = shared.accounts.store().user(user).await?;
    let found = found.ok_or_else(wrong)?;
    let me = Me::of(found, login.login);
    Ok(([(header::SET_COOKIE, cookie)], Json(me)).into_response())
}

/// The same for everybody: who does not know the password does not learn whether the name exists.
fn wrong() -> Refusal {
    let text = "The name or the password is wrong.";
    Refusal::new(StatusCode::UNAUTHORIZED, "wrong_credentials", text)
}

/// Turns what came of a password into an answer.
pub fn judge(compared: Compared, wrong: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
    match compared {
        Compared::Same => Ok(()),
        Compared::Different => Err(wrong()),
        Compared::Busy => Err(Refusal::busy()),
        Compared::Wait(wait) => {
            let text = "There were too many wrong passwords. Wait before the next try.";
            Err(Refusal::limit(wait, text))
        }
    }
}

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    /// The login name, in whatever case.
    #[schema(example = "ada")]
    name: String,
    /// The password.
    password: Password,
}

/// Signs in with a password. The answer's cookie (`HttpOnly; SameSite=Strict`, over TLS also
/// `Secure` and `__Host-`) lasts for 90 days after it was used last.
#[utoipa::path(post, path = "/login", tag = TAG, request_body = Credentials, responses(
    (status = 200, description = "Signed in, with a cookie", body = Me),
    (status = 401, description = "`wrong_credentials`: name or password is wrong", body = Body),
    Always, Changes, TakesBody, Limited))]
pub async fn login(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(given): Input<Credentials>,
) -> Result<Response, Refusal> {
    let (accounts, password) = (&shared.accounts, given.password.0);
    let from = browser.address.ip();
    let (compared, shown) = accounts.compare(from, &given.name, password).await?;
    judge(compared, wrong)?;
    let (user, hash) = shown.ok_or_else(wrong)?;
    let (login, cookie) = browser.new_login()?;
    let (store, shown) = (accounts.store(), (user, &*hash));
    if !store.sign_in_by_password(now_ms(), shown, &login).await? {
        return Err(wrong()); // The account was closed, or has another password, in this moment.
    }
    welcome(&shared, user, login, cookie).await
}

/// Begins to sign in with a passkey; no name is needed.
#[utoipa::path(post, path = "/login/passkey/begin", tag = TAG, responses(
    (status = 200, description = "Ask the authenticator", body = Begun),
    (status = 409, description = "`no_passkeys`: not at this address of the server", body = Body),
    Always, Changes, Limited))]
pub async fn begin(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
) -> Result<Json<Begun>, Refusal> {
    browser.may_ask(&shared)?;
    let (options, state) = browser.party(&shared)?.begin_signing_in()?;
    let ceremonies = shared.accounts.ceremonies();
    let ceremony = ceremonies.begin(browser.address.ip(), Purpose::SignIn(Box::new(state)))?;
    Ok(Json(Begun { ceremony, options }))
}

/// What an authenticator has signed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Signed {
    /// The ceremony that was begun.
    ceremony: String,
    /// The credential, as its `toJSON()` gives it.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
}

/// Ends it: signs in.
#[utoipa::path(post, path = "/login/passkey/finish", tag = TAG, request_body = Signed, responses(
    (status = 200, description = "Signed in, with a cookie", body = Me),
    (status = 401, description = "`wrong_credentials`: the passkey is not known here", body = Body),
    (status = 409, description = "`no_passkeys`: not at this address of the server", body = Body),
    (status = 410, description = "`ceremony_over`: begin again", body = Body),
    Always, Changes, TakesBody))]
pub async fn finish(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    Input(signed): Input<Signed>,
) -> Result<Response, Refusal> {
    let unknown = || {
        let text = "This passkey is not known here. Use another one, or a password.";
        Refusal::new(StatusCode::UNAUTHORIZED, "wrong_credentials", text)
    };
    let party = browser.party(&shared)?;
    let Purpose::SignIn(state) = shared.accounts.ceremonies().finish(&signed.ceremony)? else {
        return Err(passkeys::Failure::Over.into());
    };
    let (user, id) = passkeys::claimed(&signed.credential).ok_or_else(unknown)?;
    let store = shared.accounts.store();
    let found = store.credential(user, id).await?;
    let mut passkey = found.ok_or_else(unknown)?;
    let good = party.finish_signing_in(&signed.credential, *state, &mut passkey);
    good.map_err(|_| unknown())?;
    store.passkey_used(now_ms(), &passkey).await?;
    let (login, cookie) = browser.new_login()?;
    if !store.sign_in(now_ms(), user, &login).await? {
        return Err(unknown());
    }
    welcome(&shared, user, login, cookie).await
}

/// Signs this browser out. Who is signed out already is told the same.
#[utoipa::path(post, path = "/logout", tag = TAG, responses(
    (status = 204, description = "Signed out"), Always, Changes))]
pub async fn logout(
    State(shared): State<Arc<Shared>>,
    browser: Browser,
    who: Result<MemberOrGuest, Refusal>,
) -> Result<Response, Refusal> {
    if let Ok(MemberOrGuest(Some(member))) = who {
        devices::sign_out(&shared, &member, member.login).await?;
    }
    let cookie = cookies::clear(&browser.headers, browser.scheme);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
