//! The web side: the app, the API and the WebSocket, by HTTP and by HTTPS.

mod api;
mod assets;
mod embedding;
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
use axum::middleware;
use axum::routing::get;
use exchange::SocketId;

use crate::accounts::Accounts;
use crate::hub::Hub;
use crate::reach::Reach;

pub use api::AdminUser;
pub use embedding::{EmbedOrigin, Embedding};
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
    /// Whose pages may show calls.
    embedding: Embedding,
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
        .layer(middleware::map_response_with_state(
            shared.embedding.clone(),
            embedding::add_security_headers,
        ))
        .with_state(shared)
}
