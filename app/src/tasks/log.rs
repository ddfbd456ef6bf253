//! A task's output: its first lines from the store, the rest as it comes.
use super::islands::LiveLog;
use crate::ui::ctx;
use domain::{
    TaskId,
    ansi::spans,
    log::{Line, Stream},
};
use leptos::prelude::*;
use store::{LogPage, Read, Result, Task};

/// How many lines a page shows before any is streamed.
const FIRST: usize = 1_000;

/// Lines of the present start of a task, from `from` on: as many as a page shows.
pub async fn read(read: &mut Read, task: &Task, from: i64) -> Result<LogPage> {
    let mut page = LogPage { lines: vec![], next_line: from.max(1) };
    while page.lines.len() < FIRST && page.next_line < task.next_line {
        let more = read.log(task.id, task.attempt, page.next_line).await?;
        if more.lines.is_empty() {
            break;
        }
        page.lines.extend(more.lines);
        page.next_line = more.next_line;
    }
    page.lines.truncate(FIRST);
    page.next_line = page.lines.last().map_or(page.next_line, |(number, _)| number + 1);
    Ok(page)
}

/// The output, with what can be done with it.
#[component]
pub fn Log(
    /// The task.
    task: Task,
    /// What is shown of it at first.
    page: LogPage,
) -> impl IntoView {
    let more = page.next_line < task.next_line;
    let (first, live) = (page.lines.first().map_or(1, |(number, _)| *number), !task.state.is_final());
    let none = if live { t!("task-log-none-yet") } else { t!("task-log-none") };
    let id = task.id;
    view! {
        <section class="log">
            <h2 id="log-title">{t!("task-log")}</h2>
            <div class="log-bar">
                <label><input type="checkbox" id="log-wrap" checked />{t!("task-log-wrap")}</label>
                <label><input type="checkbox" id="log-times" />{t!("task-log-times")}</label>
                {(live || more).then(|| view! { <Following id=id attempt=task.attempt next=page.next_line live=live /> })}
                <a class="button button-small" href=format!("/tasks/{id}/log") download=format!("{id}.log")>{t!("task-log-download")}</a>
            </div>
            {(first > 1).then(|| view! { <p><a href=format!("/tasks/{id}#log-title")>{t!("task-log-from-start")}</a></p> })}
            <div class="log-lines" id="log-lines" role="region" aria-labelledby="log-title" tabindex="0">
                {page.lines.iter().map(|(number, line)| row(*number, line)).collect_view()}
            </div>
            <p class="log-empty muted">{none}</p>
            {(live || more).then(|| view! { <Without id=id next=page.next_line more=more /> })}
        </section>
    }
}

/// What follows the first lines, with JavaScript.
#[component]
fn Following(id: TaskId, attempt: u32, next: i64, live: bool) -> impl IntoView {
    view! {
        <LiveLog
            stream=format!("/tasks/{id}/live") attempt=attempt from=u32::try_from(next).unwrap_or(u32::MAX) follow=live
            follow_text=t!("task-log-follow") live_text=t!("task-log-live") ended_text=t!("task-log-ended")
            lost_text=t!("task-log-lost") cut_text=t!("task-log-cut")
        />
    }
}

/// What follows the first lines, without JavaScript.
#[component]
fn Without(id: TaskId, next: i64, more: bool) -> impl IntoView {
    let (href, text) = match more {
        true => (format!("/tasks/{id}?from={next}#log-title"), t!("task-log-more")),
        false => (ctx::here().to_string(), t!("task-log-reload")),
    };
    view! { <noscript><a class="button" href=href>{text}</a></noscript> }
}

/// One line. The island builds the same (`tail.rs`).
fn row(number: i64, line: &Line) -> impl IntoView + use<> {
    let (at, id) = (line.at.to_string(), format!("L{number}"));
    let clock = at.get(11..19).unwrap_or_default().to_owned();
    let pieces = spans(&line.text).into_iter().map(|span| view! { <span class=span.class>{span.text}</span> });
    view! {
        <div class=format!("log-line log-{}", line.stream) id=id.clone()>
            <a class="log-number" href=format!("#{id}") tabindex="-1">{number}</a>
            <time class="log-at" datetime=at>{clock}</time>
            <span class="log-stream">{(line.stream != Stream::Stdout).then(|| line.stream.as_str())}</span>
            <span class="log-text">{pieces.collect_view()}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn what_a_task_prints_is_text_with_fixed_classes() {
        let text = "\u{1b}[31m<b>red\u{1b}[0m\u{1b}]8;;javascript:alert(1)\u{7}x".to_owned();
        let html = row(7, &Line { at: Timestamp(0), stream: Stream::Stderr, text }).to_html();
        assert!(html.contains(r#"<span class="ansi-fg-1">&lt;b&gt;red</span>"#), "{html}");
        assert!(html.contains(r#"id="L7""#) && html.contains("log-stderr") && !html.contains("javascript"), "{html}");
    }
}
