//! The server is stopped and started again while everybody is in a call: every session is lost, and
//! every call is to go on in the seats and with the connection it had.

use std::time::Instant;

use protocol::message::ResetReason;

use super::calls::Calls;
use super::crowd::Crowd;
use super::report::{Latency, Report, Storm};
use super::{Event, LOOK, Note, Plan, Trouble, Watch, open_all};
use crate::bench::histogram::Histogram;

/// Lets all clients call each other in pairs; says so (`held` is called), and then sees everybody
/// through a restart of the server, which somebody else causes.
pub fn restart_storm(plan: &Plan, held: impl FnOnce()) -> Result<Report, Trouble> {
    let mut crowd = Crowd::new(plan, plan.clients)?;
    open_all(&mut crowd)?;
    let mut calls = Calls::new(plan, plan.clients);
    calls.begin_all(&mut crowd)?;
    let mut storm = Restarting {
        was_there: vec![false; crowd.len()],
        is_done: vec![false; crowd.len()],
        durations: Histogram::default(),
        first_loss: None,
        first_back: None,
        wrong: 0,
        heard: 0,
        losses: 0,
        crowd,
        calls,
    };
    held();
    storm.weather()?;
    storm.report(plan.clients)
}

struct Restarting {
    crowd: Crowd,
    calls: Calls,
    /// Who has been in the call again, and has the seat and the connection from before.
    was_there: Vec<bool>,
    is_done: Vec<bool>,
    durations: Histogram,
    first_loss: Option<Instant>,
    /// When the first client had a session again.
    first_back: Option<Instant>,
    /// Snapshots without the seat or the connection that was announced.
    wrong: u64,
    /// Descriptions that came through afterwards.
    heard: u64,
    losses: usize,
}

impl Restarting {
    fn weather(&mut self) -> Result<(), Trouble> {
        let mut watch = Watch::new("clients are in their calls again", self.crowd.len());
        while !watch.is_over(self.durations.len() as usize)? {
            self.hear()?;
        }
        // It is no use to be in a call in which nothing is passed on.
        for client in 0..self.crowd.len() {
            self.calls.say(&mut self.crowd, client, 1)?;
        }
        let mut watch = Watch::new("descriptions came through", self.crowd.len());
        while !watch.is_over(self.heard as usize)? {
            self.hear()?;
        }
        Ok(())
    }

    fn hear(&mut self) -> Result<(), Trouble> {
        self.crowd.poll(LOOK)?;
        while let Some((client, event)) = self.crowd.next_event() {
            match event {
                Event::Lost(_) => {
                    self.first_loss.get_or_insert_with(Instant::now);
                    self.losses += 1;
                    self.crowd.connect(client)?;
                }
                Event::Reset(ResetReason::NewEpoch) => {
                    self.first_back.get_or_insert_with(Instant::now);
                    self.was_there[client] = true;
                    self.crowd.forget_requests(client);
                    let join = self.calls.pair(client / 2).join_again(client % 2);
                    self.crowd.request(client, join)?;
                }
                // A connection that broke a second time.
                Event::Resumed => self.crowd.repeat(client)?,
                Event::Heard(note) => self.take(client, &note)?,
                Event::Opened | Event::Reset(_) => {
                    return Err(Trouble::Refused("to say that it is new".to_owned()));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, client: usize, note: &Note) -> Result<(), Trouble> {
        if let Some(refusal) = &note.refusal {
            return Err(Trouble::Refused(refusal.clone()));
        }
        if let Some(number) = note.stamp.map(|stamp| stamp.number) {
            self.heard += u64::from(number > 0);
        }
        if !self.was_there[client] || self.is_done[client] || note.kind != super::Kind::Joined {
            return Ok(());
        }
        self.is_done[client] = true;
        let pair = self.calls.pair(client / 2);
        let [mine, other] = [pair.seats[client % 2], pair.seats[1 - client % 2]];
        let opened = note.opened.map(|opened| (opened.connection, opened.peer));
        if note.you != mine || opened != pair.connection.zip(other) {
            self.wrong += 1;
        }
        let since = self.first_loss.map_or(0, |at| at.elapsed().as_nanos());
        self.durations.add(since as u64);
        Ok(())
    }

    fn report(&self, clients: usize) -> Result<Report, Trouble> {
        let sequences = (0..clients).map(|client| self.crowd.sequence(client));
        let (lost, doubled) = sequences.fold((0, 0), |(lost, doubled), sequence| {
            (lost + sequence.lost, doubled + sequence.doubled)
        });
        let down = self.first_loss.zip(self.first_back);
        Ok(Report::Storm(Storm {
            sessions: clients,
            kept: clients - self.wrong as usize,
            elapsed: self.durations.max(),
            each: Latency::of(&self.durations),
            down: down.map(|(lost, back)| back - lost),
            expected: clients as u64,
            lost,
            doubled,
            again: self.losses.saturating_sub(clients),
            cpu: None,
        }))
    }
}
