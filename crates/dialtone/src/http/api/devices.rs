//! Where somebody is signed in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use protocol::id::LoginId;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{Member, SignedIn};
use super::input::Named;
use super::refusal::Refusal;
use super::refusals::*;
use crate::accounts::now_ms;
use crate::http::Shared;

/// One sign-in on a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its id.
    #[schema(value_type = String, example = "c7Yb2K1sR9e4mQ0zX5vN8w")]
    id: LoginId,
    /// What the browser calls itself.
    #[schema(example = "Firefox on Linux")]
    name: String,
    /// When it began, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When it was used last, to about five minutes.
    seen_at_ms: u64,
    /// It is the one that asks.
    current: bool,
    /// It can be called now.
    online: bool,
}

/// Where one is signed in.
#[utoipa::path(get, path = "/me/devices", tag = "Me", responses(
    (status = 200, description = "The newest first", body = Vec<Device>),
    Always, NeedsAccount, NeedsRight))]
pub async fn list(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
) -> Result<Json<Vec<Device>>, Refusal> {
    let user = member.user.user;
    let listed = shared.accounts.store().devices(now_ms(), user).await?;
    let online: BTreeSet<LoginId> = shared.accounts.online(user).await;
    let devices = listed.into_iter().map(|device| Device {
        id: device.login,
        name: device.name,
        created_at_ms: device.created_ms,
        seen_at_ms: device.seen_ms,
        current: device.login == member.login,
        online: online.contains(&device.login),
    });
    Ok(Json(devices.collect()))
}

/// Signs one out, within a second also from its calls.
#[utoipa::path(delete, path = "/me/devices/{id}", tag = "Me",
    params(("id" = String, Path, description = "The device")), responses(
    (status = 204, description = "Signed out"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
    Named(id): Named<LoginId>,
) -> Result<StatusCode, Refusal> {
    match sign_out(&shared, &member, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::not_found(
            "You are not signed in on such a device.",
        )),
    }
}

/// Signs all others out.
#[utoipa::path(delete, path = "/me/devices", tag = "Me", responses(
    (status = 204, description = "Signed out"), Always, NeedsAccount, NeedsRight))]
pub async fn remove_others(
    State(shared): State<Arc<Shared>>,
    SignedIn(member): SignedIn,
) -> Result<StatusCode, Refusal> {
    let store = shared.accounts.store();
    store
        .revoke_other_logins(now_ms(), member.user.user, member.login)
        .await?;
    shared.accounts.revoked();
    Ok(StatusCode::NO_CONTENT)
}

/// Signs one of somebody's devices out; `false` if it was not signed in.
pub async fn sign_out(shared: &Shared, member: &Member, login: LoginId) -> Result<bool, Refusal> {
    let store = shared.accounts.store();
    let revoked = store
        .revoke_login(now_ms(), member.user.user, login)
        .await?;
    shared.accounts.revoked();
    Ok(revoked)
}

/// What a browser calls itself, in words people use.
pub fn name(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let first = |list: &[(&str, &'static str)]| {
        let found = list.iter().find(|(word, _)| agent.contains(word));
        found.map(|(_, name)| *name)
    };
    // Each also says to be those below it.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => "A device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_has_the_name_that_people_call_it() {
        let named = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            name(&headers)
        };
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(named(chrome), "Chrome on Linux");
        assert_eq!(named(&format!("{chrome} Edg/140.0")), "Edge on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(named(phone), "Safari on iPhone");
        assert_eq!(named("<script>alert(1)</script>"), "A device");
        assert_eq!(name(&HeaderMap::new()), "A device");
    }
}
