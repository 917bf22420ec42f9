//! What passes between the two ends of a connection, and what becomes of it.

use protocol::id::{ConnectionId, ParticipantId};
use protocol::message::*;

use super::seats::{Presence, Seat};
use super::{Call, CallOutput, Context, error};
use crate::connection::{Connection, Step};
use crate::records::Record;

impl Call {
    /// Opens a new connection between `me`, who came last, and whoever is there.
    pub(super) fn connect(&mut self, me: ParticipantId, cx: &mut Context<'_>) {
        self.drop_connection(cx);
        // Without their connection nothing keeps the seats of those who are gone.
        self.drop_seats(|seat| seat.presence == Presence::Gone, cx);
        // Whoever is awaited after a restart connects when they come.
        let other = |seat: &&Seat| seat.participant != me && seat.presence != Presence::Awaited;
        let Some(peer) = self.seats.iter().find(other).map(|seat| seat.participant) else {
            return;
        };
        let id = ConnectionId::from_bytes(cx.ids.fresh());
        let connection = Connection::new(id, me, peer);
        let opened = self.opened_for(&connection, peer, cx);
        self.hold(connection, cx);
        self.tell(peer, opened.into(), cx);
    }

    /// Makes it the connection of this call, with its deadlines.
    pub(super) fn hold(&mut self, connection: Connection, cx: &mut Context<'_>) {
        self.start_timer(&connection, cx);
        self.schedule_renewal(cx);
        self.connection = Some(connection);
    }

    pub(super) fn drop_connection(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = self.connection.take() {
            cx.out
                .push(CallOutput::ConnectionTimer(connection.id, None));
            cx.out.push(CallOutput::RenewTimer(None));
        }
    }

    pub(super) fn describe(
        &mut self,
        me: ParticipantId,
        description: Description,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(description.connection, description.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        debug_assert!(connection.joins(me));
        let from = me;
        let passed_on = DescriptionFrom { from, description };
        self.tell_others(me, Some(passed_on.into()), cx);
        Done {}.into()
    }

    pub(super) fn pass_candidates(
        &mut self,
        me: ParticipantId,
        candidates: Candidates,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(candidates.connection, candidates.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        if !connection.admit_candidates(me, candidates.candidates.len()) {
            return error(
                ErrorCode::Limit,
                "More candidates than a generation may have.",
            );
        }
        let from = me;
        let passed_on = CandidatesFrom { from, candidates };
        self.tell_others(me, Some(passed_on.into()), cx);
        Done {}.into()
    }

    pub(super) fn report(
        &mut self,
        me: ParticipantId,
        report: ConnectionReport,
        cx: &mut Context<'_>,
    ) -> ServerMessage {
        let connection = match self.live(report.connection, report.generation) {
            Ok(connection) => connection,
            Err(refused) => return *refused,
        };
        let step = connection.report(me, report.state);
        self.take_step(step, cx);
        Done {}.into()
    }

    pub(super) fn handle_deadline(&mut self, id: ConnectionId, cx: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|c| c.id == id) else {
            return;
        };
        let step = connection.handle_deadline();
        self.take_step(step, cx);
    }

    pub(super) fn take_step(&mut self, step: Step, cx: &mut Context<'_>) {
        let Some(connection) = &self.connection else {
            return;
        };
        match step {
            Step::Stay => {}
            Step::Changed => {
                if connection.is_up() {
                    cx.out.push(CallOutput::Connected);
                }
                self.start_timer(connection, cx);
                if connection.is_up() && !std::mem::replace(&mut self.connected, true) {
                    let call = self.id;
                    cx.out
                        .push(CallOutput::Record(Record::CallConnected { call }));
                }
            }
            Step::RetryRelayOnly => {
                self.start_timer(connection, cx);
                let restart = ConnectionRestart {
                    call: self.id,
                    connection: connection.id,
                    generation: connection.generation,
                };
                for seat in &self.seats {
                    self.tell(seat.participant, restart.into(), cx);
                }
            }
            Step::Failed(reason) => self.end(reason, None, cx),
        }
    }

    pub(super) fn start_timer(&self, connection: &Connection, cx: &mut Context<'_>) {
        let at = connection.deadline().map(|span| cx.now.tick + span);
        cx.out.push(CallOutput::ConnectionTimer(connection.id, at));
    }

    /// The connection with this id, if this generation may still pass.
    pub(super) fn live(
        &mut self,
        id: ConnectionId,
        generation: u32,
    ) -> Result<&mut Connection, Box<ServerMessage>> {
        let Some(connection) = self.connection.as_mut().filter(|c| c.id == id) else {
            let text = "That connection is closed.";
            return Err(Box::new(error(ErrorCode::Gone, text)));
        };
        if !connection.admit(generation) {
            let text = "A newer generation of that connection has begun.";
            return Err(Box::new(error(ErrorCode::Gone, text)));
        }
        Ok(connection)
    }
}
