//! Every order of events in small worlds. Deeper: `cargo run --release -p sim --bin explore -- --deeper 2`.
#![allow(missing_docs)]

use sim::{explore, rules, scenarios};

#[test]
fn no_order_of_events_breaks_a_rule() {
    println!("{} rules: {:#?}", rules::RULES.len(), rules::RULES);
    for scenario in scenarios::ALL {
        // Without optimisation some steps less.
        let report = explore::explore(scenario, scenario.depth - 4);
        println!("{}: {report}", scenario.name);
        assert!(report.violation.is_none(), "{}: {report}", scenario.name);
        // An exploration that gets nowhere proves nothing.
        assert!(report.states > 20, "{}: {report}", scenario.name);
    }
}
