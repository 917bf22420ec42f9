//! Takes messages to one device, and tries again as long as they are worth it.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::id::{LoginId, UserId};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::{Message, Subscriber, Vapid};
use crate::clock;
use crate::outgoing::{Answer, NoAnswer, Outgoing, Rooms};
use crate::store::Store;

/// The pause after a first failure; each further one is twice as long. A ring lasts 45 s.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: what tells of a missed call is not in a hurry.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

pub(super) struct Courier {
    pub store: Store,
    pub outgoing: Arc<Outgoing>,
    pub vapid: Vapid,
    pub people: Rooms<UserId>,
}

/// That a ring is over.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub message: Message,
    pub deadline: Instant,
    /// Whose devices know already.
    pub except: BTreeSet<LoginId>,
}

/// What came of an attempt.
#[derive(Debug)]
enum Outcome {
    /// The push service has it, or will never take it.
    Done,
    /// Perhaps later; not before so long, if it said so.
    Later(Option<Duration>),
    /// There is no such subscription any more.
    Gone,
}

/// What a device may have been told in the end.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Nothing was sent.
    Nothing,
    /// Something was; whether it has arrived is not for us to know.
    Something,
    /// Nobody is there any more.
    Gone,
}

impl Courier {
    /// The devices of somebody that can be woken.
    pub async fn subscribers(&self, user: UserId) -> Vec<Subscriber> {
        let kept = self
            .store
            .subscriptions(user)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!("push messages: subscriptions cannot be read: {error}");
                Vec::new()
            });
        let read = |kept| Subscriber::of(&self.outgoing, kept).ok();
        kept.iter().filter_map(read).collect()
    }

    /// Tells one device that it rings, and when that is over.
    pub async fn ring(
        &self,
        user: UserId,
        to: Subscriber,
        message: Message,
        deadline: Instant,
        mut ended: watch::Receiver<Option<End>>,
    ) {
        let mut ending = ended.clone();
        let is_over = async move { drop(ending.wait_for(Option::is_some).await) };
        let told = self.deliver(user, &to, &message, deadline, is_over).await;
        // An error: the end was waited for too long.
        let end = match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone(),
            Err(_) => None,
        };
        if let Some(end) = end
            && told == Told::Something
        {
            self.end(user, &to, &end).await;
        }
    }

    /// Tells one device that it does not ring any more, unless it knows.
    pub async fn end(&self, user: UserId, to: &Subscriber, end: &End) {
        if !end.except.contains(&to.login) {
            self.deliver(user, to, &end.message, end.deadline, pending())
                .await;
        }
    }

    /// Tries until it is there, or not worth it any more. `stop` holds between attempts: one that
    /// has begun is finished, or what is sent next could overtake it.
    async fn deliver(
        &self,
        user: UserId,
        to: &Subscriber,
        message: &Message,
        deadline: Instant,
        stop: impl Future<Output = ()>,
    ) -> Told {
        let mut stop = pin!(stop);
        let mut told = Told::Nothing;
        let mut pause = FIRST_PAUSE;
        loop {
            let place = tokio::select! {
                biased;
                () = &mut stop => return told,
                place = self.people.enter(user) => place,
            };
            let lifetime = deadline.saturating_duration_since(Instant::now());
            if lifetime.as_secs() == 0 {
                return told;
            }
            told = Told::Something;
            let asked = match self.attempt(to, message, lifetime).await {
                Outcome::Done => return told,
                Outcome::Gone => return Told::Gone,
                Outcome::Later(asked) => asked.unwrap_or_default(),
            };
            drop(place);
            let again = Instant::now() + asked.max(pause);
            if again >= deadline {
                return told;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
            tokio::select! {
                () = &mut stop => return told,
                () = sleep_until(again.into()) => {}
            }
        }
    }

    async fn attempt(&self, to: &Subscriber, message: &Message, lifetime: Duration) -> Outcome {
        let unix = clock::now().unix;
        let headers = message.headers(&to.endpoint, &self.vapid, lifetime, unix);
        let Some((headers, body)) = headers.zip(message.sealed_for(to)) else {
            tracing::error!("a push message cannot be made");
            return Outcome::Done;
        };
        let answer = self.outgoing.post(&to.endpoint, headers, body).await;
        let outcome = judge(&answer);
        match (&outcome, &answer) {
            (Outcome::Gone, _) => self.forget(to).await,
            (_, Ok(answer)) if answer.status.is_success() => {}
            (_, Ok(Answer { status, text, .. })) => {
                tracing::warn!("push messages: {to:?}: {status} {text:?}");
            }
            (_, Err(error)) => tracing::warn!("push messages: {to:?}: {error}"),
        }
        outcome
    }

    async fn forget(&self, gone: &Subscriber) {
        let endpoint = gone.endpoint.as_str();
        if let Err(error) = self.store.drop_subscription(endpoint).await {
            tracing::warn!("push messages: a subscription cannot be dropped: {error}");
        }
    }
}

/// What an answer means (RFC 8030, sections 5 and 8.4).
fn judge(answer: &Result<Answer, NoAnswer>) -> Outcome {
    match answer {
        Ok(answer) => match answer.status.as_u16() {
            404 | 410 => Outcome::Gone,
            429 | 500.. => Outcome::Later(answer.retry_after),
            _ => Outcome::Done,
        },
        Err(NoAnswer::Refused(_)) => Outcome::Done,
        Err(NoAnswer::TimedOut | NoAnswer::NotReached(_)) => Outcome::Later(None),
    }
}
