//! Task output: the requested range, or the end; the viewer loads the rest on scroll.
use super::log_toolbar::LogToolbar;
use crate::ui::{Address, ctx};
use domain::{
    TaskId,
    ansi::Styles,
    log::{Line, Stream},
};
use islands::{LINES_PER_BLOCK, LogViewer};
use leptos::prelude::*;
use store::{LogMatches, LogPage, Read, Result, Task};

/// Lines per page: whole blocks.
const LINES_PER_PAGE: i64 = 500;

/// The number of matches that a page without JavaScript links to.
const MAX_MATCHES: usize = 50;

/// The part of a task's output that a page shows.
#[derive(Debug)]
pub struct LogRange {
    page: LogPage,
    incomplete: Vec<Line>,
    first: i64,
    /// The requested line.
    from: Option<i64>,
    /// The search text and its matches.
    found: Option<(String, LogMatches)>,
}

/// Reads output of the current attempt, from the block of the requested line, or the last lines. Returns `None` if it was deleted.
pub async fn read(read: &mut Read, task: &Task, here: &Address) -> Result<Option<LogRange>> {
    if task.output_deleted_at.is_some() {
        return Ok(None);
    }
    let from = here
        .get("from")
        .and_then(|line| line.parse::<i64>().ok())
        .map(|line| line.clamp(1, (task.next_line - 1).max(1)));
    let first = block_of(from.unwrap_or(task.next_line - LINES_PER_PAGE));
    let until = if from.is_some() { first + LINES_PER_PAGE } else { task.next_line };
    let page = read.log_between(task.id, task.attempt, first, until).await?;
    let incomplete = match task.state.is_final() {
        true => vec![],
        false => read.progress(task.id).await?.read_incomplete_lines(),
    };
    let search = here.get("find").map(|text| text.chars().take(200).collect::<String>());
    let found = match search {
        Some(text) => {
            let found = read.find_in_log(task.id, task.attempt, &text, MAX_MATCHES).await?;
            Some((text, found))
        }
        None => None,
    };
    Ok(Some(LogRange { page, incomplete, first, from, found }))
}

/// Returns the first line of the block that contains a line.
fn block_of(line: i64) -> i64 {
    let line = line.max(1);
    line - (line - 1) % i64::from(LINES_PER_BLOCK)
}

/// The output with its toolbar.
#[component]
pub fn Log(task: Task, range: LogRange) -> impl IntoView {
    let LogRange { page, incomplete, first, from, found } = range;
    let live = !task.state.is_final();
    let none = if live { t!("task-log-none-yet") } else { t!("task-log-none") };
    let (id, attempt) = (task.id, task.attempt);
    let number = |line: i64| u32::try_from(line).unwrap_or(u32::MAX);
    let search = found.as_ref().map(|(text, _)| text.clone()).unwrap_or_default();
    let mut styles = page.styles;
    let blocks = page.lines.chunk_by(|(before, _), (after, _)| block_of(*before) == block_of(*after)).map(|lines| {
        let rows = lines.iter().map(|(number, line)| row(*number, line, &mut styles)).collect_view();
        view! { <div class="log-block">{rows}</div> }
    });
    let blocks = blocks.collect_view();
    view! {
        <section class="log">
            <h2 id="log-title">{t!("task-log")}</h2>
            <div class="log-bar">
                <LogViewer
                    address=format!("/tasks/{id}") attempt=attempt next=number(task.next_line) from=from.map_or(0, number) live=live
                >
                    <LogToolbar id=id live=live search=search />
                </LogViewer>
                <label><input type="checkbox" id="log-wrap" checked />{t!("task-log-wrap")}</label>
                <label><input type="checkbox" id="log-times" />{t!("task-log-times")}</label>
                <a class="button button-small" href=format!("/tasks/{id}/log") download=format!("{id}.log")>
                    {t!("task-log-download")}
                </a>
            </div>
            <noscript>
                <NoScriptPager id=id first=first next=page.next_line end=task.next_line live=live />
                {found.map(|(text, found)| view! { <Matches id=id text=text found=found /> })}
            </noscript>
            <div class="log-lines" id="log-lines" role="region" aria-labelledby="log-title" tabindex="0">
                {blocks}
            </div>
            <div class="log-incomplete" id="log-incomplete">{incomplete.iter().map(incomplete_row).collect_view()}</div>
            <p class="print-only">{t!("task-log-print", path = format!("/tasks/{id}/log"))}</p>
            <p class="log-empty muted" id="log-empty" data-ended=t!("task-log-none")>{none}</p>
        </section>
    }
}

/// Pagination for browsers without JavaScript.
#[component]
fn NoScriptPager(
    id: TaskId,
    /// The first line on the page.
    first: i64,
    /// The line after the last one on the page.
    next: i64,
    /// The number of the task's next line.
    end: i64,
    live: bool,
) -> impl IntoView {
    let at = |line: i64| format!("/tasks/{id}?from={line}#log-title");
    let link = |href: String, text: String| view! { <a class="button button-small" href=href>{text}</a> };
    view! {
        <nav class="log-bar" aria-label=t!("task-log-pages")>
            {(end > 1).then(|| view! { <span>{t!("task-log-shown", first = first, last = next - 1, of = end - 1)}</span> })}
            {(first > 1).then(|| link(at(1), t!("task-log-start")))}
            {(first > 1).then(|| link(at((first - LINES_PER_PAGE).max(1)), t!("task-log-earlier")))}
            {(next < end).then(|| link(at(next), t!("task-log-later")))}
            {(next < end).then(|| link(format!("/tasks/{id}#log-title"), t!("task-log-end")))}
            {live.then(|| link(ctx::here().to_string(), t!("task-log-reload")))}
        </nav>
    }
}

/// Search matches for browsers without JavaScript.
#[component]
fn Matches(id: TaskId, text: String, found: LogMatches) -> impl IntoView {
    let link = |line: &i64| {
        let here = Address::new(format!("/tasks/{id}")).with("find", text.clone()).with("from", line.to_string());
        view! { <a href=format!("{here}#L{line}")>{*line}</a> " " }
    };
    let count = match found.total {
        0 => t!("task-log-no-matches"),
        total => t!("task-log-matches", n = total),
    };
    view! {
        <p>{count}" "{found.lines.iter().map(link).collect_view()}{(found.total > i64::try_from(MAX_MATCHES).unwrap_or(0)).then_some("…")}</p>
    }
}

/// One line of output; the viewer builds the same (`crates/islands/src/log_viewer/blocks.rs`).
fn row(number: i64, line: &Line, styles: &mut Styles) -> impl IntoView + use<> {
    let (at, id) = (line.at.to_string(), format!("L{number}"));
    let clock = at.get(11..19).unwrap_or_default().to_owned();
    let continued = if line.continued { " log-continued" } else { "" };
    view! {
        <div class=format!("log-line log-{}{continued}", line.stream) id=id.clone()>
            <a class="log-number" href=format!("#{id}") tabindex="-1">{number}</a>
            <time class="log-at" datetime=at>{clock}</time>
            <span class="log-stream">{(line.stream != Stream::Stdout).then(|| line.stream.as_str())}</span>
            <span class="log-text">{spans(line, styles)}</span>
        </div>
    }
}

/// An incomplete line, below the others.
fn incomplete_row(line: &Line) -> impl IntoView + use<> {
    let spans = spans(line, &mut Styles::default());
    view! { <div class=format!("log-line log-{}", line.stream)><span class="log-text">{spans}</span></div> }
}

fn spans(line: &Line, styles: &mut Styles) -> impl IntoView + use<> {
    let spans = styles.spans(line.stream, &line.text).into_iter();
    spans.map(|span| view! { <span class=span.class>{span.text}</span> }).collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn task_output_is_text_with_fixed_classes() {
        let text = "\u{1b}[31m<b>red\u{1b}[0m\u{1b}]8;;javascript:alert(1)\u{7}x".to_owned();
        let line = Line::new(Timestamp(0), Stream::Stderr, text);
        let html = row(7, &line, &mut Styles::default()).to_html().replace("<!>", ""); // Leptos puts markers between views
        assert!(html.contains(r#"<span class="ansi-fg-1">&lt;b&gt;red</span>"#), "{html}");
        assert!(html.contains(r#"id="L7""#) && html.contains("log-stderr") && !html.contains("javascript"), "{html}");
    }

    #[test]
    fn blocks_start_at_the_same_lines_as_in_the_viewer() {
        let lines = [1_u32, 2, 99, 100, 101, 200, 201, 12_345];
        assert_eq!(lines.map(|line| block_of(i64::from(line))), [1, 1, 1, 1, 101, 101, 201, 12_301]);
        assert_eq!(LINES_PER_PAGE % i64::from(LINES_PER_BLOCK), 0);
    }
}
