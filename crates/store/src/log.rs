//! Task output: appended in batches by the runner that holds the lease, readable from any line.
use crate::{
    Conflict, Error, Lease, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
    tasks::Progress,
};
use domain::{
    Invalid, TaskId,
    ansi::Styles,
    log::{Line, LineFeeds, MAX_INCOMPLETE, MAX_LINE, MAX_LINES, MAX_OUTPUT, Stream},
    request::OutputDigest,
};
use sha2::{Digest, Sha256};

row_type! {
    /// A stored batch of output lines.
    pub struct Batch {
        pub first_line: i64,
        /// The styles in which the first lines begin.
        pub styles: Styles,
        pub lines: String,
    }
}

/// Consecutive lines of output.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// Line numbers, from 1, and lines.
    pub lines: Vec<(i64, Line)>,
    pub next_line: i64,
    /// The styles in which the first lines begin.
    pub styles: Styles,
}

/// Maximum number of batches per read.
const MAX_BATCHES: i64 = 64;

/// The lines of a task's output that contain a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogMatches {
    /// Numbers of the first matching lines, up to the requested number.
    pub lines: Vec<i64>,
    /// Number of all matching lines.
    pub total: i64,
}

/// Returns whether an attempt's output is within the limits: what a runner keeps, plus its line about omitted output.
fn fits(bytes: i64, lines: i64) -> bool {
    let most = MAX_OUTPUT + u64::try_from(MAX_LINE).unwrap_or(0);
    u64::try_from(bytes).is_ok_and(|bytes| bytes <= most)
        && u64::try_from(lines).is_ok_and(|lines| lines <= MAX_LINES + 1)
}

/// Returns the size of the lines in bytes, including their line feeds.
fn size(lines: &[Line]) -> i64 {
    let bytes: usize = lines.iter().map(Line::size).sum();
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl Read {
    /// Returns one read's worth of lines of an attempt from number `from` on, empty at the end, if the actor sees the task.
    ///
    /// # Errors
    /// Fails with [`Error::OutputDeleted`] if retention deleted the output, as the other reads of output do.
    pub async fn log(&mut self, task: TaskId, attempt: u32, from: i64) -> Result<LogPage> {
        let progress = Progress { attempt, ..self.progress(task).await? };
        self.log_of_progress(&progress, from).await
    }

    /// Returns lines like [`Read::log`], of the attempt in `progress`, without reading the task again.
    pub async fn log_of_progress(&mut self, progress: &Progress, from: i64) -> Result<LogPage> {
        progress.require_output()?;
        self.log_of_seen(progress.id, progress.attempt, (from, i64::MAX), MAX_BATCHES).await
    }

    /// Returns the lines of an attempt from number `from` up to but not including `until`, if the actor sees the task.
    pub async fn log_between(&mut self, task: TaskId, attempt: u32, from: i64, until: i64) -> Result<LogPage> {
        self.progress(task).await?.require_output()?;
        // Every batch has at least one line.
        self.log_of_seen(task, attempt, (from, until), until.saturating_sub(from).max(0)).await
    }

    /// Searches the visible text of an attempt's output, ignoring case. It reads all of the stored output
    /// ([`domain::log::MAX_OUTPUT`]) in steps and returns the numbers of up to `most` lines.
    pub async fn find_in_log(&mut self, task: TaskId, attempt: u32, text: &str, most: usize) -> Result<LogMatches> {
        self.progress(task).await?.require_output()?;
        let (needle, mut found, mut from) = (text.to_lowercase(), LogMatches::default(), 1);
        // The end of the part before, in which a match can begin.
        let mut before = String::new();
        loop {
            let page = self.log_of_seen(task, attempt, (from, i64::MAX), MAX_BATCHES).await?;
            if page.lines.is_empty() {
                return Ok(found);
            }
            for (number, line) in &page.lines {
                let text = domain::ansi::plain(&line.text).to_lowercase();
                let beginning = if line.continued { before.as_str() } else { "" };
                let is_match = [beginning, &text].concat().contains(&needle);
                let from = text.ceil_char_boundary((text.len() + 1).saturating_sub(needle.len().max(1)));
                before = text.get(from..).unwrap_or_default().to_owned();
                if is_match {
                    found.total += 1;
                    if found.lines.len() < most {
                        found.lines.push(*number);
                    }
                }
            }
            from = page.next_line;
        }
    }

    /// Returns the lines of a range from up to `batches` batches. The caller has checked that the actor sees the task.
    async fn log_of_seen(
        &mut self,
        task: TaskId,
        attempt: u32,
        (from, until): (i64, i64),
        batches: i64,
    ) -> Result<LogPage> {
        let batches = tenant_query!(
            self,
            Batch,
            fetch_all,
            "select first_line, styles, lines from task_log where tenant_id = $1 and task_id = $2 and attempt = $3
                and first_line >= coalesce((select max(b.first_line) from task_log b where b.tenant_id = $1
                    and b.task_id = $2 and b.attempt = $3 and b.first_line <= $4), 0)
                and first_line < $5
             order by first_line limit $6",
            task,
            attempt,
            from,
            until,
            batches
        )?;
        let styles = batches.first().map(|batch| batch.styles).unwrap_or_default();
        let mut page = LogPage { lines: vec![], next_line: from, styles };
        for batch in batches {
            let lines: Vec<Line> = serde_json::from_str(&batch.lines).map_err(|_| Error::Corrupt("log"))?;
            for (number, line) in (batch.first_line..).zip(lines) {
                if number < from {
                    page.styles.skip(line.stream, &line.text);
                } else if number < until {
                    page.lines.push((number, line));
                }
            }
        }
        page.next_line = page.lines.last().map_or(from, |(number, _)| number + 1);
        Ok(page)
    }
}

impl Write {
    /// Returns the digest of an attempt's stored output, which the receipt must state.
    pub(crate) async fn output_digest(&mut self, lease: Lease) -> Result<OutputDigest> {
        let (mut digest, mut feeds, mut after) = (Sha256::new(), LineFeeds::default(), 0_i64);
        loop {
            let batches = tenant_query!(
                self,
                Batch,
                fetch_all,
                "select first_line, styles, lines from task_log where tenant_id = $1 and task_id = $2 and attempt = $3
                    and first_line > $4 order by first_line limit $5",
                lease.task,
                lease.attempt,
                after,
                MAX_BATCHES
            )?;
            let Some(last) = batches.last() else {
                digest.update(feeds.end());
                return Ok(OutputDigest(digest.finalize().into()));
            };
            after = last.first_line;
            for batch in &batches {
                let lines: Vec<Line> = serde_json::from_str(&batch.lines).map_err(|_| Error::Corrupt("log"))?;
                for line in lines {
                    digest.update(feeds.before(&line));
                    digest.update(line.text);
                }
            }
        }
    }

    /// Appends lines starting with number `first` and returns the number of the next line. Lines that exist are skipped, so
    /// a batch can be sent again; a gap is a conflict. Output beyond the limit per attempt is invalid: the runner enforces
    /// the limit too but is not trusted to. So is output beyond the quota of stored bytes.
    pub async fn append_lines(&mut self, lease: Lease, first: i64, lines: &[Line]) -> Result<i64> {
        if first < 1 {
            return Err(Invalid::new("first", "lines are numbered from 1").into());
        }
        let held = self.lock_lease(lease).await?;
        let known =
            usize::try_from(held.next_line - first).map_err(|_| Error::Conflict(Conflict::OutputLinesMissing))?;
        let Some(new) = lines.get(known..).filter(|new| !new.is_empty()) else { return Ok(held.next_line) };
        let next = held.next_line + i64::try_from(new.len()).map_err(|_| Error::Corrupt("log"))?;
        let bytes = held.output_bytes.saturating_add(size(new));
        if !fits(bytes, next - 1) {
            return Err(Invalid::new("output", "exceeds the output limit of one attempt").into());
        }
        let mut styles = held.output_styles;
        for line in new {
            styles.skip(line.stream, &line.text);
        }
        let text = serde_json::to_string(new).map_err(|_| Error::Corrupt("log"))?;
        self.charge_output(lease.task, text.len()).await?;
        insert!(self, "task_log" {
            task_id: lease.task,
            attempt: lease.attempt,
            first_line: held.next_line,
            next_line: next,
            styles: held.output_styles,
            lines: text,
        })?;
        tenant_query!(
            self,
            execute,
            "update task set next_line = $3, output_bytes = $4, output_styles = $5, incomplete_lines = '[]'
             where tenant_id = $1 and id = $2",
            lease.task,
            next,
            bytes,
            styles
        )?;
        self.publish(Topic::Log, lease.task.0);
        Ok(next)
    }

    /// Replaces the incomplete lines of a task, which are shown until they are appended: at most one per stream.
    pub async fn show_incomplete_lines(&mut self, lease: Lease, lines: &[Line]) -> Result<()> {
        let is_allowed = |line: &Line| line.stream != Stream::Runner && line.text.len() <= MAX_INCOMPLETE;
        if lines.len() > 2 || !lines.iter().all(is_allowed) {
            return Err(Invalid::new("incomplete", "has more than one short line per stream").into());
        }
        self.lock_lease(lease).await?;
        let lines = serde_json::to_string(lines).map_err(|_| Error::Corrupt("log"))?;
        const SQL: &str =
            "update task set incomplete_lines = $3 where tenant_id = $1 and id = $2 and incomplete_lines <> $3";
        if tenant_query!(self, execute, SQL, lease.task, lines)? > 0 {
            self.publish(Topic::Log, lease.task.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_limit_includes_the_truncation_line() {
        let (bytes, lines) = (i64::try_from(MAX_OUTPUT).unwrap(), i64::try_from(MAX_LINES).unwrap());
        let mark = i64::try_from(MAX_LINE).unwrap();
        assert!(fits(0, 0) && fits(bytes + mark, lines + 1));
        assert!(!fits(bytes + mark + 1, 1) && !fits(0, lines + 2) && !fits(i64::MAX, 1) && !fits(-1, 1));
    }
}
