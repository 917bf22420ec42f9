//! The API beside the WebSocket, each topic in a file. The document about it (`/api`) is made from
//! the handlers; [`guard`] says who may do what.

mod admin;
mod admin_calls;
mod check;
mod cookies;
mod devices;
mod document;
mod guard;
mod history;
mod input;
mod join_tokens;
mod login;
mod me;
mod page;
mod passkeys;
mod people;
mod push;
mod refusal;
mod refusals;
mod server;
mod shapes;
mod tokens;
mod webhooks;
mod welcome;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
pub use admin::AdminUser;
use guard::Renewal;
pub use refusal::Refusal;

/// Everything under `/api` but the WebSocket.
pub fn router() -> Router<Arc<Shared>> {
    let (routes, description) = endpoints().split_for_parts();
    let description = document::complete(description);
    let (document, page) = (document::routes(&description), page::routes(&description));
    let unknown = any(not_found);
    routes
        .merge(document)
        .merge(page)
        .route("/api/{*rest}", unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(finish))
}

/// What the document tells of. Nothing gets into the router by another way.
fn endpoints() -> OpenApiRouter<Arc<Shared>> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(server::info))
        .routes(routes!(server::health))
        .routes(routes!(server::ticket))
        .routes(routes!(check::trial))
        .routes(routes!(login::login))
        .routes(routes!(login::begin))
        .routes(routes!(login::finish))
        .routes(routes!(login::logout))
        .routes(routes!(welcome::look))
        .routes(routes!(welcome::create))
        .routes(routes!(welcome::begin))
        .routes(routes!(welcome::finish))
        .routes(routes!(me::read, me::change))
        .routes(routes!(me::set_password))
        .routes(routes!(passkeys::list))
        .routes(routes!(passkeys::begin))
        .routes(routes!(passkeys::finish))
        .routes(routes!(passkeys::remove))
        .routes(routes!(devices::list, devices::remove_others))
        .routes(routes!(devices::remove))
        .routes(routes!(people::find))
        .routes(routes!(people::contacts))
        .routes(routes!(people::add_contact, people::remove_contact))
        .routes(routes!(people::blocks))
        .routes(routes!(people::add_block, people::remove_block))
        .routes(routes!(history::page))
        .routes(routes!(history::seen))
        .routes(routes!(history::remove))
        .routes(routes!(push::key))
        .routes(routes!(push::subscribe, push::unsubscribe))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::remove))
        .routes(routes!(join_tokens::make))
        .routes(routes!(join_tokens::remove))
        .routes(routes!(webhooks::list, webhooks::make))
        .routes(routes!(webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(admin::users))
        .routes(routes!(admin::change_user))
        .routes(routes!(admin::reset))
        .routes(routes!(admin::invitations, admin::invite))
        .routes(routes!(admin::uninvite))
        .routes(routes!(admin::settings, admin::change_settings))
        .routes(routes!(admin_calls::list))
        .routes(routes!(admin_calls::end));
    OpenApiRouter::with_openapi(document::head()).nest("/api/v1", v1)
}

/// Anything else under `/api`.
async fn not_found() -> Refusal {
    Refusal::not_found("There is nothing at this address.")
}

async fn wrong_method() -> Refusal {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    let text = "This address is not for that method. What there is stands at /api.";
    Refusal::new(status, "wrong_method", text)
}

/// Nothing of this is kept by caches; a cookie that was renewed goes along.
async fn finish(mut request: Request, next: Next) -> Response {
    let renewal = Renewal::default();
    request.extensions_mut().insert(renewal.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Some(cookie) = renewal.get()
        && !headers.contains_key(header::SET_COOKIE)
    {
        headers.insert(header::SET_COOKIE, cookie.clone());
    }
    response
}
