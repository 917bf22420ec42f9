//! How fast a call is set up, beside what the same browser needs for two peers in one page.
//!
//! `cargo xtask bench setup [--calls N] [--starts N] [--dry-run]`
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::{thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use lab::bench::{Series, load, machine_shape, publish};
use lab::{Host, Pages, Person, Server, Signal};
use serde_json::json;

struct Arguments {
    calls: usize,
    starts: usize,
    dry_run: bool,
}

#[derive(Default)]
struct Results {
    floor: Series,
    /// The camera was on before the click.
    warm: Series,
    /// The click itself turned the camera on.
    cold: Series,
    /// From following a link to the lobby on the screen, in browsers that never were here.
    lobby: Series,
    /// What the first load brought, headers and all, in bytes; the same each time.
    first_load: u64,
    requests: u64,
    starts: Series,
    resident_kib: u64,
    resolution: String,
    load_before: f64,
    browser: String,
}

fn main() -> Result<()> {
    let arguments = parse(std::env::args().skip(1))?;
    let mut results = Results {
        load_before: load(),
        ..Results::default()
    };
    measure_calls(&arguments, &mut results)?;
    measure_first_loads(&arguments, &mut results)?;
    measure_starts(&arguments, &mut results)?;
    let report = report(&arguments, &results);
    Ok(publish(&report, "setup.md", arguments.dry_run)?)
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments {
        calls: 20,
        starts: 10,
        dry_run: false,
    };
    while let Some(word) = words.next() {
        let mut number = || -> Result<usize> {
            let value = words
                .next()
                .with_context(|| format!("{word} needs a number"))?;
            value
                .parse()
                .with_context(|| format!("{word} needs a number, not {value}"))
        };
        match word.as_str() {
            "--calls" => arguments.calls = number()?,
            "--starts" => arguments.starts = number()?,
            "--dry-run" => arguments.dry_run = true,
            other => bail!("unknown argument {other}; there are --calls, --starts, --dry-run"),
        }
    }
    Ok(arguments)
}

/// Alternates floor and calls, so that a slow moment of the machine meets them all.
fn measure_calls(arguments: &Arguments, results: &mut Results) -> Result<()> {
    let here = Host::here();
    let server = Server::start(&here)?;
    let pages = Pages::serve(&here)?;
    let origin = server.origin();
    let waiting = Person::arrive("bench", &here, "First", 440.0, &origin)?;
    let joining = Person::arrive("bench", &here, "Second", 660.0, &origin)?;
    results.browser = joining.browser().version().to_owned();
    // One round of each that does not count: caches, the first compilation of scripts.
    for round in 0..=arguments.calls {
        let (width, height, floor) = floor(&joining, &pages)?;
        let warm = call(&waiting, &joining, &origin, true)?;
        let cold = call(&waiting, &joining, &origin, false)?;
        println!(
            "{round:>3}: floor {floor:.0} ms, camera on {warm:.0} ms, camera off {cold:.0} ms"
        );
        if round > 0 {
            results.floor.push(floor);
            results.warm.push(warm);
            results.cold.push(cold);
        }
        results.resolution = format!("{width}×{height}");
    }
    thread::sleep(Duration::from_secs(3));
    results.resident_kib = server.resident_kib()?;
    Ok(())
}

/// Two peers in one page of the joiner's browser, with the camera on.
fn floor(person: &Person, pages: &Pages) -> Result<(u64, u64, f64)> {
    let browser = person.browser();
    browser.goto(pages.origin())?;
    let camera = browser.script("return bare.open()", vec![])?;
    thread::sleep(Duration::from_millis(500));
    let elapsed = browser.script("return bare.inOnePage()", vec![])?;
    browser.goto("about:blank")?;
    let side = |name: &str| camera[name].as_u64().unwrap_or(0);
    let elapsed = elapsed.as_f64().context("no time from the bare page")?;
    Ok((side("width"), side("height"), elapsed))
}

/// A call, measured in the second person's page.
fn call(waiting: &Person, joining: &Person, origin: &str, camera_on: bool) -> Result<f64> {
    let link = waiting.start_a_call(origin)?;
    waiting.join()?;
    waiting.until_state("connecting")?;
    joining.open(&link)?;
    if camera_on {
        joining.press("Check camera and microphone first")?;
        joining.until("its own picture", |page| {
            let videos = page["videos"].as_array().context("no video")?;
            ensure!(
                videos.iter().any(|video| video["width"] != json!(0)),
                "no picture"
            );
            Ok(())
        })?;
    }
    joining.prepare()?;
    thread::sleep(Duration::from_millis(700));
    joining.press("Join")?;
    let elapsed = joining.first_picture()?;
    joining.hang_up()?;
    for person in [joining, waiting] {
        person.until_state("ended")?;
        person.browser().goto("about:blank")?;
    }
    Ok(elapsed.as_secs_f64() * 1000.0)
}

/// Nothing is cached, and the largest thing of the lobby on the screen counts (LCP).
fn measure_first_loads(arguments: &Arguments, results: &mut Results) -> Result<()> {
    const FIRST_LOAD: &str = "return new Promise((done) => {
        const loads = [...performance.getEntriesByType('navigation'),
                       ...performance.getEntriesByType('resource')]
        const bytes = loads.reduce((sum, load) => sum + load.transferSize, 0)
        new PerformanceObserver((list) => {
          const painted = list.getEntries().at(-1)
          done({ bytes, requests: loads.length, lobby: painted.startTime })
        }).observe({ type: 'largest-contentful-paint', buffered: true })
      })";
    let here = Host::here();
    let server = Server::start(&here)?;
    let origin = server.origin();
    let host = Person::arrive("bench", &here, "First", 440.0, &origin)?;
    let link = host.start_a_call(&origin)?;
    for _ in 0..arguments.starts {
        let stranger = Person::arrive("bench", &here, "Stranger", 660.0, &origin)?;
        stranger.open(&link)?;
        let load = stranger.browser().script(FIRST_LOAD, vec![])?;
        let figure = |name: &str| load[name].as_f64().context("no figure of the first load");
        results.lobby.push(figure("lobby")?);
        results.first_load = figure("bytes")? as u64;
        results.requests = figure("requests")? as u64;
    }
    Ok(())
}

fn measure_starts(arguments: &Arguments, results: &mut Results) -> Result<()> {
    let mut server = Server::start(&Host::here())?;
    for _ in 0..arguments.starts {
        server.stop(Signal::SIGTERM)?;
        results
            .starts
            .push(server.start_again()?.as_secs_f64() * 1000.0);
    }
    Ok(())
}

fn report(arguments: &Arguments, results: &Results) -> String {
    let Results {
        floor,
        warm,
        cold,
        lobby,
        starts,
        ..
    } = results;
    let ratio = |series: &Series| series.median() / floor.median();
    let memory = results.resident_kib as f64 / 1024.0;
    format!(
        "# How fast a call is set up\n\
         \n\
         Measured by `cargo xtask bench setup --calls {calls}` on a machine with {machine}; both \
         browsers and the server on it, load before the run {load:.1}. {browser}, headless, its fake camera at {resolution}.\n\
         \n\
         From the second person's click on \"Join\" to the first picture of the first person \
         presented in the second person's page (`requestVideoFrameCallback`), beside the floor: \
         two peer connections inside one page of the same browser without any code of ours, from \
         their construction to the first picture, camera already on. Both are taken in turns in \
         one run.\n\
         \n\
         | milliseconds | median | p90 | min | max | n |\n\
         | --- | --- | --- | --- | --- | --- |\n\
         | two peers inside one page (floor) | {floor} |\n\
         | a call, camera on in the lobby | {warm} |\n\
         | a call, camera turned on by \"Join\" | {cold} |\n\
         \n\
         Ratio of the medians to the floor: **{warm_ratio:.2}** with the camera on in the lobby, \
         {cold_ratio:.2} with the camera turned on by the click.\n\
         \n\
         ## The first load\n\
         \n\
         A browser that never was here follows the link of a call, by plain HTTP on this machine: \
         {first_load:.0} KB in {requests} requests, headers and all.\n\
         \n\
         | | median | p90 | min | max | n |\n\
         | --- | --- | --- | --- | --- | --- |\n\
         | from the request to the lobby on the screen (largest contentful paint), ms | {lobby} |\n\
         \n\
         ## The server\n\
         \n\
         | | median | p90 | min | max | n |\n\
         | --- | --- | --- | --- | --- | --- |\n\
         | start of the release binary to its `ready` line, ms | {starts} |\n\
         \n\
         Resident memory when idle after {total} calls: {memory:.1} MiB.\n",
        calls = arguments.calls,
        machine = machine_shape(),
        browser = results.browser,
        resolution = results.resolution,
        warm_ratio = ratio(warm),
        cold_ratio = ratio(cold),
        load = results.load_before,
        first_load = results.first_load as f64 / 1000.0,
        requests = results.requests,
        total = 2 * (arguments.calls + 1),
    )
}
