//! Requests to addresses that users name: push services and webhooks.
//!
//! Whoever names an address must not make this server knock where only this server can: HTTPS alone,
//! no redirect followed, no proxy of the environment asked, and no connection to an address that is
//! not public, unless the operator allows it. What a name resolves to is checked at the moment of
//! connecting, and what was checked is what is connected to, so that a name that resolves to
//! something else a moment later gains nothing.

mod address;
mod guard;
mod rooms;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;
use turn::Cidr;

pub use address::{Address, BadAddress};
use guard::{Guard, Refused};
pub use rooms::Rooms;

/// Until a connection stands, TLS included. More would let silent hosts hold places for longer.
const CONNECT: Duration = Duration::from_secs(5);
/// From the first packet to the end of the answer. Push services answer within one second or so.
const EXCHANGE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read; nobody needs more than its status.
const ANSWER_BYTES: usize = 4096;
/// Lines in the head of an answer.
const ANSWER_HEADERS: usize = 64;
/// Requests at once to one host: its share, so that a slow one leaves room for the others.
const OF_ONE_HOST: usize = 8;
/// Requests at once in all.
const IN_ALL: usize = 64;
/// Connections that are kept for the next request, and how long.
const IDLE_OF_ONE_HOST: usize = 2;
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests to addresses that users name.
#[derive(Debug)]
pub struct Outgoing {
    client: Client,
    guard: Arc<Guard>,
    hosts: Rooms<String>,
    all: Semaphore,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What the other side made of it. A redirect is an answer like any other.
    pub status: StatusCode,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
    /// How its text begins, for whoever looks for what went wrong.
    pub text: String,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It leads to where nothing is sent.
    #[error("{0}")]
    Refused(String),
    /// The other side was too slow.
    #[error("it did not answer in time")]
    TimedOut,
    /// Name, connection, certificate, or what it said.
    #[error("it could not be reached: {0}")]
    NotReached(String),
}

impl Outgoing {
    /// A client that reaches public addresses, and those in `allow`. It trusts the authorities that
    /// the system does (`SSL_CERT_FILE` names others), and where the system has none, Mozilla's.
    pub fn new(allow: Vec<Cidr>) -> anyhow::Result<Outgoing> {
        let guard = Guard::new(allow, guard::system());
        Outgoing::with(guard, authorities(), EXCHANGE)
    }

    fn with(guard: Guard, roots: RootCertStore, exchange: Duration) -> anyhow::Result<Outgoing> {
        let guard = Arc::new(guard);
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .http1_only()
            .http1_max_headers(ANSWER_HEADERS)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .dns_resolver(guard.clone())
            .connect_timeout(CONNECT)
            .timeout(exchange)
            .pool_max_idle_per_host(IDLE_OF_ONE_HOST)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("dialtone/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("The client for push services and webhooks cannot be made")?;
        Ok(Outgoing {
            client,
            guard,
            hosts: Rooms::of(OF_ONE_HOST),
            all: Semaphore::new(IN_ALL),
        })
    }

    /// An address as a user wrote it. What its name resolves to is looked up when it is used.
    pub fn address(&self, text: &str) -> Result<Address, BadAddress> {
        let address = Address::parse(text)?;
        match address.literal() {
            Some(ip) if !self.guard.permits(ip) => Err(BadAddress::NotPublic),
            _ => Ok(address),
        }
    }

    /// Posts to it, as soon as there is room.
    pub async fn post(
        &self,
        to: &Address,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, NoAnswer> {
        // Its host's room first: who waits there takes no place from anybody else.
        let _of_host = self.hosts.enter(to.host().to_owned()).await;
        let _in_all = self.all.acquire().await;
        let request = self.client.post(to.url().clone());
        let request = request.headers(headers).body(body);
        let mut response = request.send().await.map_err(NoAnswer::from)?;
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let mut text = Vec::new();
        // Beyond the limit the connection is closed. An answer that breaks off still had a status.
        while let Ok(Some(chunk)) = response.chunk().await {
            text.extend_from_slice(&chunk);
            if text.len() > ANSWER_BYTES {
                text.truncate(ANSWER_BYTES);
                break;
            }
        }
        Ok(Answer {
            status: response.status(),
            retry_after,
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> NoAnswer {
        if error.is_timeout() {
            return NoAnswer::TimedOut;
        }
        // The address is the caller's to name, or not: it can be a secret of a push service.
        let error = error.without_url();
        let causes = || {
            let first: &(dyn std::error::Error + 'static) = &error;
            std::iter::successors(Some(first), |cause| cause.source())
        };
        if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<Refused>()) {
            return NoAnswer::Refused(refused.to_string());
        }
        let last = causes().last().map(ToString::to_string);
        NoAnswer::NotReached(last.unwrap_or_default())
    }
}

/// Whom the system trusts; where it says nothing, as in a small container, Mozilla's list.
fn authorities() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
