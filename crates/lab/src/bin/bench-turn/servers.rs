//! The servers that are compared, each started alike.

use std::fmt;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::Process;
use tempfile::TempDir;

/// Where the forwarder sends to; where the generator has its peers.
const PEER: &str = "127.0.0.3";
/// For everything that is expected to happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contestant {
    /// `dialtone turn`.
    Ours,
    /// Debian's.
    Coturn,
    /// A batch in, the same batch out: the floor.
    Forwarder,
}

/// All of them.
pub const CONTESTANTS: [Contestant; 3] =
    [Contestant::Ours, Contestant::Coturn, Contestant::Forwarder];

/// A server that runs. Dropping it ends it.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
    /// Where the forwarder sends to.
    pub peer_port: Option<u16>,
    _folder: TempDir,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Contestant::Ours => "Dialtone",
            Contestant::Coturn => "coturn",
            Contestant::Forwarder => "forwarder",
        })
    }
}

impl Contestant {
    /// Starts it with so many worker threads and waits until it is there.
    pub fn start(self, threads: usize) -> Result<Running> {
        match self {
            Contestant::Ours => ours(threads),
            Contestant::Coturn => coturn(threads),
            Contestant::Forwarder => forwarder(),
        }
    }
}

/// The built binary.
pub fn binary() -> Result<String> {
    std::env::var("DIALTONE_BIN").context("DIALTONE_BIN names the built binary")
}

fn ours(threads: usize) -> Result<Running> {
    let mut command = Command::new(binary()?);
    command
        .args(["turn", "--listen", "127.0.0.1:0", "--relay-ip", "127.0.0.1"])
        .args(["--user", "bench:bench", "--allow-peer", "127.0.0.0/8"])
        .args(["--user-quota", "100000", "--threads", &threads.to_string()]);
    let mut process = Process::start(command)?;
    let ready = process.wait_for_line_starting("ready turn:", PATIENCE)?;
    let address = ready
        .split_whitespace()
        .nth(1)
        .and_then(|url| url.strip_prefix("turn:"))
        .and_then(|address| address.parse().ok())
        .with_context(|| format!("no address in {ready:?}"))?;
    Running::new(process, address, None)
}

fn coturn(threads: usize) -> Result<Running> {
    let folder = tempfile::tempdir()?;
    let address: SocketAddr = ([127, 0, 0, 1], free_port("127.0.0.1")?).into();
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--no-cli", "--no-tls", "--no-dtls"])
        .args(["-L", "127.0.0.1", "-p", &address.port().to_string()])
        .args(["-E", "127.0.0.1", "-m", &threads.to_string()])
        .args(["-a", "-u", "bench:bench", "-r", "bench"])
        .args(["--allow-loopback-peers", "--simple-log", "--log-file"])
        .arg(folder.path().join("log"))
        .arg("--userdb")
        .arg(folder.path().join("users"))
        .arg("--pidfile")
        .arg(folder.path().join("pid"));
    let mut running = Running {
        process: Process::start(command)?,
        address,
        peer_port: None,
        _folder: folder,
    };
    // It says nothing when it is ready; that it accepts connections does.
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!(
                "coturn does not listen; it said:\n{}",
                running.process.said()
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    // Its workers come up after its listeners.
    thread::sleep(Duration::from_millis(200));
    running.address = address;
    Ok(running)
}

fn forwarder() -> Result<Running> {
    let peer_port = free_port(PEER)?;
    let mut command = Command::new(binary()?);
    command
        .args(["bench", "forwarder", "--listen", "127.0.0.1:0", "--to"])
        .arg(format!("{PEER}:{peer_port}"));
    let mut process = Process::start(command)?;
    let ready = process.wait_for_line_starting("ready ", PATIENCE)?;
    let address = ready
        .strip_prefix("ready ")
        .and_then(|address| address.trim().parse().ok())
        .with_context(|| format!("no address in {ready:?}"))?;
    Running::new(process, address, Some(peer_port))
}

impl Running {
    fn new(process: Process, address: SocketAddr, peer_port: Option<u16>) -> Result<Running> {
        Ok(Running {
            process,
            address,
            peer_port,
            _folder: tempfile::tempdir()?,
        })
    }
}

fn free_port(ip: &str) -> Result<u16> {
    Ok(UdpSocket::bind((ip, 0))?.local_addr()?.port())
}
