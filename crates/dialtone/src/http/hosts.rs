//! Which Host and which Origin are answered.
//!
//! A page on another site can make a browser send requests here, and a name under a stranger's
//! control can be made to point here (DNS rebinding). The first is caught by the Origin, the
//! second by the Host: IP addresses and `localhost` cannot be rebound, and the names in our
//! certificate are ours.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::api::Refusal;
use super::{Embedding, PublicUrl};

/// What this server is reached by, beside its addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Names in its certificate.
    pub names: Vec<String>,
    /// Where the proxy is that stands in front, if one does.
    pub public: Option<PublicUrl>,
    /// Whose pages may show calls in theirs.
    pub embedding: Embedding,
}

/// What a request came by. A browser's page from plain HTTP is not ours if we serve the same name
/// by HTTPS: anyone on its way could have written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain, or through a proxy in front that does TLS and that we were not told of.
    Http,
    /// TLS, here or at the proxy.
    Https,
}

/// Refuses a foreign Host with 421, and a foreign Origin on anything but plain reads with 403.
pub async fn check(State(hosts): State<Hosts>, mut request: Request, next: Next) -> Response {
    if let Some(scheme) = by_proxy(request.headers(), &hosts) {
        request.extensions_mut().insert(scheme);
    }
    let headers = request.headers();
    let host = header_text(headers, header::HOST);
    if !host.is_some_and(|host| is_own_host(host, &hosts)) {
        let mut known = "localhost or the server's IP address".to_owned();
        if !hosts.names.is_empty() {
            known = "localhost, the server's IP address, or a name in its certificate".to_owned();
        }
        if let Some(public) = &hosts.public {
            known = public.to_string();
        }
        let text = format!("This server does not know that host name. Use {known}.");
        return refuse(
            &request,
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            text,
        );
    }
    let scheme = request.extensions().get().copied();
    let scheme = scheme.unwrap_or(Scheme::Http);
    let is_own = has_own_origin(headers, scheme) && says_own_site(headers);
    if !is_own && let Some(foreign) = hosts.embedding.foreign(&request) {
        return foreign.pass(request, next).await;
    }
    if needs_own_origin(&request) && !is_own {
        let text = "Requests from pages of other sites are not accepted.".to_owned();
        return refuse(&request, StatusCode::FORBIDDEN, "foreign_origin", text);
    }
    next.run(request).await
}

/// The host that a request is for, without its port.
pub fn name(headers: &HeaderMap) -> &str {
    header_text(headers, header::HOST).map_or("", without_port)
}

/// How the browser came, where that was by the proxy.
fn by_proxy(headers: &HeaderMap, hosts: &Hosts) -> Option<Scheme> {
    let (public, host) = hosts
        .public
        .as_ref()
        .zip(header_text(headers, header::HOST))?;
    public.is_for(host).then(|| public.scheme())
}

/// To a program in JSON, to a person in text.
fn refuse(request: &Request, status: StatusCode, code: &'static str, text: String) -> Response {
    match request.uri().path().starts_with("/api/") {
        true => Refusal::new(status, code, text).into_response(),
        false => (status, text + "\n").into_response(),
    }
}

fn needs_own_origin(request: &Request) -> bool {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    upgrades || !request.method().is_safe()
}

/// A browser always names the origin here; a program that is no browser need not.
fn has_own_origin(headers: &HeaderMap, scheme: Scheme) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let plain = || {
        origin
            .strip_prefix("http://")
            .filter(|_| scheme == Scheme::Http)
    };
    let authority = origin.strip_prefix("https://").or_else(plain);
    authority.is_some() && authority == header_text(headers, header::HOST)
}

/// A browser says from where it comes, also where it leaves the Origin out (Fetch Metadata).
fn says_own_site(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => ["same-origin", "none"].iter().any(|own| site == own),
        None => true,
    }
}

fn is_own_host(host: &str, hosts: &Hosts) -> bool {
    let name = without_port(host);
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_it = |own: &str| name.eq_ignore_ascii_case(own);
            let is_named = hosts.names.iter().any(|own| is_it(own));
            let is_public = hosts.public.as_ref().is_some_and(|it| it.is_for(host));
            name.parse::<IpAddr>().is_ok() || is_it("localhost") || is_named || is_public
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_ours_and_names_are_not() {
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "192.0.2.1",
        ] {
            assert!(is_own_host(own, &Hosts::default()), "{own}");
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example:8080",
            "[evil]",
            ":8080",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_own_host(foreign, &Hosts::default()), "{foreign}");
        }
    }

    #[test]
    fn names_of_the_certificate_are_ours() {
        let hosts = Hosts {
            names: vec!["calls.example.org".to_owned()],
            ..Hosts::default()
        };
        assert!(is_own_host("calls.example.org", &hosts));
        assert!(is_own_host("Calls.Example.ORG:8443", &hosts));
        assert!(!is_own_host("evil.example.org", &hosts));
    }

    #[test]
    fn an_origin_must_be_the_host_to_the_letter() {
        let check_by = |scheme, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            has_own_origin(&headers, scheme)
        };
        let check = |origin| check_by(Scheme::Http, origin);
        assert!(check(None));
        assert!(check(Some("http://localhost:8080")));
        assert!(check(Some("https://localhost:8080")), "a proxy in front");
        assert!(check_by(Scheme::Https, Some("https://localhost:8080")));
        assert!(!check_by(Scheme::Https, Some("http://localhost:8080")));
        for foreign in [
            "null",
            "http://localhost",
            "http://localhost:8081",
            "http://evil.example",
            "file://localhost:8080",
        ] {
            assert!(!check(Some(foreign)), "{foreign}");
        }
    }
}
