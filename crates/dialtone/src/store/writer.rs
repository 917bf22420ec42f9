//! The writer: one task that commits records in groups.
//!
//! ```ignore
//! let (writer, mut outcomes) = Writer::start(store.clone(), Patience::default());
//! // for each Output::Record(entry):
//! writer.write(entry);
//! // beside the other things the hub waits for:
//! match outcomes.recv().await {
//!     Some(Outcome::Stored(id)) => exchange.handle(now, Input::Stored(id)),
//!     Some(Outcome::NotStored(id)) => exchange.handle(now, Input::NotStored(id)),
//!     None => {} // The writer has been finished.
//! }
//! // at the end, after the last record:
//! writer.finish(Duration::from_secs(5)).await;
//! ```
//!
//! **Groups.** A record that finds the writer idle is committed at once; those that come while a
//! commit runs are the next group. So nobody waits for company, and the longer a commit takes the
//! more records share the next one.
//!
//! **A store that fails.** When a commit fails, or takes longer than [`Patience::late`], what can
//! be refused is dropped, what waits as well as what comes, and everything else is kept in order
//! and tried again, with longer and longer pauses. `NotStored` names the newest record there is,
//! and again each that comes, until a commit works; `Stored` says that. Of the group that was on its
//! way nobody knows whether it was committed: what was refused of it is taken back in the next one.
//!
//! **The bound.** When [`REFUSE_BEYOND`] records wait, the store counts as failing. When
//! [`DROP_BEYOND`] wait, which takes hours of failing, further ones are lost, and the log says
//! so: running calls go on, histories have gaps, and a call whose end was lost is given back at the
//! next start and ends then, as nobody comes back to it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exchange::records::{Entry, WriteId};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Error;

/// Records in one commit. More would make those at its end wait longer than a commit takes.
const GROUP: usize = 4_096;
/// Waiting records that make the store count as failing: more than a second's worth.
pub const REFUSE_BEYOND: usize = 50_000;
/// Waiting records beyond which they are lost; at some 300 bytes each.
pub const DROP_BEYOND: usize = 500_000;

/// Where records go: the store, or one that fails on purpose.
pub trait Keep: Send + Sync + 'static {
    /// Commits a group. It may be given again, and then changes nothing.
    fn keep(&self, group: &Group) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What is committed together.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// What is to be taken back first: it was refused, and may be there.
    pub undo: Vec<Entry>,
    /// What is to be written, in order.
    pub entries: Vec<Entry>,
}

/// What became of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All up to and including this one are safe, but for those that were refused before.
    Stored(WriteId),
    /// The store fails: of all up to and including this one, those not stored that can be refused
    /// were dropped, and the others are kept.
    NotStored(WriteId),
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a commit may take before the store counts as failing.
    pub late: Duration,
    /// How long it may take before it is given up.
    pub lost: Duration,
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            late: Duration::from_secs(1),
            lost: Duration::from_secs(15),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Hands records to the task that writes them.
#[derive(Debug)]
pub struct Writer {
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Starts the task; the outcomes come in order.
    pub fn start(
        keep: impl Keep,
        patience: Patience,
    ) -> (Writer, mpsc::UnboundedReceiver<Outcome>) {
        // As many outcomes as records at the most: what bounds those bounds them.
        let (outcomes, receiver) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            tray: Mutex::default(),
            changed: Notify::new(),
            outcomes,
        });
        let task = tokio::spawn(work(keep, patience, desk.clone()));
        (Writer { desk, task }, receiver)
    }

    /// Takes a record. Never waits.
    pub fn write(&self, entry: Entry) {
        self.desk.take(entry);
    }

    /// Waits until everything is stored, at most this long. Says whether it is.
    pub async fn finish(mut self, patience: Duration) -> bool {
        self.desk.tray().closed = true;
        self.desk.changed.notify_one();
        let finished = timeout(patience, &mut self.task).await.is_ok();
        if !finished {
            self.task.abort();
            let lost = self.desk.tray().waiting.len();
            tracing::error!("the store did not take the last records ({lost} or more) in time");
        }
        finished
    }
}

/// Where records wait.
#[derive(Debug)]
struct Desk {
    tray: Mutex<Tray>,
    changed: Notify,
    outcomes: mpsc::UnboundedSender<Outcome>,
}

#[derive(Debug, Default)]
struct Tray {
    waiting: VecDeque<Entry>,
    /// The newest record that came.
    newest: WriteId,
    failing: bool,
    closed: bool,
    /// How many were lost since the store failed.
    lost: u64,
}

impl Desk {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, entry: Entry) {
        let mut tray = self.tray();
        tray.newest = entry.id;
        if tray.failing {
            self.say(Outcome::NotStored(entry.id));
            if entry.record.can_be_refused() {
                return;
            }
        }
        if tray.waiting.len() >= DROP_BEYOND {
            tray.lost += 1;
            if tray.lost.is_power_of_two() {
                tracing::error!("{} records are lost: the store takes none", tray.lost);
            }
            return;
        }
        tray.waiting.push_back(entry);
        if tray.waiting.len() == REFUSE_BEYOND {
            self.fail(tray);
        } else {
            drop(tray);
        }
        self.changed.notify_one();
    }

    /// From now on the store counts as failing.
    fn fail(&self, mut tray: MutexGuard<'_, Tray>) {
        tray.failing = true;
        tray.waiting.retain(|entry| !entry.record.can_be_refused());
        self.say(Outcome::NotStored(tray.newest));
    }

    /// A group is stored, so the store works (again). Gives what was refused of it meanwhile, and
    /// has to be taken back before that can be said.
    fn stored(&self, last: Option<WriteId>, entries: &mut Vec<Entry>) -> Vec<Entry> {
        let mut tray = self.tray();
        if tray.failing {
            let refused = refused(entries);
            if !refused.is_empty() {
                return refused;
            }
            let lost = std::mem::take(&mut tray.lost);
            tracing::warn!("the store works again; {lost} records were lost");
        }
        tray.failing = false;
        if let Some(last) = last {
            self.say(Outcome::Stored(last));
        }
        Vec::new()
    }

    /// Who does not listen any more does not want to know.
    fn say(&self, outcome: Outcome) {
        let _ = self.outcomes.send(outcome);
    }

    /// Waits for records; none come any more once it is closed.
    async fn group(&self) -> Option<Vec<Entry>> {
        loop {
            {
                let mut tray = self.tray();
                if !tray.waiting.is_empty() {
                    let count = tray.waiting.len().min(GROUP);
                    return Some(tray.waiting.drain(..count).collect());
                }
                if tray.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }
}

async fn work(keep: impl Keep, patience: Patience, desk: Arc<Desk>) {
    while let Some(entries) = desk.group().await {
        commit(&keep, patience, &desk, entries).await;
    }
}

/// Commits a group, however long that takes.
async fn commit(keep: &impl Keep, patience: Patience, desk: &Desk, entries: Vec<Entry>) {
    let last = entries.last().map(|entry| entry.id);
    let mut group = Group {
        undo: Vec::new(),
        entries,
    };
    let mut pause = patience.first_pause;
    loop {
        if attempt(keep, patience, desk, &group).await {
            group.undo = desk.stored(last, &mut group.entries);
            if group.undo.is_empty() {
                return;
            }
            group.entries.clear();
        } else {
            // Nobody knows whether it was committed.
            group.undo.extend(refused(&mut group.entries));
            sleep(pause).await;
            pause = (pause * 2).min(patience.longest_pause);
        }
    }
}

/// Whether the group is committed for sure. If not, or not in time, the store counts as failing.
async fn attempt(keep: &impl Keep, patience: Patience, desk: &Desk, group: &Group) -> bool {
    let mut keeping = std::pin::pin!(keep.keep(group));
    let outcome = match timeout(patience.late, &mut keeping).await {
        Ok(outcome) => Some(outcome),
        Err(_) => {
            fail(desk, "it takes too long");
            let more = patience.lost.saturating_sub(patience.late);
            timeout(more, &mut keeping).await.ok()
        }
    };
    if let Some(Err(error)) = &outcome {
        fail(desk, &error.to_string());
    }
    matches!(outcome, Some(Ok(())))
}

fn fail(desk: &Desk, why: &str) {
    let tray = desk.tray();
    if !tray.failing {
        tracing::error!("the store fails, so new calls to people are refused: {why}");
    }
    desk.fail(tray);
}

/// Takes out what can be refused.
fn refused(entries: &mut Vec<Entry>) -> Vec<Entry> {
    let (refused, kept) = std::mem::take(entries)
        .into_iter()
        .partition(|entry| entry.record.can_be_refused());
    *entries = kept;
    refused
}
