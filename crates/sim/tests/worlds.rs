//! Random worlds from seeds. More of them: `DIALTONE_WORLDS=10000 cargo test --release -p sim`.
#![allow(clippy::disallowed_methods, missing_docs)]

use std::panic::catch_unwind;

const FEW: u64 = 300;

#[test]
fn no_world_breaks_a_rule() {
    let worlds = std::env::var("DIALTONE_WORLDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(FEW);
    let first = std::env::var("DIALTONE_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let mut total = sim::world::Summary::default();
    for seed in first..first + worlds {
        let summary = catch_unwind(|| sim::world::run(seed)).unwrap_or_else(|_| {
            panic!("seed {seed} fails: DIALTONE_SEED={seed} DIALTONE_WORLDS=1 cargo test -p sim")
        });
        total.add(summary);
    }
    println!("{worlds} worlds: {total:?}");
    // A simulation in which nothing happens proves nothing.
    if worlds >= FEW {
        assert!(total.chat_shown > worlds, "{total:?}");
        assert!(total.resumed > worlds, "{total:?}");
        assert!(total.restarts > worlds, "{total:?}");
        assert!(total.answered > worlds / 10, "{total:?}");
    }
}
