//! A PostgreSQL server of the tests' own: one for each test binary, a fresh database for each test.
//!
//! It listens on a port that was free, keeps everything in a temporary folder, and ends with the
//! process of the tests, however that ends.

// Not every test that has this uses all of it.
#![allow(dead_code)]

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Long enough for a busy machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The URL of a new and empty database.
pub fn fresh_database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(Server::start);
    let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let made = server.tool("createdb").arg(&name).output().unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "createdb: {said}");
    format!("postgres://dialtone@127.0.0.1:{}/{name}", server.port)
}

struct Server {
    port: u16,
    /// As whom it runs: it refuses to run as root.
    user: Option<(u32, u32)>,
    /// A shell that ends the server and removes its folder when this process is gone: it waits for
    /// the end of a pipe that nobody else holds.
    _keeper: Child,
}

impl Server {
    fn start() -> Server {
        let user = is_root().then(unprivileged);
        let folder = tempfile::Builder::new()
            .prefix("dialtone-postgres-")
            .tempdir_in("/tmp") // Short: the path of a Unix socket has at most 107 bytes.
            .unwrap()
            .keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let port = free_port();
            let mut server = Server {
                port,
                user,
                _keeper: keeper(&folder, port, user),
            };
            if server.is_ready() {
                return server;
            }
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start:\n{log}");
    }

    /// Waits until it answers, or has ended.
    fn is_ready(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let asked = self.tool("pg_isready").output().unwrap();
            if asked.status.success() {
                return true;
            }
            if self._keeper.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// A client program of PostgreSQL, told where the server is.
    fn tool(&self, name: &str) -> Command {
        let mut tool = Command::new(program(name));
        tool.args(["-h", "127.0.0.1", "-U", "dialtone", "-p"]);
        tool.arg(self.port.to_string());
        tool
    }
}

fn keeper(folder: &Path, port: u16, user: Option<(u32, u32)>) -> Child {
    // The end of this process is the end of its standard input.
    let script = r#"
        cd "$1" || exit 1
        if [ ! -d data ]; then
            "$3" -D data -U dialtone -A trust -E UTF8 --no-sync >log 2>&1 || exit 1
        fi
        # Nothing is lost with the machine: the folder goes with the process.
        "$4" -D data -p "$2" -k "$1" -c listen_addresses=127.0.0.1 -c fsync=off \
            -c max_connections=200 >>log 2>&1 </dev/null &
        server=$!
        (while kill -0 $server 2>/dev/null; do sleep 1; done; kill $$ 2>/dev/null) &
        watch=$!
        trap 'kill $watch; exit 1' TERM
        cat >/dev/null
        kill $watch
        kill -INT $server
        wait $server
        cd / && rm -rf "$1"
    "#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "keeper"]);
    shell.arg(folder).arg(port.to_string());
    shell.arg(program("initdb")).arg(program("postgres"));
    shell.stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C ends the tests, and the keeper after them.
    shell.process_group(0);
    if let Some((uid, gid)) = user {
        shell.uid(uid).gid(gid);
    }
    shell.spawn().unwrap()
}

fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

/// Somebody who may run it.
fn unprivileged() -> (u32, u32) {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
        .expect("a user named postgres or nobody")
}

fn id(arguments: &[&str]) -> Option<u32> {
    let asked = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(asked.stdout).ok()?.trim().parse().ok()
}

fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

/// A program of PostgreSQL: Debian keeps those of a server out of PATH, the newest is taken.
fn program(name: &str) -> PathBuf {
    let in_path = env::var_os("PATH").into_iter().flat_map(|path| {
        env::split_paths(&path)
            .map(|folder| folder.join(name))
            .collect::<Vec<_>>()
    });
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = versions
        .flatten()
        .map(|version| version.path().join("bin").join(name))
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .chain(in_path)
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} of PostgreSQL is not installed: cargo xtask test does"))
}
