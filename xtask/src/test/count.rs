//! How many tests passed, failed and were skipped, read from what the tools say.

use std::ops::AddAssign;

use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    /// Left out or ignored, for whatever reason.
    pub skipped: u64,
}

impl Count {
    /// A check that is not made of tests counts as one.
    pub fn one(success: bool) -> Self {
        Self { passed: u64::from(success), failed: u64::from(!success), skipped: 0 }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// From nextest's last line: `Summary [ 0.5s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
pub fn nextest(output: &str) -> Option<Count> {
    let (_, ends) = output.lines().rfind(|line| line.contains("Summary ["))?.split_once(" run: ")?;
    Some(Count {
        passed: before(ends, "passed"),
        failed: before(ends, "failed") + before(ends, "timed out") + before(ends, "exec failed"),
        skipped: before(ends, "skipped"),
    })
}

/// From the `test result:` lines of the documentation's tests, one for each crate.
pub fn doc_tests(output: &str) -> Count {
    let mut sum = Count::default();
    for line in output.lines().filter(|line| line.starts_with("test result:")) {
        let ends = line.replace(';', ",");
        let ends = ends.split_once(". ").map_or("", |(_, ends)| ends);
        sum += Count {
            passed: before(ends, "passed"),
            failed: before(ends, "failed"),
            skipped: before(ends, "ignored") + before(ends, "filtered out"),
        };
    }
    sum
}

/// From Playwright's report in JSON. A test that passed only when repeated has failed.
pub fn playwright(report: &str) -> serde_json::Result<Count> {
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
    Ok(Count { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped })
}

/// The number before a word in `10 passed (1 slow), 2 failed`; 0 where the word is not there.
fn before(ends: &str, word: &str) -> u64 {
    ends.split(',')
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, rest)| *rest == word || rest.strip_prefix(word).is_some_and(|more| more.starts_with(" (")))
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_names_every_way_to_end() {
        let output = "    PASS [ 0.1s] a\n     Summary [   0.512s] 14 tests run: 11 passed (1 slow, 1 leaky), 2 failed, 1 timed out, 3 skipped\n        FAIL b\n";
        assert_eq!(nextest(output), Some(Count { passed: 11, failed: 3, skipped: 3 }));
        assert_eq!(nextest("error: could not compile"), None);
    }

    #[test]
    fn doc_tests_are_added_up_over_the_crates() {
        let output = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                      test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        assert_eq!(doc_tests(output), Count { passed: 3, failed: 3, skipped: 1 });
    }

    #[test]
    fn a_flaky_browser_test_has_failed() {
        let report = r#"{"stats":{"startTime":"x","duration":1.5,"expected":4,"skipped":1,"unexpected":2,"flaky":1}}"#;
        assert_eq!(playwright(report).unwrap(), Count { passed: 4, failed: 3, skipped: 1 });
    }
}
