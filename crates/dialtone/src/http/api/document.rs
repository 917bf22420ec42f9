//! The description of the API for programs (OpenAPI 3.1), made from its handlers.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{InfoBuilder, OpenApi};

use super::login;
use super::refusal::Body;
use crate::http::Shared;

const ABOUT: &str = "Accounts, people and administration of a Dialtone server. Calls themselves go \
    over one WebSocket, which docs/protocol.md describes: a ticket from here opens it.\n\n\
    A browser is signed in by a cookie that no script can read. A program sends an API token: \
    `Authorization: Bearer dialtone_…`. Tokens have scopes: `calls` (tickets), `people` (search, \
    contacts, blocks), `history` (past calls), `join` (join tokens, which let people without an account into a \
    call, if its owner is an administrator), `admin` (administration, if its owner is an \
    administrator). With any of them `GET /me` can be asked; everything else needs a browser that \
    is signed in.\n\n\
    Bodies are JSON and said to be (`content-type: application/json`), at most 16 KiB. Every error \
    has a body with a `code` for programs and a `message` for people. Ids are 22 characters of \
    base64url, times milliseconds since the Unix epoch. Unknown fields are ignored, by the server \
    and by you.";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Body)))]
struct Head;

/// What stands before the endpoints.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Dialtone")
        .version("1")
        .description(Some(ABOUT));
    let mut document = Head::openapi();
    document.info = info.build();
    let components = document.components.get_or_insert_default();
    let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-dialtone_login"));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    document
}

/// With what follows from the rest: names of operations, and who needs a cookie or a token.
pub fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(name(method, path));
                // Who can be refused as signed out shows one of them.
                if operation.responses.responses.contains_key("401") && !is_sign_in(operation) {
                    let none: [&str; 0] = [];
                    let cookie = SecurityRequirement::new("cookie", none);
                    let token = SecurityRequirement::new("token", none);
                    operation.security = Some(vec![cookie, token]);
                }
            }
        }
    }
    document
}

/// A name for functions in generated clients: `delete_me_devices_id`.
fn name(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    format!("{method}{}", path.replace(['{', '}'], "").replace('/', "_"))
}

/// There `401` says that the name or the password is wrong.
fn is_sign_in(operation: &Operation) -> bool {
    let tags = operation.tags.iter().flatten();
    tags.into_iter().any(|tag| tag == login::TAG)
}

/// `GET /api/v1/openapi.json`.
pub fn routes(document: &OpenApi) -> Router<Arc<Shared>> {
    let text: Arc<str> = document.to_pretty_json().unwrap_or_default().into();
    let serve = move || {
        let text = text.clone();
        async move {
            (
                [(header::CONTENT_TYPE, "application/json")],
                text.to_string(),
            )
        }
    };
    Router::new().route("/api/v1/openapi.json", get(serve))
}
