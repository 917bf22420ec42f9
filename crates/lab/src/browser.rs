//! One Chromium with a fresh profile, a fake camera, and a pure tone for a microphone.

use std::{
    collections::HashMap,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, WindowHandle};

use crate::{Host, Process, Scene, authority::trust, driver::Driver, wav::write_tone};

/// Runs in every page before the page's own scripts; `window.__lab` holds what it collects.
const HOOK: &str = include_str!("scripts/hook.js");

/// What a browser is given.
#[derive(Clone, Debug, Default)]
pub struct BrowserOptions {
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

/// A tab of a browser.
pub struct Tab(WindowHandle);

/// A running browser. Dropping it kills it.
pub struct Browser {
    name: String,
    driver: Driver,
    process: Process,
    version: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser called `name` (in messages and screenshots) on `host`.
    pub fn start(host: &Host, name: &str, options: &BrowserOptions) -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?;
        if let Some(root) = &options.authority {
            trust(root, profile.path())?;
        }
        let mut command = host.command("chromedriver");
        command
            .args(["--port=0", "--allowed-ips=", "--allowed-origins=*"])
            .arg("--log-level=WARNING")
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path());
        let mut process = Process::start(command)?;
        let mark = "started successfully on port ";
        let line = process.wait_for_line(mark, Duration::from_secs(60))?;
        let port = line.split(mark).nth(1).unwrap_or_default();
        let port: u16 = port.trim_end_matches('.').parse().context(line.clone())?;
        let capabilities = capabilities(profile.path(), options)?;
        // chromedriver listens on the loopback of its own host.
        let address = format!("http://127.0.0.1:{port}");
        let driver = Driver::connect(host, address, capabilities)
            .with_context(|| format!("{name}'s browser; chromedriver said: {}", process.said()))?;
        let mut browser = Self {
            name: name.into(),
            driver,
            process,
            version: String::new(),
            _profile: profile,
        };
        browser.version = browser.prepare()?;
        Ok(browser)
    }

    fn prepare(&self) -> Result<String> {
        self.prepend(HOOK)?;
        let version = self.cdp("Browser.getVersion", json!({}))?;
        Ok(version["product"].as_str().unwrap_or("unknown").to_owned())
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
        let parameters = json!({ "source": script });
        self.cdp("Page.addScriptToEvaluateOnNewDocument", parameters)
            .map(drop)
    }

    /// Opens an address, as typed into the address bar.
    pub fn goto(&self, url: &str) -> Result<()> {
        let url = url.to_owned();
        self.driver
            .call(move |d| Box::pin(async move { d.goto(url).await }))
    }

    /// The tab that commands go to.
    pub fn tab(&self) -> Result<Tab> {
        self.driver
            .call(|d| Box::pin(async move { d.window().await.map(Tab) }))
    }

    /// Opens another tab, which commands go to from then on.
    pub fn open_tab(&self) -> Result<Tab> {
        let tab = self
            .driver
            .call(|d| Box::pin(async move { d.new_tab().await.map(Tab) }))?;
        self.look_at(&tab)?;
        self.prepend(HOOK)?;
        Ok(tab)
    }

    /// Lets commands go to this tab.
    pub fn look_at(&self, tab: &Tab) -> Result<()> {
        let handle = tab.0.clone();
        self.driver
            .call(move |d| Box::pin(async move { d.switch_to_window(handle).await }))
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
        self.driver
            .call(|d| Box::pin(async move { d.refresh().await }))
    }

    /// Runs a script (the body of a function; `arguments` are its arguments). A promise is awaited.
    pub fn script(&self, source: &str, arguments: Vec<Value>) -> Result<Value> {
        let source = source.to_owned();
        self.driver.call(move |d| {
            Box::pin(async move { Ok(d.execute(source, arguments).await?.json().clone()) })
        })
    }

    /// Sends a command of the DevTools protocol.
    pub fn cdp(&self, command: &str, parameters: Value) -> Result<Value> {
        let command = command.to_owned();
        self.driver
            .call(move |d| Box::pin(async move { d.cdp().send_raw(&command, parameters).await }))
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
        let wanted = vec![json!(role), json!(name), row];
        self.driver
            .call(move |d| {
                Box::pin(async move {
                    let found = d.execute(FIND, wanted).await?;
                    found.element()?.click().await
                })
            })
            .with_context(|| format!("{}: cannot click the {role} {name:?}", self.name))
    }

    /// Whether that control is shown.
    pub fn shows(&self, role: &str, name: &str) -> Result<bool> {
        Ok(!self.script(FIND, vec![json!(role), json!(name)])?.is_null())
    }

    /// Types into a text field, key by key, after emptying it.
    pub fn type_into(&self, name: &str, text: &str) -> Result<()> {
        let (wanted, text) = (json!(name), text.to_owned());
        self.driver
            .call(move |d| {
                Box::pin(async move {
                    let found = d.execute(FIND, vec![json!("textbox"), wanted]).await?;
                    let field = found.element()?;
                    field.clear().await?;
                    field.send_keys(text).await
                })
            })
            .with_context(|| format!("{}: cannot type into {name:?}", self.name))
    }

    /// Saves a picture of the page under the build folder's `lab/`, and says where.
    pub fn screenshot(&self, test: &str) -> Result<PathBuf> {
        let folder = build_folder().join("lab");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{test}-{}.png", self.name));
        let file = path.clone();
        self.driver
            .call(move |d| Box::pin(async move { d.screenshot(&file).await }))?;
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
        for pid in descendants(self.process.id()) {
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

fn capabilities(profile: &Path, options: &BrowserOptions) -> Result<ChromeCapabilities> {
    let mut arguments: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-breakpad",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--window-size=1024,768",
        // The names of controls are looked for in English.
        "--accept-lang=en-US",
    ]
    .map(String::from)
    .to_vec();
    arguments.push(format!(
        "--user-data-dir={}",
        profile.join("profile").display()
    ));
    if let Some(hertz) = options.tone {
        let file = profile.join("tone.wav");
        write_tone(&file, hertz)?;
        arguments.push("--use-fake-device-for-media-stream".into());
        arguments.push(format!(
            "--use-file-for-fake-audio-capture={}",
            file.display()
        ));
    }
    if let Some(scene) = &options.scene {
        arguments.push("--use-fake-device-for-media-stream".into());
        for (what, file) in [("audio", scene.speech()), ("video", scene.film())] {
            let file = file.display();
            arguments.push(format!("--use-file-for-fake-{what}-capture={file}"));
        }
    }
    if !options.trusted.is_empty() {
        let origins = options.trusted.join(",");
        arguments.push(format!(
            "--unsafely-treat-insecure-origin-as-secure={origins}"
        ));
    }
    if let Some((name, address)) = &options.name {
        let address = match address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            Some(IpAddr::V4(address)) => address.to_string(),
            None => "^NOTFOUND".into(),
        };
        // The star is for a dot at the end: with one, and with none, names are asked for.
        arguments.push(format!("--host-resolver-rules=MAP {name}* {address}"));
    }
    if let Some(proxy) = options.proxy {
        arguments.push(format!("--proxy-server=http://{proxy}"));
    }
    let mut capabilities = ChromeCapabilities::new();
    for argument in &arguments {
        capabilities
            .add_arg(argument)
            .map_err(|e| anyhow!("{argument}: {e}"))?;
    }
    Ok(capabilities)
}

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
