//! The admin listener: metrics, a list of allocations, and a kick. By HTTP, for whoever has the
//! token.

mod listing;
mod metrics;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use serde_json::json;

use crate::config::{Problems, Settings};
use crate::http::{Listener, Server};
use crate::net::relay::{ListedId, Relay};
use listing::Page;
pub use token::Token;

/// An address that is bound, and what has to be known there.
#[derive(Debug)]
pub struct Admin {
    listener: Listener,
    doorkeeper: Doorkeeper,
}

/// Who may come in, and whether the relay still takes clients. Cloning gives another handle.
#[derive(Clone, Debug)]
pub struct Doorkeeper {
    token: Token,
    is_draining: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
struct Shared {
    relay: Arc<Relay>,
    doorkeeper: Doorkeeper,
}

impl Admin {
    /// Binds the address, if the settings name one.
    pub fn bind(settings: &Settings) -> anyhow::Result<Option<Admin>> {
        let Some(address) = settings.keys.admin else {
            return Ok(None);
        };
        let token = Token::default();
        token.set(Token::read(settings)?);
        let admin = Admin {
            listener: Listener::bind_own(address, "--admin")?,
            doorkeeper: Doorkeeper {
                token,
                is_draining: Arc::default(),
            },
        };
        Ok(Some(admin))
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.address()
    }

    /// Serves until [`Server::shut_down`].
    pub fn serve(self, relay: Arc<Relay>) -> (Server, Doorkeeper) {
        let doorkeeper = self.doorkeeper;
        let shared = Shared {
            relay,
            doorkeeper: doorkeeper.clone(),
        };
        (self.listener.serve_own(routes(shared)), doorkeeper)
    }
}

impl Doorkeeper {
    /// The token as the settings have it now, to be handed to [`Doorkeeper::expect`].
    pub fn read(settings: &Settings) -> Result<String, Problems> {
        Token::read(settings)
    }

    /// From now on only this token counts.
    pub fn expect(&self, token: String) {
        self.token.set(token);
    }

    /// From now on the relay counts as one that takes nobody.
    pub fn say_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

fn routes(shared: Shared) -> Router {
    let guard = middleware::from_fn_with_state(shared.clone(), ask_for_token);
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/allocations", get(list).delete(kick_user))
        .route("/allocations/{id}", delete(kick))
        .fallback(async || problem(StatusCode::NOT_FOUND, "There is nothing at this path."))
        .layer(guard)
        // Whoever balances load has no token and learns nothing else.
        .route("/health", get(health))
        .with_state(shared)
}

async fn ask_for_token(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_some_and(|given| shared.doorkeeper.token.fits(given.as_bytes())) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    let text = "Send the header `Authorization: Bearer TOKEN` with the admin token.";
    (challenge, problem(StatusCode::UNAUTHORIZED, text)).into_response()
}

async fn health(State(shared): State<Shared>) -> Response {
    match shared.doorkeeper.is_draining() {
        false => "ok\n".into_response(),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}

async fn show_metrics(State(shared): State<Shared>) -> Result<Response, Unanswered> {
    let is_draining = shared.doorkeeper.is_draining();
    let counters = ask(&shared, Relay::counters).await?;
    let text = metrics::write(counters, is_draining).map_err(|_| Unanswered)?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

async fn list(
    State(shared): State<Shared>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Unanswered> {
    let Ok(Query(page)) = page else {
        let text = "limit is 1 to 1000, and after the name of an allocation like 0-17-3.";
        return Ok(problem(StatusCode::BAD_REQUEST, text));
    };
    // One more tells whether there is another page.
    let listed = ask(&shared, move |relay| {
        relay.allocations(page.after, page.limit + 1)
    })
    .await?;
    Ok(axum::Json(listing::json(&listed, page.limit)).into_response())
}

async fn kick(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Unanswered> {
    let Ok(id) = id.parse::<ListedId>() else {
        let text = "An allocation is named like 0-17-3, as the list says.";
        return Ok(problem(StatusCode::BAD_REQUEST, text));
    };
    if !ask(&shared, move |relay| relay.kick(id)).await? {
        let text = "There is no such allocation any more.";
        return Ok(problem(StatusCode::NOT_FOUND, text));
    }
    tracing::info!("Allocation {id} was ended by the administrator");
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, serde::Deserialize)]
struct OfUser {
    user: String,
}

async fn kick_user(
    State(shared): State<Shared>,
    of_user: Result<Query<OfUser>, QueryRejection>,
) -> Result<Response, Unanswered> {
    let Ok(Query(OfUser { user })) = of_user else {
        let text = "Say whose allocations to end: /allocations?user=NAME";
        return Ok(problem(StatusCode::BAD_REQUEST, text));
    };
    let name = user.clone();
    let ended = ask(&shared, move |relay| relay.kick_user(&name)).await?;
    let user: String = user.chars().take(64).collect();
    tracing::info!("{ended} allocations of {user:?} were ended by the administrator");
    Ok(axum::Json(json!({ "ended": ended })).into_response())
}

/// What was asked failed within this program.
struct Unanswered;

impl IntoResponse for Unanswered {
    fn into_response(self) -> Response {
        let text = "This is an error in Dialtone; its log may say more.";
        problem(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

/// Asks the threads of the relay, away from the one that serves signals and requests.
async fn ask<T: Send + 'static>(
    shared: &Shared,
    question: impl FnOnce(&Relay) -> T + Send + 'static,
) -> Result<T, Unanswered> {
    let relay = shared.relay.clone();
    let answer = tokio::task::spawn_blocking(move || question(&relay));
    answer.await.map_err(|_| Unanswered)
}

fn problem(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "error": text }))).into_response()
}
