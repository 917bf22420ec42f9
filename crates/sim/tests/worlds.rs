//! Random worlds from seeds. More of them: `DIALTONE_WORLDS=10000 cargo test --release -p sim --test worlds`.
#![allow(clippy::disallowed_methods, missing_docs)]

use std::panic::catch_unwind;

use sim::tally::{HAPPENINGS, Happening};
use sim::world::{self, Summary};

const FEW: u64 = 300;
/// So many worlds that fail say enough.
const ENOUGH: usize = 20;

#[test]
fn no_world_breaks_a_rule() {
    let worlds = number("DIALTONE_WORLDS").unwrap_or(FEW);
    let first = number("DIALTONE_SEED").unwrap_or(0);
    // A world of its own tells its story.
    let listener: Option<fn(&str)> = (worlds == 1).then_some(|event| println!("{event}"));
    let mut total = Summary::default();
    let mut failed = Vec::new();
    for seed in first..first + worlds {
        match catch_unwind(|| world::run(seed, listener)) {
            Ok(summary) => total += summary,
            Err(_) => failed.push(seed),
        }
        if failed.len() == ENOUGH {
            break;
        }
    }
    assert!(
        failed.is_empty(),
        "seeds {failed:?} fail; the whole story of one: \
         DIALTONE_SEED={} DIALTONE_WORLDS=1 cargo test -p sim --test worlds",
        failed[0]
    );
    println!("{total:#?}");
    if worlds >= FEW {
        enough_happens(&total);
    }
}

/// A simulation in which nothing happens proves nothing.
fn enough_happens(total: &Summary) {
    for what in HAPPENINGS {
        let often = total.tally.of(what) * 10 >= total.worlds;
        assert!(often, "{what:?} is rare: {total:#?}");
    }
    let rung = total.tally.of(Happening::Rung);
    let answered = total.tally.of(Happening::Answered);
    assert!(answered * 4 >= rung, "few rings are answered: {total:#?}");
    assert!(total.large >= total.worlds / 150, "{total:#?}");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
