//! All connections break at once while the server lives: every session is to go on, and nothing
//! that was said may be missing or come twice.

use std::time::{Duration, Instant};

use super::calls::Calls;
use super::crowd::Crowd;
use super::report::{Latency, Report, Storm};
use super::{Event, LOOK, Note, Plan, Trouble, Watch, open_all};
use crate::bench::histogram::Histogram;
use crate::bench::process::Process;

/// What every client says to its peer: the first just before its connection breaks, so that nobody
/// knows how far it came, the second while it has none.
const SAID: u64 = 2;
/// How long it is looked whether anything comes a second time.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Lets all clients call each other in pairs, cuts all connections, and lets everybody come back at
/// the same time.
pub fn resume_storm(plan: &Plan) -> Result<Report, Trouble> {
    let mut crowd = Crowd::new(plan, plan.clients)?;
    open_all(&mut crowd)?;
    let mut calls = Calls::new(plan, plan.clients);
    calls.begin_all(&mut crowd)?;
    let process = plan.pid.map(Process::find).transpose()?;
    let cpu = process.map(|process| process.cpu()).transpose()?;
    let mut storm = Resuming::cut(crowd, calls)?;
    storm.weather()?;
    let elapsed = storm.begun.elapsed();
    let used = match (process, cpu) {
        (Some(process), Some(before)) => Some(process.cpu()?.saturating_sub(before)),
        _ => None,
    };
    storm.look_on(AFTERWARDS)?;
    let [lost, doubled] = storm.faults();
    Ok(Report::Storm(Storm {
        sessions: plan.clients,
        kept: storm.resumed.iter().filter(|resumed| **resumed).count(),
        elapsed,
        each: Latency::of(&storm.durations),
        down: None,
        expected: SAID * plan.clients as u64,
        lost,
        doubled,
        again: storm.again,
        cpu: used,
    }))
}

struct Resuming {
    crowd: Crowd,
    calls: Calls,
    begun: Instant,
    resumed: Vec<bool>,
    /// How many of the peer's words each client has heard, in their order.
    heard: Vec<u64>,
    done: Vec<bool>,
    durations: Histogram,
    out_of_order: u64,
    /// Connections that broke again.
    again: usize,
}

impl Resuming {
    fn cut(mut crowd: Crowd, mut calls: Calls) -> Result<Resuming, Trouble> {
        let clients = crowd.len();
        for client in 0..clients {
            calls.say(&mut crowd, client, 1)?;
        }
        let begun = Instant::now();
        for client in 0..clients {
            crowd.cut(client)?;
        }
        for client in 0..clients {
            calls.say(&mut crowd, client, 2)?;
            crowd.connect(client)?;
        }
        Ok(Resuming {
            crowd,
            calls,
            begun,
            resumed: vec![false; clients],
            heard: vec![0; clients],
            done: vec![false; clients],
            durations: Histogram::default(),
            out_of_order: 0,
            again: 0,
        })
    }

    fn weather(&mut self) -> Result<(), Trouble> {
        let clients = self.crowd.len();
        let mut watch = Watch::new("sessions go on", clients);
        let mut done = 0;
        while !watch.is_over(done)? {
            done += self.hear()?;
        }
        Ok(())
    }

    fn look_on(&mut self, span: Duration) -> Result<(), Trouble> {
        let begun = Instant::now();
        while begun.elapsed() < span {
            self.hear()?;
        }
        Ok(())
    }

    /// Takes in what happens; gives how many clients have got all of theirs now.
    fn hear(&mut self) -> Result<usize, Trouble> {
        self.crowd.poll(LOOK)?;
        let mut done = 0;
        while let Some((client, event)) = self.crowd.next_event() {
            match event {
                Event::Resumed => {
                    self.resumed[client] = true;
                    self.crowd.repeat(client)?;
                }
                Event::Heard(note) => self.take(client, &note)?,
                Event::Lost(_) => {
                    self.again += 1;
                    self.crowd.connect(client)?;
                }
                Event::Opened | Event::Reset(_) => {
                    return Err(Trouble::Refused("to let a session go on".to_owned()));
                }
            }
            let complete = self.heard[client] == SAID && self.crowd.is_answered(client);
            if complete && self.resumed[client] && !self.done[client] {
                self.done[client] = true;
                self.durations.add(self.begun.elapsed().as_nanos() as u64);
                done += 1;
            }
        }
        Ok(done)
    }

    fn take(&mut self, client: usize, note: &Note) -> Result<(), Trouble> {
        self.calls.hear(&mut self.crowd, client, note)?;
        let number = note.stamp.map(|stamp| stamp.number);
        match number.filter(|number| *number > 0) {
            None => {}
            Some(number) if number == self.heard[client] + 1 => self.heard[client] = number,
            Some(_) => self.out_of_order += 1,
        }
        Ok(())
    }

    /// What is missing, by number or by content, and what came again.
    fn faults(&self) -> [u64; 2] {
        let sequences = (0..self.crowd.len()).map(|client| self.crowd.sequence(client));
        let (mut lost, mut doubled) = (0, self.out_of_order);
        for (sequence, heard) in sequences.zip(&self.heard) {
            lost += sequence.lost + (SAID - heard);
            doubled += sequence.doubled;
        }
        [lost, doubled]
    }
}
