//! Every order of events in small worlds. Deeper: `cargo run --release -p sim --bin explore`.
#![allow(missing_docs)]

use std::sync::Mutex;

use sim::explore::{explore, on_two_threads};
use sim::node::Node;
use sim::scenarios::ALL;

#[test]
fn no_order_of_events_breaks_a_rule() {
    let failed = Mutex::new(Vec::new());
    on_two_threads(ALL.iter(), |scenario| {
        // Without optimisation there is time for some steps less.
        let report = explore(|| Node::start(scenario), scenario.depth - 3);
        println!("{}: {report}", scenario.name);
        // An exploration that gets nowhere proves nothing.
        if report.violation.is_some() || report.states < 500 {
            let mut failed = failed.lock().expect("nobody panics with it");
            failed.push(format!("{}: {report}", scenario.name));
        }
    });
    let failed = failed.into_inner().expect("nobody panics with it");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
