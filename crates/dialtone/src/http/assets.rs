//! The web app, from inside the binary.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use protocol::id::RoomId;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::embedding::Abroad;

/// What `cargo xtask web` has built. Without it the binary still builds.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// The script of `<dialtone-call>`, which pages of other sites run.
const ELEMENT: &str = "embed.js";

const UNBUILT: &str = "<!doctype html><meta charset=utf-8><title>Dialtone</title>\
    <h1>The web app is not in this binary</h1>\
    <p>Build it with <code>cargo xtask web</code>, then build the server again; \
    <code>cargo xtask run</code> does both.</p>";

/// Serves a file of the app; any other path is the app's own to show.
pub async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(mut response) = file(path, &headers) {
        if path == ELEMENT {
            response.extensions_mut().insert(Abroad::Run);
        }
        return response;
    }
    // A missing file is not a page: a stale app must not take HTML for a script.
    if path.contains('.') {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    }
    let mut response = file("index.html", &headers)
        .unwrap_or_else(|| (StatusCode::SERVICE_UNAVAILABLE, html(UNBUILT)).into_response());
    if path.trim_end_matches('/').parse::<RoomId>().is_ok() {
        response.extensions_mut().insert(Abroad::Framed);
    }
    response
}

fn html(text: &'static str) -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text)
}

fn file(path: &str, request: &HeaderMap) -> Option<Response> {
    if path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = Built::get(path)?;
    let (file, encoding) = best_encoding(path, request, plain);
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(kind.as_ref()).ok()?,
    );
    headers.insert(header::CACHE_CONTROL, cache_control(path));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// The compressed file beside the plain one, if the browser takes it.
fn best_encoding(
    path: &str,
    request: &HeaderMap,
    plain: EmbeddedFile,
) -> (EmbeddedFile, Option<&'static str>) {
    let accepted = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let accepts = |name: &str| {
        accepted.is_some_and(|list| {
            list.split(',')
                .any(|one| one.trim().split(';').next() == Some(name))
        })
    };
    for (encoding, extension) in [("br", "br"), ("gzip", "gz")] {
        if accepts(encoding)
            && let Some(compressed) = Built::get(&format!("{path}.{extension}"))
        {
            return (compressed, Some(encoding));
        }
    }
    (plain, None)
}

/// Files under `assets/` carry a hash of their contents in their name and never change.
fn cache_control(path: &str) -> HeaderValue {
    HeaderValue::from_static(if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    })
}
