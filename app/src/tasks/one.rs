//! A task's page: what ran, where, under which policy, who let it, what it printed.
use super::{
    actions::CancelTask,
    log::{self, Log},
    rail::Rail,
    receipt::Ending,
    timeline::Timeline,
    trail::Trail,
    words::{self, StateBadge},
};
use crate::{
    access::AskedHere,
    outcome::Refusal,
    ui::{Badge, Confirm, Glyph, LinkButton, Live, Meaning, Page, Place, Showing, Source, ctx, page},
};
use domain::{
    Actor, TaskId, access::Resource, approval::ApprovalState, policy, request::Request, task::TaskState,
    visibility::Visibility,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Approval, Task};

/// One task.
pub fn one() -> Showing {
    page(task)
}

async fn task(actor: Actor) -> Result<Page, Refusal> {
    let id: TaskId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let task = read.task(id).await?;
    let (labels, history) = (read.labels(id).await?, read.task_history(id).await?);
    let (approval, request) = (read.approval_of(id).await?, task.read_request()?);
    let shown = log::read(&mut read, &task, &ctx::here()).await?;
    let (summary, links) = (summary(&request), actor.reads_everything());
    let page = Page::new(Place::Tasks, seen(&task.title)).lead(summary);
    let page = page.beside(view! { <Standing task=task.clone() /> });
    let reach = Resource::Task(id, task.sight(), [None; 2]); // only to ask whether one may ask
    let page = page.action(view! {
        <Acts task=task.clone() actor=actor.clone() />
        <AskedHere actor=actor thing=reach />
    });
    let (output, ending) = (view! { <Log task=task.clone() shown=shown /> }, view! { <Ending task=task.clone() /> });
    let (script, exact) = (task.script.clone(), task.request.clone());
    let life = view! { <Timeline task=task.clone() history=history.clone() approval=approval.clone() /> };
    let topics = topic(id);
    let and_answers = match &approval {
        Some(approval) => format!("{topics},approvals:{}", approval.id),
        None => topics.clone(),
    };
    let asked = approval.map(|approval| view! { <Asked approval=approval /> });
    Ok(page.body(view! {
        <div class="detail">
            <div class="detail-main">
                <Live topics=and_answers.clone() region="task-timeline" quiet=true>
                    {life}
                    {asked}
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
                    <Live topics=and_answers region="task-trail" quiet=true>
                        <Trail rows=history caption=t!("task-trail") links=links />
                    </Live>
                </section>
            </div>
            <Rail task=task request=request labels=labels />
        </div>
    }))
}

/// What tells that this task changed, and no other.
pub fn topic(id: TaskId) -> String {
    format!("tasks:{id}")
}

/// A title as one line: what cannot be seen is left out, because a heading cannot mark it.
pub fn seen(title: &str) -> String {
    title.chars().filter(|c| !c.is_control() && !domain::text::is_invisible(*c)).collect()
}

/// What it can do, in plain words.
pub fn summary(request: &Request) -> String {
    format!(
        "{} {} {}",
        words::reach_in_full(request.network.policy),
        t!("task-summary-files"),
        words::limits(&request.limits)
    )
}

#[component]
fn Standing(task: Task) -> impl IntoView {
    let glyph = if task.visibility == Visibility::Private { Glyph::Lock } else { Glyph::People };
    view! {
        <Live topics=topic(task.id) region="task-state" quiet=true>
            <StateBadge state=task.state />
        </Live>
        <Badge meaning=Meaning::Stopped glyph=glyph word=words::visibility(task.visibility) />
    }
}

#[component]
fn Acts(task: Task, actor: Actor) -> impl IntoView {
    let again = format!("/tasks/new?again={}", task.id);
    let action = policy::CancelTask { task: task.id, owner: task.owner_id, organization: task.organization_id };
    let may_cancel = !task.state.is_final() && !task.cancel_asked && actor.may(action).is_ok();
    let consequence = match task.state {
        TaskState::AwaitingApproval => t!("task-cancel-asked"),
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
            <LinkButton href=again>{t!("task-again")}</LinkButton>
        </Live>
    }
}

#[component]
fn Asked(approval: Approval) -> impl IntoView {
    let text = match approval.state {
        ApprovalState::Waiting => t!("task-asked-waiting", given = approval.given, needed = approval.needed),
        _ => t!("task-asked-settled"),
    };
    view! { <p><a href=format!("/approvals/{}", approval.id)>{text}</a></p> }
}
