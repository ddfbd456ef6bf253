//! Title search: words of titles, indexed by prefix.
use super::title_prefixes::{MAX_TITLES_COUNTED, TitlePrefixes, after};
use crate::{
    Read, Result, Write,
    db::{column::Number, conn::tenant_query},
};
use domain::{TaskId, search_terms};

/// Maximum number of words in a search; more would hardly narrow the result.
const MAX_SEARCH_WORDS: usize = 16;

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
