//! Numbers of passed, failed and skipped tests, parsed from the output of the tools.

use serde::Deserialize;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    /// Number of tests that were skipped or ignored.
    pub skipped: u64,
}

impl Counts {
    /// Counts a check that has no tests of its own as one test.
    pub fn one(success: bool) -> Self {
        Self { passed: u64::from(success), failed: u64::from(!success), skipped: 0 }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Parses the last line of nextest: `Summary [ 0.5s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
pub fn nextest(output: &str) -> Option<Counts> {
    let (_, ends) = output.lines().rfind(|line| line.contains("Summary ["))?.split_once(" run: ")?;
    Some(Counts {
        passed: before(ends, "passed"),
        failed: before(ends, "failed") + before(ends, "timed out") + before(ends, "exec failed"),
        skipped: before(ends, "skipped"),
    })
}

/// Adds up the `test result:` lines of doc tests, one per crate.
pub fn doc_tests(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output.lines().filter(|line| line.starts_with("test result:")) {
        let ends = line.replace(';', ",");
        let ends = ends.split_once(". ").map_or("", |(_, ends)| ends);
        sum += Counts {
            passed: before(ends, "passed"),
            failed: before(ends, "failed"),
            skipped: before(ends, "ignored") + before(ends, "filtered out"),
        };
    }
    sum
}

/// Parses the JSON report of Playwright. A flaky test counts as failed.
pub fn playwright(report: &str) -> serde_json::Result<Counts> {
    #[derive(Deserialize)]
    struct Report {
        stats: Stats,
    }
    #[derive(Deserialize)]
    struct Stats {
        expected: u64,
        unexpected: u64,
        flaky: u64,
        skipped: u64,
    }
    let Report { stats } = serde_json::from_str(report)?;
    Ok(Counts { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped })
}

/// Parses the line below `Test cases:` of Schemathesis, such as `7263 generated, 4 found 4 unique failures, 20 skipped`. It skips
/// what no client can send, such as NUL in a header, which is no test that did not run.
pub fn schemathesis(output: &str) -> Option<Counts> {
    let (_, rest) = output.split_once("Test cases:")?;
    let line = rest.lines().map(str::trim).find(|line| !line.is_empty())?;
    let failed = before(line, "found");
    Some(Counts { passed: before(line, "generated").checked_sub(failed)?, failed, skipped: 0 })
}

/// Returns the number before a word in `10 passed (1 slow), 2 failed`, or 0 when the word is absent.
fn before(ends: &str, word: &str) -> u64 {
    ends.split(',')
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, rest)| *rest == word || rest.strip_prefix(word).is_some_and(|more| more.starts_with(' ')))
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_of_nextest_is_counted() {
        let output = "    PASS [ 0.1s] a\n     Summary [   0.512s] 14 tests run: 11 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 3 skipped\n        FAIL b\n";
        assert_eq!(nextest(output), Some(Counts { passed: 11, failed: 3, skipped: 3 }));
        assert_eq!(nextest("error: could not compile"), None);
    }

    #[test]
    fn doc_tests_of_all_crates_are_added_up() {
        let output = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                      test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        assert_eq!(doc_tests(output), Counts { passed: 3, failed: 3, skipped: 1 });
    }

    #[test]
    fn cases_of_schemathesis_are_counted() {
        let output = "Test Phases:\n  ✅ Coverage\n\nTest cases:\n  7263 generated, 4 found 4 unique failures, 20 skipped\n\nSeed: 1\n";
        assert_eq!(schemathesis(output), Some(Counts { passed: 7_259, failed: 4, skipped: 0 }));
        let output = "Test cases:\n  100 generated, 100 passed, 20 skipped\n";
        assert_eq!(schemathesis(output), Some(Counts { passed: 100, failed: 0, skipped: 0 }));
        assert_eq!(schemathesis("Usage: schemathesis run"), None);
    }

    #[test]
    fn a_flaky_browser_test_counts_as_failed() {
        let report = r#"{"stats":{"startTime":"x","duration":1.5,"expected":4,"skipped":1,"unexpected":2,"flaky":1}}"#;
        assert_eq!(playwright(report).unwrap(), Counts { passed: 4, failed: 3, skipped: 1 });
    }
}
