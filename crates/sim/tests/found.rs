//! What a fuzzer has found once stays found: each seed of its target, without a fuzzer.
#![allow(clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::path::Path;

#[test]
fn the_exchange_keeps_its_promises_under_every_seed() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/exchange");
    let mut count = 0;
    for seed in fs::read_dir(seeds).expect("the seeds are in the repository") {
        let path = seed.expect("a seed").path();
        println!("{}", path.display());
        sim::fuzzing::exchange(&fs::read(&path).expect("a seed can be read"));
        count += 1;
    }
    assert!(count >= 15, "only {count} seeds");
}
