//! What was sent to a client and not yet acknowledged, so that it can be sent again.

use std::collections::VecDeque;

use protocol::limits;

/// Frames by number, from 1, without gaps.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Outbox {
    frames: VecDeque<String>,
    bytes: usize,
    /// The number of the last frame that is no longer kept.
    before: u64,
}

impl Outbox {
    /// The number the next frame will have.
    pub(crate) fn next_seq(&self) -> u64 {
        self.before + self.frames.len() as u64 + 1
    }

    /// Keeps a frame. `false`: the client is too far behind, and nothing is kept any more.
    #[must_use]
    pub(crate) fn push(&mut self, frame: String) -> bool {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        let fits = self.frames.len() <= limits::OUTBOX_FRAMES && self.bytes <= limits::OUTBOX_BYTES;
        if !fits {
            self.forget_all();
        }
        fits
    }

    /// The client has everything up to `seq`.
    pub(crate) fn acknowledge(&mut self, seq: u64) {
        while self.before < seq {
            let Some(frame) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= frame.len();
            self.before += 1;
        }
    }

    /// The number of the newest frame.
    pub(crate) fn last_seq(&self) -> u64 {
        self.next_seq() - 1
    }

    /// Every frame after `seq`, in order; `None` if one of them is no longer kept or `seq` was
    /// never reached.
    pub(crate) fn after(&self, seq: u64) -> Option<impl Iterator<Item = &String>> {
        let skip = usize::try_from(seq.checked_sub(self.before)?).ok()?;
        (skip <= self.frames.len()).then(|| self.frames.iter().skip(skip))
    }

    fn forget_all(&mut self) {
        self.before = self.next_seq() - 1;
        self.frames.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u64) -> Outbox {
        let mut outbox = Outbox::default();
        for seq in 1..=count {
            assert_eq!(outbox.next_seq(), seq);
            assert!(outbox.push(seq.to_string()));
        }
        outbox
    }

    fn after(outbox: &Outbox, seq: u64) -> Option<Vec<&str>> {
        outbox
            .after(seq)
            .map(|frames| frames.map(String::as_str).collect())
    }

    #[test]
    fn what_was_not_acknowledged_is_kept_in_order() {
        let mut outbox = filled(4);
        outbox.acknowledge(2);
        assert_eq!(after(&outbox, 2), Some(vec!["3", "4"]));
        assert_eq!(after(&outbox, 4), Some(vec![]));
        assert_eq!(after(&outbox, 1), None, "2 is gone");
        assert_eq!(after(&outbox, 5), None, "5 was never sent");
    }

    #[test]
    fn a_lying_acknowledgement_does_no_harm() {
        let mut outbox = filled(2);
        outbox.acknowledge(u64::MAX);
        assert_eq!(outbox.next_seq(), 3);
        outbox.acknowledge(0);
        assert_eq!(after(&outbox, 2), Some(vec![]));
    }

    #[test]
    fn an_overflow_keeps_nothing_rather_than_a_part() {
        let mut outbox = filled(limits::OUTBOX_FRAMES as u64);
        assert!(!outbox.push("one too many".to_owned()));
        assert_eq!(after(&outbox, 0), None);
        assert_eq!(outbox.next_seq(), limits::OUTBOX_FRAMES as u64 + 2);
        assert!(!Outbox::default().push("x".repeat(limits::OUTBOX_BYTES + 1)));
    }
}
