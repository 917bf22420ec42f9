//! What a request brings: a small JSON object, ids in the path.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::http::Shared;

/// Bytes of a body. The largest is what an authenticator says, with a chain of certificates.
const BODY_BYTES: usize = 16 * 1024;

/// A JSON object, and said to be one: a page of another site can send a form without asking, and
/// not this.
#[derive(Debug)]
pub struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<Shared>) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            let text = "Send JSON, with the header content-type: application/json.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Refusal::new(status, "not_json", text));
        }
        let bytes = read(request).await?;
        let value = serde_json::from_slice(&bytes);
        value
            .map(Input)
            .map_err(|error| Refusal::bad_request(explain(&error)))
    }
}

async fn read(request: Request) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), BODY_BYTES)
        .collect()
        .await;
    let body = body.map_err(
        |error| match error.is::<http_body_util::LengthLimitError>() {
            true => {
                let text = format!("The body has more than {BODY_BYTES} bytes.");
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
            }
            false => Refusal::bad_request("The body was cut off."),
        },
    )?;
    Ok(body.to_bytes())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// What is wrong with it. Values are not repeated: they may be passwords.
fn explain(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            // Of the type's own sentences, only those without a value in them say `invalid`.
            match text.starts_with("invalid ") {
                true => {
                    format!("A field has the wrong type or value, at line {line} column {column}.")
                }
                false => format!("The body is not what is expected here: {text}."),
            }
        }
        _ => format!("The body is not JSON: an error at line {line} column {column}."),
    }
}

/// What the path names.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Shared>> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, shared).await;
        // What cannot be an id is the id of nothing.
        path.map(|Path(named)| Named(named))
            .map_err(|_| Refusal::not_found("There is nothing of this name."))
    }
}

/// What stands behind the `?`.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Shared>> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let query: Result<Query<T>, QueryRejection> =
            Query::from_request_parts(parts, shared).await;
        query
            .map(|Query(asked)| Asked(asked))
            .map_err(|error| Refusal::bad_request(format!("{}.", error.body_text())))
    }
}
