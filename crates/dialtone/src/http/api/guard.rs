//! Who asks, and whether they may.
//!
//! | extractor | cookie | API token |
//! | --- | --- | --- |
//! | [`SignedIn`] | yes | no: a token cannot make itself another way in |
//! | [`Anyone`] | yes | with any scope |
//! | [`May<People>`](May) and so on | yes | with that scope |
//! | [`Admits`] | of an administrator | of an administrator, with the scope `join` |
//! | [`Admin`] | of an administrator | of an administrator, with the scope `admin` |

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use protocol::id::LoginId;

use super::cookies;
use super::refusal::Refusal;
use crate::accounts::secrets::{JOIN_PREFIX, Secret, TOKEN_PREFIX};
use crate::accounts::{Role, Scope, Scopes, now_ms};
use crate::http::Shared;
use crate::http::hosts::Scheme;
use crate::store;
use crate::store::users::User;

/// How often it is written down that a sign-in is used, and its cookie made to last longer.
const TOUCH_MS: u64 = 5 * 60 * 1000;

/// A cookie to be set with the answer, whatever that is.
pub type Renewal = Arc<OnceLock<HeaderValue>>;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub user: User,
    /// By which sign-in, or API token.
    pub login: LoginId,
    /// `None`: everything, as a browser that is signed in.
    scopes: Option<Scopes>,
}

/// Somebody who is signed in by a browser.
#[derive(Debug)]
pub struct SignedIn(pub Member);

/// Somebody with an account, or an API token for whatever.
#[derive(Debug)]
pub struct Anyone(pub Member);

/// Somebody with an account, or an API token for this.
#[derive(Debug)]
pub struct May<S>(Member, PhantomData<S>);

impl<S> std::ops::Deref for May<S> {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

/// An administrator.
#[derive(Debug)]
pub struct Admin(pub Member);

/// An administrator who lets people in.
#[derive(Debug)]
pub struct Admits(pub Member);

/// A member if a cookie or token came along, or else a guest.
#[derive(Debug)]
pub struct MemberOrGuest(pub Option<Member>);

/// Names a scope.
pub trait Scoped: Send {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident)*) => {$(
        /// That scope.
        #[derive(Debug)]
        pub struct $name;

        impl Scoped for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}
scopes! { People History }

impl Member {
    fn must_have(self, scope: Scope) -> Result<Member, Refusal> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(scope) => Err(Refusal::forbidden(
                "This API token is not for that: it lacks the scope.",
            )),
            _ => Ok(self),
        }
    }

    fn must_administer(self) -> Result<Member, Refusal> {
        match self.user.role {
            Role::Admin => Ok(self),
            Role::Member => Err(Refusal::forbidden("Only an administrator can do that.")),
        }
    }
}

impl FromRequestParts<Arc<Shared>> for MemberOrGuest {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            let member = by_token(parts, shared).await?;
            return Ok(MemberOrGuest(Some(member)));
        }
        let Some(secret) = cookies::read(&parts.headers, scheme(parts)) else {
            return Ok(MemberOrGuest(None));
        };
        let member = by_cookie(parts, shared, secret).await?;
        Ok(MemberOrGuest(Some(member)))
    }
}

impl FromRequestParts<Arc<Shared>> for Anyone {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        match MemberOrGuest::from_request_parts(parts, shared).await?.0 {
            Some(member) => Ok(Anyone(member)),
            None => Err(signed_out()),
        }
    }
}

impl FromRequestParts<Arc<Shared>> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let Anyone(member) = Anyone::from_request_parts(parts, shared).await?;
        match member.scopes {
            None => Ok(SignedIn(member)),
            Some(_) => Err(Refusal::forbidden(
                "This can be done in a browser that is signed in, and not with an API token.",
            )),
        }
    }
}

impl<S: Scoped> FromRequestParts<Arc<Shared>> for May<S> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let Anyone(member) = Anyone::from_request_parts(parts, shared).await?;
        Ok(May(member.must_have(S::SCOPE)?, PhantomData))
    }
}

impl FromRequestParts<Arc<Shared>> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let Anyone(member) = Anyone::from_request_parts(parts, shared).await?;
        let member = member.must_have(Scope::Admin)?;
        member.must_administer().map(Admin)
    }
}

impl FromRequestParts<Arc<Shared>> for Admits {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let Anyone(member) = Anyone::from_request_parts(parts, shared).await?;
        let member = member.must_have(Scope::Join)?;
        member.must_administer().map(Admits)
    }
}

impl MemberOrGuest {
    /// A member's token must be for this.
    pub fn must_have(self, scope: Scope) -> Result<Option<Member>, Refusal> {
        self.0.map(|member| member.must_have(scope)).transpose()
    }
}

/// How a request came.
pub fn scheme(parts: &Parts) -> Scheme {
    parts.extensions.get().copied().unwrap_or(Scheme::Http)
}

/// Nobody is signed in.
pub fn signed_out() -> Refusal {
    let text = "Sign in first.";
    Refusal::new(StatusCode::UNAUTHORIZED, "signed_out", text)
}

async fn by_token(parts: &Parts, shared: &Shared) -> Result<Member, Refusal> {
    let refusal = || {
        let text = "This API token is not known here, or was taken back.";
        Refusal::new(StatusCode::UNAUTHORIZED, "unknown_token", text)
    };
    let secret = bearer(&parts.headers).ok_or_else(refusal)?;
    let (store, now_ms) = (shared.accounts.store(), now_ms());
    let holder = store.token_holder(now_ms, secret.hash()).await?;
    let holder = holder.ok_or_else(refusal)?;
    if now_ms > holder.seen_ms.unwrap_or(0) + TOUCH_MS {
        touched(store.touch_token(now_ms, holder.token).await);
    }
    Ok(Member {
        user: holder.user,
        login: holder.token,
        scopes: Some(holder.scopes),
    })
}

/// When somebody was seen is not worth a refusal.
fn touched(written: Result<(), store::Error>) {
    if let Err(error) = written {
        tracing::warn!("That somebody was seen is not written down: {error}");
    }
}

/// The API token that is shown.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    bearer_of(headers, TOKEN_PREFIX)
}

/// The join token that is shown.
pub fn join_token(headers: &HeaderMap) -> Option<Secret> {
    bearer_of(headers, JOIN_PREFIX)
}

/// The token of this kind in `Authorization: Bearer …` (RFC 6750).
fn bearer_of(headers: &HeaderMap, prefix: &str) -> Option<Secret> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (kind, token) = value.split_once(' ')?;
    let token = token.trim().strip_prefix(prefix)?;
    Secret::read(token).filter(|_| kind.eq_ignore_ascii_case("bearer"))
}

/// What somebody shows to be let in: a token, or else a cookie.
pub fn shown(headers: &HeaderMap, scheme: Scheme) -> Option<Secret> {
    match headers.contains_key(header::AUTHORIZATION) {
        true => bearer(headers),
        false => cookies::read(headers, scheme).flatten(),
    }
}

/// Whether what is shown is still good.
pub async fn is_good(
    shared: &Shared,
    headers: &HeaderMap,
    scheme: Scheme,
) -> Result<bool, store::Error> {
    let Some(secret) = shown(headers, scheme) else {
        return Ok(false);
    };
    let (store, now_ms, hash) = (shared.accounts.store(), now_ms(), secret.hash());
    Ok(match headers.contains_key(header::AUTHORIZATION) {
        true => store.token_holder(now_ms, hash).await?.is_some(),
        false => store.signed_in(now_ms, hash).await?.is_some(),
    })
}

async fn by_cookie(
    parts: &Parts,
    shared: &Shared,
    secret: Option<Secret>,
) -> Result<Member, Refusal> {
    let (headers, scheme) = (&parts.headers, scheme(parts));
    // A browser forgets what has no use any more: the next time it comes as a guest.
    let refusal = || signed_out().with_cookie(cookies::clear(headers, scheme));
    let secret = secret.ok_or_else(refusal)?;
    let (store, now_ms) = (shared.accounts.store(), now_ms());
    let found = store.signed_in(now_ms, secret.hash()).await?;
    let found = found.ok_or_else(refusal)?;
    if now_ms > found.seen_ms + TOUCH_MS {
        touched(store.touch_login(now_ms, found.login).await);
        if let Some(renewal) = parts.extensions.get::<Renewal>() {
            let _ = renewal.set(cookies::set(headers, scheme, &secret));
        }
    }
    Ok(Member {
        user: found.user,
        login: found.login,
        scopes: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_to_the_letter() {
        let secret = Secret::draw().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            bearer(&headers)
        };
        let token = format!("{TOKEN_PREFIX}{}", secret.write());
        assert_eq!(read(&format!("Bearer {token}")), Some(secret.clone()));
        assert_eq!(read(&format!("bearer {token}")), Some(secret.clone()));
        let mut headers = HeaderMap::new();
        let join = format!("Bearer {JOIN_PREFIX}{}", secret.write());
        headers.insert(header::AUTHORIZATION, join.parse().unwrap());
        assert_eq!(join_token(&headers), Some(secret.clone()));
        assert_eq!(bearer(&headers), None, "one is not the other");
        for bad in [
            "Bearer",
            "Basic x",
            &token,
            &format!("Basic {token}"),
            &format!("Bearer {}", secret.write()),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
