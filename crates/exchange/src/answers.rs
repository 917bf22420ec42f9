//! Answers a session remembers, so that a repeated request is answered and not done twice.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::id::CallId;
use protocol::limits;
use protocol::message::ServerMessage;
use protocol::text::Token;
use protocol::time::Tick;

/// Whether a request was seen before.
#[derive(Debug)]
pub(crate) enum Seen {
    /// No: do it.
    New,
    /// Yes, and its answer is still to come.
    Pending,
    /// Yes, and this was the answer.
    Answered(Box<ServerMessage>),
    /// Yes, it joined this call.
    Joined(CallId),
}

/// What is kept of an answer. A `joined` is not: it may be large, and what it said may be wrong
/// by the time it is asked for again.
#[derive(Clone, Debug, Hash)]
enum Kept {
    Pending,
    Answer(Box<ServerMessage>),
    Joined(CallId),
}

/// Requests of the last 60 seconds, at most 256.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Answers {
    by_id: BTreeMap<Token, Kept>,
    order: VecDeque<(Tick, Token)>,
}

impl Answers {
    /// Notes a request and says whether it is new.
    pub(crate) fn begin(&mut self, now: Tick, id: &Token) -> Seen {
        self.forget_old(now);
        match self.by_id.get(id) {
            Some(Kept::Answer(answer)) => Seen::Answered(answer.clone()),
            Some(Kept::Joined(call)) => Seen::Joined(*call),
            Some(Kept::Pending) => Seen::Pending,
            None => {
                self.by_id.insert(id.clone(), Kept::Pending);
                self.order.push_back((now, id.clone()));
                Seen::New
            }
        }
    }

    /// Remembers the answer to a request.
    pub(crate) fn finish(&mut self, id: &Token, answer: &ServerMessage) {
        if let Some(slot) = self.by_id.get_mut(id) {
            *slot = match answer {
                ServerMessage::Joined(joined) => Kept::Joined(joined.call),
                other => Kept::Answer(Box::new(other.clone())),
            };
        }
    }

    fn forget_old(&mut self, now: Tick) {
        let keep = Duration::from_millis(limits::ANSWER_MS);
        while let Some((at, id)) = self.order.front()
            && (now - *at >= keep || self.order.len() >= limits::ANSWERS)
        {
            self.by_id.remove(id);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::message::Done;

    fn token(text: impl ToString) -> Token {
        Token::try_from(text.to_string()).unwrap()
    }

    #[test]
    fn a_repeat_gets_the_same_answer_for_a_minute() {
        let mut answers = Answers::default();
        let start = Tick::default();
        assert!(matches!(answers.begin(start, &token("a")), Seen::New));
        assert!(matches!(answers.begin(start, &token("a")), Seen::Pending));
        answers.finish(&token("a"), &Done {}.into());
        let later = start + Duration::from_secs(59);
        assert!(matches!(
            answers.begin(later, &token("a")),
            Seen::Answered(_)
        ));
        let much_later = start + Duration::from_secs(60);
        assert!(matches!(answers.begin(much_later, &token("a")), Seen::New));
    }

    #[test]
    fn a_flood_of_requests_takes_bounded_memory() {
        let mut answers = Answers::default();
        for n in 0..10_000 {
            let _ = answers.begin(Tick::default(), &token(n));
        }
        assert!(answers.by_id.len() <= limits::ANSWERS);
        assert_eq!(answers.by_id.len(), answers.order.len());
    }
}
