//! The API beside the WebSocket.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use exchange::Bearer;
use protocol::limits;
use serde_json::json;

use super::Shared;

/// `POST /api/v1/tickets`: a permission to open one socket.
pub async fn ticket(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
) -> Response {
    if let Err(wait) = shared.sources.take_ticket(client.ip()) {
        let seconds = wait.as_secs() + 1;
        let text = "Too many tickets were asked for from your address. Wait a moment.";
        return refuse(StatusCode::TOO_MANY_REQUESTS, "limit", text, Some(seconds));
    }
    match shared.hub.ticket(Bearer::Guest).await {
        Some(ticket) => {
            let body = json!({ "ticket": ticket.to_string(), "expires_in_ms": limits::TICKET_MS });
            ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        None => {
            let text = "The server is busy. Try again in a moment.";
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                text,
                Some(5),
            )
        }
    }
}

/// `GET /api/v1/health`: for monitoring. Nothing in it is private.
pub async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let statistics = shared.hub.statistics().await;
    let body = json!({ "calls": statistics.calls, "sessions": statistics.sessions });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Anything else under `/api`.
pub async fn not_found() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this address.",
        None,
    )
}

fn refuse(status: StatusCode, code: &str, text: &str, retry_after: Option<u64>) -> Response {
    let mut response = (status, Json(json!({ "code": code, "message": text }))).into_response();
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
