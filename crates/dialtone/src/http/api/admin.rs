//! What administrators do: accounts, one-time links, settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::id::UserId;
use protocol::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::Admin;
use super::input::{Input, Named};
use super::login::Browser;
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::accounts::{LINK_HOURS, RESET_HOURS, Role, new_link, now_ms, welcome};
use crate::http::Shared;
use crate::http::hosts::Scheme;
use crate::store::invitations::Link;
use crate::store::users::{Administered, Changed, Listed};

/// An account as administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUser {
    /// Its id.
    #[schema(value_type = String, example = "Zk3m8VqT2x5nB7cR1yJ9aw")]
    user: UserId,
    /// What they sign in with.
    #[schema(example = "ada")]
    login: String,
    /// The name others see.
    #[schema(value_type = String, example = "Ada")]
    name: Name,
    /// What they may do.
    role: Role,
    /// A closed account cannot sign in, and its login name stays its own.
    closed: bool,
    /// When it was made, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When they were seen last, to about five minutes.
    seen_at_ms: Option<u64>,
}

impl From<Listed> for AdminUser {
    fn from(listed: Listed) -> AdminUser {
        AdminUser {
            user: listed.user,
            login: listed.login,
            name: listed.name,
            role: listed.role,
            closed: listed.closed,
            created_at_ms: listed.created_ms,
            seen_at_ms: listed.seen_ms,
        }
    }
}

/// Everybody who has or had an account.
#[utoipa::path(get, path = "/admin/users", tag = "Administration", responses(
    (status = 200, description = "By login name", body = Vec<AdminUser>),
    Always, NeedsAccount, NeedsRight))]
pub async fn users(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
) -> Result<Json<Vec<AdminUser>>, Refusal> {
    let listed = shared.accounts.store().users().await?;
    Ok(Json(listed.into_iter().map(AdminUser::from).collect()))
}

/// What is to be changed; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdminChange {
    /// What they may do. One-time links that a former administrator has made are good no more.
    role: Option<Role>,
    /// Closing signs them out everywhere and takes their API tokens back.
    closed: Option<bool>,
    /// The name others see: 1 to 64 characters.
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

/// Changes an account.
#[utoipa::path(patch, path = "/admin/users/{user}", tag = "Administration", request_body = AdminChange,
    params(("user" = String, Path, description = "The account")), responses(
    (status = 204, description = "Changed"),
    (status = 409, description = "`last_administrator`: nobody could administer the server any more", body = Body),
    Always, NeedsAccount, NeedsRight, Names, TakesBody))]
pub async fn change_user(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(user): Named<UserId>,
    Input(change): Input<AdminChange>,
) -> Result<StatusCode, Refusal> {
    let to = Administered {
        role: change.role,
        closed: change.closed,
        name: change.name,
    };
    let accounts = &shared.accounts;
    match accounts.store().administer(now_ms(), user, to).await? {
        Changed::Done(tokens) => {
            accounts.tokens_revoked(tokens).await;
            accounts.revoked();
            accounts.changed(user).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Changed::Unknown => Err(unknown_account()),
        Changed::LastAdministrator => {
            let text = "This is the last administrator. Make somebody else one first.";
            Err(Refusal::conflict("last_administrator", text))
        }
    }
}

fn unknown_account() -> Refusal {
    Refusal::not_found("There is no such account.")
}

/// A link that works once. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneTimeLink {
    /// To be handed to whom it is for, and to nobody else.
    #[schema(
        example = "https://calls.example.org/welcome#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )]
    link: String,
    /// When it ends, in milliseconds since the Unix epoch.
    expires_at_ms: u64,
}

/// Makes a link with which somebody sets a new password. Until then the old one is good.
#[utoipa::path(post, path = "/admin/users/{user}/reset", tag = "Administration",
    params(("user" = String, Path, description = "The account")), responses(
    (status = 200, description = "Good for a day", body = OneTimeLink),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn reset(
    State(shared): State<Arc<Shared>>,
    Admin(member): Admin,
    browser: Browser,
    Named(user): Named<UserId>,
) -> Result<Json<OneTimeLink>, Refusal> {
    let store = shared.accounts.store();
    let account = store.user(user).await?.ok_or_else(unknown_account)?;
    let by = Some(member.user.user);
    let (link, secret) = new_link(account.role, Some(user), by, RESET_HOURS)?;
    store.add_link(now_ms(), link).await?;
    Ok(Json(OneTimeLink {
        link: welcome(&own_url(&browser), &secret),
        expires_at_ms: link.expires_ms,
    }))
}

/// Where the server was just reached: what the browser says, or else the host that was asked for.
fn own_url(browser: &Browser) -> String {
    let text = |name| {
        browser
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if let Some(origin) = text(header::ORIGIN) {
        return origin.to_owned(); // It has been compared with the host.
    }
    let scheme = match browser.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}", text(header::HOST).unwrap_or("localhost"))
}

/// A link that is still good. What it holds was shown when it was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminInvitation {
    /// Its id.
    #[schema(example = "c7Yb2K1sR9e4mQ0zX5vN8w")]
    id: String,
    /// What the account may do.
    role: Role,
    /// The login name whose password it sets; without one it makes a new account.
    #[serde(skip_serializing_if = "Option::is_none")]
    resets: Option<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When it ends.
    expires_at_ms: u64,
}

impl From<Link> for AdminInvitation {
    fn from(link: Link) -> AdminInvitation {
        AdminInvitation {
            id: URL_SAFE_NO_PAD.encode(link.id),
            role: link.role,
            resets: link.resets.map(|(_, login, _)| login),
            created_at_ms: link.created_ms,
            expires_at_ms: link.expires_ms,
        }
    }
}

/// Links that are still good.
#[utoipa::path(get, path = "/admin/invitations", tag = "Administration", responses(
    (status = 200, description = "The newest first", body = Vec<AdminInvitation>),
    Always, NeedsAccount, NeedsRight))]
pub async fn invitations(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
) -> Result<Json<Vec<AdminInvitation>>, Refusal> {
    let links = shared.accounts.store().links(now_ms()).await?;
    Ok(Json(links.into_iter().map(AdminInvitation::from).collect()))
}

/// An invitation to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AskedInvitation {
    /// What the account shall be allowed to do.
    role: Role,
    /// How long the link is good: 1 to 8760 hours, a year.
    #[serde(default = "link_hours")]
    #[schema(minimum = 1, maximum = 8760, default = 72)]
    expires_in_h: u32,
}

fn link_hours() -> u32 {
    LINK_HOURS
}

/// An invitation, with its link.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownInvitation {
    #[serde(flatten)]
    listed: AdminInvitation,
    /// To be handed to whom it is for, and to nobody else. It is shown once.
    #[schema(
        example = "https://calls.example.org/welcome#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )]
    link: String,
}

/// Invites somebody.
#[utoipa::path(post, path = "/admin/invitations", tag = "Administration", request_body = AskedInvitation, responses(
    (status = 200, description = "Made; nobody will see the link again", body = ShownInvitation),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn invite(
    State(shared): State<Arc<Shared>>,
    Admin(member): Admin,
    browser: Browser,
    Input(asked): Input<AskedInvitation>,
) -> Result<Json<ShownInvitation>, Refusal> {
    if !crate::accounts::HOURS.contains(&asked.expires_in_h) {
        return Err(Refusal::bad_request("expires_in_h is from 1 to 8760."));
    }
    let by = Some(member.user.user);
    let (link, secret) = new_link(asked.role, None, by, asked.expires_in_h)?;
    let now_ms = now_ms();
    shared.accounts.store().add_link(now_ms, link).await?;
    Ok(Json(ShownInvitation {
        link: welcome(&own_url(&browser), &secret),
        listed: AdminInvitation {
            id: URL_SAFE_NO_PAD.encode(link.id),
            role: link.role,
            resets: None,
            created_at_ms: now_ms,
            expires_at_ms: link.expires_ms,
        },
    }))
}

/// Takes a link back.
#[utoipa::path(delete, path = "/admin/invitations/{id}", tag = "Administration",
    params(("id" = String, Path, description = "The invitation")), responses(
    (status = 204, description = "Taken back"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn uninvite(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Named(id): Named<String>,
) -> Result<StatusCode, Refusal> {
    let unknown = || Refusal::not_found("There is no such invitation, or it was used.");
    let id = URL_SAFE_NO_PAD.decode(id).map_err(|_| unknown())?;
    let id = id.try_into().map_err(|_| unknown())?;
    match shared.accounts.store().drop_link(id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown()),
    }
}

/// What holds for the whole server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// One can call by link without an account.
    guests: bool,
}

/// What holds for the whole server.
#[utoipa::path(get, path = "/admin/settings", tag = "Administration", responses(
    (status = 200, description = "As it is", body = Settings),
    Always, NeedsAccount, NeedsRight))]
pub async fn settings(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
) -> Result<Json<Settings>, Refusal> {
    let guests = shared.accounts.guests().await?;
    Ok(Json(Settings { guests }))
}

/// What is to be changed; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SettingsChange {
    /// One can call by link without an account.
    guests: Option<bool>,
}

/// Changes what holds for the whole server. Guests who are in a call stay in it.
#[utoipa::path(patch, path = "/admin/settings", tag = "Administration", request_body = SettingsChange, responses(
    (status = 200, description = "As it is now", body = Settings),
    Always, NeedsAccount, NeedsRight, TakesBody))]
pub async fn change_settings(
    State(shared): State<Arc<Shared>>,
    _admin: Admin,
    Input(change): Input<SettingsChange>,
) -> Result<Json<Settings>, Refusal> {
    if let Some(guests) = change.guests {
        shared.accounts.set_guests(guests).await?;
    }
    let guests = shared.accounts.guests().await?;
    Ok(Json(Settings { guests }))
}
