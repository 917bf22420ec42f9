//! Which Host and which Origin are answered.
//!
//! A page on another site can make a browser send requests here, and a name under a stranger's
//! control can be made to point here (DNS rebinding). The first is caught by the Origin, the
//! second by the Host: IP addresses and `localhost` cannot be rebound.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Refuses a foreign Host with 421, and a foreign Origin on anything but plain reads with 403.
pub async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = header_text(headers, header::HOST);
    if !host.is_some_and(is_own_host) {
        let text = "This server does not know that host name. \
                    Use http://localhost or the server's IP address.\n";
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    if needs_own_origin(&request) && !has_own_origin(headers) {
        let text = "Requests from pages of other sites are not accepted.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn needs_own_origin(request: &Request) -> bool {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    upgrades || !request.method().is_safe()
}

/// A browser always names the origin here; a program that is no browser need not.
fn has_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    authority.is_some() && authority == header_text(headers, header::HOST)
}

fn is_own_host(host: &str) -> bool {
    let name = without_port(host);
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost"),
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
            assert!(is_own_host(own), "{own}");
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example:8080",
            "[evil]",
            ":8080",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_own_host(foreign), "{foreign}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host_to_the_letter() {
        let check = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            has_own_origin(&headers)
        };
        assert!(check(None));
        assert!(check(Some("http://localhost:8080")));
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
