//! Who is blocked does not find out. More of the long orders, which are drawn from seeds:
//! `DIALTONE_WALKS=10000 cargo test --release -p sim --test blocked`.
#![allow(clippy::disallowed_methods, missing_docs)]

use sim::blocked::{Callee, Pair};
use sim::explore::explore;

const FEW: u64 = 100;

#[test]
fn in_no_short_order_of_events() {
    for callee in Callee::ALL {
        let report = explore(|| Pair::new(callee), 4);
        println!("{callee:?}: {report}");
        assert!(report.violation.is_none(), "{callee:?}: {report}");
        assert!(report.states > 300, "{callee:?}: {report}");
    }
}

#[test]
fn in_no_long_one() {
    let walks = std::env::var("DIALTONE_WALKS");
    let walks = walks.ok().and_then(|n| n.parse().ok()).unwrap_or(FEW);
    let mut rings = 0;
    for seed in 0..walks {
        for callee in Callee::ALL {
            println!("seed {seed}, {callee:?}");
            rings += Pair::walk(callee, seed, 200);
        }
    }
    println!("{rings} rings");
    assert!(rings as u64 > walks, "{rings}");
}
