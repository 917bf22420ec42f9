//! Whether and how two people connect, on every pair of networks.
//!
//! `cargo xtask bench networks [--browsers chromium|firefox|mixed] [--rounds N] [--only A,B | --only A]
//! [--dry-run]`
//!
//! Mixed are two calls in each round: one in which Firefox calls Chromium, and one the other way round.
//! Each choice of browsers has a report of its own. `--only` goes through one pair, or all that `A` is
//! in, and puts them in the place of those of the last report.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use lab::{
    Engine::{self, Chromium, Firefox},
    Matrix, Outcome,
    access::{Access, Route, obstacle, optimum, pairs},
    bench::{Arguments, Series, last, load, machine_shape, publish, write},
};

/// Whose calls are measured.
#[derive(Clone, Copy)]
enum Browsers {
    Chromium,
    Firefox,
    Mixed,
}

/// A pair, what it can hope for, and what it got in each round; nothing if it did not connect.
struct Row {
    pair: (Access, Access),
    optimum: Route,
    outcomes: Vec<Option<Outcome>>,
}

/// Which pairs are asked for.
enum Wanted {
    All,
    With(Access),
    One(Access, Access),
}

fn main() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let browsers = Browsers::take(&mut words)?;
    let arguments = Arguments::parse(words.into_iter())?;
    let wanted = Wanted::parse(arguments.only.as_deref())?;
    let load_before = load();
    let mut matrix = Matrix::build("bench-networks")?;
    let mut lines = match wanted {
        Wanted::With(_) | Wanted::One(..) => read_lines(&last(browsers.page())?),
        Wanted::All => BTreeMap::new(),
    };
    let mut page = String::new();
    for (a, b) in wanted.pairs() {
        let row = measure(&mut matrix, (a, b), browsers, arguments.rounds);
        lines.insert((a, b), row.line());
        let versions: Vec<_> = matrix.browsers().into_iter().collect();
        page = report(
            &arguments,
            browsers,
            &lines,
            &versions.join(" and "),
            load_before,
        );
        if !arguments.dry_run {
            // Whoever ends it goes on with `--only A`.
            write(&page, browsers.page())?;
        }
    }
    Ok(publish(&page, browsers.page(), arguments.dry_run)?)
}

fn measure(
    matrix: &mut Matrix,
    (a, b): (Access, Access),
    browsers: Browsers,
    rounds: usize,
) -> Row {
    let mut row = Row {
        pair: (a, b),
        optimum: optimum(a, b),
        outcomes: Vec::new(),
    };
    let calls =
        (1..=rounds).flat_map(|round| browsers.engines().iter().map(move |it| (round, *it)));
    for (round, engines) in calls {
        let outcome = matrix.call(a, b, engines);
        match &outcome {
            Ok(it) => println!(
                "{a:?}, {b:?} {engines:?} {round}: {} ({}), {} ms",
                it.route,
                it.candidates.join(", "),
                it.set_up.as_millis()
            ),
            Err(error) => println!("{a:?}, {b:?} {engines:?} {round}: {error:#}"),
        }
        if let Some(it) = outcome.as_ref().ok().filter(|it| it.route != row.optimum) {
            let [first, second] = &it.gathered;
            println!("not {}: {first}\n{second}", row.optimum);
        }
        row.outcomes.push(outcome.ok());
    }
    row
}

impl Browsers {
    /// Takes the choice out of the arguments.
    fn take(words: &mut Vec<String>) -> Result<Self> {
        let Some(at) = words.iter().position(|word| word == "--browsers") else {
            return Ok(Browsers::Chromium);
        };
        let choice = words.drain(at..words.len().min(at + 2)).nth(1);
        Ok(match choice.as_deref() {
            Some("chromium") => Browsers::Chromium,
            Some("firefox") => Browsers::Firefox,
            Some("mixed") => Browsers::Mixed,
            _ => bail!("--browsers needs chromium, firefox or mixed"),
        })
    }

    /// The browsers of each call of a round, the caller's first.
    fn engines(self) -> &'static [[Engine; 2]] {
        match self {
            Browsers::Chromium => &[[Chromium; 2]],
            Browsers::Firefox => &[[Firefox; 2]],
            Browsers::Mixed => &[[Firefox, Chromium], [Chromium, Firefox]],
        }
    }

    /// Where the report of these goes.
    fn page(self) -> &'static str {
        match self {
            Browsers::Chromium => "networks.md",
            Browsers::Firefox => "networks-firefox.md",
            Browsers::Mixed => "networks-mixed.md",
        }
    }

    /// What chooses these.
    fn argument(self) -> &'static str {
        match self {
            Browsers::Chromium => "",
            Browsers::Firefox => " --browsers firefox",
            Browsers::Mixed => " --browsers mixed",
        }
    }

    /// What has to be known about a report of these.
    fn remark(self) -> String {
        let turns = " Each pair is gone through twice, once with Firefox on the one side and once on the \
                     other; it is connected, and optimal, if both calls are.";
        let ties = " Firefox gives relayed addresses by TCP and by TLS the same priority, and takes \
                    either where both can be had.";
        match self {
            Browsers::Chromium => {
                " Calls between Firefox and Chromium have [a page of their own](networks-mixed.md)."
                    .into()
            }
            Browsers::Firefox => ties.into(),
            Browsers::Mixed => [turns, ties].concat(),
        }
    }
}

impl Wanted {
    fn parse(only: Option<&str>) -> Result<Wanted> {
        Ok(match only.map(|it| it.split_once(',').ok_or(it)) {
            None => Wanted::All,
            Some(Ok((a, b))) => Wanted::One(a.parse()?, b.parse()?),
            Some(Err(one)) => Wanted::With(one.parse()?),
        })
    }

    fn pairs(&self) -> Vec<(Access, Access)> {
        match self {
            Wanted::All => pairs().collect(),
            Wanted::With(one) => pairs().filter(|(a, b)| a == one || b == one).collect(),
            Wanted::One(a, b) => vec![(*a, *b)],
        }
    }
}

/// The lines of a report's table, by pair.
fn read_lines(report: &str) -> BTreeMap<(Access, Access), String> {
    let named = |what: &str| Access::ALL.into_iter().find(|it| it.what() == what);
    let lines = report.lines().filter_map(|line| {
        let mut cells = cells(line);
        Some((
            (named(cells.next()?)?, named(cells.next()?)?),
            line.to_owned(),
        ))
    });
    lines.collect()
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split('|').skip(1).map(str::trim)
}

impl Row {
    /// Calls that connected.
    fn calls(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().flatten()
    }

    fn is_connected(&self) -> bool {
        self.outcomes.iter().all(Option::is_some)
    }

    fn is_optimal(&self) -> bool {
        self.is_connected() && self.calls().all(|it| it.route == self.optimum)
    }

    fn line(&self) -> String {
        let (a, b) = self.pair;
        let found: BTreeSet<String> = self
            .calls()
            .map(|it| format!("{} ({})", it.route, it.candidates.join(" – ")))
            .collect();
        let found: Vec<_> = found.into_iter().collect();
        let mut set_up = Series::default();
        for call in self.calls() {
            set_up.push(call.set_up.as_secs_f64() * 1000.0);
        }
        let set_up = match set_up.is_empty() {
            true => "–".into(),
            false => format!("{:.0}", set_up.median()),
        };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {set_up} |",
            a.what(),
            b.what(),
            yes(self.is_connected()),
            found.join("; "),
            self.optimum,
            obstacle(a, b).unwrap_or_default(),
            yes(self.is_optimal()),
        )
    }
}

fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "**no**" }
}

fn report(
    arguments: &Arguments,
    browsers: Browsers,
    lines: &BTreeMap<(Access, Access), String>,
    versions: &str,
    load: f64,
) -> String {
    let count = |cell: usize| {
        let is_yes = |line: &&String| cells(line).nth(cell) == Some(yes(true));
        lines.values().filter(is_yes).count()
    };
    let table: String = lines.values().map(|line| format!("{line}\n")).collect();
    format!(
        "# From every network\n\
         \n\
         Measured by `cargo xtask bench networks{browsers} --rounds {rounds}` on a machine with {machine}; all \
         browsers, their networks and the server on it, load before the run {load:.1}. {versions}, \
         headless.\n\
         \n\
         Two people reach the internet in one of ten ways each, behind routers of their own, and call \
         each other by link. The server has a public address of IPv4 and one of IPv6; STUN and TURN are \
         on port 3478 by UDP and TCP, and TURN over TLS shares port 443 with HTTPS. Of {all} \
         pairs{chosen} **{connected} connect** (both see the other move and hear the other's tone), **{optimal} by the \
         best path there is**.\n\
         \n\
         *Path* is that of the selected candidate pair, in brackets the type of each side's own \
         candidate, as its browser says it. *Relay by TCP and TLS* means two relayed addresses, reached \
         by TCP from one side and by TLS from the other. *Optimum* is decided by `optimum` in \
         `crates/lab/src/access.rs`, and *why* is what stands in the way of a direct path. *Set-up* is \
         the median time from the second person's click on \"Join\" to the first picture of the other, \
         with the camera turned on by the click.{remark}\n\
         \n\
         | one side | the other | connected | path | optimum | why | optimal | set-up, ms |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n\
         {table}\n\
         All ways but *IPv6 only* have IPv4 and nothing else. NATs are nftables rules, proved by plain UDP \
         in `crates/lab/tests/nats.rs`; the proxy makes connections to port 443 by `CONNECT`, and behind \
         it no name of the internet can be resolved: that is said at once. Where nothing answers at all, \
         Chromium takes 13 s to believe it, and gives the name to the proxy then.\n",
        browsers = browsers.argument(),
        rounds = arguments.rounds,
        remark = browsers.remark(),
        machine = machine_shape(),
        all = lines.len(),
        chosen = match pairs().count() {
            all if lines.len() < all => format!(" (there are {all}; `--only` chose these)"),
            _ => String::new(),
        },
        connected = count(2),
        optimal = count(6),
    )
}
