//! Complete call set-ups: as many as the server manages, or at a pace.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::calls::{Calls, Step};
use super::crowd::Crowd;
use super::report::{Latency, Report, SetUps};
use super::{Event, Plan, Trouble, open_all};
use crate::bench::histogram::Histogram;
use crate::bench::process::Process;

/// How fast calls are begun.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many are being set up at any time.
    AtATime(usize),
    /// So many are begun each second, whatever becomes of them.
    PerSecond(f64),
}

/// The time before the measurement begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// A pair rests until so long after its last call has begun: more than a client may send would only
/// make the server read from it more slowly.
const REST: Duration = Duration::from_millis(600);

/// Sets up calls for so long, ends each once it is active, and counts.
pub fn setups(plan: &Plan, pace: Pace, span: Duration) -> Result<Report, Trouble> {
    let mut crowd = Crowd::new(plan, plan.clients)?;
    open_all(&mut crowd)?;
    let mut run = Run {
        calls: Calls::new(plan, plan.clients),
        resting: (0..plan.clients / 2).collect(),
        crowd,
        going_on: 0,
        durations: Histogram::default(),
        done: 0,
        held_back: 0,
        begun: 0,
        busy: Duration::ZERO,
    };
    run.for_so_long(pace, WARM_UP)?;
    let process = plan.pid.map(Process::find).transpose()?;
    let cpu = process.map(|process| process.cpu()).transpose()?;
    run.forget();
    let begun = Instant::now();
    run.for_so_long(pace, span)?;
    let elapsed = begun.elapsed();
    let used = match (process, cpu) {
        (Some(process), Some(before)) => Some(process.cpu()?.saturating_sub(before)),
        _ => None,
    };
    Ok(Report::SetUps(SetUps {
        by_ring: !plan.members.is_empty(),
        clients: plan.clients,
        description: plan.description,
        due: run.begun + run.held_back,
        done: run.done,
        per_second: run.done as f64 / elapsed.as_secs_f64(),
        duration: Latency::of(&run.durations),
        message: Latency::of(&run.calls.latencies),
        cpu: used.map(|used| used.as_secs_f64() / elapsed.as_secs_f64()),
        cpu_each: used.map(|used| used.div_f64(run.done.max(1) as f64)),
        busy: run.busy.as_secs_f64() / elapsed.as_secs_f64(),
    }))
}

struct Run {
    crowd: Crowd,
    calls: Calls,
    /// Pairs without a call, the longest rested in front.
    resting: VecDeque<usize>,
    going_on: usize,
    /// From the caller's `join` to the end for both.
    durations: Histogram,
    begun: u64,
    done: u64,
    /// Calls that were due when no pair had rested enough.
    held_back: u64,
    /// How long the generator itself had something to do.
    busy: Duration,
}

impl Run {
    fn forget(&mut self) {
        self.durations = Histogram::default();
        self.calls.latencies = Histogram::default();
        (self.begun, self.done, self.held_back) = (0, 0, 0);
        self.busy = Duration::ZERO;
    }

    fn for_so_long(&mut self, pace: Pace, span: Duration) -> Result<(), Trouble> {
        let from = Instant::now();
        let mut due = 0;
        let mut looked = from;
        while looked.duration_since(from) < span {
            let begun = self.begun;
            match pace {
                Pace::AtATime(most) => while self.going_on < most && self.begin()? {},
                Pace::PerSecond(rate) => {
                    let now_due = (from.elapsed().as_secs_f64() * rate) as u64;
                    for _ in due..now_due {
                        self.held_back += u64::from(!self.begin()?);
                    }
                    due = now_due;
                }
            }
            // A sleeper's wake-up would count as the server's latency.
            let attended = self.crowd.poll(Duration::ZERO)?;
            self.hear()?;
            let now = Instant::now();
            if attended > 0 || self.begun > begun {
                self.busy += now - looked;
            }
            looked = now;
        }
        Ok(())
    }

    /// Begins a call, if a pair has rested enough.
    fn begin(&mut self) -> Result<bool, Trouble> {
        let Some(pair) = self.resting.front().copied() else {
            return Ok(false);
        };
        if self.calls.pair(pair).begun.elapsed() < REST {
            return Ok(false);
        }
        self.resting.pop_front();
        self.calls.begin(&mut self.crowd, pair)?;
        self.going_on += 1;
        self.begun += 1;
        Ok(true)
    }

    fn hear(&mut self) -> Result<(), Trouble> {
        while let Some((client, event)) = self.crowd.next_event() {
            match event {
                Event::Heard(note) => match self.calls.hear(&mut self.crowd, client, &note)? {
                    Step::None => {}
                    Step::Active(pair) => self.calls.hang_up(&mut self.crowd, pair)?,
                    Step::Over(pair) => self.over(pair),
                },
                Event::Lost(why) => return Err(Trouble::Ended(why)),
                Event::Opened | Event::Resumed | Event::Reset(_) => {}
            }
        }
        Ok(())
    }

    fn over(&mut self, pair: usize) {
        let took = self.calls.pair(pair).begun.elapsed();
        self.durations.add(took.as_nanos() as u64);
        self.done += 1;
        self.going_on -= 1;
        self.resting.push_back(pair);
    }
}
