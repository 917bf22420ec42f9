//! What was said in a call, as far as it is kept for people who reload.

use std::collections::VecDeque;

use protocol::limits;
use protocol::message::ChatFrom;

/// The last messages of a call, bounded in number and in bytes.
#[derive(Debug, Default)]
pub(crate) struct ChatLog {
    messages: VecDeque<ChatFrom>,
    bytes: usize,
}

impl ChatLog {
    /// Keeps a message; `false` if one with its id is there already.
    #[must_use]
    pub(crate) fn push(&mut self, message: ChatFrom) -> bool {
        if self
            .messages
            .iter()
            .any(|old| old.chat.chat == message.chat.chat)
        {
            return false;
        }
        self.bytes += message.chat.body.len();
        self.messages.push_back(message);
        while self.messages.len() > limits::CHAT_BACKLOG || self.bytes > limits::CHAT_BACKLOG_BYTES
        {
            let Some(oldest) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= oldest.chat.body.len();
        }
        true
    }

    pub(crate) fn messages(&self) -> Vec<ChatFrom> {
        self.messages.iter().cloned().collect()
    }
}
