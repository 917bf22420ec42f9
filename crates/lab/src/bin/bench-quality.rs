//! What is heard and seen over bad networks, beside the same browsers on a bare page.
//!
//! `cargo xtask bench quality [--rounds N] [--only NAME] [--by app|bare] [--dry-run]`
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use lab::{
    Scene,
    bench::{Series, load, machine_shape},
    plot::{self, Panel},
    quality::{By, Call, Condition, Reception},
};

struct Arguments {
    rounds: usize,
    only: Option<String>,
    by: Vec<By>,
    dry_run: bool,
}

struct Row {
    condition: Condition,
    /// Of the app, then of the bare page.
    receptions: [Vec<Reception>; 2],
}

fn main() -> Result<()> {
    let arguments = parse(std::env::args().skip(1))?;
    let load_before = load();
    let scene = Scene::record()?;
    let mut browser = String::new();
    let mut rows = Vec::new();
    for condition in Condition::ALL {
        let name = format!("{condition:?}");
        if arguments.only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let mut receptions = [Vec::new(), Vec::new()];
        for round in 1..=arguments.rounds {
            for by in &arguments.by {
                let call = Call::connect("bench-quality", &scene, *by)?;
                browser = call.bob.browser().version().to_owned();
                let reception = call
                    .suffer(&condition.course())
                    .with_context(|| name.clone())?;
                println!(
                    "{name} {round} {by:?}: {}",
                    cell(std::slice::from_ref(&reception))
                );
                receptions[*by as usize].push(reception);
            }
        }
        rows.push(Row {
            condition,
            receptions,
        });
    }
    let report = report(&arguments, &rows, &browser, load_before);
    println!("{report}");
    if !arguments.dry_run && arguments.only.is_none() && arguments.by.len() == 2 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/measurements");
        fs::write(folder.join("quality.md"), report)?;
        if let Some(row) = rows.iter().find(|row| row.condition == Condition::Narrow) {
            fs::write(folder.join("quality-bandwidth.svg"), curves(row))?;
        }
    }
    Ok(())
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments {
        rounds: 3,
        only: None,
        by: vec![By::App, By::BarePage],
        dry_run: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => {
                let rounds = words.next().context("--rounds needs a number")?;
                arguments.rounds = rounds.parse().context("--rounds needs a number")?;
            }
            "--only" => arguments.only = Some(words.next().context("--only needs a name")?),
            "--by" => {
                arguments.by = match words.next().as_deref() {
                    Some("app") => vec![By::App],
                    Some("bare") => vec![By::BarePage],
                    _ => bail!("--by needs `app` or `bare`"),
                };
            }
            "--dry-run" => arguments.dry_run = true,
            other => {
                bail!("unknown argument {other}; there are --rounds, --only, --by, --dry-run")
            }
        }
    }
    Ok(arguments)
}

/// Score (worst turn) | lines | frames per second | kbit/s, each the median over all rounds.
fn cell(receptions: &[Reception]) -> String {
    let mut series: [Series; 4] = Default::default();
    for reception in receptions {
        reception
            .speech
            .iter()
            .for_each(|score| series[0].push(*score));
        for picture in &reception.pictures {
            series[1].push(picture.height.into());
            series[2].push(picture.rate);
            series[3].push(picture.kbits);
        }
    }
    let [speech, lines, rate, kbits] = &series;
    if speech.is_empty() {
        return "– | – | – | –".into();
    }
    format!(
        "{:.2} ({:.2}) | {:.0} | {:.0} | {:.0}",
        speech.median(),
        speech.quantile(0.0),
        lines.median(),
        rate.median(),
        kbits.median()
    )
}

fn report(arguments: &Arguments, rows: &[Row], browser: &str, load: f64) -> String {
    let mut table = String::new();
    for Row {
        condition,
        receptions: [ours, bare],
    } in rows
    {
        table += &format!(
            "| {} | {} | {} |\n",
            condition.what(),
            cell(ours),
            cell(bare)
        );
    }
    format!(
        "# What is heard and seen over bad networks\n\
         \n\
         Measured by `cargo xtask bench quality --rounds {rounds}` on a machine with {machine}; both \
         browsers, their networks and the server on it, load before the run {load:.1}. {browser}, \
         headless, without a graphics card: 1280x720 at 30 frames per second is what this machine \
         encodes and decodes at its limit.\n\
         \n\
         Alice speaks (a machine's voice, two sentences, over and over) and is filmed, Bob listens \
         and looks. Each is behind a NAT of their own, the path is direct. Her cable is bad in both \
         directions. *Score* is wideband PESQ (ITU-T P.862.2) of what Bob's browser plays, against \
         what Alice's microphone took in: 4.64 is the best there is, about 1.1 is what nobody \
         understands; the median over all times that the sentences were said, in brackets the worst. \
         *Lines*, *frames/s* and *kbit/s* are of the received picture, medians over time. *Bare page* \
         is a peer connection as the browser makes it, without any of our code, at both ends of the \
         same link.\n\
         \n\
         | the link | score, Dialtone | lines | frames/s | kbit/s | score, bare page | lines \
         | frames/s | kbit/s |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n\
         {table}\n\
         ![Lines, frames and bits over time while the bandwidth falls and recovers](quality-bandwidth.svg)\n",
        rounds = arguments.rounds,
        machine = machine_shape(),
    )
}

/// The picture over time while the bandwidth falls and recovers, of the first round.
fn curves(row: &Row) -> String {
    let mut capacity = Vec::new();
    let mut end = 0.0;
    for (shape, time) in row.condition.course() {
        capacity.push((end, shape.rate.unwrap_or(0) as f64 / 1_000.0));
        end += time.as_secs_f64();
    }
    capacity.push((end, capacity.last().map_or(0.0, |last| last.1)));
    let panel = |title: &str, most: f64, value: fn(&lab::quality::Picture) -> f64| Panel {
        title: title.into(),
        most,
        curves: [("Dialtone", 0), ("bare page", 1)]
            .into_iter()
            .filter_map(|(name, side)| {
                let pictures = &row.receptions[side].first()?.pictures;
                let points = pictures.iter().map(|picture| (picture.at, value(picture)));
                Some((name.to_owned(), points.collect()))
            })
            .collect(),
    };
    let mut bits = panel("received picture, kbit/s", 2_400.0, |picture| picture.kbits);
    bits.curves.push(("the link".into(), capacity));
    let lines = panel("lines of a frame", 800.0, |picture| picture.height.into());
    let rate = panel("frames per second", 40.0, |picture| picture.rate);
    plot::draw(&[lines, rate, bits], end)
}
