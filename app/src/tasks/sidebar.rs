//! The facts of a task, in the sidebar of its page.
use super::{labels, topic::topic};
use crate::{
    approvals::summary::TicketLink,
    ui::{Address, DescriptionItem, DescriptionList, Digest, Live, TimeAgo, UntrustedText, labels::network},
};
use domain::{label::Labels, request::Request, task::MAX_ATTEMPTS};
use leptos::prelude::*;
use store::Task;

/// The sidebar: facts that change come first.
#[component]
pub fn Sidebar(
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
    let labels = labels.iter().map(label).collect::<Vec<_>>();
    let moving = view! { <LiveFacts task=task.clone() /> };
    view! {
        <aside class="rail" aria-label=t!("task-facts")>
            <Live topics=topic(task.id) region="task-facts" quiet=true>
                {moving}
            </Live>
            <DescriptionList>
                <DescriptionItem name=t!("task-owner")><UntrustedText text=task.owner /></DescriptionItem>
                {task.key_id.map(|key| view! { <DescriptionItem name=t!("task-key")><code class="break">{key.to_string()}</code></DescriptionItem> })}
                <DescriptionItem name=t!("task-organization")><UntrustedText text=task.organization /></DescriptionItem>
                {request.purpose.map(|text| view! {
                    <DescriptionItem name=t!("task-purpose")><span class="purpose"><UntrustedText text=text /></span></DescriptionItem>
                })}
                {request.ticket.map(|url| view! { <DescriptionItem name=t!("task-ticket")><TicketLink url=url /></DescriptionItem> })}
                {request.rerun_of.map(|id| view! {
                    <DescriptionItem name=t!("task-rerun-of")><a class="break" href=format!("/tasks/{id}")>{id.to_string()}</a></DescriptionItem>
                })}
                <DescriptionItem name=t!("task-rule")><UntrustedText text=task.rule /></DescriptionItem>
                <DescriptionItem name=t!("task-network")>{network(task.network)}</DescriptionItem>
                <DescriptionItem name=t!("task-sandbox")><code>{request.sandbox}</code></DescriptionItem>
                <DescriptionItem name=t!("task-limits")>{labels::limits(&request.limits)}</DescriptionItem>
                <DescriptionItem name=t!("task-priority")>{labels::priority(task.priority)}</DescriptionItem>
                {(!labels.is_empty()).then(|| view! { <DescriptionItem name=t!("task-labels")>{labels}</DescriptionItem> })}
                <DescriptionItem name=t!("task-id")><code class="break">{task.id.to_string()}</code></DescriptionItem>
                <DescriptionItem name=t!("task-request-digest")><Digest hex=task.request_digest.to_string() /></DescriptionItem>
            </DescriptionList>
        </aside>
    }
}

/// DescriptionList that update live.
#[component]
fn LiveFacts(task: Task) -> impl IntoView {
    let time = |at: Option<domain::Timestamp>| match at {
        Some(at) => view! { <TimeAgo at=at /> }.into_any(),
        None => t!("task-not-yet").into_any(),
    };
    let runner =
        task.runner_id.zip(task.runner).map(|(id, name)| view! { <a href=format!("/runners/{id}")>{name}</a> });
    view! {
        <DescriptionList>
            <DescriptionItem name=t!("task-submitted")><TimeAgo at=task.created_at /></DescriptionItem>
            <DescriptionItem name=t!("task-started")>{time(task.started_at)}</DescriptionItem>
            <DescriptionItem name=t!("task-ended")>{time(task.ended_at)}</DescriptionItem>
            <DescriptionItem name=t!("task-runner")>{runner.map_or_else(|| t!("task-not-yet").into_any(), IntoAny::into_any)}</DescriptionItem>
            <DescriptionItem name=t!("task-attempt")>{t!("task-attempt-of", n = task.attempt, max = MAX_ATTEMPTS)}</DescriptionItem>
        </DescriptionList>
    }
}
