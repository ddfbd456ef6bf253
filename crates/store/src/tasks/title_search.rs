//! Title search: words of titles, indexed by prefix.
use crate::{
    Read, Result, Write,
    db::{
        column::Number,
        conn::tenant_query,
        filter::{Arg, Statement},
    },
};
use domain::{TaskId, search_terms};

/// Maximum number of titles with a word for it to drive the scan; reading that many takes a few milliseconds.
const MIN_SCAN_LIMIT: i64 = 5_000;

/// Maximum number of words in a search; more would hardly narrow the result.
const MAX_SEARCH_WORDS: usize = 16;

/// Upper limit of the count; no bounded scan is longer.
const MAX_TITLES_COUNTED: i64 = 20_000;

/// Prefixes that a title must all match.
#[derive(Clone, Debug)]
pub(crate) struct TitlePrefixes {
    /// The rarest first.
    prefixes: Vec<String>,
    /// Number of titles with the rarest prefix, up to the limit of the count.
    titles: i64,
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
fn after(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

impl Read {
    /// Parses a search text and counts its prefixes; `None` if it has no word. A page uses the result for its list and its
    /// counts.
    pub(super) async fn title_prefixes(&mut self, text: &str) -> Result<Option<TitlePrefixes>> {
        if let Some((_, prefixes)) = self.title_prefixes.as_ref().filter(|(before, _)| before == text) {
            return Ok(prefixes.clone());
        }
        let prefixes = self.count_prefixes(text).await?;
        self.title_prefixes = Some((text.to_owned(), prefixes.clone()));
        Ok(prefixes)
    }

    async fn count_prefixes(&mut self, text: &str) -> Result<Option<TitlePrefixes>> {
        let mut counts = vec![];
        for prefix in search_terms::of_query(text).into_iter().take(MAX_SEARCH_WORDS) {
            let titles = tenant_query!(
                self,
                Number,
                fetch_one,
                "select count(*) as n from (select 1 from task_word w where w.tenant_id = $1 and w.word >= $2 and w.word < $3
                    limit $4) counted",
                prefix.clone(),
                after(&prefix),
                MAX_TITLES_COUNTED + 1
            )?;
            counts.push((titles.n, prefix));
        }
        counts.sort();
        let titles = counts.first().map(|(titles, _)| *titles);
        let prefixes = counts.into_iter().map(|(_, prefix)| prefix).collect();
        Ok(titles.map(|titles| TitlePrefixes { prefixes, titles }))
    }
}

/// Number of words per insert statement.
const WORDS_PER_INSERT: usize = 8;

impl Write {
    /// Stores the words of a task's title.
    pub(super) async fn store_title_words(&mut self, task: TaskId, title: &str) -> Result<()> {
        let words: Vec<String> = search_terms::of_title(title).into_iter().collect();
        for chunk in words.chunks(WORDS_PER_INSERT) {
            let word = |at: usize| chunk.get(at).cloned().unwrap_or_default();
            tenant_query!(
                self,
                execute,
                "insert into task_word (tenant_id, task_id, word)
                 select t.tenant_id, t.id, fresh.word from task t cross join (select $3 as word union select $4 union select $5
                    union select $6 union select $7 union select $8 union select $9 union select $10) fresh
                 where t.tenant_id = $1 and t.id = $2 and fresh.word <> ''",
                task,
                word(0),
                word(1),
                word(2),
                word(3),
                word(4),
                word(5),
                word(6),
                word(7)
            )?;
        }
        Ok(())
    }
}
