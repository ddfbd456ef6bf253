//! Report of a test run: the outcome of each step, and the table at the end.

use super::counts::Counts;
use crate::step::{self, Outcome};
use anyhow::{Result, bail};
use std::{
    process::Command,
    time::{Duration, Instant},
};

#[derive(Default)]
pub struct Report {
    rows: Vec<(String, Duration, Counts)>,
    notes: Vec<&'static str>,
}

impl Report {
    /// Runs a check that counts as one test.
    ///
    /// # Errors
    /// Fails if it cannot be started; a failure goes into the report.
    pub fn check(&mut self, name: &str, command: Command) -> Result<()> {
        self.suite(name, command, |outcome| Ok(Counts::one(outcome.success))).map(drop)
    }

    /// Runs a test suite and returns its counts, which `count` reads from the output.
    ///
    /// # Errors
    /// Fails if they cannot be started or counted; failures go into the report.
    pub fn suite(
        &mut self,
        name: &str,
        command: Command,
        count: impl FnOnce(&Outcome) -> Result<Counts>,
    ) -> Result<Counts> {
        let outcome = step::attempt(name, command)?;
        let mut count = count(&outcome)?;
        if !outcome.success && count.failed == 0 {
            // It failed before its tests, or its exit status contradicts its output.
            count += Counts::one(false);
        }
        self.rows.push((name.to_owned(), outcome.duration, count));
        Ok(count)
    }

    /// Runs a function that counts as one test; a failure goes into the report.
    pub fn run_fn(&mut self, name: &str, function: impl FnOnce() -> Result<()>) {
        let started = Instant::now();
        let result = function();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        self.rows.push((name.to_owned(), started.elapsed(), Counts::one(result.is_ok())));
    }

    /// Adds a sentence to the end of the report.
    pub fn note(&mut self, sentence: &'static str) {
        self.notes.push(sentence);
    }

    /// Prints the table and a line with the totals.
    ///
    /// # Errors
    /// Fails if a test failed or was skipped: a test that does not run proves nothing.
    pub fn finish(self) -> Result<()> {
        let mut sum = Counts::default();
        let width = self.rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        println!();
        for (name, duration, counts) in self.rows {
            println!("  {name:width$}  {:>7.1} s  {counts}", duration.as_secs_f32());
            sum += counts;
        }
        for note in self.notes {
            println!("  {note}");
        }
        println!("\n{sum}");
        if sum.failed > 0 || sum.skipped > 0 {
            bail!("some tests failed or were skipped");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(counts: Counts) -> Result<()> {
        Report { rows: vec![("tests".to_owned(), Duration::ZERO, counts)], ..Report::default() }.finish()
    }

    #[test]
    fn a_run_with_a_skipped_test_has_failed() {
        assert!(finished(Counts { passed: 5, failed: 0, skipped: 0 }).is_ok());
        assert!(finished(Counts { passed: 5, failed: 1, skipped: 0 }).is_err());
        assert!(finished(Counts { passed: 5, failed: 0, skipped: 1 }).is_err());
    }

    #[test]
    fn a_command_that_fails_before_its_tests_counts_as_failed() {
        let mut report = Report::default();
        report.suite("tests", Command::new("false"), |_| Ok(Counts::default())).unwrap();
        assert!(report.finish().is_err());
    }
}
