//! The built binary, run as any user would run it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{Authority, Host, Process, browser::build_folder};

/// The labs' addresses, which a relay rightly denies as peers unless told.
pub(crate) const LAB_NETWORKS: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];

/// `dialtone dev` on a host, with a data folder of its own. Dropping it kills it.
pub struct Server {
    host: Host,
    process: Option<Process>,
    data: TempDir,
    http: SocketAddr,
    turn: SocketAddr,
    options: ServerOptions,
    start_time: Duration,
}

/// Arguments a test may add.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Further arguments after the usual ones.
    pub arguments: Vec<String>,
    /// The address of the host to listen on, if not its usual one; an unspecified one stands for
    /// all addresses of both families.
    pub address: Option<IpAddr>,
    /// Who certifies the server: HTTPS, and TURN over TLS, are on port 443 then.
    pub authority: Option<Arc<Authority>>,
    /// The name that people know the certified server by, if not its address.
    pub name: Option<String>,
    /// The address that others know the host by, if it is not its own.
    pub announced: Option<Ipv4Addr>,
}

impl Server {
    /// Starts the server and waits until it says it is ready.
    pub fn start(host: &Host) -> Result<Self> {
        Self::start_with(host, ServerOptions::default())
    }

    /// The same with more arguments.
    pub fn start_with(host: &Host, options: ServerOptions) -> Result<Self> {
        let (http, turn) = match options.address {
            None => free_ports(host)?,
            Some(address) => ((address, 8080).into(), (address, 3478).into()),
        };
        let mut server = Self {
            host: host.clone(),
            process: None,
            data: tempfile::Builder::new().prefix("dialtone-lab-").tempdir()?,
            http,
            turn,
            options,
            start_time: Duration::ZERO,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it on the same addresses and data as before; returns the time until it was ready.
    pub fn start_again(&mut self) -> Result<Duration> {
        let mut command = self.host.command(&binary()?.to_string_lossy());
        command
            .arg("dev")
            .args(["--http", &self.http.to_string()])
            .arg("--data")
            .arg(self.data.path())
            .arg("--no-open");
        // On all addresses is what it does by itself.
        if !self.turn.ip().is_unspecified() {
            command.args(["--turn", &self.turn.to_string()]);
        }
        if !self.http.ip().is_loopback() {
            command.args(LAB_NETWORKS.iter().flat_map(|net| ["--allow-peer", net]));
        }
        if let Some(announced) = self.options.announced {
            command.arg(format!("--relay-ip={}={announced}", self.turn.ip()));
        }
        if let Some(authority) = &self.options.authority {
            command
                .arg(format!("--https={}", SocketAddr::new(self.http.ip(), 443)))
                .arg("--cert")
                .arg(authority.certificate())
                .arg("--key")
                .arg(authority.key());
        }
        command.args(&self.options.arguments);
        let start = Instant::now();
        let mut process = Process::start(command)?;
        process
            .wait_for_line_starting("ready ", Duration::from_secs(60))
            .context("dialtone dev")?;
        self.start_time = start.elapsed();
        self.process = Some(process);
        Ok(self.start_time)
    }

    /// Ends it: SIGTERM as an operator would, SIGKILL as a crash would.
    pub fn stop(&mut self, signal: Signal) -> Result<()> {
        self.process
            .take()
            .context("the server is not running")?
            .stop(signal)
    }

    /// Scheme, address and port of the web app.
    pub fn origin(&self) -> String {
        if let Some(name) = &self.options.name {
            format!("https://{name}")
        } else if self.options.authority.is_some() {
            format!("https://{}", self.http.ip())
        } else if self.http.ip().is_loopback() {
            format!("http://localhost:{}", self.http.port())
        } else {
            let others = self.options.announced.map(IpAddr::from);
            let address = others.unwrap_or(self.http.ip());
            format!("http://{}", SocketAddr::new(address, self.http.port()))
        }
    }

    /// The one-time link of the first run that makes the administrator, as it was printed.
    pub fn first_link(&self) -> Result<String> {
        let said = self.said();
        let link = said
            .split_whitespace()
            .find(|word| word.contains("/welcome#"));
        link.map(str::to_owned)
            .with_context(|| format!("no one-time link in:\n{said}"))
    }

    /// Where it keeps its state.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Address of the web app and the signaling.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Address of STUN and TURN.
    pub fn turn(&self) -> SocketAddr {
        self.turn
    }

    /// Time from the last start to the ready line.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        let process = self.process.as_ref().context("the server is not running")?;
        let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number
            .context("no VmRSS")?
            .parse()
            .context("VmRSS is no number")
    }

    /// What the server printed last.
    pub fn said(&self) -> String {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }
}

/// Usual ports in a namespace; free ones on the machine itself.
fn free_ports(host: &Host) -> Result<(SocketAddr, SocketAddr)> {
    let ip = host.address();
    if !ip.is_loopback() {
        return Ok(((ip, 8080).into(), (ip, 3478).into()));
    }
    let tcp = TcpListener::bind((ip, 0))?;
    // The relay wants its port for both protocols.
    let (udp, _tcp) = (0..16)
        .find_map(|_| {
            let udp = UdpSocket::bind((ip, 0)).ok()?;
            let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
            Some((udp, tcp))
        })
        .context("no port is free for UDP and TCP")?;
    Ok((tcp.local_addr()?, udp.local_addr()?))
}

/// The binary under test: `DIALTONE_BIN`, or built here, once.
pub(crate) fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| find_or_build().map_err(|e| format!("{e:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

fn find_or_build() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("DIALTONE_BIN") {
        let path = PathBuf::from(path);
        ensure!(
            path.is_file(),
            "DIALTONE_BIN names no file: {}",
            path.display()
        );
        return Ok(path.canonicalize()?);
    }
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "-p", "dialtone"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo build -p dialtone: {status}");
    Ok(build_folder().join("release/dialtone").canonicalize()?)
}
