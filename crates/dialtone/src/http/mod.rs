//! The web side: the app, the API and the WebSocket, by HTTP and by HTTPS.

mod api;
mod assets;
mod hosts;
mod listener;
mod proxied;
mod public_url;
mod secure;
mod sources;
pub mod trust;
mod ws;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use exchange::SocketId;

use crate::accounts::Accounts;
use crate::hub::Hub;
use crate::reach::Reach;

pub use api::AdminUser;
pub use hosts::Hosts;
pub use listener::{Listener, Server};
pub use public_url::PublicUrl;
pub use secure::Secure;
use sources::Sources;

/// What every handler can reach.
#[derive(Debug)]
struct Shared {
    hub: Hub,
    accounts: Accounts,
    reach: Reach,
    /// What clients are told about the relay.
    relay: exchange::RelayConfig,
    sources: Sources,
    next_socket: AtomicU64,
}

impl Shared {
    fn fresh_socket(&self) -> SocketId {
        SocketId(self.next_socket.fetch_add(1, Ordering::Relaxed))
    }
}

/// Everything that is served, by path.
fn router(shared: Arc<Shared>, hosts: Hosts) -> Router {
    Router::new()
        .route("/api/v1/ws", get(ws::upgrade))
        .merge(api::router())
        .fallback(get(assets::serve))
        .layer(middleware::from_fn_with_state(hosts, hosts::check))
        .layer(middleware::map_response(add_security_headers))
        .with_state(shared)
}

/// Headers that every answer carries. The room's id is in the path, so no referrer ever leaves.
async fn add_security_headers(mut response: Response) -> Response {
    const HEADERS: &[(&str, &str)] = &[
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
             media-src 'self' blob: mediastream:; font-src 'self'; connect-src 'self'; \
             manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), \
             screen-wake-lock=(self), geolocation=(), usb=(), payment=()",
        ),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}
