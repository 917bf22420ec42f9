//! Past calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::id::{CallId, RingId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::guard::{History, May};
use super::input::{Asked, Named};
use super::refusal::{Body, Refusal};
use super::refusals::*;
use crate::http::Shared;
use crate::store::history::{self, HistoryEntry, HistoryOutcome};

/// Entries of one page if nothing else is said.
const PAGE: u32 = 50;

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// The id of the oldest entry one has; without it the newest are given.
    #[param(value_type = Option<String>)]
    before: Option<u64>,
    /// How many: 1 to 100.
    #[serde(default = "page_size")]
    #[param(default = 50)]
    limit: u32,
}

fn page_size() -> u32 {
    PAGE
}

/// A part of one's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    /// The newest first.
    entries: Vec<Entry>,
    /// Missed calls that have not been looked at, of all pages.
    unseen: u64,
    /// There are older ones.
    more: bool,
}

/// A past call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub struct Entry {
    /// Its id; later entries have greater ones.
    #[schema(example = "42")]
    id: String,
    /// The ring, unless it was a call by link.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<RingId>,
    /// The call.
    #[schema(value_type = String)]
    call: CallId,
    /// When it began, in milliseconds since the Unix epoch.
    at_ms: u64,
    /// How one came to it.
    direction: Direction,
    /// What came of it.
    outcome: Outcome,
    /// Of a missed call: why it did not ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable: Option<Unreachable>,
    /// What the caller offered; not known of a call by link.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Media>,
    /// The other side, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
    /// How long they talked, if they did and it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// What the caller left when nobody answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<LeftMessage>,
    /// It needs no attention any more.
    seen: bool,
}

/// How one came to a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    /// One has called.
    Outgoing,
    /// One was called.
    Incoming,
    /// By a link.
    Link,
}

/// What came of a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answered,
    Missed,
    Declined,
    Busy,
    NoAnswer,
    Cancelled,
}

/// Why a call did not ring.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Unreachable {
    /// One was busy with another call.
    Busy,
    /// One did not want to be disturbed.
    DoNotDisturb,
}

/// What was offered.
#[derive(Debug, Serialize, ToSchema)]
struct Media {
    audio: bool,
    video: bool,
}

/// Who was at the other end.
#[derive(Debug, Serialize, ToSchema)]
struct Peer {
    /// Their id; a guest has none.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    /// Their name.
    name: String,
}

/// What a caller left.
#[derive(Debug, Serialize, ToSchema)]
struct LeftMessage {
    /// As the caller's client wrote it: the server does not read it.
    body: String,
    /// When, in milliseconds since the Unix epoch.
    at_ms: u64,
}

impl From<HistoryEntry> for Entry {
    fn from(entry: HistoryEntry) -> Entry {
        Entry {
            id: entry.id.to_string(),
            ring: entry.ring,
            call: entry.call,
            at_ms: entry.at_ms,
            direction: match entry.direction {
                history::Direction::Outgoing => Direction::Outgoing,
                history::Direction::Incoming => Direction::Incoming,
                history::Direction::Link => Direction::Link,
            },
            outcome: match entry.outcome {
                HistoryOutcome::Answered => Outcome::Answered,
                HistoryOutcome::Missed => Outcome::Missed,
                HistoryOutcome::Declined => Outcome::Declined,
                HistoryOutcome::Busy => Outcome::Busy,
                HistoryOutcome::NoAnswer => Outcome::NoAnswer,
                HistoryOutcome::Cancelled => Outcome::Cancelled,
            },
            unreachable: entry.unreachable.map(|why| match why {
                history::Unreachable::Busy => Unreachable::Busy,
                history::Unreachable::DoNotDisturb => Unreachable::DoNotDisturb,
            }),
            media: entry.media.map(|media| Media {
                audio: media.audio,
                video: media.video,
            }),
            peer: entry.peer.map(|peer| Peer {
                user: peer.user,
                name: peer.name,
            }),
            duration_ms: entry.duration_ms,
            message: entry.message.map(|message| LeftMessage {
                body: message.body.into(),
                at_ms: message.at_ms,
            }),
            seen: entry.seen,
        }
    }
}

/// One's past calls.
#[utoipa::path(get, path = "/history", tag = "History", params(Part), responses(
    (status = 200, description = "A page of them", body = HistoryPage),
    (status = 400, description = "`bad_request`: a parameter is not a number", body = Body),
    Always, NeedsAccount, NeedsRight))]
pub async fn page(
    State(shared): State<Arc<Shared>>,
    member: May<History>,
    Asked(part): Asked<Part>,
) -> Result<Json<HistoryPage>, Refusal> {
    let (store, user) = (shared.accounts.store(), member.user.user);
    let page = store.history(user, part.before, part.limit).await?;
    Ok(Json(HistoryPage {
        entries: page.entries.into_iter().map(Entry::from).collect(),
        unseen: page.unseen,
        more: page.more,
    }))
}

/// All missed calls have been looked at.
#[utoipa::path(post, path = "/history/seen", tag = "History", responses(
    (status = 204, description = "Noted"), Always, NeedsAccount, NeedsRight))]
pub async fn seen(
    State(shared): State<Arc<Shared>>,
    member: May<History>,
) -> Result<StatusCode, Refusal> {
    shared.accounts.store().mark_seen(member.user.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one's own entry; the other side keeps theirs.
#[utoipa::path(delete, path = "/history/{id}", tag = "History",
    params(("id" = String, Path, description = "The entry")), responses(
    (status = 204, description = "Deleted"),
    Always, NeedsAccount, NeedsRight, Names))]
pub async fn remove(
    State(shared): State<Arc<Shared>>,
    member: May<History>,
    Named(id): Named<u64>,
) -> Result<StatusCode, Refusal> {
    let store = shared.accounts.store();
    match store.delete_history(member.user.user, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::not_found(
            "There is no such entry in your history.",
        )),
    }
}
