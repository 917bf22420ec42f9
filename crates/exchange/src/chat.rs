//! What was said in a call, as far as it is kept for people who reload.

use std::collections::VecDeque;

use protocol::frame;
use protocol::id::ChatId;
use protocol::limits;
use protocol::message::ChatFrom;

/// The last messages of a call, bounded in number and in bytes.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct ChatLog {
    messages: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Clone, Debug, Hash)]
struct Kept {
    message: ChatFrom,
    /// What it takes on the wire: a body may grow sixfold when its characters are escaped.
    bytes: usize,
}

impl ChatLog {
    /// Keeps a message; `false` if one with its id is there already.
    pub(crate) fn push(&mut self, message: ChatFrom) -> bool {
        if self.contains(message.chat.chat) {
            return false;
        }
        let bytes = frame::encode(None, None, &message.clone().into()).len();
        self.bytes += bytes;
        self.messages.push_back(Kept { message, bytes });
        while self.is_too_large()
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
        true
    }

    /// Whether a message is kept already.
    pub(crate) fn contains(&self, id: ChatId) -> bool {
        self.messages.iter().any(|old| old.message.chat.chat == id)
    }

    /// The newest is kept whatever it takes, so that its repeat is recognised.
    fn is_too_large(&self) -> bool {
        let count = self.messages.len();
        count > limits::CHAT_BACKLOG || (count > 1 && self.bytes > limits::CHAT_BACKLOG_BYTES)
    }

    pub(crate) fn messages(&self) -> Vec<ChatFrom> {
        self.messages
            .iter()
            .map(|kept| kept.message.clone())
            .collect()
    }
}
