//! Receipts: the runner's signed results of attempts (S-14).
use crate::{
    Invalid, RunnerId, TaskId, TenantId, Timestamp,
    grant::prefixed,
    log::{MAX_LINE, MAX_LINES, MAX_OUTPUT, MAX_TAIL_LINES, MAX_TAIL_OUTPUT},
    request::{OutputDigest, RequestDigest},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Exit status, 0 to 255.
    Exited(i32),
    /// The number of the signal.
    Signaled(i32),
    TimedOut,
    Cancelled,
    /// Killed at the memory limit as a whole.
    OutOfMemory,
    /// The cause, and the fix if one is known.
    NotStarted(String),
}

/// A receipt. The runner signs [`Receipt::signed_bytes`] with ECDSA P-384 and SHA-384 (ASN.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub tenant: TenantId,
    pub task: TaskId,
    /// From 1.
    pub attempt: u32,
    pub runner: RunnerId,
    /// The digest of the canonical request that the runner executed.
    pub request: RequestDigest,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub end: End,
    /// Whether a process of the task was killed at the memory limit, even if the task continued.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_memory: bool,
    /// The digest of the stored output.
    pub output: OutputDigest,
    /// The number of printed bytes, stored or not.
    pub output_bytes: u64,
    /// How many of the printed bytes were not UTF-8 and are stored as U+FFFD.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replaced_bytes: u64,
    /// The number of stored lines.
    pub output_lines: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The difference between the clocks of a runner and the server that is tolerated in a receipt. The certificates of runners
/// tolerate the same, and a task must not be lost because a clock is set (D-12).
const MAX_CLOCK_SKEW: Duration = Duration::from_hours(24);

/// More bytes per second than any pipe carries.
const MAX_BYTES_PER_SECOND: u64 = 64 << 30;

/// What the server knows about an attempt without its runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// A time before the attempt was assigned.
    pub queued_at: Timestamp,
    pub now: Timestamp,
    /// The digest of the stored output.
    pub output: OutputDigest,
    /// The size of the stored output, including one line feed per line.
    pub stored_bytes: u64,
    /// The number of stored lines.
    pub stored_lines: u64,
}

/// A statement of a receipt that cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    #[error("states exit status {0}, which is not between 0 and 255")]
    ExitStatus(i32),
    #[error("states signal {0}, which is not between 1 and 64")]
    Signal(i32),
    #[error("states an end before the start")]
    EndBeforeStart,
    #[error("states a start before the task was queued")]
    StartBeforeQueued,
    #[error("states an end in the future")]
    EndInTheFuture,
    #[error("states {0} lines of output, more than are kept")]
    OutputLines(u64),
    #[error("states {0} bytes of output, too few for the output that was sent")]
    TooFewBytes(u64),
    #[error("states {0} bytes of output, more than were sent or can be printed")]
    TooManyBytes(u64),
    #[error("states {0} replaced bytes, more than were printed")]
    TooManyReplaced(u64),
    #[error("states a digest that is not that of the output that was sent")]
    OutputDigest,
}

impl From<Impossible> for Invalid {
    fn from(impossible: Impossible) -> Self {
        Self::new("receipt", impossible.to_string())
    }
}

/// The domain separator of receipts in signatures.
const LABEL: &[u8] = b"castellan-receipt-v1\0";

impl Receipt {
    /// Returns the canonical JSON (RFC 8785) in which a receipt is sent and stored.
    pub fn canonical(&self) -> Vec<u8> {
        crate::request::canonical(self)
    }

    /// Parses canonical bytes; anything else, unknown fields included, is an error.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let receipt: Option<Self> = serde_json::from_slice(bytes).ok();
        let whole = receipt.filter(|receipt| receipt.canonical() == bytes);
        whole.ok_or_else(|| Invalid::new("receipt", "is not a receipt in its canonical form"))
    }

    /// Checks that the line count can be true; [`Self::check`] needs the stored lines.
    pub fn check_lines(&self) -> Result<(), Impossible> {
        // One more states what was omitted.
        let possible = self.output_lines <= MAX_LINES.saturating_add(1);
        if possible { Ok(()) } else { Err(Impossible::OutputLines(self.output_lines)) }
    }

    /// Checks everything in the receipt that can be compared with what the server knows.
    pub fn check(&self, observed: &Observed) -> Result<(), Impossible> {
        match self.end {
            End::Exited(status) if !(0..=255).contains(&status) => return Err(Impossible::ExitStatus(status)),
            End::Signaled(signal) if !(1..=64).contains(&signal) => return Err(Impossible::Signal(signal)),
            _ => {}
        }
        if self.ended_at < self.started_at {
            return Err(Impossible::EndBeforeStart);
        }
        if self.started_at < observed.queued_at.before(MAX_CLOCK_SKEW) {
            return Err(Impossible::StartBeforeQueued);
        }
        if self.ended_at > observed.now.after(MAX_CLOCK_SKEW) {
            return Err(Impossible::EndInTheFuture);
        }
        self.check_bytes(observed)?;
        if self.output == observed.output { Ok(()) } else { Err(Impossible::OutputDigest) }
    }

    /// A printed byte is stored as one to three (U+FFFD replaces invalid UTF-8), and each stored line needs at least one
    /// printed byte. Only at the limits of stored output, or after an error of the runner's disk, is more printed than
    /// stored.
    fn check_bytes(&self, observed: &Observed) -> Result<(), Impossible> {
        let bytes = self.output_bytes;
        let line = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        // Lines are left out when those at the beginning are at their limit.
        let cut = observed.stored_lines >= MAX_LINES - MAX_TAIL_LINES
            || observed.stored_bytes.saturating_add(line).saturating_add(1) >= MAX_OUTPUT - MAX_TAIL_OUTPUT
            || matches!(self.end, End::NotStarted(_));
        if bytes.saturating_mul(4) < observed.stored_bytes {
            return Err(Impossible::TooFewBytes(bytes));
        }
        if self.replaced_bytes > bytes {
            return Err(Impossible::TooManyReplaced(self.replaced_bytes));
        }
        let seconds = self.ended_at.since(self.started_at).as_secs().saturating_add(1);
        if (!cut && bytes > observed.stored_bytes) || bytes > seconds.saturating_mul(MAX_BYTES_PER_SECOND) {
            return Err(Impossible::TooManyBytes(bytes));
        }
        Ok(())
    }

    /// Returns the signed bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        prefixed(LABEL, &[&self.canonical()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn observed(text: &str) -> Observed {
        Observed {
            queued_at: NOW.before(Duration::from_mins(1)),
            now: NOW,
            output: OutputDigest::of(text.as_bytes()),
            stored_bytes: u64::try_from(text.len()).unwrap(),
            stored_lines: u64::try_from(text.lines().count()).unwrap(),
        }
    }

    fn receipt(text: &str) -> Receipt {
        Receipt {
            tenant: TenantId(Uuid::nil()),
            task: TaskId(Uuid::nil()),
            attempt: 1,
            runner: RunnerId(Uuid::nil()),
            request: RequestDigest([0; 32]),
            started_at: NOW.before(Duration::from_secs(2)),
            ended_at: NOW,
            end: End::Exited(0),
            out_of_memory: false,
            output: OutputDigest::of(text.as_bytes()),
            output_bytes: u64::try_from(text.len()).unwrap(),
            replaced_bytes: 0,
            output_lines: u64::try_from(text.lines().count()).unwrap(),
        }
    }

    #[test]
    fn s_14_a_receipt_that_can_be_true_is_accepted() {
        let (text, observed) = ("one\ntwo\n", observed("one\ntwo\n"));
        for end in [End::Exited(255), End::Signaled(64), End::TimedOut, End::Cancelled, End::OutOfMemory] {
            assert_eq!(Receipt { end, ..receipt(text) }.check(&observed), Ok(()));
        }
        // The last line had no line feed.
        assert_eq!(Receipt { output_bytes: 7, ..receipt(text) }.check(&observed), Ok(()));
        let odd = Receipt { out_of_memory: true, replaced_bytes: 8, ..receipt(text) };
        assert_eq!(odd.check(&observed), Ok(()));
        assert_eq!(Receipt { replaced_bytes: 9, ..odd }.check(&observed), Err(Impossible::TooManyReplaced(9)));
        // The clocks differ.
        let early = Receipt { started_at: NOW.before(MAX_CLOCK_SKEW), ..receipt(text) };
        let late = Receipt { ended_at: NOW.after(MAX_CLOCK_SKEW), ..receipt(text) };
        assert_eq!((early.check(&observed), late.check(&observed)), (Ok(()), Ok(())));
        // Output was cut, and invalid UTF-8 was replaced.
        let full = Observed { stored_bytes: MAX_OUTPUT - 7, ..observed.clone() };
        assert_eq!(Receipt { output_bytes: MAX_OUTPUT * 9, ..receipt(text) }.check(&full), Ok(()));
        assert_eq!(Receipt { output_bytes: 2, ..receipt(text) }.check(&observed), Ok(()));
    }

    #[test]
    fn s_14_each_impossible_statement_is_refused() {
        let (text, observed) = ("one\ntwo\n", observed("one\ntwo\n"));
        let right = receipt(text);
        for (wrong, why) in [
            (Receipt { end: End::Exited(256), ..right.clone() }, Impossible::ExitStatus(256)),
            (Receipt { end: End::Exited(-1), ..right.clone() }, Impossible::ExitStatus(-1)),
            (Receipt { end: End::Signaled(0), ..right.clone() }, Impossible::Signal(0)),
            (Receipt { end: End::Signaled(65), ..right.clone() }, Impossible::Signal(65)),
            (Receipt { started_at: NOW, ended_at: Timestamp(NOW.0 - 1), ..right.clone() }, Impossible::EndBeforeStart),
            (
                Receipt { started_at: NOW.before(Duration::from_mins(24 * 60 + 2)), ..right.clone() },
                Impossible::StartBeforeQueued,
            ),
            (Receipt { started_at: Timestamp(i64::MIN), ..right.clone() }, Impossible::StartBeforeQueued),
            (
                Receipt { ended_at: NOW.after(Duration::from_secs(24 * 3600 + 1)), ..right.clone() },
                Impossible::EndInTheFuture,
            ),
            (Receipt { ended_at: Timestamp(i64::MAX), ..right.clone() }, Impossible::EndInTheFuture),
            (Receipt { output_bytes: 9, ..right.clone() }, Impossible::TooManyBytes(9)),
            (Receipt { output_bytes: u64::MAX, ..right.clone() }, Impossible::TooManyBytes(u64::MAX)),
            (Receipt { output_bytes: 1, ..right.clone() }, Impossible::TooFewBytes(1)),
            (Receipt { output: OutputDigest::of(b""), ..right.clone() }, Impossible::OutputDigest),
        ] {
            assert_eq!(wrong.check(&observed), Err(why));
        }
        let full = Observed { stored_bytes: MAX_OUTPUT, ..observed };
        let wrong = Receipt { output_bytes: u64::MAX, ..right.clone() };
        assert_eq!(wrong.check(&full), Err(Impossible::TooManyBytes(u64::MAX)));
        assert_eq!(right.check_lines(), Ok(()));
        let wrong = Receipt { output_lines: MAX_LINES + 2, ..right };
        assert_eq!(wrong.check_lines(), Err(Impossible::OutputLines(MAX_LINES + 2)));
    }
}
