//! The facts of a task, in the sidebar of its page.
use super::{one::topic, words};
use crate::ui::{Address, Digest, Fact, Facts, Live, Moment, Revealed, words::network};
use domain::{
    label::Labels,
    request::Request,
    task::{MAX_ATTEMPTS, Priority},
};
use leptos::prelude::*;
use store::Task;

/// The sidebar: facts that change come first.
#[component]
pub fn Rail(
    task: Task,
    /// The canonical request.
    request: Request,
    labels: Labels,
) -> impl IntoView {
    let label = |(key, value): (&str, &str)| {
        let text = format!("{key}={value}");
        let href = Address::new("/tasks").with("label", text.clone()).to_string();
        view! { <a class="tag" href=href>{text}</a> " " }
    };
    let priority = Priority::ALL.iter().copied().find(|priority| priority.rank() == task.priority).unwrap_or_default();
    let labels = labels.iter().map(label).collect::<Vec<_>>();
    let moving = view! { <Moving task=task.clone() /> };
    view! {
        <aside class="rail" aria-label=t!("task-facts")>
            <Live topics=topic(task.id) region="task-facts" quiet=true>
                {moving}
            </Live>
            <Facts>
                <Fact name=t!("task-owner")><Revealed text=task.owner /></Fact>
                {task.key_id.map(|key| view! { <Fact name=t!("task-key")><code class="break">{key.to_string()}</code></Fact> })}
                <Fact name=t!("task-organization")><Revealed text=task.organization /></Fact>
                <Fact name=t!("task-rule")><Revealed text=task.rule /></Fact>
                <Fact name=t!("task-network")>{network(task.network)}</Fact>
                <Fact name=t!("task-sandbox")><code>{request.sandbox}</code></Fact>
                <Fact name=t!("task-limits")>{words::limits(&request.limits)}</Fact>
                <Fact name=t!("task-priority")>{words::priority(priority)}</Fact>
                {(!labels.is_empty()).then(|| view! { <Fact name=t!("task-labels")>{labels}</Fact> })}
                <Fact name=t!("task-id")><code class="break">{task.id.to_string()}</code></Fact>
                <Fact name=t!("task-request-digest")><Digest hex=task.request_digest.to_string() /></Fact>
            </Facts>
        </aside>
    }
}

/// Facts that update live.
#[component]
fn Moving(task: Task) -> impl IntoView {
    let moment = |at: Option<domain::Timestamp>| match at {
        Some(at) => view! { <Moment at=at /> }.into_any(),
        None => t!("task-not-yet").into_any(),
    };
    let runner =
        task.runner_id.zip(task.runner).map(|(id, name)| view! { <a href=format!("/runners/{id}")>{name}</a> });
    view! {
        <Facts>
            <Fact name=t!("task-submitted")><Moment at=task.created_at /></Fact>
            <Fact name=t!("task-started")>{moment(task.started_at)}</Fact>
            <Fact name=t!("task-ended")>{moment(task.ended_at)}</Fact>
            <Fact name=t!("task-runner")>{runner.map_or_else(|| t!("task-not-yet").into_any(), IntoAny::into_any)}</Fact>
            <Fact name=t!("task-attempt")>{t!("task-attempt-of", n = task.attempt, max = MAX_ATTEMPTS)}</Fact>
        </Facts>
    }
}
