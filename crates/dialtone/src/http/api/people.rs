//! Whom one can call: people, contacts, blocks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::UserId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{May, People};
use super::input::{Asked, Named};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use super::shapes::Person;
use crate::accounts::now_ms;
use crate::http::Shared;
use crate::store::people::{Put, Seen};

/// Characters of a search that are looked at. No name is longer.
const QUERY_CHARS: usize = 64;

/// Whom to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// A part of the name or login name, in any case; empty: everybody.
    #[serde(default)]
    query: String,
}

fn people(seen: Vec<Seen>) -> Json<Vec<Person>> {
    Json(seen.into_iter().map(Person::from).collect())
}

/// Finds members of this server.
#[utoipa::path(get, path = "/people", tag = "People", params(Search), responses(
    (status = 200, description = "At most 50, by name; not oneself", body = Vec<Person>),
    (status = 400, description = "`bad_request`: the query is not text", body = Body),
    Always, NeedsAccount, NeedsRight))]
pub async fn find(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
    Asked(search): Asked<Search>,
) -> Result<Json<Vec<Person>>, Refusal> {
    let text: String = search.query.trim().chars().take(QUERY_CHARS).collect();
    // PostgreSQL takes no NUL, and nobody has one in their name.
    if text.contains('\0') {
        return Ok(Json(Vec::new()));
    }
    let store = shared.accounts.store();
    Ok(people(store.find_people(member.user.user, &text).await?))
}

/// Whom one has added.
#[utoipa::path(get, path = "/contacts", tag = "People", responses(
    (status = 200, description = "By name", body = Vec<Person>),
    Always, NeedsAccount, NeedsRight))]
pub async fn contacts(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
) -> Result<Json<Vec<Person>>, Refusal> {
    let store = shared.accounts.store();
    Ok(people(store.contacts(member.user.user).await?))
}

/// Adds somebody. Contacts see each other's presence when both have added the other.
#[utoipa::path(put, path = "/contacts/{user}", tag = "People",
    params(("user" = String, Path, description = "Whom")), responses(
    (status = 204, description = "Added, or was already"),
    (status = 409, description = "`too_many`: remove one first", body = Body),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn add_contact(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
    Named(whom): Named<UserId>,
) -> Result<StatusCode, Refusal> {
    let (store, who) = (shared.accounts.store(), member.user.user);
    let put = store.add_contact(now_ms(), who, whom).await?;
    done(&shared, who, put).await
}

/// Removes a contact.
#[utoipa::path(delete, path = "/contacts/{user}", tag = "People",
    params(("user" = String, Path, description = "Whom")), responses(
    (status = 204, description = "Removed, or was none"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove_contact(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
    Named(whom): Named<UserId>,
) -> Result<StatusCode, Refusal> {
    let (store, who) = (shared.accounts.store(), member.user.user);
    store.drop_contact(who, whom).await?;
    done(&shared, who, Put::Done).await
}

/// Whom one has blocked.
#[utoipa::path(get, path = "/blocks", tag = "People", responses(
    (status = 200, description = "By name", body = Vec<Person>),
    Always, NeedsAccount, NeedsRight))]
pub async fn blocks(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
) -> Result<Json<Vec<Person>>, Refusal> {
    let store = shared.accounts.store();
    Ok(people(store.blocks(member.user.user).await?))
}

/// Blocks somebody: to them it is as if one never answered and were never there.
#[utoipa::path(put, path = "/blocks/{user}", tag = "People",
    params(("user" = String, Path, description = "Whom")), responses(
    (status = 204, description = "Blocked, or was already"),
    (status = 409, description = "`too_many`: remove one first", body = Body),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn add_block(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
    Named(whom): Named<UserId>,
) -> Result<StatusCode, Refusal> {
    let (store, who) = (shared.accounts.store(), member.user.user);
    let put = store.add_block(now_ms(), who, whom).await?;
    done(&shared, who, put).await
}

/// Removes a block.
#[utoipa::path(delete, path = "/blocks/{user}", tag = "People",
    params(("user" = String, Path, description = "Whom")), responses(
    (status = 204, description = "Removed, or was none"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove_block(
    State(shared): State<Arc<Shared>>,
    member: May<People>,
    Named(whom): Named<UserId>,
) -> Result<StatusCode, Refusal> {
    let (store, who) = (shared.accounts.store(), member.user.user);
    store.drop_block(who, whom).await?;
    done(&shared, who, Put::Done).await
}

async fn done(shared: &Shared, who: UserId, put: Put) -> Result<StatusCode, Refusal> {
    match put {
        Put::Done => {
            shared.accounts.changed(who).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Put::Unknown => Err(Refusal::not_found("There is nobody else of this id here.")),
        Put::Full => {
            let text = "The list has as many people as there can be. Remove one first.";
            Err(Refusal::conflict("too_many", text))
        }
    }
}
