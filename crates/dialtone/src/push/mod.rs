//! Wakes devices that are not connected: Web Push (RFC 8030, 8291, 8292).
//!
//! A device is told twice: that it rings, and that it does not any more, since whatever a push
//! message has shown stays on a screen until another takes its place. Who was not told of the
//! beginning is not told of the end.
//!
//! ```text
//! hub ──notice──► Work ──one task for each ring and device──► Courier ──► push service
//! ```

mod courier;
mod message;
mod subscriber;
mod vapid;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use exchange::records::RingOutcome;
use exchange::{PushKind, PushNotice};
use protocol::id::RingId;
use tokio::sync::{mpsc, watch};

use crate::clock;
use crate::outgoing::{Outgoing, Rooms};
use crate::store::Store;
use courier::{Courier, End};
pub use message::{Message, Over};
pub use subscriber::{BadSubscription, Subscriber, read};
pub use vapid::Vapid;

/// Messages at once to the devices of one person: slow endpoints of theirs are theirs to wait for.
const OF_ONE_PERSON: usize = 8;
/// How long the end of a ring is waited for. None lasts longer, however it is answered.
const LONGEST_RING: Duration = Duration::from_millis(3 * protocol::limits::RING_MS);
/// The setting that holds the key.
const KEY: &str = "vapid_key";

/// Starts what takes notices to devices, and gives the key that browsers subscribe with, which is
/// kept in the store. `contact` is where push services find whoever runs this server.
pub async fn start(
    store: Store,
    outgoing: Arc<Outgoing>,
    contact: String,
    notices: mpsc::Receiver<PushNotice>,
) -> anyhow::Result<String> {
    let vapid = key(&store, contact).await?;
    let public = vapid.public();
    let work = Work {
        courier: Arc::new(Courier {
            store,
            outgoing,
            vapid,
            people: Rooms::of(OF_ONE_PERSON),
        }),
        rings: HashMap::new(),
    };
    tokio::spawn(work.run(notices));
    Ok(public)
}

/// The key pair in the store; made if there is none.
async fn key(store: &Store, contact: String) -> anyhow::Result<Vapid> {
    let fresh = Vapid::draw(contact.clone()).context("The system has no randomness to give")?;
    let kept = store.fix_setting(KEY, &fresh.written()).await;
    let kept = kept.context("The key of push messages cannot be read from the store")?;
    Vapid::read(&kept, contact).context(
        "Delete the setting `vapid_key` to have another one made; browsers then subscribe again",
    )
}

/// The task behind it.
struct Work {
    courier: Arc<Courier>,
    /// Rings whose devices wait for the end.
    rings: HashMap<RingId, Going>,
}

struct Going {
    end: watch::Sender<Option<End>>,
    since: Instant,
}

impl Work {
    async fn run(mut self, mut notices: mpsc::Receiver<PushNotice>) {
        while let Some(notice) = notices.recv().await {
            self.rings
                .retain(|_, going| going.since.elapsed() < LONGEST_RING);
            match notice.kind {
                PushKind::Ringing { ttl } => self.begin(&notice, ttl).await,
                PushKind::Over(outcome) => self.end(&notice, outcome).await,
            }
        }
    }

    async fn begin(&mut self, notice: &PushNotice, ttl: Duration) {
        let message = Message::Ring {
            ring: notice.ring,
            name: notice.from.name.to_string(),
            video: notice.media.video,
            expires_ms: millis(clock::now().unix + ttl),
        };
        let deadline = Instant::now() + ttl;
        let (end, ended) = watch::channel(None);
        for subscriber in self.sleepers(notice).await {
            let (courier, user) = (self.courier.clone(), notice.user);
            let (message, ended) = (message.clone(), ended.clone());
            tokio::spawn(async move {
                courier
                    .ring(user, subscriber, message, deadline, ended)
                    .await;
            });
        }
        let since = Instant::now();
        self.rings.insert(notice.ring, Going { end, since });
    }

    async fn end(&mut self, notice: &PushNotice, outcome: RingOutcome) {
        let reason = match outcome {
            RingOutcome::Accepted => Over::AnsweredElsewhere,
            RingOutcome::Declined => Over::DeclinedElsewhere,
            RingOutcome::Busy
            | RingOutcome::DoNotDisturb
            | RingOutcome::NoAnswer
            | RingOutcome::Cancelled => Over::Missed,
        };
        let message = Message::Over {
            ring: notice.ring,
            name: notice.from.name.to_string(),
            reason,
        };
        let end = End {
            message,
            deadline: Instant::now() + reason.lifetime(),
            except: notice.except.clone(),
        };
        if let Some(going) = self.rings.remove(&notice.ring) {
            going.end.send_replace(Some(end));
            return;
        }
        // It began before this server did: whoever sleeps may have been told.
        for subscriber in self.sleepers(notice).await {
            let (courier, user, end) = (self.courier.clone(), notice.user, end.clone());
            tokio::spawn(async move { courier.end(user, &subscriber, &end).await });
        }
    }

    /// The devices of the person that do not know by themselves.
    async fn sleepers(&self, notice: &PushNotice) -> Vec<Subscriber> {
        let all = self.courier.subscribers(notice.user).await;
        let sleeps = |one: &Subscriber| !notice.except.contains(&one.login);
        all.into_iter().filter(sleeps).collect()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
