//! A relay with a configuration file, as an operator runs it: with its log and its admin listener.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::relay_support::{Relay, bare_command};

/// Long enough for a busy machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What the admin listener wants to hear.
pub const TOKEN: &str = "0123456789abcdef";

/// The realm, a user and where everything is.
const BASE: &str = r#"[turn]
listen = "127.0.0.1:0"
relay_ip = "127.0.0.1"
allow_peer = "127.0.0.2/31"
realm = "example.org"
user = "alice:wonder"
admin = "127.0.0.1:0"
admin_token = "0123456789abcdef"
"#;

pub struct Operated {
    pub relay: Relay,
    pub folder: TempDir,
    log: Arc<Mutex<String>>,
}

/// What the admin listener answers.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Operated {
    /// With these lines in its file, beside those that every test needs.
    pub fn start(lines: &str) -> Operated {
        Operated::start_with_mode(lines, PermissionsExt::from_mode(0o600))
    }

    /// As [`Operated::start`], with a file that these may read.
    pub fn start_with_mode(lines: &str, mode: Permissions) -> Operated {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, format!("{BASE}{lines}")).unwrap();
        std::fs::set_permissions(&file, mode).unwrap();
        let mut command = bare_command();
        command.arg("--config").arg(&file).stderr(Stdio::piped());
        let (relay, stderr) = Relay::started(&mut command);
        let log = Arc::new(Mutex::new(String::new()));
        let (writing, mut stderr) = (log.clone(), BufReader::new(stderr.unwrap()));
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
                let text = String::from_utf8_lossy(&line);
                writing.lock().unwrap().push_str(&text);
                line.clear();
            }
        });
        Operated { relay, folder, log }
    }

    /// One that was started otherwise, whose log is not read.
    pub fn around(relay: Relay) -> Operated {
        Operated {
            relay,
            folder: tempfile::tempdir().unwrap(),
            log: Arc::default(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.relay.address()
    }

    /// What was logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until something is logged.
    pub fn await_log(&self, words: &str) {
        self.await_log_times(words, 1);
    }

    fn await_log_times(&self, words: &str, times: usize) {
        let begun = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(
                begun.elapsed() < PATIENCE,
                "{words:?} not in:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes other lines into the file and says so; waits for these words.
    pub fn reload(&self, lines: &str, words: &str) {
        let before = self.log().matches(words).count();
        let file = self.folder.path().join("relay.toml");
        std::fs::write(&file, format!("{BASE}{lines}")).unwrap();
        self.relay.signal("-HUP");
        self.await_log_times(words, before + 1);
    }

    /// As [`Operated::reload`], if all is well.
    pub fn reload_well(&self, lines: &str) {
        self.reload(lines, "The configuration was reloaded");
    }

    pub fn admin(&self) -> SocketAddr {
        let urls = self.relay.ready.split_whitespace();
        let mut admin = urls.filter_map(|url| url.strip_prefix("http://"));
        admin.next().unwrap().parse().unwrap()
    }

    /// Asks the admin listener, with the token.
    pub fn ask(&self, method: &str, path: &str) -> Answer {
        let token = format!("Authorization: Bearer {TOKEN}\r\n");
        self.request(method, path, &token)
    }

    /// Asks it with these headers.
    pub fn request(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.request_for(&self.admin().to_string(), method, path, headers)
    }

    pub fn request_for(&self, host: &str, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.admin()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        stream
            .write_all(format!("{head}{headers}\r\n").as_bytes())
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// The value of a metric.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.ask("GET", "/metrics").body;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("{name} not in {text}"))
            .parse()
            .unwrap()
    }
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}
