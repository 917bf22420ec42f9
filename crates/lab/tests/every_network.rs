//! Calls between networks that have little in common: each pair takes the best path there is.
//!
//! A few of the pairs that `cargo xtask bench networks` goes through.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use anyhow::{Result, ensure};
use lab::{
    Engine, Matrix,
    access::{Access, optimum},
};

#[test]
fn people_on_different_networks_take_the_best_path_there_is() -> Result<()> {
    let mut matrix = Matrix::build("every-network")?;
    for (a, b) in [
        (Access::FullCone, Access::Symmetric),
        (Access::Restricted, Access::Symmetric),
        (Access::Ipv6Only, Access::Carrier),
        (Access::Ipv6Only, Access::Proxy443),
        (Access::FullCone, Access::Proxy443),
    ] {
        let outcome = matrix.call(a, b, [Engine::Chromium; 2])?;
        println!("{a:?}, {b:?}: {outcome:?}");
        ensure!(outcome.route == optimum(a, b), "{a:?}, {b:?}: {outcome:?}");
    }
    Ok(())
}
