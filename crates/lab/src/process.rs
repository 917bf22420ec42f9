//! Child processes that end with their owner.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// Lines kept of a child's output, to show when a test fails.
const KEPT_LINES: usize = 200;

/// Runs a command to its end and returns its standard output; an error carries what it said.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!(
            "{shown}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A running child in a process group of its own. Dropping it kills the group.
pub struct Process {
    child: Child,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    grew: Condvar,
}

impl Process {
    /// Starts `command`; both its outputs are read, kept, and searchable.
    pub fn start(mut command: Command) -> Result<Self> {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {shown}"))?;
        let output = Arc::new(Output::default());
        output.follow(child.stdout.take().expect("piped"));
        output.follow(child.stderr.take().expect("piped"));
        Ok(Self { child, output })
    }

    /// Waits for a line that contains `mark`, and returns it.
    pub fn wait_for_line(&mut self, mark: &str, patience: Duration) -> Result<String> {
        self.wait_for(mark, patience, |line| line.contains(mark))
    }

    /// Waits for a line that begins with `mark`, and returns it.
    pub fn wait_for_line_starting(&mut self, mark: &str, patience: Duration) -> Result<String> {
        self.wait_for(mark, patience, |line| line.starts_with(mark))
    }

    fn wait_for(
        &mut self,
        mark: &str,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let deadline = Instant::now() + patience;
        let mut lines = self.output.lines.lock().expect("no panic while held");
        loop {
            if let Some(line) = lines.iter().find(|line| wanted(line)) {
                return Ok(line.clone());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                bail!(
                    "no line with {mark:?} (ended: {ended:?}); it said:\n{}",
                    lines.join("\n")
                );
            }
            let step = Duration::from_millis(50);
            lines = self
                .output
                .grew
                .wait_timeout(lines, step)
                .expect("no panic")
                .0;
        }
    }

    /// Sends a signal to the process and its children, and waits until the process is gone.
    pub fn stop(&mut self, signal: Signal) -> Result<()> {
        killpg(self.group(), signal).context("already gone")?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                killpg(self.group(), Signal::SIGKILL).ok();
                bail!("not gone 20 s after {signal}; it said:\n{}", self.said());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The last lines of both outputs.
    pub fn said(&self) -> String {
        self.output
            .lines
            .lock()
            .expect("no panic while held")
            .join("\n")
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // While the child is not reaped its id, and so its group's, cannot be another's.
        if let Ok(None) = self.child.try_wait() {
            killpg(self.group(), Signal::SIGKILL).ok();
            self.child.wait().ok();
        }
    }
}

impl Output {
    fn follow(self: &Arc<Self>, source: impl Read + Send + 'static) {
        let output = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                let mut lines = output.lines.lock().expect("no panic while held");
                lines.push(line);
                if lines.len() > KEPT_LINES {
                    lines.remove(0);
                }
                output.grew.notify_all();
            }
        });
    }
}
