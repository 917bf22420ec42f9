//! What is heard and seen over bad networks, beside the same browsers on a bare page.
//!
//! `cargo xtask bench quality [--rounds N] [--only NAME] [--dry-run]`
//!
//! `--only` measures on one kind of link, and puts it in the place of that of the last report. What is
//! measured is written after each.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use anyhow::{Context, Result};
use lab::{
    Scene,
    bench::{Arguments, Series, last, load, machine_shape, publish, write},
    plot::{self, Panel},
    quality::{By, Call, Condition, Picture, Reception},
};

const PAGE: &str = "quality.md";
const PLOT: &str = "quality-bandwidth.svg";

/// What Bob got over one kind of link in each round.
struct Row {
    condition: Condition,
    ours: Vec<Reception>,
    bare: Vec<Reception>,
    browser: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let wanted = wanted(arguments.only.as_deref())?;
    let load_before = load();
    let scene = Scene::record()?;
    let mut lines: Vec<_> = Condition::ALL
        .into_iter()
        .map(|condition| (condition, None))
        .collect();
    if arguments.only.is_some() {
        read_lines(&last(PAGE)?, &mut lines);
    }
    let mut page = String::new();
    for condition in wanted {
        let row = measure(condition, &scene, arguments.rounds)?;
        for (_, line) in lines.iter_mut().filter(|(it, _)| *it == condition) {
            *line = Some(row.line());
        }
        page = report(&arguments, &lines, &row.browser, load_before);
        if arguments.dry_run {
            continue;
        }
        write(&page, PAGE)?;
        if condition == Condition::Narrow {
            write(&row.curves(), PLOT)?;
        }
    }
    Ok(publish(&page, PAGE, arguments.dry_run)?)
}

fn wanted(only: Option<&str>) -> Result<Vec<Condition>> {
    let Some(only) = only else {
        return Ok(Condition::ALL.to_vec());
    };
    let one = Condition::ALL
        .into_iter()
        .find(|it| format!("{it:?}") == only)
        .with_context(|| format!("no link is called {only}; there are {:?}", Condition::ALL))?;
    Ok(vec![one])
}

fn measure(condition: Condition, scene: &Scene, rounds: usize) -> Result<Row> {
    let mut row = Row {
        condition,
        ours: Vec::new(),
        bare: Vec::new(),
        browser: String::new(),
    };
    for round in 1..=rounds {
        for by in [By::App, By::BarePage] {
            let name = format!("{condition:?} {round} {by:?}");
            let call = Call::connect("bench-quality", scene, by).with_context(|| name.clone())?;
            row.browser = call.bob.browser().version().to_owned();
            let got = call
                .suffer(&condition.course())
                .with_context(|| name.clone())?;
            println!("{name}: {}", cells(std::slice::from_ref(&got)));
            match by {
                By::App => row.ours.push(got),
                By::BarePage => row.bare.push(got),
            }
        }
    }
    Ok(row)
}

/// The lines of a report's table, by kind of link.
fn read_lines(report: &str, lines: &mut [(Condition, Option<String>)]) {
    for (condition, line) in lines {
        let head = format!("| {} |", condition.what());
        let found = report.lines().find(|line| line.starts_with(&head));
        *line = found.map(str::to_owned);
    }
}

impl Row {
    fn line(&self) -> String {
        format!(
            "| {} | {} | {} |",
            self.condition.what(),
            cells(&self.ours),
            cells(&self.bare)
        )
    }

    /// The picture over time while the bandwidth falls and recovers, of the first round.
    fn curves(&self) -> String {
        let mut capacity = Vec::new();
        let mut end = 0.0;
        for (shape, time) in self.condition.course() {
            capacity.push((end, shape.rate.unwrap_or(0) as f64 / 1_000.0));
            end += time.as_secs_f64();
        }
        capacity.push((end, capacity.last().map_or(0.0, |last| last.1)));
        let panel = |title: &str, most: f64, value: fn(&Picture) -> f64| Panel {
            title: title.into(),
            most,
            curves: [("Dialtone", &self.ours), ("bare page", &self.bare)]
                .into_iter()
                .filter_map(|(name, receptions)| {
                    let pictures = &receptions.first()?.pictures;
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
}

/// Score (worst turn) | lines | frames per second | kbit/s, each the median over all rounds.
fn cells(receptions: &[Reception]) -> String {
    let mut series: [Series; 4] = Default::default();
    for reception in receptions {
        for score in &reception.speech {
            series[0].push(*score);
        }
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

fn report(
    arguments: &Arguments,
    lines: &[(Condition, Option<String>)],
    browser: &str,
    load: f64,
) -> String {
    let table: String = lines
        .iter()
        .filter_map(|(_, line)| line.as_ref())
        .map(|line| format!("{line}\n"))
        .collect();
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
         ![Lines, frames and bits over time while the bandwidth falls and recovers]({PLOT})\n",
        rounds = arguments.rounds,
        machine = machine_shape(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_later_takes_its_place_in_the_report() {
        let arguments = Arguments::parse([].into_iter()).expect("no arguments");
        let mut lines: Vec<_> = Condition::ALL.into_iter().map(|it| (it, None)).collect();
        lines[1].1 = Some(format!("| {} | 1 | 2 |", Condition::Loss5.what()));
        let page = report(&arguments, &lines, "a browser", 0.0);
        let mut again: Vec<_> = Condition::ALL.into_iter().map(|it| (it, None)).collect();
        read_lines(&page, &mut again);
        assert_eq!(again, lines);
        again[0].1 = Some(format!("| {} | 3 | 4 |", Condition::Good.what()));
        let page = report(&arguments, &again, "a browser", 0.0);
        let place = |line: &str| page.find(line).expect("in the report");
        assert!(place("| 3 | 4 |") < place("| 1 | 2 |"));
    }
}
