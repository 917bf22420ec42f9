//! What webhooks are told of.

use exchange::records::{Record, RingOutcome};
use protocol::id::{CallId, RingId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Something that happens in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum EventKind {
    /// Somebody opened a call.
    #[serde(rename = "call.started")]
    Started,
    /// A device of somebody who is called rings.
    #[serde(rename = "call.ringing")]
    Ringing,
    /// Somebody answered.
    #[serde(rename = "call.answered")]
    Answered,
    /// Nobody sits in the call any more.
    #[serde(rename = "call.ended")]
    Ended,
    /// Somebody was called and did not answer.
    #[serde(rename = "call.missed")]
    Missed,
    /// Somebody was called and did not want to talk.
    #[serde(rename = "call.declined")]
    Declined,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A call.
    Call(CallId),
    /// A ring.
    Ring(RingId),
}

impl Subject {
    /// Whether it is a ring.
    pub fn is_ring(&self) -> bool {
        matches!(self, Subject::Ring(_))
    }

    /// Its id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Subject::Call(call) => call.as_bytes(),
            Subject::Ring(ring) => ring.as_bytes(),
        }
    }
}

impl EventKind {
    /// All of them.
    pub const ALL: [EventKind; 6] = [
        EventKind::Started,
        EventKind::Ringing,
        EventKind::Answered,
        EventKind::Ended,
        EventKind::Missed,
        EventKind::Declined,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Started => "call.started",
            EventKind::Ringing => "call.ringing",
            EventKind::Answered => "call.answered",
            EventKind::Ended => "call.ended",
            EventKind::Missed => "call.missed",
            EventKind::Declined => "call.declined",
        }
    }

    /// Reads what [`EventKind::as_str`] writes.
    pub fn of(text: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// What a record is news of.
    pub fn of_record(record: &Record) -> Option<(EventKind, Subject)> {
        Some(match record {
            Record::CallOpened { call, .. } => (EventKind::Started, Subject::Call(*call)),
            Record::CallEnded { call, .. } => (EventKind::Ended, Subject::Call(*call)),
            Record::Ringing { ring } => (EventKind::Ringing, Subject::Ring(*ring)),
            Record::RingEnded { ring, outcome } => match outcome {
                RingOutcome::Accepted => (EventKind::Answered, Subject::Ring(*ring)),
                RingOutcome::Busy
                | RingOutcome::DoNotDisturb
                | RingOutcome::NoAnswer
                | RingOutcome::Cancelled => (EventKind::Missed, Subject::Ring(*ring)),
                RingOutcome::Declined => (EventKind::Declined, Subject::Ring(*ring)),
            },
            _ => return None,
        })
    }
}

/// What is delivered, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Event {
    /// The same in every delivery of this event: a receiver that has seen it is done.
    pub id: String,
    /// What happened.
    pub event: EventKind,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The call.
    #[schema(value_type = String)]
    pub call: CallId,
    /// The ring, of those that are about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ring: Option<RingId>,
    /// Whether it is a call with video, of those that are about a ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<bool>,
    /// Why it ended (`call.ended`), or why nobody answered (`call.missed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long media could flow (`call.ended`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Who is in it.
    pub people: Vec<Someone>,
}

/// Somebody an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Someone {
    /// The account; guests have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// The name others see.
    pub name: String,
    /// What they have to do with it.
    pub role: Part,
}

/// What somebody has to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// They call.
    Caller,
    /// They are called.
    Callee,
    /// They sit, or sat, in the call.
    Participant,
}

/// The id of an event: made from what it is, so that it is the same whenever it is asked for.
pub fn event_id(event: EventKind, subject: &[u8], at_ms: u64) -> String {
    let digest = Sha256::new()
        .chain_update(event.as_str())
        .chain_update(subject)
        .chain_update(at_ms.to_be_bytes())
        .finalize();
    URL_SAFE_NO_PAD.encode(&digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_and_is_written_the_same_in_json() {
        for event in EventKind::ALL {
            assert_eq!(EventKind::of(event.as_str()), Some(event));
            let json = serde_json::to_value(event).unwrap();
            assert_eq!(json, event.as_str());
        }
        assert_eq!(EventKind::of("call"), None);
    }

    #[test]
    fn who_declined_has_not_missed_the_call() {
        let ring = RingId::from_bytes([1; 16]);
        let of = |outcome| EventKind::of_record(&Record::RingEnded { ring, outcome });
        let declined = of(RingOutcome::Declined);
        assert_eq!(declined, Some((EventKind::Declined, Subject::Ring(ring))));
        for missed in [
            RingOutcome::Busy,
            RingOutcome::DoNotDisturb,
            RingOutcome::NoAnswer,
            RingOutcome::Cancelled,
        ] {
            assert_eq!(of(missed), Some((EventKind::Missed, Subject::Ring(ring))));
        }
        let answered = of(RingOutcome::Accepted);
        assert_eq!(answered, Some((EventKind::Answered, Subject::Ring(ring))));
    }

    #[test]
    fn events_differ_in_their_ids() {
        let ids = [
            event_id(EventKind::Started, &[1; 16], 5),
            event_id(EventKind::Ended, &[1; 16], 5),
            event_id(EventKind::Ended, &[2; 16], 5),
            event_id(EventKind::Ended, &[2; 16], 6),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        assert_eq!(ids[0], event_id(EventKind::Started, &[1; 16], 5));
    }
}
