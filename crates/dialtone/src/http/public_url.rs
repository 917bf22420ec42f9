//! The address of a proxy in front that does TLS.

use std::str::FromStr;

use url::Url;

use super::hosts::Scheme;

/// Where people reach the server: scheme, host, and a port unless it is the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: Scheme,
    /// Host and port as browsers write them in Host and Origin.
    authority: String,
}

/// A text that is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public URL is written like https://calls.example.org or https://calls.example.org:8443")]
pub struct BadPublicUrl;

impl PublicUrl {
    /// How browsers come to the proxy.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether a request with this Host came by the proxy.
    pub fn is_for(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.authority)
    }
}

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<PublicUrl, BadPublicUrl> {
        let url = Url::parse(text).map_err(|_| BadPublicUrl)?;
        let origin = url.origin().ascii_serialization();
        // There is a host, and nothing behind it.
        let is_whole = url.as_str().strip_suffix('/') == Some(&origin);
        let (scheme, authority) = match origin.split_once("://") {
            Some(("https", authority)) => (Scheme::Https, authority),
            Some(("http", authority)) => (Scheme::Http, authority),
            _ => return Err(BadPublicUrl),
        };
        let authority = authority.to_owned();
        let url = PublicUrl { scheme, authority };
        is_whole.then_some(url).ok_or(BadPublicUrl)
    }
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_origin_and_nothing_more() {
        for (text, written) in [
            ("https://calls.example.org", "https://calls.example.org"),
            (
                "https://Calls.Example.org:443/",
                "https://calls.example.org",
            ),
            (
                "https://calls.example.org:8443",
                "https://calls.example.org:8443",
            ),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), written);
        }
        for text in [
            "",
            "calls.example.org",
            "https://",
            "ftp://calls.example.org",
            "https://calls.example.org/calls",
            "https://ada@calls.example.org",
            "https://calls.example.org?",
            "https://calls.example.org/#",
            "file:///calls",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(BadPublicUrl), "{text}");
        }
    }

    #[test]
    fn what_comes_by_the_proxy_is_known_by_its_host() {
        let url: PublicUrl = "https://calls.example.org:8443".parse().unwrap();
        assert!(url.is_for("Calls.example.org:8443"));
        assert!(!url.is_for("calls.example.org") && !url.is_for("localhost:8443"));
    }
}
