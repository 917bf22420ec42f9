//! What plain HTTP gives where HTTPS rests on an authority of our own: a page that says how to trust
//! it, and the way to everything else.

mod platform;
mod profile;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rustls::pki_types::CertificateDer;

use super::embedding::{Embedding, add_security_headers};
use super::hosts;
use crate::certificates::Certificates;
use platform::Platform;

/// Where the page is.
pub const PATH: &str = "/trust";

const STYLE: &str = include_str!("page.css");

/// What others are told of the authority.
#[derive(Clone, Debug)]
pub struct Root {
    /// The certificate to be trusted.
    pub certificate: CertificateDer<'static>,
    /// Its name in the lists of devices: letters, digits and spaces.
    pub title: String,
    /// Its SHA-256, as devices show it: pairs of hexadecimal digits with colons between.
    pub fingerprint: String,
}

#[derive(Debug)]
struct Front {
    root: Root,
    /// For whom they speak is whom we are asked as.
    certificates: Arc<Certificates>,
    /// Where HTTPS is, at the same host.
    port: u16,
}

/// The host somebody asked us as, once it is known to be ours: it can be shown and sent back.
#[derive(Clone, Debug)]
struct OwnHost(String);

/// The page about this root, and for everything else the way to HTTPS on that port.
pub fn router(root: Root, certificates: Arc<Certificates>, port: u16) -> Router {
    let front = Arc::new(Front {
        root,
        certificates,
        port,
    });
    Router::new()
        .route(PATH, get(page))
        .route("/trust/page.css", get(style))
        .route("/trust/dialtone.crt", get(certificate))
        .route("/trust/dialtone.mobileconfig", get(mobile_configuration))
        .fallback(lead_to_https)
        .layer(middleware::from_fn_with_state(front.clone(), check_host))
        .layer(middleware::map_response_with_state(
            Embedding::default(),
            add_security_headers,
        ))
        .with_state(front)
}

/// Answers only who asks for a host that the certificate speaks for: another one is somebody else's
/// name that leads here, and nobody is to be sent where it says.
async fn check_host(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    let host = hosts::name(request.headers()).to_owned();
    let names = front.certificates.names();
    if !names.cover(host.trim_start_matches('[').trim_end_matches(']')) {
        let text = format!("This server does not know that host name. It is one of {names}.\n");
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    request.extensions_mut().insert(OwnHost(host));
    next.run(request).await
}

async fn lead_to_https(State(front): State<Arc<Front>>, request: Request) -> Response {
    let is_page = [Method::GET, Method::HEAD].contains(request.method());
    if !is_page || request.headers().contains_key(header::UPGRADE) {
        return (StatusCode::FORBIDDEN, "This is only answered by HTTPS.\n").into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let place = front.secure(&request) + path;
    match HeaderValue::try_from(place) {
        // For this time: which port is that of HTTPS may change with the next start.
        Ok(place) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn page(State(front): State<Arc<Front>>, request: Request) -> Response {
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let url = front.secure(&request);
    let page = text::page(&front.root, &url, Platform::of_agent(agent));
    (kind("text/html; charset=utf-8"), page).into_response()
}

async fn style() -> Response {
    (kind("text/css; charset=utf-8"), STYLE).into_response()
}

async fn certificate(State(front): State<Arc<Front>>) -> Response {
    let mut headers = kind("application/x-x509-ca-cert");
    // Saved everywhere, and opened by nobody in passing: the steps on the page begin with the file.
    let saved = HeaderValue::from_static("attachment; filename=\"dialtone.crt\"");
    headers.insert(header::CONTENT_DISPOSITION, saved);
    (headers, front.root.certificate.to_vec()).into_response()
}

async fn mobile_configuration(State(front): State<Arc<Front>>) -> Response {
    let headers = kind("application/x-apple-aspen-config");
    (headers, profile::mobile_configuration(&front.root)).into_response()
}

fn kind(kind: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
}

impl Front {
    /// Where HTTPS is for whoever sent this request.
    fn secure(&self, request: &Request) -> String {
        let host = request.extensions().get::<OwnHost>();
        let host = host.map_or("localhost", |OwnHost(host)| host);
        match self.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }
}
