//! Every order of events in a small world, to a bounded depth.
//!
//! The search goes depth first over copies of a [`World`], and does not go on from a state it has
//! been in with as many steps left. Every new state is also brought to rest in two ways: everybody
//! comes back and reads everything, and everybody goes; see [`crate::rules`].
//!
//! # Which states are one
//!
//! Two states with the same [fingerprint](crate::fingerprint) are one. It is of all that decides
//! about what happens next or what the rules still look at, so that whatever breaks a rule from one
//! of them breaks it from the other.
//!
//! - Times are relative to now, and nothing asks for the time itself.
//! - Ids that the server draws are named by their cause (the n-th connection of a device, a request
//!   of it), and not by how many were drawn before: the order of what is independent leaves no trace.
//!   What was counted, and what could be drawn later, is left out.
//!
//! # Which steps are not tried
//!
//! A world may leave out events of which it knows that nothing is lost; see [`crate::node`].

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use crate::stage::Event;

/// Something that moves on by events.
pub trait World: Clone {
    /// Equal for states that behave the same.
    fn fingerprint(&self) -> u128;
    /// Everything that can happen now and is worth trying.
    fn events(&self) -> Vec<Event>;
    /// Makes something happen. Panics where a rule is broken.
    fn apply(&mut self, event: &Event);
    /// A step in words.
    fn tell(&self, event: &Event) -> String;
    /// Everybody comes back and reads everything. Panics if they do not agree then.
    fn gather(&mut self);
    /// Nothing more is done by those who came back, then everybody goes. Panics if anything stays.
    fn end(&mut self);
    /// Everybody goes at once. Panics if anything stays.
    fn abandon(&mut self);
}

/// What an exploration came to.
#[derive(Debug, Default)]
pub struct Report {
    /// So many steps.
    pub depth: usize,
    /// States that differ.
    pub states: u64,
    /// Events that were tried.
    pub transitions: u64,
    /// States from which nothing more can happen in this scenario.
    pub ends: u64,
    /// What went wrong, if something did.
    pub violation: Option<Violation>,
}

/// How a rule was broken.
#[derive(Debug)]
pub struct Violation {
    /// Which rule.
    pub rule: String,
    /// The steps that led there, as text.
    pub steps: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            depth,
            states,
            transitions,
            ends,
            violation,
        } = self;
        write!(
            f,
            "depth {depth}, {states} states, {transitions} transitions, {ends} ends, "
        )?;
        let Some(violation) = violation else {
            return write!(f, "no violation");
        };
        write!(f, "BROKEN: {}", violation.rule)?;
        for (number, step) in violation.steps.iter().enumerate() {
            write!(f, "\n  {}. {step}", number + 1)?;
        }
        Ok(())
    }
}

/// Tries everything that can happen from a start on within so many steps.
pub fn explore<W: World>(start: impl Fn() -> W, depth: usize) -> Report {
    let report = search(&start, depth);
    if report.violation.is_none() {
        return report;
    }
    // The shortest way there.
    let shorter = (0..depth).map(|depth| search(&start, depth));
    let first = shorter
        .into_iter()
        .find(|report| report.violation.is_some());
    Report {
        violation: first.and_then(|first| first.violation).or(report.violation),
        ..report
    }
}

/// Does one piece of work after the other, on two threads: one for each core of the smallest
/// machine in use.
pub fn on_two_threads<T: Send>(work: impl Iterator<Item = T> + Send, each: impl Fn(T) + Sync) {
    let work = Mutex::new(work);
    let next = || work.lock().expect("nobody panics with it").next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(piece) = next() {
                    each(piece);
                }
            });
        }
    });
}

fn search<W: World>(start: &impl Fn() -> W, depth: usize) -> Report {
    let mut search = Search {
        seen: HashMap::default(),
        gathered: HashSet::default(),
        path: Vec::new(),
        report: Report {
            depth,
            ..Report::default()
        },
    };
    match catch_unwind(AssertUnwindSafe(start)) {
        Ok(world) => drop(search.visit(&world, depth)),
        Err(panic) => {
            search.report.violation = Some(Violation {
                rule: words_of(&*panic),
                steps: Vec::new(),
            });
        }
    }
    search.report
}

struct Search {
    /// States, and how many steps were left in them.
    seen: HashMap<u128, usize, BuildHasherDefault<Itself>>,
    /// States in which everybody was back, and had read everything.
    gathered: HashSet<u128, BuildHasherDefault<Itself>>,
    path: Vec<Event>,
    report: Report,
}

impl Search {
    /// `false`: a rule is broken, and the search is over.
    fn visit<W: World>(&mut self, world: &W, left: usize) -> bool {
        let state = world.fingerprint();
        let known = self.seen.insert(state, left);
        if known.is_none() {
            self.report.states += 1;
            if !self.comes_to_rest(world) {
                return false;
            }
        } else if let Some(known) = known.filter(|known| *known >= left) {
            self.seen.insert(state, known);
            return true;
        }
        let events = world.events();
        if events.is_empty() {
            self.report.ends += 1;
        }
        if left == 0 {
            return true;
        }
        for event in events {
            self.report.transitions += 1;
            let mut next = world.clone();
            self.path.push(event.clone());
            if !self.holds(world, || next.apply(&event)) || !self.visit(&next, left - 1) {
                return false;
            }
            self.path.pop();
        }
        true
    }

    /// What has to be so from every state on.
    fn comes_to_rest<W: World>(&mut self, world: &W) -> bool {
        let (mut all_go, mut all_come) = (world.clone(), world.clone());
        if !self.holds(world, || all_go.abandon()) || !self.holds(world, || all_come.gather()) {
            return false;
        }
        // Many states lead to few in which everybody is back.
        if !self.gathered.insert(all_come.fingerprint()) {
            return true;
        }
        self.holds(world, || all_come.end())
    }

    fn holds<W: World>(&mut self, world: &W, what: impl FnOnce()) -> bool {
        let Err(panic) = catch_unwind(AssertUnwindSafe(what)) else {
            return true;
        };
        let steps = self.path.iter().map(|event| world.tell(event));
        self.report.violation = Some(Violation {
            rule: words_of(&*panic),
            steps: steps.collect(),
        });
        false
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "a panic without words".to_owned(),
    }
}

/// Fingerprints are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are numbers");
    }

    fn write_u128(&mut self, n: u128) {
        self.0 = n as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
