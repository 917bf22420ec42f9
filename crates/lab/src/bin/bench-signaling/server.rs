//! The server that is measured, on a core of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::Process;
use nix::sys::signal::Signal;
use tempfile::TempDir;

/// For everything that is expected to happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// The core of the server, and that of the generator.
const CORES: [&str; 2] = ["0", "1"];

/// Sockets that are not connections: those of the relay, of the runtime, of the data folder.
const OTHER_FILES: u64 = 120;

/// Where a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where a commit waits for the disk.
    Disk,
    /// Where it costs next to nothing.
    Memory,
}

impl Place {
    fn folder(self) -> Result<TempDir> {
        let builds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        Ok(match self {
            // The folder for temporary files may be in memory.
            Place::Disk if builds.is_dir() => tempfile::tempdir_in(builds)?,
            Place::Memory => tempfile::tempdir_in("/dev/shm")?,
            Place::Disk => tempfile::tempdir()?,
        })
    }
}

/// A server that runs. Dropping it ends it.
pub struct Server {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Starts it anew, with so many members and nothing else from before.
    pub fn start(place: Place, members: u32) -> Result<Server> {
        let folder = place.folder()?;
        if members > 0 {
            make_members(&folder, members)?;
        }
        let (process, port) = launch(&folder, 0)?;
        Ok(Server {
            process,
            folder,
            port,
        })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Who its members are, in a file, if it has any.
    pub fn members(&self) -> Option<PathBuf> {
        let file = self.folder.path().join(MEMBERS);
        file.exists().then_some(file)
    }

    /// Kills it, and starts it again in the same place with the same folder.
    pub fn restart(&mut self) -> Result<()> {
        self.process.stop(Signal::SIGKILL)?;
        (self.process, _) = launch(&self.folder, self.port)?;
        Ok(())
    }
}

/// What the generator has to know of members, beside the store that they are in.
const MEMBERS: &str = "bench-members";

fn make_members(folder: &TempDir, count: u32) -> Result<()> {
    let output = binary()?
        .args(["bench", "members", "--count", &count.to_string(), "--data"])
        .arg(folder.path())
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(fs::write(folder.path().join(MEMBERS), output.stdout)?)
}

/// The built binary, on a core of its own.
fn launch(folder: &TempDir, port: u16) -> Result<(Process, u16)> {
    let mut command = pinned(CORES[0])?;
    command
        .args(["dev", "--no-open", "--turn", "127.0.0.1:0"])
        .args(["--http", &format!("127.0.0.1:{port}")])
        .args(["--max-connections", &most_connections().to_string()])
        .arg("--data")
        .arg(folder.path());
    let mut process = Process::start(command)?;
    let ready = process.wait_for_line_starting("ready ", PATIENCE)?;
    let port = ready
        .rsplit_once(':')
        .and_then(|(_, port)| port.trim().parse().ok());
    Ok((
        process,
        port.with_context(|| format!("no port in {ready:?}"))?,
    ))
}

/// How many clients one process can hold here: each takes a file.
pub fn most_connections() -> u64 {
    let limits = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
    limits
        .map_or(1024, |(_, hard)| hard.min(1 << 20))
        .saturating_sub(OTHER_FILES)
}

/// The binary on one core. On a machine with one, server and generator share it.
fn pinned(core: &str) -> Result<Command> {
    let binary = binary()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < CORES.len() {
        return Ok(binary);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(binary.get_program());
    Ok(command)
}

fn binary() -> Result<Command> {
    let binary = std::env::var("DIALTONE_BIN").context("DIALTONE_BIN names the built binary")?;
    Ok(Command::new(binary))
}

/// The generator, on the other core.
pub fn generator() -> Result<Command> {
    pinned(CORES[1])
}
