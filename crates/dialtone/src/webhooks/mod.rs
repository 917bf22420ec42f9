//! Webhooks: other programs are told what happens in calls.
//!
//! What is to be told is written down together with what happened, in one transaction, and told
//! afterwards until it was heard: at least once, and after a crash perhaps twice.

mod courier;
mod event;
mod schedule;
mod signature;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::records::Entry;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::outgoing::Outgoing;
use crate::store::writer::{Group, Keep};
use crate::store::{Error, Store};
use courier::Courier;
pub use event::{Event, EventKind, Part, Someone, Subject, event_id};

/// Names a webhook. Written like every other id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookId(pub [u8; 16]);

impl WebhookId {
    /// A new one.
    pub fn draw() -> Result<WebhookId, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(WebhookId(bytes))
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl From<WebhookId> for String {
    fn from(id: WebhookId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for WebhookId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<WebhookId, &'static str> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(WebhookId).ok_or("no id of a webhook")
    }
}

/// What begins every secret, so that who finds one somewhere knows what it is.
const SECRET: &str = "whsec_";

/// A new secret: 256 random bits in text.
pub fn draw_secret() -> Result<String, getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(format!("{SECRET}{}", URL_SAFE_NO_PAD.encode(secret)))
}

/// How the rest of the server says that there is something to deliver.
#[derive(Clone, Debug)]
pub struct Webhooks(Arc<Bell>);

/// What the courier waits for.
#[derive(Debug, Default)]
struct Bell {
    news: Notify,
    /// Whether there is anybody to tell. Without, no event is worth a look into the store.
    heard: AtomicBool,
}

/// A store whose webhooks are told when something was kept for them.
#[derive(Debug)]
pub struct Announcing<K> {
    keep: K,
    webhooks: Webhooks,
}

impl Webhooks {
    /// Starts what delivers, beginning with what was left when the server ended.
    pub fn start(store: Store, outgoing: Arc<Outgoing>) -> Webhooks {
        let bell = Arc::new(Bell::default());
        let courier = Courier {
            store,
            outgoing,
            bell: bell.clone(),
        };
        tokio::spawn(Arc::new(courier).run());
        Webhooks(bell)
    }

    /// There is something to deliver, or a webhook is new or another one.
    pub fn wake(&self) {
        self.0.news.notify_one();
    }

    /// Keeps as `keep` does, and tells afterwards.
    pub fn announcing<K: Keep>(&self, keep: K) -> Announcing<K> {
        Announcing {
            keep,
            webhooks: self.clone(),
        }
    }
}

impl<K: Keep> Keep for Announcing<K> {
    async fn keep(&self, group: &Group) -> Result<(), Error> {
        self.keep.keep(group).await?;
        let is_event = |entry: &Entry| EventKind::of_record(&entry.record).is_some();
        if self.webhooks.0.heard.load(Ordering::Relaxed) && group.entries.iter().any(is_event) {
            self.webhooks.wake();
        }
        Ok(())
    }
}
