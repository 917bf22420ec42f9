//! Every order of events in a small world, to a bounded depth.
//!
//! The search goes depth first over values of [`Node`], and does not go on from a state it has
//! been in with as many steps left. Every new state is also brought to rest in two ways: everybody
//! comes back and reads everything, and everybody goes; see [`crate::rules`].

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scenarios::{Node, Scenario};
use crate::stage::Event;

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

/// Tries everything that can happen within so many steps.
pub fn explore(scenario: &Scenario, depth: usize) -> Report {
    let report = search(scenario, depth);
    if report.violation.is_none() {
        return report;
    }
    // The shortest way there.
    let shorter = (1..depth).map(|depth| search(scenario, depth));
    let first = shorter
        .into_iter()
        .find(|report| report.violation.is_some());
    Report {
        violation: first.and_then(|first| first.violation).or(report.violation),
        ..report
    }
}

fn search(scenario: &Scenario, depth: usize) -> Report {
    let mut search = Search {
        seen: HashMap::new(),
        path: Vec::new(),
        report: Report {
            depth,
            ..Report::default()
        },
    };
    search.visit(&Node::start(scenario), depth);
    search.report
}

struct Search {
    /// States, and how many steps were left in them.
    seen: HashMap<u64, usize>,
    path: Vec<Event>,
    report: Report,
}

impl Search {
    /// `false`: a rule is broken, and the search is over.
    fn visit(&mut self, node: &Node<'_>, left: usize) -> bool {
        let mut hasher = DefaultHasher::new();
        node.hash(&mut hasher);
        let known = self.seen.insert(hasher.finish(), left);
        if known.is_none() {
            self.report.states += 1;
            if !self.holds(node, || rest(node)) {
                return false;
            }
        } else if let Some(known) = known.filter(|known| *known >= left) {
            self.seen.insert(hasher.finish(), known);
            return true;
        }
        let events = node.events();
        if events.is_empty() {
            self.report.ends += 1;
        }
        if left == 0 {
            return true;
        }
        for event in events {
            self.report.transitions += 1;
            let mut next = node.clone();
            self.path.push(event.clone());
            if !self.holds(node, || next.apply(&event)) || !self.visit(&next, left - 1) {
                return false;
            }
            self.path.pop();
        }
        true
    }

    fn holds(&mut self, node: &Node<'_>, what: impl FnOnce()) -> bool {
        let Err(panic) = catch_unwind(AssertUnwindSafe(what)) else {
            return true;
        };
        let rule = match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(text), _) => text.clone(),
            (_, Some(text)) => (*text).to_owned(),
            _ => "a panic without words".to_owned(),
        };
        let steps = self.path.iter().map(|event| node.scenario.tell(event));
        self.report.violation = Some(Violation {
            rule,
            steps: steps.collect(),
        });
        false
    }
}

/// What has to be so from every state on.
fn rest(node: &Node<'_>) {
    let mut all_come_back = node.stage.clone();
    all_come_back.settle();
    all_come_back.abandon();
    let mut all_go = node.stage.clone();
    all_go.abandon();
}
