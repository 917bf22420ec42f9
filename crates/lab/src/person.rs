//! What people do in the app, and what they see and hear there.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::{Browser, BrowserOptions, Host, Patience, Scene, eventually};

const SENSE: &str = include_str!("scripts/sense.js");
const FIRST_PICTURE: &str = include_str!("scripts/first_picture.js");
/// What the page of the check says, once it is done.
const CHECKED: &str = "const page = document.querySelector('[data-check]');
    if (page?.dataset.check !== 'done') return null;
    const findings = [...page.querySelectorAll('[data-finding]')];
    return {
        verdict: page.dataset.verdict,
        sentence: page.querySelector('.sentence').textContent,
        levels: Object.fromEntries(findings.map(({ dataset }) => [dataset.finding, dataset.level])),
        report: page.querySelector('pre').textContent,
    };";
/// Messages of the chat, oldest first.
const LOG: &str = "const log = document.querySelector('[role=log]');
    return log ? log.innerText.split('\\n').map((line) => line.trim()).filter(Boolean) : [];";

/// A person at a browser.
pub struct Person {
    browser: Browser,
    test: String,
    tone: f64,
    devices: bool,
}

/// What proves a call: shown to whoever reads a failure or a measurement.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// `direct` or `relay`, as the page says it.
    pub path: String,
    /// The selected pair: type and address of the local and of the remote candidate.
    pub selected: Value,
    /// All local candidates gathered.
    pub local: Value,
}

impl Person {
    /// A person with a camera and a microphone that hears a tone of `hertz`.
    pub fn arrive(test: &str, host: &Host, name: &str, hertz: f64, origin: &str) -> Result<Self> {
        let options = BrowserOptions {
            tone: Some(hertz),
            ..insecure(origin)
        };
        Self::with(test, host, name, &options)
    }

    /// The same at a browser that trusts an authority as well, so that pages come by HTTPS; `root` is
    /// its certificate.
    pub fn trusting(
        test: &str,
        host: &Host,
        name: &str,
        hertz: f64,
        origin: &str,
        root: &Path,
    ) -> Result<Self> {
        let options = BrowserOptions {
            tone: Some(hertz),
            authority: Some(root.to_owned()),
            ..insecure(origin)
        };
        Self::with(test, host, name, &options)
    }

    /// A person whose camera and microphone take in `scene`.
    pub fn filming(
        test: &str,
        host: &Host,
        name: &str,
        scene: &Scene,
        origin: &str,
    ) -> Result<Self> {
        let options = BrowserOptions {
            scene: Some(scene.clone()),
            ..insecure(origin)
        };
        Self::with(test, host, name, &options)
    }

    /// A person without camera and microphone.
    pub fn without_devices(test: &str, host: &Host, name: &str, origin: &str) -> Result<Self> {
        Self::with(test, host, name, &insecure(origin))
    }

    /// A person at a browser that is given this.
    pub fn with(test: &str, host: &Host, name: &str, options: &BrowserOptions) -> Result<Self> {
        Ok(Self {
            browser: Browser::start(host, name, options)?,
            test: test.into(),
            tone: options.tone.unwrap_or(0.0),
            devices: options.tone.is_some() || options.scene.is_some(),
        })
    }

    /// The browser.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// The browser, to kill it.
    pub fn browser_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }

    /// Whether they have camera and microphone.
    pub fn has_devices(&self) -> bool {
        self.devices
    }

    /// The tone their microphone hears.
    pub fn tone(&self) -> f64 {
        self.tone
    }

    /// Presses "Start a call" on the start page; returns the link to give to others.
    pub fn start_a_call(&self, origin: &str) -> Result<String> {
        self.browser.goto(&format!("{origin}/"))?;
        self.press("Start a call")?;
        self.until_state("lobby")?;
        let link = self.browser.url()?;
        let room = link
            .rsplit('/')
            .next()
            .and_then(|path| path.split('#').next());
        ensure!(
            room.map(str::len) == Some(22),
            "no room in the address bar: {link}"
        );
        Ok(link)
    }

    /// Opens a link and waits for the lobby.
    pub fn open(&self, link: &str) -> Result<()> {
        self.browser.goto(link)?;
        self.until_state("lobby")
    }

    /// Gives a name and presses "Join" (or "Join to listen").
    pub fn join(&self) -> Result<()> {
        self.prepare()?;
        self.press(self.join_button())
    }

    /// Everything of joining but the click.
    pub fn prepare(&self) -> Result<()> {
        let name = self.browser.name().to_owned();
        self.until("the lobby asks for a name", |_| {
            ensure!(
                self.browser.shows("textbox", "Your name")?,
                "no textbox \"Your name\""
            );
            Ok(())
        })?;
        self.browser
            .type_into("Your name", &name)
            .map_err(|e| self.explain(e))?;
        self.until("the join button can be pressed", |_| {
            ensure!(
                self.browser.shows("button", self.join_button())?,
                "no button, or disabled"
            );
            Ok(())
        })
    }

    fn join_button(&self) -> &'static str {
        if self.devices {
            "Join"
        } else {
            "Join to listen"
        }
    }

    /// Presses a button, waiting until it is there.
    pub fn press(&self, name: &str) -> Result<()> {
        eventually(&format!("button {name:?}"), Patience::USUAL, || {
            self.browser.click("button", name)
        })
        .map_err(|e| self.explain(e))
    }

    /// Lets the page "Can I call from here?" look, and returns its verdict, the sentence of it, the
    /// levels of its findings by name, and its report.
    pub fn check(&self, origin: &str) -> Result<Value> {
        self.browser.goto(&format!("{origin}/check"))?;
        self.press("Check now")?;
        let checked = || {
            let said = self.browser.script(CHECKED, vec![])?;
            ensure!(!said.is_null(), "it is not done");
            Ok(said)
        };
        eventually("the check is done", Patience::USUAL, checked).map_err(|e| self.explain(e))
    }

    /// Opens the chat unless it is open, and sends a message.
    pub fn say(&self, text: &str) -> Result<()> {
        if !self.browser.shows("textbox", "Message")? {
            self.press("Chat")?;
        }
        self.until("the chat has a textbox", |_| {
            ensure!(
                self.browser.shows("textbox", "Message")?,
                "no textbox \"Message\""
            );
            Ok(())
        })?;
        self.browser
            .type_into("Message", text)
            .map_err(|e| self.explain(e))?;
        self.press("Send")
    }

    /// Waits until exactly these messages, once each and in this order, are in the chat.
    pub fn reads(&self, texts: &[&str]) -> Result<()> {
        if !self.browser.shows("textbox", "Message")? {
            self.press("Chat")?;
        }
        self.until(
            &format!("the chat shows {texts:?} in order, once each"),
            |_| {
                let log = self.browser.script(LOG, vec![])?;
                let lines: Vec<_> = log
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                // Lines also hold names and times: look only for those that contain a wanted text.
                let seen: Vec<_> = lines
                    .iter()
                    .filter_map(|l| texts.iter().find(|t| l.contains(**t)))
                    .collect();
                ensure!(
                    seen.iter().copied().eq(texts.iter()),
                    "the log reads {lines:?}"
                );
                Ok(())
            },
        )
    }

    /// The lines of the chat as they are now.
    pub fn reads_now(&self) -> Result<Vec<String>> {
        let log = self.browser.script(LOG, vec![])?;
        let lines = log.as_array().context("the chat is no list")?;
        Ok(lines
            .iter()
            .filter_map(|line| Some(line.as_str()?.to_owned()))
            .collect())
    }

    /// Presses "Hang up".
    pub fn hang_up(&self) -> Result<()> {
        self.press("Hang up")
    }

    /// Waits for the first remote picture, and says how long after the click on "Join" it was
    /// presented.
    pub fn first_picture(&self) -> Result<Duration> {
        let elapsed = self
            .browser
            .script(FIRST_PICTURE, vec![])
            .map_err(|e| self.explain(e))?;
        let milliseconds = elapsed.as_f64().context("no time from the page")?;
        Ok(Duration::from_secs_f64(milliseconds / 1000.0))
    }

    /// Everything the page shows, plays, and knows about its connections.
    pub fn sense(&self) -> Result<Value> {
        self.browser.script(SENSE, vec![])
    }

    /// Waits for a value of `data-call-state`.
    pub fn until_state(&self, state: &str) -> Result<()> {
        self.until_state_within(state, Patience::USUAL)
    }

    /// Waits for a value of `data-call-state`, not longer than `patience`.
    pub fn until_state_within(&self, state: &str, patience: Patience) -> Result<()> {
        self.until_within(&format!("data-call-state={state}"), patience, |page| {
            ensure!(page["state"] == state, "it is {}", page["state"]);
            Ok(())
        })
    }

    /// Waits until `ask` accepts the page.
    pub fn until<T>(&self, what: &str, ask: impl Fn(&Value) -> Result<T>) -> Result<T> {
        self.until_within(what, Patience::USUAL, ask)
    }

    /// Waits until `ask` accepts the page, not longer than `patience`.
    pub fn until_within<T>(
        &self,
        what: &str,
        patience: Patience,
        ask: impl Fn(&Value) -> Result<T>,
    ) -> Result<T> {
        let what = format!("{}: {what}", self.browser.name());
        eventually(&what, patience, || ask(&self.sense()?)).map_err(|e| self.explain(e))
    }

    /// Video frames presented so far, over all remote pictures.
    pub fn frames(&self) -> Result<u64> {
        remote_video(&self.sense()?).map(|video| video["frames"].as_u64().unwrap_or(0))
    }

    /// Waits until the remote picture moves: frames are decoded and what they show changes.
    pub fn sees_moving_pictures(&self) -> Result<()> {
        let before = self.until("a remote picture", |page| {
            let video = remote_video(page)?.clone();
            ensure!(video["frames"].as_u64() > Some(0), "no frame decoded");
            Ok(video)
        })?;
        self.until("the remote picture moves", |page| {
            let video = remote_video(page)?;
            let more = video["frames"].as_u64() >= before["frames"].as_u64().map(|n| n + 10);
            ensure!(
                more,
                "{} frames, then {}",
                before["frames"],
                video["frames"]
            );
            ensure!(
                video["picture"] != before["picture"],
                "always the same picture"
            );
            Ok(())
        })
    }

    /// Waits until the tone of the other person is the loudest thing played.
    pub fn hears(&self, hertz: f64) -> Result<()> {
        self.until(&format!("a tone of {hertz} Hz is heard"), |page| {
            let heard = page["heard"].as_array().context("nothing is played")?;
            let close = heard.iter().any(|ear| {
                let off = (ear["hertz"].as_f64().unwrap_or(0.0) - hertz).abs();
                off < 15.0 && ear["decibels"].as_f64().unwrap_or(-200.0) > -70.0
            });
            ensure!(close, "heard: {}", page["heard"]);
            Ok(())
        })
    }

    /// Waits until the page names this path, and returns what proves it.
    pub fn is_connected_by(&self, path: &str) -> Result<Evidence> {
        self.until(&format!("data-path={path}"), |page| {
            ensure!(page["path"] == path, "it is {}", page["path"]);
            let connections = page["connections"].as_array().context("no connection")?;
            let live = connections.iter().find(|c| !c["selected"].is_null());
            let live = live.context("no connection with a selected pair")?;
            let pair = &live["selected"];
            let relayed = [&pair["local"], &pair["remote"]]
                .iter()
                .any(|c| c["type"] == "relay");
            ensure!(
                relayed == (path == "relay"),
                "the page says {path}, its pair is {pair}"
            );
            Ok(Evidence {
                path: path.into(),
                selected: pair.clone(),
                local: live["local"].clone(),
            })
        })
    }

    /// Adds the state of the page and a screenshot to an error.
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let page = self
            .sense()
            .unwrap_or_else(|e| json!(format!("cannot be asked: {e:#}")));
        let page = serde_json::to_string_pretty(&page).unwrap_or_default();
        let picture = match self.browser.screenshot(&self.test) {
            Ok(path) => path.display().to_string(),
            Err(e) => format!("none: {e:#}"),
        };
        anyhow!(
            "{error:#}\nscreenshot: {picture}\n{}'s page: {page}",
            self.browser.name()
        )
    }

    /// Fails if pictures stop for longer than a breath during `duration`.
    pub fn pictures_go_on_for(&self, duration: Duration) -> Result<()> {
        let (start, mut last, mut moved) = (
            std::time::Instant::now(),
            self.frames()?,
            std::time::Instant::now(),
        );
        while start.elapsed() < duration {
            std::thread::sleep(Duration::from_millis(200));
            let now = self.frames()?;
            if now != last {
                (last, moved) = (now, std::time::Instant::now());
            } else if moved.elapsed() > Duration::from_secs(3) {
                let stood = anyhow!("{}: the picture stood still for 3 s", self.browser.name());
                return Err(self.explain(stood));
            }
        }
        Ok(())
    }
}

/// What makes a browser give camera and microphone to a page on plain HTTP.
fn insecure(origin: &str) -> BrowserOptions {
    BrowserOptions {
        trusted: vec![origin.to_owned()],
        ..BrowserOptions::default()
    }
}

fn remote_video(page: &Value) -> Result<&Value> {
    let videos = page["videos"].as_array().context("no video element")?;
    match videos.iter().find(|video| video["role"] == "remote") {
        Some(video) => Ok(video),
        None => bail!("no video[data-role=remote]"),
    }
}
