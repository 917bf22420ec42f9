//! How many tests passed and failed, read from what the test runners print.

use std::ops::AddAssign;

/// Tests counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
}

impl Count {
    /// A step that is one test in itself.
    pub fn one(passed: bool) -> Self {
        Self {
            passed: u32::from(passed),
            failed: u32::from(!passed),
        }
    }

    /// A run that failed without a failed test (it did not compile, it crashed) is one failure.
    pub fn with_outcome(mut self, outcome: &Result<(), String>) -> Self {
        if outcome.is_err() && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// Adds what a line of `cargo test` says: `test result: ok. 6 passed; 0 failed; …`.
    pub fn read_cargo(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let numbers = result.split_once(". ").map_or("", |(_, rest)| rest);
        for part in numbers.split(';') {
            self.add_words(part);
        }
    }

    /// Adds what a line of vitest says: `Tests  1 failed | 11 passed (12)`.
    pub fn read_vitest(&mut self, line: &str) {
        let plain = without_colour(line);
        let Some(numbers) = plain.trim_start().strip_prefix("Tests ") else {
            return;
        };
        for part in numbers.split('|') {
            self.add_words(part);
        }
    }

    /// Adds `N passed …` or `N failed …`.
    fn add_words(&mut self, part: &str) {
        let mut words = part.split_whitespace();
        let Some(Ok(number)) = words.next().map(str::parse::<u32>) else {
            return;
        };
        match words.next() {
            Some("passed") => self.passed += number,
            Some("failed") => self.failed += number,
            _ => {}
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The line without terminal colours.
fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, tail)| tail);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargo() {
        let mut count = Count::default();
        count.read_cargo("running 3 tests");
        count.read_cargo("test result: ok. 6 passed; 0 failed; 1 ignored; finished in 3.00s");
        count.read_cargo("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        let expected = Count {
            passed: 7,
            failed: 2,
        };
        assert_eq!(count, expected);
    }

    #[test]
    fn reads_vitest_with_and_without_colour() {
        let mut count = Count::default();
        count.read_vitest(" Test Files  2 passed (2)");
        count.read_vitest("      Tests  12 passed (12)");
        count.read_vitest(
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[31m1 failed\u{1b}[39m | 11 passed (12)",
        );
        let expected = Count {
            passed: 23,
            failed: 1,
        };
        assert_eq!(count, expected);
    }

    #[test]
    fn a_crash_is_a_failure() {
        let crashed = Count::default().with_outcome(&Err("signal".into()));
        assert_eq!(crashed, Count::one(false));
    }
}
