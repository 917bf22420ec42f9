//! What is heard and seen over a bad link: in a call of ours, and on a bare page.
//!
//! Alice speaks and is seen, Bob listens. Her cable is the bad one, in both directions; between the
//! two are a NAT on either side and a direct path.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    Link, Nat, Net, Pages, Patience, Person, Scene, Server, Shape, bare, browser::build_folder,
    eventually, process::run,
};

const TAPE: &str = include_str!("scripts/tape.js");
const SCORE: &str = include_str!("scripts/score.py");

/// How long the link has been bad before anything is judged: jitter buffers and estimates settle.
const SETTLE: Duration = Duration::from_secs(5);
/// Three turns of what Alice says, and some of a fourth.
const LISTEN: Duration = Duration::from_secs(21);

const MS: Duration = Duration::from_millis(1);

/// How bad the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Not at all.
    Good,
    /// One packet in twenty is lost.
    Loss5,
    /// Fifteen in a hundred.
    Loss15,
    /// Thirty in a hundred.
    Loss30,
    /// 150 ms later, give or take 30 ms.
    Jitter,
    /// 2 Mbit/s, then 150 kbit/s, then 2 Mbit/s again.
    Narrow,
}

/// What carries the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The web app.
    App,
    /// A page with a peer connection as it comes.
    BarePage,
}

/// What Bob got.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    /// The score of each turn of speech: 1.04 (nothing is understood) to 4.64 (nothing is missing).
    pub speech: Vec<f64>,
    /// What picture came, from the begin of the recording on.
    pub pictures: Vec<Picture>,
}

/// The picture at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Seconds since the begin of the recording.
    pub at: f64,
    /// Lines of a frame; 0 before the first.
    pub height: u32,
    /// Frames per second since the moment before.
    pub rate: f64,
    /// Kilobits per second since then.
    pub kbits: f64,
}

impl Condition {
    /// All of them.
    pub const ALL: [Condition; 6] = [
        Condition::Good,
        Condition::Loss5,
        Condition::Loss15,
        Condition::Loss30,
        Condition::Jitter,
        Condition::Narrow,
    ];

    /// What the link does, for a table.
    pub fn what(self) -> &'static str {
        match self {
            Condition::Good => "nothing is lost or late",
            Condition::Loss5 => "5 % of the packets are lost, both ways",
            Condition::Loss15 => "15 % are lost",
            Condition::Loss30 => "30 % are lost",
            Condition::Jitter => "150 ms delay each way, with 30 ms jitter",
            Condition::Narrow => "2 Mbit/s fall to 150 kbit/s and recover",
        }
    }

    /// What the link is like one after the other, and how long each.
    pub fn course(self) -> Vec<(Shape, Duration)> {
        let lossy = |loss| Shape {
            loss,
            ..Shape::default()
        };
        let narrow = |kbits: u64| Shape {
            rate: Some(kbits * 1_000),
            ..Shape::default()
        };
        let seconds = Duration::from_secs;
        match self {
            Condition::Good => vec![(Shape::default(), LISTEN)],
            Condition::Loss5 => vec![(lossy(0.05), LISTEN)],
            Condition::Loss15 => vec![(lossy(0.15), LISTEN)],
            Condition::Loss30 => vec![(lossy(0.30), LISTEN)],
            Condition::Jitter => {
                let late = Shape {
                    delay: MS * 150,
                    jitter: MS * 30,
                    ..Shape::default()
                };
                vec![(late, LISTEN)]
            }
            Condition::Narrow => vec![
                (narrow(2_000), seconds(8)),
                (narrow(150), seconds(22)),
                (narrow(2_000), seconds(35)),
            ],
        }
    }
}

/// Two people in a call over a link.
pub struct Call {
    /// Who speaks.
    pub alice: Person,
    /// Who listens.
    pub bob: Person,
    link: Link,
    scene: Scene,
    _pages: Option<Pages>,
    _server: Server,
    _net: Net,
}

impl Call {
    /// Brings them together while the link is good.
    pub fn connect(test: &str, scene: &Scene, by: By) -> Result<Self> {
        let mut net = Net::new()?;
        let mut home = net.lan("home", Nat::Cone)?;
        let (alice, link) = net.behind_link(&mut home, "alice")?;
        let mut away = net.lan("away", Nat::Cone)?;
        let bob = net.behind(&mut away, "bob")?;
        let host = net.public("server")?;
        let server = Server::start(&host)?;
        let pages = match by {
            By::App => None,
            By::BarePage => Some(Pages::serve(&host)?),
        };
        let origin = match &pages {
            Some(pages) => pages.origin().to_owned(),
            None => server.origin(),
        };
        let alice = Person::filming(test, &alice, "Alice", scene, &origin)?;
        let bob = Person::without_devices(test, &bob, "Bob", &origin)?;
        match &pages {
            Some(pages) => {
                let stun = json!([{ "urls": format!("stun:{}", server.turn()) }]);
                bare::connect(pages, &alice, &bob, &stun)?;
            }
            None => {
                let link = alice.start_a_call(&origin)?;
                alice.join()?;
                bob.open(&link)?;
                bob.join()?;
            }
        }
        for person in [&alice, &bob] {
            person.until_state("active")?;
            person.is_connected_by("direct")?;
        }
        bob.until("a picture", |page| {
            let videos = page["videos"].as_array().context("no video")?;
            let seen = videos
                .iter()
                .any(|video| video["frames"].as_u64() > Some(0));
            ensure!(seen, "no frame decoded");
            Ok(())
        })?;
        Ok(Self {
            alice,
            bob,
            link,
            scene: scene.clone(),
            _pages: pages,
            _server: server,
            _net: net,
        })
    }

    /// Lets the link go bad, and says what Bob gets meanwhile.
    pub fn suffer(&self, course: &[(Shape, Duration)]) -> Result<Reception> {
        let (first, _) = course.first().context("a course has a begin")?;
        self.link.set(*first);
        thread::sleep(SETTLE);
        self.bob.browser().script(TAPE, vec![])?;
        let mut end = Instant::now();
        for (shape, time) in course {
            self.link.set(*shape);
            end += *time;
            thread::sleep(end.saturating_duration_since(Instant::now()));
        }
        let tape = self
            .bob
            .browser()
            .script("return window.__tape.stop()", vec![])?;
        self.link.set(Shape::default());
        Ok(Reception {
            speech: self.score(&tape)?,
            pictures: pictures(&tape)?,
        })
    }

    fn score(&self, tape: &Value) -> Result<Vec<f64>> {
        ensure!(tape["rates"] == json!([48_000]), "rates {}", tape["rates"]);
        let sound = BASE64_STANDARD.decode(tape["sound"].as_str().context("no sound")?)?;
        let folder = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let received = folder.path().join("received.raw");
        fs::write(&received, sound)?;
        if let Some(kept) = std::env::var_os("DIALTONE_LAB_KEEP_SOUND") {
            fs::copy(&received, kept)?;
        }
        let mut python = Command::new("python3");
        python
            .args(["-c", SCORE])
            .args([self.scene.speech(), received])
            .env("PYTHONPATH", build_folder().join("foreign/speech"));
        let scores = run(&mut python)
            .context("cannot score speech: `cargo xtask` installs what that needs")?;
        Ok(serde_json::from_str(&scores)?)
    }

    /// Waits until Bob sees frames of so many lines.
    pub fn until_height(&self, what: &str, accept: impl Fn(u32) -> bool) -> Result<u32> {
        let patience = Patience::seconds(90);
        eventually(what, patience, || {
            let page = "return Math.max(...[...document.querySelectorAll('video')].map((v) => v.videoHeight))";
            let height = self.bob.browser().script(page, vec![])?;
            let height = height.as_u64().unwrap_or(0) as u32;
            ensure!(accept(height), "{height} lines");
            Ok(height)
        })
        .map_err(|error| self.bob.explain(error))
    }

    /// The link between them.
    pub fn link(&self) -> &Link {
        &self.link
    }
}

/// What was noted as `[seconds, width, height, frames, bytes]`, the last two counted from the begin.
fn pictures(tape: &Value) -> Result<Vec<Picture>> {
    let notes: Vec<Vec<f64>> = serde_json::from_value(tape["pictures"].clone())?;
    let pairs = notes.windows(2);
    Ok(pairs
        .map(|pair| {
            let past = |member: usize| pair[1][member] - pair[0][member];
            Picture {
                at: pair[1][0],
                height: pair[1][2] as u32,
                rate: past(3) / past(0),
                kbits: past(4) * 8.0 / 1_000.0 / past(0),
            }
        })
        .collect())
}
