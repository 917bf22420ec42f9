//! Whose turn it is.

use std::collections::{HashSet, VecDeque};

use mio::Token;

/// Sockets that may have more to read, the longest waiting first: mio tells of new datagrams once,
/// not of old ones. Each stands in it once, so that who sends the most gets no more turns than
/// others.
#[derive(Default)]
pub(super) struct Ready {
    queue: VecDeque<Token>,
    queued: HashSet<Token>,
}

impl Ready {
    pub(super) fn push(&mut self, token: Token) {
        if self.queued.insert(token) {
            self.queue.push_back(token);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Token> {
        let token = self.queue.pop_front()?;
        self.queued.remove(&token);
        Some(token)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_turn_in_a_round_however_often_it_was_told_of() {
        let mut ready = Ready::default();
        for token in [7, 7, 8, 7] {
            ready.push(Token(token));
        }
        assert_eq!(ready.len(), 2);
        assert_eq!(ready.pop(), Some(Token(7)));
        ready.push(Token(7));
        assert_eq!(ready.pop(), Some(Token(8)));
        assert_eq!(ready.pop(), Some(Token(7)));
        assert!(ready.is_empty());
        assert_eq!(ready.pop(), None);
    }
}
