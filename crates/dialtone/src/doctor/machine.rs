//! The clock, and how many files may be open.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, getrlimit};

use super::{Finding, Plan};

/// This was written in 2026: a clock before has not been set since the machine was started.
const BUILT_AFTER: Duration = Duration::from_secs(1_767_225_600);

/// Files of the server beside those of its clients: listeners, the store, relay sockets.
const OTHER_FILES: u64 = 512;

/// Files may be a moment younger than the clock, which is corrected all the time.
const SKEW: Duration = Duration::from_secs(120);

pub fn examine(plan: &Plan) -> Vec<Finding> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let newest = plan.state.iter().filter_map(|it| newest_file(&it.folder));
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map(|(_, hard)| hard);
    vec![
        clock(now.unwrap_or_default(), newest.max()),
        open_files(limit.unwrap_or(u64::MAX), plan.relay.room.in_all.into()),
    ]
}

/// When something was last written in a folder (Unix time).
fn newest_file(folder: &std::path::Path) -> Option<Duration> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let times = files.filter_map(|file| file.metadata().ok()?.modified().ok());
    let times = times.filter_map(|time| time.duration_since(UNIX_EPOCH).ok());
    times.max()
}

/// Whether `now` can be the time, and did not go back since something was written.
fn clock(now: Duration, newest: Option<Duration>) -> Finding {
    const REMEDY: &str = "set it, and keep it right: `timedatectl set-ntp true`";
    if now < BUILT_AFTER {
        return Finding::problem(
            "clock",
            "The clock of this machine is years behind: certificates count as not begun, and \
             relay credentials do not fit",
            REMEDY,
        );
    }
    match newest {
        Some(newest) if newest > now + SKEW => {
            let behind = (newest - now).as_secs();
            Finding::problem(
                "clock",
                format!(
                    "The clock is at least {behind} seconds behind the newest file of the data \
                     folder: what was promised until a time counts on for too long"
                ),
                REMEDY,
            )
        }
        _ => Finding::good("clock", "The clock can be right"),
    }
}

/// Whether so many connections fit into the limit of open files (the hard one, which the server goes
/// up to by itself).
fn open_files(limit: u64, connections: u64) -> Finding {
    // An allocation of the relay is a file as well, and a call whose sides are relayed has two.
    let needed = connections + OTHER_FILES;
    match limit >= needed {
        true => Finding::good(
            "open_files",
            format!("Files may be open at once: {limit}, enough for {connections} connections"),
        ),
        false => Finding::problem(
            "open_files",
            format!(
                "Only {limit} files may be open at once, and {connections} connections need \
                 {needed}: who comes when they are used up is not answered"
            ),
            "raise it (`ulimit -Hn`, LimitNOFILE= in a unit), or lower --max-connections",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_right_is_found() {
        let now = BUILT_AFTER + Duration::from_secs(1_000);
        assert_eq!(clock(Duration::ZERO, None).level, Level::Problem);
        assert_eq!(clock(now, None).level, Level::Good);
        assert_eq!(clock(now, Some(now + SKEW)).level, Level::Good);
        let ahead = clock(now, Some(now + Duration::from_secs(3600)));
        assert_eq!(ahead.level, Level::Problem);
        assert!(ahead.message.contains("3600 seconds"), "{ahead:?}");
    }

    #[test]
    fn a_limit_below_what_is_needed_is_found() {
        assert_eq!(open_files(8_192 + 512, 8_192).level, Level::Good);
        assert_eq!(open_files(1_024, 8_192).level, Level::Problem);
    }
}
