//! The page of one task: request, policy, approval, runner and output.
use super::{
    actions::CancelTask,
    labels::{self, StateBadge},
    log::{self, Log},
    output_deleted,
    receipt::TaskEnd,
    sidebar::Sidebar,
    timeline::Timeline,
    topic::topic,
};
use crate::{
    access::AccessLink,
    audit::table::AuditTable,
    outcome::Refusal,
    ui::{Confirm, Glyph, LinkButton, Live, Page, PageFuture, Section, Source, Trait, ctx, page},
};
use domain::{
    Actor, TaskId,
    access::Resource,
    approval::{ApprovalState, Requesters},
    policy,
    request::Request,
    task::TaskState,
    visibility::Visibility,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Approval, Task};

/// `/tasks/{id}`.
pub fn task_page() -> PageFuture {
    page(load_task)
}

async fn load_task(actor: Actor) -> Result<Page, Refusal> {
    let id: TaskId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let task = read.task(id).await?;
    let (labels, history) = (read.labels(id).await?, read.task_history(id).await?);
    let (approval, request) = (read.approval_of(id).await?, task.read_request()?);
    let waiting = read.waiting(id).await?;
    let range = log::read(&mut read, &task, &ctx::here()).await?;
    let (summary, links) = (capability_summary(&request), actor.can_read_everything());
    let page = Page::new(Section::Tasks, visible_title(&task.title)).lead(summary);
    let page = page.badge(view! { <TaskStatus task=task.clone() /> });
    let requesters = Requesters::only(task.owner_id); // only for the permission check
    let thing = Resource::Task(id, task.access_attributes(), requesters, false);
    let page = page.action(view! {
        <TaskActions task=task.clone() actor=actor.clone() />
        <AccessLink actor=actor resource=thing />
    });
    let never_ran = task.state.is_final() && task.attempt == 0;
    let output = match (range, task.output_deleted_at) {
        _ if never_ran => {
            view! { <section><h2>{t!("task-log")}</h2><p>{t!("task-never-ran")}</p></section> }.into_any()
        }
        (Some(range), _) => view! { <Log task=task.clone() range=range /> }.into_any(),
        (None, at) => view! {
            <section>
                <h2>{t!("task-log")}</h2>
                <p>{at.map(output_deleted)}</p>
            </section>
        }
        .into_any(),
    };
    let ending = view! { <TaskEnd task=task.clone() /> };
    let (script, exact) = (task.script.clone(), task.request.clone());
    let timeline =
        view! { <Timeline task=task.clone() history=history.clone() approval=approval.clone() waiting=waiting /> };
    let topics = topic(id);
    let approval_topics = match &approval {
        Some(approval) => format!("{topics},approvals:{}", approval.id),
        None => topics.clone(),
    };
    let approval_link = approval.map(|approval| view! { <ApprovalLink approval=approval /> });
    Ok(page.body(view! {
        <div class="detail">
            <div class="detail-main">
                <Live topics=format!("{approval_topics},runners") region="task-timeline" quiet=true>
                    {timeline}
                    {approval_link}
                </Live>
                {output}
                <Live topics=topics region="task-ending" quiet=true>
                    {ending}
                </Live>
                <section>
                    <h2>{t!("task-script")}</h2>
                    <Source text=script label=t!("task-script") />
                </section>
                <section>
                    <h2>{t!("task-request")}</h2>
                    <p class="help">{t!("task-request-help")}</p>
                    <Source text=exact label=t!("task-request") />
                </section>
                <section>
                    <h2>{t!("task-trail")}</h2>
                    <Live topics=approval_topics region="task-trail" quiet=true>
                        <AuditTable rows=history caption=t!("task-trail") links=links />
                    </Live>
                </section>
            </div>
            <Sidebar task=task request=request labels=labels />
        </div>
    }))
}

/// Returns a title without invisible characters, which a heading cannot mark.
pub fn visible_title(title: &str) -> String {
    domain::text::visible(title).collect()
}

/// Describes what a task can do.
pub fn capability_summary(request: &Request) -> String {
    format!(
        "{} {} {}",
        labels::network_explanation(request.network.policy),
        t!("task-summary-files"),
        labels::limits(&request.limits)
    )
}

#[component]
fn TaskStatus(task: Task) -> impl IntoView {
    let glyph = if task.visibility == Visibility::Private { Glyph::Lock } else { Glyph::People };
    view! {
        <Live topics=topic(task.id) region="task-state" quiet=true>
            <StateBadge state=task.state />
        </Live>
        <Trait glyph=glyph label=labels::visibility(task.visibility) />
    }
}

#[component]
fn TaskActions(task: Task, actor: Actor) -> impl IntoView {
    let again = format!("/tasks/new?again={}", task.id);
    let action = policy::CancelTask { task: task.id, owner: task.owner_id, organization: task.organization_id };
    let may_cancel = !task.state.is_final() && !task.cancel_requested && actor.may(action).is_ok();
    let consequence = match task.state {
        TaskState::AwaitingApproval => t!("task-cancel-awaiting-approval"),
        TaskState::Queued => t!("task-cancel-queued"),
        _ => t!("task-cancel-running"),
    };
    view! {
        <Live topics=topic(task.id) region="task-acts" quiet=true>
            {may_cancel
                .then(|| {
                    view! {
                        <Confirm
                            label=t!("task-cancel-open") consequence=consequence act=t!("task-cancel") action=CancelTask::PATH
                            hidden=vec![("id", task.id.to_string())]
                        />
                    }
                })}
            <LinkButton href=again>{t!("task-run-again")}</LinkButton>
        </Live>
    }
}

#[component]
fn ApprovalLink(approval: Approval) -> impl IntoView {
    let text = match approval.state {
        ApprovalState::Waiting => t!("task-approval-waiting", given = approval.given, needed = approval.needed),
        _ => t!("task-approval-settled"),
    };
    view! { <p><a href=format!("/approvals/{}", approval.id)>{text}</a></p> }
}
