//! Addresses as users write them.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use url::Host;

/// Bytes of an address. Those of push services have some hundred.
const MAX_BYTES: usize = 1024;

/// An HTTPS address that says nothing but where to.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is not an address that is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Longer than an address may be.
    #[error("The address is longer than {MAX_BYTES} bytes.")]
    TooLong,
    /// It is no URL.
    #[error("This is not an address like https://example.org/hook.")]
    NotUrl,
    /// Another scheme.
    #[error("The address has to begin with https://.")]
    NotHttps,
    /// It has a user or a password in it.
    #[error("The address must not have a name or a password in it.")]
    UserInfo,
    /// It leads into a private network.
    #[error("The address is not a public one.")]
    NotPublic,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Address, BadAddress> {
        if text.len() > MAX_BYTES {
            return Err(BadAddress::TooLong);
        }
        let mut url = Url::parse(text).map_err(|_| BadAddress::NotUrl)?;
        if url.scheme() != "https" {
            return Err(BadAddress::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress::UserInfo);
        }
        // Never sent; gone here, so that two spellings of one address are one.
        url.set_fragment(None);
        match url.host_str() {
            Some(host) if !host.is_empty() && url.port() != Some(0) => Ok(Address(url)),
            _ => Err(BadAddress::NotUrl),
        }
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// The host, without the port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Scheme, host, and the port if it is not the usual one (RFC 6454).
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, if no name has to be looked up: however it was spelt, a URL has it normalized.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }
}

/// What comes after the host can be a secret: who knows it may push.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin())
    }
}
