//! What it costs two people when something happens in their call.
//!
//! `cargo xtask bench mishaps [--rounds N] [--only NAME] [--dry-run]`
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Duration;

use anyhow::{Context, Result};
use lab::{
    bench::{Arguments, load, machine_shape, publish},
    mishap::{Damage, Mishap, Stage},
};

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let load_before = load();
    let mut rows = Vec::new();
    let mut browser = String::new();
    for mishap in Mishap::ALL {
        let name = format!("{mishap:?}");
        if arguments.only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let mut damages = Vec::new();
        for round in 1..=arguments.rounds {
            let mut stage = Stage::set("bench-mishaps", mishap)?;
            browser = stage.alice.browser().version().to_owned();
            let damage = stage.suffer().with_context(|| name.clone())?;
            println!("{name} {round}: {damage:?}");
            damages.push(damage);
        }
        rows.push((mishap, damages));
    }
    let report = report(&arguments, &rows, &browser, load_before);
    let is_trial = arguments.dry_run || arguments.only.is_some();
    Ok(publish(&report, "mishaps.md", is_trial)?)
}

fn report(
    arguments: &Arguments,
    rows: &[(Mishap, Vec<Damage>)],
    browser: &str,
    load: f64,
) -> String {
    let mut table = String::new();
    for (mishap, damages) in rows {
        let cell = |of: &dyn Fn(&Damage) -> Duration| seconds(median(damages.iter().map(of)));
        let noticed = |side: usize| {
            let times = damages.iter().filter_map(|damage| damage.noticed[side]);
            match times.clone().count() * 2 > damages.len() {
                true => seconds(median(times)),
                false => "–".into(),
            }
        };
        let path = damages.first().map_or(String::new(), |damage| {
            let [before, after] = &damage.path;
            if before == after {
                before.clone()
            } else {
                format!("{before}, then {after}")
            }
        });
        table += &format!(
            "| {} | {path} | {} | {} | {} | {} | {} | {} | {} |\n",
            mishap.what(),
            noticed(0),
            noticed(1),
            cell(&|damage| damage.gap[0]),
            cell(&|damage| damage.gap[1]),
            cell(&|damage| damage.missing[0]),
            cell(&|damage| damage.missing[1]),
            mishap.answer(),
        );
    }
    format!(
        "# What mishaps cost\n\
         \n\
         Measured by `cargo xtask bench mishaps --rounds {rounds}` on a machine with {machine}; both \
         browsers, their networks and the server on it, load before the run {load:.1}. {browser}, \
         headless. Medians.\n\
         \n\
         Alice and Bob are in a call, each behind a NAT of their own; it happens to Alice, unless it \
         happens to the server. *Said after* is the time until the page shows \"Reconnecting…\" (– if \
         it never does). *Gap* is the longest time without sound of the other, *missing* is all the \
         sound that did not come or had to be made up: both from `totalSamplesReceived` less \
         `concealedSamples`, read every 50 ms, so that gaps up to 0.2 s mean nothing. A browser that \
         is stopped reads, and misses, nothing.\n\
         \n\
         | what happens | path | said to Alice after | to Bob | gap, Alice hears | gap, Bob hears \
         | missing, Alice | missing, Bob | what they see, and what is done |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n\
         {table}\n\
         A second tab of the same browser is another guest and takes nothing from the first: that is \
         not measured but tested, in `crates/lab/tests/mishaps.rs`.\n",
        rounds = arguments.rounds,
        machine = machine_shape(),
    )
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times
        .get(times.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or_default()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
