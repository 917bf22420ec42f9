//! One browser with a fresh profile, a fake camera, and a pure tone for a microphone.

mod bidi;
mod chromium;
mod driver;
mod firefox;
mod remote;

use std::{
    collections::HashMap,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::remote::Remote;
use crate::{Host, Patience, Process, Scene, eventually};

/// Runs in every page before the page's own scripts; `window.__lab` holds what it collects.
const HOOK: &str = include_str!("scripts/hook.js");

/// What a browser is given.
#[derive(Clone, Debug, Default)]
pub struct BrowserOptions {
    /// Which browser it is.
    pub engine: Engine,
    /// The tone its microphone hears, in hertz; without one there is no camera or microphone.
    pub tone: Option<f64>,
    /// What camera and microphone take in instead: a film (Y4M) and a recording (WAV).
    pub scene: Option<Scene>,
    /// Origins on plain HTTP that count as secure, so that pages may use the camera.
    pub trusted: Vec<String>,
    /// The certificate of an authority to trust (PEM or DER).
    pub authority: Option<PathBuf>,
    /// A name, and the address it has; none if this network cannot resolve it.
    pub name: Option<(String, Option<IpAddr>)>,
    /// The HTTP proxy that everything has to go through.
    pub proxy: Option<SocketAddr>,
}

/// Which browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// Chromium, by chromedriver and the DevTools protocol.
    #[default]
    Chromium,
    /// Firefox, by WebDriver BiDi. It takes in no scene.
    Firefox,
}

/// A browser that has just been started.
struct Started {
    process: Process,
    remote: Box<dyn Remote>,
    /// What plays its sound, where it does not do that itself.
    sound: Option<Process>,
}

/// A tab of a browser.
pub struct Tab(String);

/// Commands go to the page in a frame as long as this lives.
pub struct InFrame<'a>(&'a Browser);

impl Drop for InFrame<'_> {
    fn drop(&mut self) {
        // A browser that is gone has no frames either.
        self.0.remote.leave().ok();
    }
}

/// A running browser. Dropping it kills it.
pub struct Browser {
    name: String,
    engine: Engine,
    remote: Box<dyn Remote>,
    process: Process,
    version: String,
    _sound: Option<Process>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser called `name` (in messages and screenshots) on `host`.
    pub fn start(host: &Host, name: &str, options: &BrowserOptions) -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        let start = match options.engine {
            Engine::Chromium => chromium::start,
            Engine::Firefox => firefox::start,
        };
        let Started {
            process,
            remote,
            sound,
        } = start(host, profile.path(), options).with_context(|| format!("{name}'s browser"))?;
        remote.prepend(HOOK)?;
        Ok(Self {
            name: name.into(),
            engine: options.engine,
            version: remote.version()?,
            remote,
            process,
            _sound: sound,
            _profile: profile,
        })
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Product and version, as the browser gives it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Runs a script in every page from the next one on, before the page's own scripts.
    pub fn prepend(&self, script: &str) -> Result<()> {
        self.remote.prepend(script)
    }

    /// Opens an address, as typed into the address bar.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.remote.goto(url)
    }

    /// The tab that commands go to.
    pub fn tab(&self) -> Result<Tab> {
        self.remote.tab().map(Tab)
    }

    /// Opens another tab, which commands go to from then on.
    pub fn open_tab(&self) -> Result<Tab> {
        let tab = self.remote.open_tab().map(Tab)?;
        self.look_at(&tab)?;
        self.prepend(HOOK)?;
        Ok(tab)
    }

    /// Lets commands go to this tab.
    pub fn look_at(&self, tab: &Tab) -> Result<()> {
        self.remote.look_at(&tab.0)
    }

    /// Goes into the frame that a script returns, until the guard is dropped: commands are for the
    /// page in it.
    pub fn frame(&self, script: &str) -> Result<InFrame<'_>> {
        self.remote.enter(script)?;
        Ok(InFrame(self))
    }

    /// The address shown.
    pub fn url(&self) -> Result<String> {
        Ok(self
            .script("return location.href", vec![])?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Reloads the page.
    pub fn reload(&self) -> Result<()> {
        self.remote.reload()
    }

    /// Runs a script (the body of a function; `arguments` are its arguments). A promise is awaited.
    pub fn script(&self, source: &str, arguments: Vec<Value>) -> Result<Value> {
        self.remote.script(source, arguments)
    }

    /// Sends a command of the DevTools protocol, to a Chromium.
    pub fn cdp(&self, command: &str, parameters: Value) -> Result<Value> {
        self.remote.cdp(command, parameters)
    }

    /// Clicks, with a real pointer event, the visible control of that role and accessible name.
    pub fn click(&self, role: &str, name: &str) -> Result<()> {
        self.click_found(role, name, Value::Null)
    }

    /// The same in the row of a list that is called `row`.
    pub fn click_in_row(&self, row: &str, role: &str, name: &str) -> Result<()> {
        self.click_found(role, name, json!(row))
    }

    fn click_found(&self, role: &str, name: &str, row: Value) -> Result<()> {
        self.remote
            .click(FIND, vec![json!(role), json!(name), row])
            .with_context(|| format!("{}: cannot click the {role} {name:?}", self.name))
    }

    /// Whether that control is shown.
    pub fn shows(&self, role: &str, name: &str) -> Result<bool> {
        let look = format!(
            "const find = async function () {{ {FIND} }}; return Boolean(await find(...arguments))"
        );
        Ok(self.script(&look, vec![json!(role), json!(name)])? == true)
    }

    /// Types into a text field, key by key, after emptying it.
    pub fn type_into(&self, name: &str, text: &str) -> Result<()> {
        self.remote
            .type_into(FIND, vec![json!("textbox"), json!(name)], text)
            .with_context(|| format!("{}: cannot type into {name:?}", self.name))
    }

    /// Presses keys one after the other, wherever the focus is: text, and the codes that WebDriver
    /// (section 17.4.2) has for others.
    pub fn press_keys(&self, keys: &str) -> Result<()> {
        self.remote.press_keys(keys)
    }

    /// Presses a key and holds it, or lets it go.
    pub fn hold_key(&self, key: char, held: bool) -> Result<()> {
        self.remote.hold_key(key, held)
    }

    /// Chooses a file in the page's field for files, as in the dialog that a browser opens.
    pub fn choose_file(&self, path: &Path) -> Result<()> {
        // It may be in a part of the page that is loaded when it is asked for.
        eventually("there is a field for files", Patience::USUAL, || {
            self.remote.choose_file(path)
        })
    }

    /// Saves what the page lets people download to this folder, without asking.
    pub fn download_to(&self, folder: &Path) -> Result<()> {
        let parameters = json!({ "behavior": "allow", "downloadPath": folder });
        self.cdp("Browser.setDownloadBehavior", parameters)
            .map(drop)
    }

    /// Saves a picture of the page under the build folder's `lab/`, and says where.
    pub fn screenshot(&self, test: &str) -> Result<PathBuf> {
        let folder = build_folder().join("lab");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{test}-{}.png", self.name));
        fs::write(&path, self.remote.picture()?)?;
        Ok(path)
    }

    /// Stops the browser with all its processes, as a laptop that is shut does.
    pub fn sleep(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    fn signal_all(&self, signal: Signal) {
        // chromedriver is no part of the browser, and has to answer.
        let main = (self.engine == Engine::Firefox).then_some(self.process.id());
        for pid in main.into_iter().chain(descendants(self.process.id())) {
            kill(Pid::from_raw(pid as i32), signal).ok();
        }
    }

    /// Kills the process of the browser whose command line contains `mark`; how many there were.
    pub fn kill_part(&self, mark: &str) -> usize {
        let is_it = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(mark)
        };
        let parts: Vec<u32> = descendants(self.process.id())
            .into_iter()
            .filter(is_it)
            .collect();
        for pid in &parts {
            kill(Pid::from_raw(*pid as i32), Signal::SIGKILL).ok();
        }
        parts.len()
    }

    /// Kills the browser without a goodbye, as a crash or a power cut would.
    pub fn kill(&mut self) {
        self.signal_all(Signal::SIGKILL);
        self.process.stop(Signal::SIGKILL).ok();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Finds a visible control by role and accessible name.
const FIND: &str = include_str!("scripts/find.js");

/// All processes below `root`, from the process table.
fn descendants(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok()) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // pid (name) state parent …; the name may contain anything but ends with the last ')'.
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|p| p.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut queue = vec![root];
    while let Some(pid) = queue.pop() {
        let below = children.remove(&pid).unwrap_or_default();
        found.extend(&below);
        queue.extend(below);
    }
    found
}

/// The folder cargo builds into.
pub(crate) fn build_folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}
