//! Builds, runs and tests Dialtone.
fn main() {}
