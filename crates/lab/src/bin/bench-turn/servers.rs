//! The servers that are compared, each started alike.

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
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
    /// The same for TLS.
    pub tls: Option<SocketAddr>,
    /// Where the forwarder sends to.
    pub peer_port: Option<u16>,
    pub identity: Identity,
}

/// A certificate for 127.0.0.1, its key, and room for more files.
pub struct Identity {
    folder: TempDir,
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
    let identity = Identity::new()?;
    let mut command = Command::new(binary()?);
    command
        .args(["turn", "--listen", "127.0.0.1:0", "--relay-ip", "127.0.0.1"])
        .args(["--user", "bench:bench", "--allow-peer", "127.0.0.0/8"])
        .args(["--user-quota", "100000", "--address-quota", "100000"])
        .args(["--threads", &threads.to_string()])
        .args(["--tls", "127.0.0.1:0", "--cert"])
        .arg(identity.cert())
        .arg("--key")
        .arg(identity.key());
    let mut process = Process::start(command)?;
    let ready = process.wait_for_line_starting("ready ", PATIENCE)?;
    Ok(Running {
        process,
        address: address_in(&ready, "turn:")?,
        tls: Some(address_in(&ready, "turns:")?),
        peer_port: None,
        identity,
    })
}

fn coturn(threads: usize) -> Result<Running> {
    let identity = Identity::new()?;
    let [address, tls]: [SocketAddr; 2] =
        free_ports("127.0.0.1")?.map(|port| ([127, 0, 0, 1], port).into());
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--no-cli", "--no-dtls", "-L", "127.0.0.1"])
        .args(["-p", &address.port().to_string()])
        .args(["--tls-listening-port", &tls.port().to_string()])
        .args(["-E", "127.0.0.1", "-m", &threads.to_string()])
        .args(["-a", "-u", "bench:bench", "-r", "bench"])
        .args(["--allow-loopback-peers", "--simple-log"]);
    for (flag, path) in [
        ("--cert", identity.cert()),
        ("--pkey", identity.key()),
        ("--log-file", identity.path("log")),
        ("--userdb", identity.path("users")),
        ("--pidfile", identity.path("pid")),
    ] {
        command.arg(flag).arg(path);
    }
    let running = Running {
        process: Process::start(command)?,
        address,
        tls: Some(tls),
        peer_port: None,
        identity,
    };
    running.until_it_accepts()?;
    Ok(running)
}

fn forwarder() -> Result<Running> {
    let [peer_port, _] = free_ports(PEER)?;
    let mut command = Command::new(binary()?);
    command
        .args(["bench", "forwarder", "--listen", "127.0.0.1:0", "--to"])
        .arg(format!("{PEER}:{peer_port}"));
    let mut process = Process::start(command)?;
    let ready = process.wait_for_line_starting("ready ", PATIENCE)?;
    Ok(Running {
        process,
        address: address_in(&ready, "")?,
        tls: None,
        peer_port: Some(peer_port),
        identity: Identity::new()?,
    })
}

impl Running {
    /// For a server that does not say when it is ready.
    fn until_it_accepts(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for address in [Some(self.address), self.tls].into_iter().flatten() {
            while TcpStream::connect(address).is_err() {
                if Instant::now() > deadline {
                    bail!(
                        "nobody listens on {address}; it said:\n{}",
                        self.process.said()
                    );
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        // Workers may come up after listeners.
        thread::sleep(Duration::from_millis(200));
        Ok(())
    }
}

/// The first address behind this scheme in what a server of ours says when it is ready.
fn address_in(ready: &str, scheme: &str) -> Result<SocketAddr> {
    ready
        .split_whitespace()
        .skip(1)
        .find_map(|url| url.strip_prefix(scheme)?.parse().ok())
        .with_context(|| format!("no address in {ready:?}"))
}

fn free_ports(ip: &str) -> Result<[u16; 2]> {
    // Both are open at a time, so they differ.
    let sockets = [UdpSocket::bind((ip, 0))?, UdpSocket::bind((ip, 0))?];
    let [first, second] = sockets.each_ref().map(UdpSocket::local_addr);
    Ok([first?.port(), second?.port()])
}

impl Identity {
    fn new() -> Result<Identity> {
        let identity = Identity {
            folder: tempfile::tempdir()?,
        };
        let key = rcgen::KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        fs::write(identity.cert(), params.self_signed(&key)?.pem())?;
        fs::write(identity.key(), key.serialize_pem())?;
        Ok(identity)
    }

    /// Its certificate, in PEM.
    pub fn cert(&self) -> PathBuf {
        self.path("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.path("key.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
