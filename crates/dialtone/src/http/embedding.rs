//! Pages of other sites that may show calls in theirs.
//!
//! Nobody's, unless the operator names their origins. Only the page of a call is shown there: what
//! signs somebody in, or administers, is not to be clicked in anybody's frame.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::PublicUrl;

/// Everything that pages are told about what they may do, but for who may frame them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob: mediastream:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors ";

/// Headers that every answer carries. The room's id is in the path, so no referrer ever leaves.
const HEADERS: &[(&str, &str)] = &[
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

/// Whose pages may show calls. A clone is the same.
#[derive(Clone, Debug)]
pub struct Embedding {
    origins: Arc<[EmbedOrigin]>,
    /// The policy of what nobody frames, and of what these pages may.
    policies: [HeaderValue; 2],
}

/// The origin of such a page, as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedOrigin(String);

/// A text that is no such origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEmbedOrigin {
    /// Not an origin at all, or more than one.
    #[error(
        "an origin is written like https://example.org or https://example.org:8443, with nothing \
         behind it"
    )]
    NoOrigin,
    /// It stands for many, or could not stand in a policy.
    #[error(
        "name each origin by itself: a host is made of letters, digits, dots and hyphens, without \
         wildcards"
    )]
    BadHost,
    /// Policies know no IPv6 addresses (CSP Level 3, section 2.3.1).
    #[error("browsers take no IPv6 address here: use a name or an IPv4 address")]
    Ipv6,
}

/// What an answer may be used for by pages of other sites. None of them, if it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abroad {
    /// Shown in a frame by the pages that may.
    Framed,
    /// Run as a script by any page: there is nothing private in it.
    Run,
}

impl Embedding {
    /// These, and no others.
    pub fn of(origins: Vec<EmbedOrigin>) -> Embedding {
        let policy = |ancestors: &str| {
            let policy = HeaderValue::try_from(format!("{POLICY}{ancestors}"));
            policy.expect("an origin is ASCII without controls")
        };
        let listed: Vec<&str> = origins.iter().map(EmbedOrigin::as_str).collect();
        let ancestors = match listed.is_empty() {
            true => "'none'".to_owned(),
            false => listed.join(" "),
        };
        Embedding {
            policies: [policy("'none'"), policy(&ancestors)],
            origins: origins.into(),
        }
    }

    /// Whose pages, as browsers write their origins.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(EmbedOrigin::as_str)
    }
}

impl Default for Embedding {
    fn default() -> Embedding {
        Embedding::of(Vec::new())
    }
}

impl EmbedOrigin {
    /// As browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmbedOrigin {
    type Err = BadEmbedOrigin;

    fn from_str(text: &str) -> Result<EmbedOrigin, BadEmbedOrigin> {
        let url: PublicUrl = text.parse().map_err(|_| BadEmbedOrigin::NoOrigin)?;
        let origin = url.to_string();
        let authority = origin.split_once("://").map_or("", |(_, rest)| rest);
        if authority.starts_with('[') {
            return Err(BadEmbedOrigin::Ipv6);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        match authority.bytes().all(is_plain) {
            true => Ok(EmbedOrigin(origin)),
            false => Err(BadEmbedOrigin::BadHost),
        }
    }
}

// ---- clients in pages of these origins ----

/// What a page of another site may ask for: a ticket, and with it a socket.
const TICKETS: &str = "/api/v1/tickets";
const SOCKET: &str = "/api/v1/ws";

/// How long a browser remembers what it may send, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// A request by a client in a page that may show calls, too.
#[derive(Clone, Debug)]
pub struct Foreign {
    origin: HeaderValue,
    asks_first: bool,
}

impl Embedding {
    /// What there is to know of a request from such a page; `None` for everything else.
    pub fn foreign(&self, request: &Request) -> Option<Foreign> {
        let origin = request.headers().get(header::ORIGIN)?;
        let is_listed = self.origins().any(|listed| *origin == *listed);
        let asks_first = *request.method() == Method::OPTIONS;
        let is_open = match request.uri().path() {
            TICKETS => asks_first || *request.method() == Method::POST,
            SOCKET => *request.method() == Method::GET,
            _ => false,
        };
        (is_listed && is_open).then(|| Foreign {
            origin: origin.clone(),
            asks_first,
        })
    }
}

impl Foreign {
    /// Passes the request on without what the browser knows its person by: a page of another site is
    /// no door into an account.
    pub async fn pass(self, mut request: Request, next: Next) -> Response {
        let mut response = match self.asks_first {
            true => self.what_may_be_sent(),
            false => {
                request.headers_mut().remove(header::COOKIE);
                next.run(request).await
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        let readable = HeaderValue::from_static("retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        response
    }

    /// The answer to a browser that asks before it asks (Fetch Standard, CORS-preflight request).
    fn what_may_be_sent(&self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        let method = HeaderValue::from_static("POST");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method);
        let names = HeaderValue::from_static("authorization, dialtone-device");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        response
    }
}

/// Tells browsers what may be done with an answer.
pub async fn add_security_headers(
    State(embedding): State<Embedding>,
    mut response: Response,
) -> Response {
    let abroad = response.extensions_mut().remove();
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        headers.insert(HeaderName::from_static(name), value);
    }
    let [nobodys, theirs] = &embedding.policies;
    headers.insert(header::CONTENT_SECURITY_POLICY, nobodys.clone());
    match abroad {
        Some(Abroad::Framed) if !embedding.origins.is_empty() => {
            headers.insert(header::CONTENT_SECURITY_POLICY, theirs.clone());
            // It knows only all or nobody, and the policy says it better.
            headers.remove(header::X_FRAME_OPTIONS);
        }
        Some(Abroad::Run) => {
            let anybody = HeaderValue::from_static("cross-origin");
            headers.insert("cross-origin-resource-policy", anybody);
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_origin_is_one_and_written_as_browsers_do() {
        for (text, written) in [
            ("https://Example.org", "https://example.org"),
            ("https://example.org:443/", "https://example.org"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://192.0.2.1:80", "http://192.0.2.1"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<EmbedOrigin>().unwrap().as_str(), written);
        }
        for (text, error) in [
            ("", BadEmbedOrigin::NoOrigin),
            ("*", BadEmbedOrigin::NoOrigin),
            ("null", BadEmbedOrigin::NoOrigin),
            ("example.org", BadEmbedOrigin::NoOrigin),
            ("https://example.org/calls", BadEmbedOrigin::NoOrigin),
            (
                "https://a.example https://b.example",
                BadEmbedOrigin::NoOrigin,
            ),
            ("https://ada@example.org", BadEmbedOrigin::NoOrigin),
            ("file:///index.html", BadEmbedOrigin::NoOrigin),
            ("https://*", BadEmbedOrigin::BadHost),
            ("https://*.example.org", BadEmbedOrigin::BadHost),
            ("https://a.example;script-src", BadEmbedOrigin::BadHost),
            ("https://a.example,b.example", BadEmbedOrigin::BadHost),
            ("http://[::1]:3000", BadEmbedOrigin::Ipv6),
        ] {
            assert_eq!(text.parse::<EmbedOrigin>(), Err(error), "{text}");
        }
    }

    proptest! {
        /// Whatever an operator writes: one source of one policy, or an error.
        #[test]
        fn no_origin_says_more_in_a_policy(host in "[ -~]{0,40}", scheme in "https?|\\*|data") {
            if let Ok(origin) = format!("{scheme}://{host}").parse::<EmbedOrigin>() {
                let text = origin.as_str();
                prop_assert!(!text.contains([' ', ';', ',', '*', '\'', '"']), "{text}");
                prop_assert!(text.starts_with("http"));
                prop_assert_eq!(text.parse::<EmbedOrigin>(), Ok(origin.clone()));
            }
        }
    }
}
