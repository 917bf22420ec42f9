//! The state of one connection: what joins two participants and owns one peer connection.
//!
//! ```text
//!            both connected                 one reconnecting
//! Connecting ──────────────► Up ──────────────────────────► Reconnecting
//!     │ 20 s: relay only      ▲                                  │ │ 30 s
//!     │ 20 s: failed          └──────── both connected ──────────┘ ▼ lost
//! ```

use std::time::Duration;

use protocol::id::{ConnectionId, ParticipantId};
use protocol::limits;
use protocol::message::{AnnouncedConnection, ConnectionState, EndReason};

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Looking for a path. The first try is over any path, the second over the relay only.
    Connecting { second_try: bool },
    /// Both ends said that media can flow.
    Up,
    /// It was up, and an end lost the path.
    Reconnecting,
}

/// What follows from a report or a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Stay,
    /// The phase changed: its deadline is another one now, see [`Connection::deadline`].
    Changed,
    /// Both ends are to start a new generation, relay only.
    RetryRelayOnly,
    /// It is over.
    Failed(EndReason),
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    /// The newest generation anybody has begun.
    pub(crate) generation: u32,
    pub(crate) phase: Phase,
    polite: End,
    impolite: End,
}

/// One participant's end.
#[derive(Clone, Debug, Hash)]
struct End {
    participant: ParticipantId,
    state: ConnectionState,
    /// Candidates passed on in this generation.
    candidates: usize,
}

impl End {
    fn new(participant: ParticipantId, state: ConnectionState) -> End {
        End {
            participant,
            state,
            candidates: 0,
        }
    }
}

impl Connection {
    /// A connection that is to be negotiated from the start.
    pub(crate) fn new(
        id: ConnectionId,
        polite: ParticipantId,
        impolite: ParticipantId,
    ) -> Connection {
        Connection {
            id,
            generation: 0,
            phase: Phase::Connecting { second_try: false },
            polite: End::new(polite, ConnectionState::Connecting),
            impolite: End::new(impolite, ConnectionState::Connecting),
        }
    }

    /// A connection that lived on in `by`'s client while the server was away.
    pub(crate) fn adopted(by: ParticipantId, announced: &AnnouncedConnection) -> Connection {
        let (polite, impolite) = if announced.polite {
            (by, announced.peer)
        } else {
            (announced.peer, by)
        };
        let phase = if announced.state == ConnectionState::Connected {
            Phase::Up
        } else {
            Phase::Reconnecting
        };
        Connection {
            id: announced.connection,
            generation: announced.generation,
            phase,
            polite: End::new(polite, announced.state),
            impolite: End::new(impolite, announced.state),
        }
    }

    pub(crate) fn joins(&self, participant: ParticipantId) -> bool {
        self.polite.participant == participant || self.impolite.participant == participant
    }

    pub(crate) fn is_polite(&self, participant: ParticipantId) -> bool {
        self.polite.participant == participant
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// How long this phase may last; `None` for as long as it likes.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Connecting { .. } => Some(Duration::from_millis(limits::CONNECT_MS)),
            Phase::Reconnecting => Some(Duration::from_millis(limits::RECONNECT_MS)),
            Phase::Up => None,
        }
    }

    /// Whether something of this generation may pass. A newer one begins with the first message
    /// that names it.
    pub(crate) fn admit(&mut self, generation: u32) -> bool {
        if generation > self.generation {
            self.generation = generation;
            self.polite.candidates = 0;
            self.impolite.candidates = 0;
        }
        generation == self.generation
    }

    /// Whether `from` may pass on so many more candidates in this generation.
    pub(crate) fn admit_candidates(&mut self, from: ParticipantId, count: usize) -> bool {
        let end = self.end(from);
        let fits = end.candidates + count <= limits::CANDIDATES;
        if fits {
            end.candidates += count;
        }
        fits
    }

    /// One end says how the connection is.
    pub(crate) fn report(&mut self, from: ParticipantId, state: ConnectionState) -> Step {
        if self.phase == Phase::Up && state == ConnectionState::Connecting {
            // It is late, or an ICE restart has begun: the path in use is still there.
            return Step::Stay;
        }
        self.end(from).state = state;
        let both_connected = self.polite.state == ConnectionState::Connected
            && self.impolite.state == ConnectionState::Connected;
        match self.phase {
            Phase::Connecting { .. } | Phase::Reconnecting if both_connected => {
                self.enter(Phase::Up)
            }
            Phase::Up if state == ConnectionState::Reconnecting => self.enter(Phase::Reconnecting),
            _ => Step::Stay,
        }
    }

    /// The phase has lasted as long as it may.
    pub(crate) fn handle_deadline(&mut self) -> Step {
        match self.phase {
            Phase::Connecting { second_try: false } => {
                self.phase = Phase::Connecting { second_try: true };
                let next = self.generation.saturating_add(1);
                self.admit(next);
                Step::RetryRelayOnly
            }
            Phase::Connecting { second_try: true } => Step::Failed(EndReason::ConnectFailed),
            Phase::Reconnecting => Step::Failed(EndReason::ConnectionLost),
            Phase::Up => Step::Stay,
        }
    }

    fn enter(&mut self, phase: Phase) -> Step {
        self.phase = phase;
        Step::Changed
    }

    fn end(&mut self, participant: ParticipantId) -> &mut End {
        if self.is_polite(participant) {
            &mut self.polite
        } else {
            &mut self.impolite
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionState::{Connected, Connecting, Reconnecting};

    const ADA: ParticipantId = ParticipantId::from_bytes([1; 16]);
    const BEN: ParticipantId = ParticipantId::from_bytes([2; 16]);

    fn connection() -> Connection {
        Connection::new(ConnectionId::from_bytes([9; 16]), BEN, ADA)
    }

    #[test]
    fn it_is_up_when_both_ends_say_so() {
        let mut connection = connection();
        assert_eq!(connection.report(ADA, Connected), Step::Stay);
        assert_eq!(connection.report(ADA, Connected), Step::Stay);
        assert_eq!(connection.report(BEN, Connected), Step::Changed);
        assert!(connection.is_up());
        assert_eq!(connection.deadline(), None);
    }

    #[test]
    fn it_tries_twice_and_then_fails() {
        let mut connection = connection();
        assert_eq!(connection.handle_deadline(), Step::RetryRelayOnly);
        assert_eq!(connection.generation, 1);
        assert_eq!(
            connection.handle_deadline(),
            Step::Failed(EndReason::ConnectFailed)
        );
    }

    #[test]
    fn one_end_is_enough_to_lose_it_and_both_are_needed_to_have_it_back() {
        let mut connection = connection();
        let _ = connection.report(ADA, Connected);
        let _ = connection.report(BEN, Connected);
        assert_eq!(connection.report(BEN, Reconnecting), Step::Changed);
        assert_eq!(connection.report(ADA, Reconnecting), Step::Stay);
        assert_eq!(connection.report(BEN, Connected), Step::Stay);
        assert_eq!(connection.report(ADA, Connected), Step::Changed);
        let _ = connection.report(ADA, Reconnecting);
        assert_eq!(
            connection.handle_deadline(),
            Step::Failed(EndReason::ConnectionLost)
        );
    }

    #[test]
    fn a_late_connecting_does_not_take_it_down() {
        let mut connection = connection();
        let _ = connection.report(ADA, Connected);
        let _ = connection.report(BEN, Connected);
        assert_eq!(connection.report(BEN, Connecting), Step::Stay);
        assert!(connection.is_up());
        let _ = connection.report(ADA, Reconnecting);
        assert_eq!(connection.report(ADA, Connected), Step::Changed);
    }

    #[test]
    fn an_older_generation_does_not_pass_and_a_newer_one_starts_afresh() {
        let mut connection = connection();
        assert!(connection.admit_candidates(ADA, limits::CANDIDATES));
        assert!(!connection.admit_candidates(ADA, 1));
        assert!(connection.admit_candidates(BEN, 1));
        assert!(connection.admit(2));
        assert!(!connection.admit(1));
        assert!(connection.admit_candidates(ADA, 1));
    }
}
