//! What a person sees of a server that starts.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use protocol::id::RoomId;

use super::super::https::FirstStep;
use super::super::state::StateArguments;
use crate::addresses::Address;
use crate::lan;
use crate::net::relay::Relay;

/// What there is to be said.
pub struct Greeting<'a> {
    /// Where the web app is.
    pub urls: &'a [String],
    /// What has to be done before a browser opens it, if anything.
    pub first_step: Option<&'a FirstStep>,
    /// The link that makes the administrator, as long as there is none.
    pub administrator: Option<&'a str>,
    /// Where STUN and TURN were told to listen.
    pub turn: &'a [SocketAddr],
    /// The relay.
    pub relay: &'a Relay,
    /// The addresses of this machine.
    pub found: &'a [Address],
    /// Where state is kept.
    pub state: &'a StateArguments,
}

impl Greeting<'_> {
    /// All of it.
    pub fn text(&self) -> anyhow::Result<String> {
        let mut text = format!("Dialtone {}\n\n", env!("CARGO_PKG_VERSION"));
        self.add_links(&mut text)?;
        if let Some(step) = self.first_step {
            add_first_step(&mut text, step)?;
        }
        if let Some(link) = self.administrator {
            writeln!(text, "  Make yourself the administrator: {link}\n")?;
        }
        self.add_relay(&mut text)?;
        let state = self.state;
        writeln!(text, "\n  State is kept in {state}. Ctrl-C stops.\n")?;
        Ok(text)
    }

    /// What to open where somebody sits in front of a screen.
    pub fn first_page(&self) -> &str {
        self.first_step.map_or(&self.urls[0], |step| &step.url)
    }

    fn add_links(&self, text: &mut String) -> anyhow::Result<()> {
        let mut room = [0; 16];
        getrandom::fill(&mut room)?;
        let room = RoomId::from_bytes(room);
        // Plain HTTP leads to HTTPS where there is a first step.
        let skipped = usize::from(self.first_step.is_some());
        for url in &self.urls[skipped..] {
            writeln!(text, "  Open    {url}")?;
            writeln!(text, "  Invite  {url}/{room}")?;
        }
        if skipped == 0 {
            writeln!(
                text,
                "          Open it in two windows to try a call with yourself."
            )?;
        }
        writeln!(text)?;
        Ok(())
    }

    fn add_relay(&self, text: &mut String) -> anyhow::Result<()> {
        if self.turn.iter().any(|at| at.ip().is_unspecified()) {
            let port = self.relay.port();
            writeln!(text, "  STUN and TURN on port {port}, UDP and TCP")?;
            for address in self.found {
                writeln!(text, "    {address}")?;
            }
        } else {
            let listen = self.relay.listen_addresses().iter();
            let listen: Vec<_> = listen.map(SocketAddr::to_string).collect();
            let listen = listen.join(" and ");
            writeln!(
                text,
                "  STUN and TURN on {listen}, UDP and TCP, as --turn says"
            )?;
        }
        if self.urls.len() > 1 {
            writeln!(text, "  TURN over TLS on the port of HTTPS")?;
        }
        Ok(())
    }
}

fn add_first_step(text: &mut String, step: &FirstStep) -> anyhow::Result<()> {
    let FirstStep { url, fingerprint } = step;
    writeln!(
        text,
        "  Each device has to trust this server once. Open this on it, or scan it:\n\n    {url}\n"
    )?;
    if let Some(code) = lan::code(url) {
        writeln!(text, "{code}")?;
    }
    writeln!(
        text,
        "  Compare what the device shows as fingerprint (SHA-256):\n"
    )?;
    // Half of it on a line: 16 bytes of three characters.
    let (first, second) = fingerprint.split_at(16 * 3);
    writeln!(text, "    {first}\n    {second}\n")?;
    Ok(())
}

/// Prints, also when nobody reads any more: a closed pipe is no reason to end a call.
pub fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Opens the page where somebody sits in front of a screen.
pub fn open_browser(url: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "linux" if has_screen => "xdg-open",
        _ => return,
    };
    if std::io::stdout().is_terminal() {
        // The address is printed as well: without an opener nothing is lost.
        let _ = Command::new(opener)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}
