//! Words that stand in tables.

use exchange::records::RingOutcome;
use protocol::message::EndReason;

use super::row::Column;
use super::{Error, Row};

/// How a ring ended.
pub fn of_outcome(outcome: RingOutcome) -> &'static str {
    match outcome {
        RingOutcome::Accepted => "accepted",
        RingOutcome::Declined => "declined",
        RingOutcome::Busy => "busy",
        RingOutcome::DoNotDisturb => "do_not_disturb",
        RingOutcome::NoAnswer => "no_answer",
        RingOutcome::Cancelled => "cancelled",
    }
}

/// Reads it back from a column.
pub struct Outcome(pub RingOutcome);

impl Column for Outcome {
    type Raw = String;

    fn raw(row: &Row, column: &str) -> Result<Option<String>, Error> {
        String::raw(row, column)
    }

    fn of(word: String) -> Result<Self, String> {
        Ok(Outcome(match word.as_str() {
            "accepted" => RingOutcome::Accepted,
            "declined" => RingOutcome::Declined,
            "busy" => RingOutcome::Busy,
            "do_not_disturb" => RingOutcome::DoNotDisturb,
            "no_answer" => RingOutcome::NoAnswer,
            "cancelled" => RingOutcome::Cancelled,
            _ => return Err("no outcome of a ring".to_owned()),
        }))
    }
}

/// Why a call ended, as clients are told.
pub fn of_reason(reason: EndReason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(), // It is always a word.
    }
}
