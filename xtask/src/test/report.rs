//! The steps of a test run as they end, and the table at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::count::Count;
use crate::step::{self, Outcome};

#[derive(Default)]
pub struct Report {
    rows: Vec<(String, Duration, Count)>,
    notes: Vec<&'static str>,
}

impl Report {
    /// Runs a check that counts as one test.
    ///
    /// # Errors
    /// When it cannot be started; a failure goes into the report.
    pub fn check(&mut self, name: &str, command: Command) -> Result<()> {
        self.suite(name, command, |outcome| Ok(Count::one(outcome.success))).map(drop)
    }

    /// Runs many tests at once, lets `count` read how they ended, and returns what was entered.
    ///
    /// # Errors
    /// When they cannot be started or counted; failures go into the report.
    pub fn suite(
        &mut self,
        name: &str,
        command: Command,
        count: impl FnOnce(&Outcome) -> Result<Count>,
    ) -> Result<Count> {
        let outcome = step::attempt(name, command)?;
        let mut count = count(&outcome)?;
        if !outcome.success && count.failed == 0 {
            // It did not get as far as its tests, or says otherwise than its exit status.
            count += Count::one(false);
        }
        self.rows.push((name.to_owned(), outcome.took, count));
        Ok(count)
    }

    /// Does work that counts as one test, and goes on if it fails.
    pub fn work(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        let started = Instant::now();
        let result = work();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        self.rows.push((name.to_owned(), started.elapsed(), Count::one(result.is_ok())));
    }

    /// Keeps a sentence for the end, where it is read.
    pub fn note(&mut self, sentence: &'static str) {
        self.notes.push(sentence);
    }

    /// Prints the table, and one line that adds it up.
    ///
    /// # Errors
    /// When anything failed, or was skipped: a test that does not run proves nothing.
    pub fn finish(self) -> Result<()> {
        let mut sum = Count::default();
        let width = self.rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        println!();
        for (name, took, count) in self.rows {
            println!("  {name:width$}  {:>7.1} s  {count}", took.as_secs_f32());
            sum += count;
        }
        for note in self.notes {
            println!("  {note}");
        }
        println!("\n{sum}");
        if sum.failed > 0 || sum.skipped > 0 {
            bail!("not everything ran and passed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(count: Count) -> Result<()> {
        Report { rows: vec![("tests".to_owned(), Duration::ZERO, count)], ..Report::default() }.finish()
    }

    #[test]
    fn a_run_with_a_skipped_test_has_failed() {
        assert!(finished(Count { passed: 5, failed: 0, skipped: 0 }).is_ok());
        assert!(finished(Count { passed: 5, failed: 1, skipped: 0 }).is_err());
        assert!(finished(Count { passed: 5, failed: 0, skipped: 1 }).is_err());
    }

    #[test]
    fn a_command_that_fails_before_its_tests_counts_as_failed() {
        let mut report = Report::default();
        report.suite("tests", Command::new("false"), |_| Ok(Count::default())).unwrap();
        assert!(report.finish().is_err());
    }
}
