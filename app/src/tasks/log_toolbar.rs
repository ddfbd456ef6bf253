//! The toolbar of a task's output. Controls that need JavaScript are hidden until the viewer starts (`crates/islands/src/log_viewer/`), which
//! reads its texts from the attributes here.
use domain::TaskId;
use leptos::prelude::*;

/// Find, jump, follow and copy.
#[component]
pub fn LogToolbar(
    id: TaskId,
    /// Whether the task can still print lines.
    live: bool,
    /// The search text.
    search: String,
) -> impl IntoView {
    let button = |id: &'static str, text: String| {
        view! { <button class="button button-small" type="button" id=id hidden=true>{text}</button> }
    };
    view! {
        <form class="log-find" id="log-find" method="get" action=format!("/tasks/{id}") role="search" aria-label=t!("task-log-find")>
            <input
                class="input" id="log-search-text" type="search" name="find" maxlength="200" value=search
                aria-label=t!("task-log-find") placeholder=t!("task-log-find")
            />
            <button class="button button-small" type="submit">{t!("task-log-search")}</button>
            {button("log-before", t!("task-log-previous"))}
            {button("log-next", t!("task-log-next"))}
            <span
                id="log-found" role="status" class="muted" data-found=t!("task-log-found", at = "{at}", n = "{n}")
                data-nowhere=t!("task-log-no-matches") data-seeking=t!("task-log-seeking") data-failed=t!("task-log-failed")
            ></span>
        </form>
        <span class="log-go">
            {button("log-start", t!("task-log-start"))}
            {button("log-end", t!("task-log-end"))}
            {live.then(|| button("log-follow", t!("task-log-follow")))}
            <button
                class="button button-small" type="button" id="log-copy" hidden=true data-all=t!("task-log-copy")
                data-chosen=t!("task-log-copy-chosen", first = "{first}", last = "{last}") data-done=t!("copied")
                aria-live="polite"
            >
                {t!("task-log-copy")}
            </button>
            {live.then(|| view! {
                <span
                    id="log-said" role="status" class="muted" data-live=t!("task-log-live") data-lost=t!("task-log-lost")
                    data-paused=t!("task-log-paused")
                ></span>
            })}
        </span>
    }
}
