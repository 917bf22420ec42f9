//! What a process on this machine costs.

use std::fs;
use std::time::Duration;

use super::Trouble;

/// A process, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pid: u32,
}

impl Process {
    /// The process with this number, if there is one.
    pub fn find(pid: u32) -> Result<Process, Trouble> {
        let process = Process { pid };
        process.cpu()?;
        Ok(process)
    }

    /// The time its threads have spent on a core, in user and kernel mode.
    pub fn cpu(&self) -> Result<Duration, Trouble> {
        let mut nanos = 0;
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid));
        for task in tasks.map_err(|error| self.unseen(error))? {
            let task = task.map_err(|error| self.unseen(error))?.path();
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(task.join("schedstat")) else {
                continue;
            };
            nanos += first_number(&text).ok_or_else(|| self.unseen("no schedstat"))?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Bytes of its memory that are resident.
    pub fn resident(&self) -> Result<u64, Trouble> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid))
            .map_err(|error| self.unseen(error))?;
        text.lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(first_number)
            .map(|kilobytes| kilobytes * 1024)
            .ok_or_else(|| self.unseen("it has no memory any more"))
    }

    fn unseen(&self, why: impl ToString) -> Trouble {
        Trouble::Process(self.pid, why.to_string())
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_its_core() {
        let here = Process::find(std::process::id()).unwrap();
        assert!(here.resident().unwrap() > 100_000);
        let before = here.cpu().unwrap();
        let mut sum = 0_u64;
        while here.cpu().unwrap() < before + Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Process::find(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("process 4294967295"), "{error}");
    }
}
