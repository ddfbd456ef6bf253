//! Search prefixes of a title search, as conditions of a statement.
use crate::db::filter::{Arg, Statement};

/// Maximum number of titles with a word for it to drive the scan; reading that many takes a few milliseconds.
const MIN_SCAN_LIMIT: i64 = 5_000;

/// Upper limit of the count; no bounded scan is longer.
pub(super) const MAX_TITLES_COUNTED: i64 = 20_000;

/// Prefixes that a title must all match.
#[derive(Clone, Debug)]
pub(crate) struct TitlePrefixes {
    /// The rarest first.
    pub(super) prefixes: Vec<String>,
    /// Number of titles with the rarest prefix, up to the limit of the count.
    pub(super) titles: i64,
}

impl TitlePrefixes {
    /// Returns whether the rarest prefix reads fewer rows than a scan of `scan_limit` tasks.
    pub(super) fn is_rare(&self, scan_limit: i64) -> bool {
        self.titles <= scan_limit.clamp(MIN_SCAN_LIMIT, MAX_TITLES_COUNTED)
    }

    /// Adds the conditions; the first one drives the scan if `leads`.
    pub(super) fn restrict(self, statement: &mut Statement, leads: bool) {
        for (at, prefix) in self.prefixes.into_iter().enumerate() {
            let until = after(&prefix);
            let leads = leads && at == 0;
            if leads {
                let sql = " and t.id in (select w.task_id from task_word w where w.tenant_id = $1 and w.word >= ?";
                statement.push(sql, Arg::Text(prefix));
            } else {
                let sql = " and exists (select 1 from task_word w where w.tenant_id = $1 and w.task_id = t.id and w.word >= ?";
                statement.push(sql, Arg::Text(prefix));
            }
            // `offset` keeps PostgreSQL from joining all rows with the word: it looks up each task by key instead.
            let end = if leads { " and w.word < ?)" } else { " and w.word < ? limit 1 offset 0)" };
            statement.push(end, Arg::Text(until));
        }
    }
}

/// Returns a string greater than all words with this prefix: words are ordered by bytes, and this character is the last.
pub(super) fn after(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}
