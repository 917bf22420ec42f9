//! The cookie that a browser is signed in by.
//!
//! No script can read it, and no page of another site can make a browser send it. Over TLS its name
//! says that it was set by this host and by TLS; one that was slipped in otherwise is not read.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::accounts::secrets::Secret;
use crate::http::hosts::Scheme;
use crate::store::logins::LOGIN_MS;

const PLAIN: &str = "dialtone_login";
const SECURE: &str = "__Host-dialtone_login";

/// The secret in a request's cookie: `None` without the cookie, `Some(None)` if it holds no secret.
pub fn read(headers: &HeaderMap, scheme: Scheme) -> Option<Option<Secret>> {
    let names: &[&str] = match is_secure(headers, scheme) {
        true => &[SECURE],
        false => &[SECURE, PLAIN],
    };
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let pairs: Vec<_> = pairs.collect();
    let found = names
        .iter()
        .find_map(|wanted| pairs.iter().find(|(name, _)| name == wanted));
    found.map(|(_, value)| Secret::read(value))
}

/// A cookie that signs in.
pub fn set(headers: &HeaderMap, scheme: Scheme, secret: &Secret) -> HeaderValue {
    write(headers, scheme, &secret.write(), LOGIN_MS / 1000)
}

/// A cookie that signs out.
pub fn clear(headers: &HeaderMap, scheme: Scheme) -> HeaderValue {
    write(headers, scheme, "", 0)
}

fn write(headers: &HeaderMap, scheme: Scheme, value: &str, seconds: u64) -> HeaderValue {
    let (name, secure) = match is_secure(headers, scheme) {
        true => (SECURE, "; Secure"),
        false => (PLAIN, ""),
    };
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    // It is made of what a header may hold; a cookie that does nothing is the answer if it were not.
    let mut header = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("_="));
    header.set_sensitive(true);
    header
}

/// By TLS, or through a proxy that does it: then the browser says so.
fn is_secure(headers: &HeaderMap, scheme: Scheme) -> bool {
    let origin = headers.get(header::ORIGIN);
    let proxied = origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    scheme == Scheme::Https || proxied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, text.parse().unwrap());
        headers
    }

    #[test]
    fn what_is_set_is_read() {
        let secret = Secret::draw().unwrap();
        for scheme in [Scheme::Http, Scheme::Https] {
            let set = set(&HeaderMap::new(), scheme, &secret);
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let headers = cookie(&format!("a=b; {pair}; c=d"));
            assert_eq!(read(&headers, scheme), Some(Some(secret.clone())));
        }
    }

    #[test]
    fn over_tls_only_a_cookie_set_by_tls_counts() {
        let secret = Secret::draw().unwrap().write();
        let headers = cookie(&format!("dialtone_login={secret}"));
        assert!(read(&headers, Scheme::Http).is_some());
        assert!(read(&headers, Scheme::Https).is_none());
    }

    #[test]
    fn the_flags_are_the_strictest_there_are() {
        let secret = Secret::draw().unwrap();
        let text = |scheme| {
            set(&HeaderMap::new(), scheme, &secret)
                .to_str()
                .unwrap()
                .to_owned()
        };
        for scheme in [Scheme::Http, Scheme::Https] {
            assert!(text(scheme).contains("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Strict"));
        }
        assert!(
            text(Scheme::Https).starts_with("__Host-") && text(Scheme::Https).ends_with("; Secure")
        );
        assert!(!text(Scheme::Http).contains("Secure"));
    }

    #[test]
    fn rubbish_is_no_secret() {
        assert_eq!(read(&HeaderMap::new(), Scheme::Http), None);
        assert_eq!(read(&cookie("dialtone_login=x"), Scheme::Http), Some(None));
        assert_eq!(read(&cookie("x_dialtone_login=x;;=;"), Scheme::Http), None);
    }
}
