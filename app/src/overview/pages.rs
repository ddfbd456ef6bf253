//! The first page.
use super::first::FirstTask;
use crate::{
    outcome::Refusal,
    tasks::{
        pages::Rows,
        words::{Reach, state_word},
    },
    ui::{Address, LinkButton, Live, Look, Moment, Page, Place, Revealed, RowLink, Table, ctx, page},
};
use domain::{
    Actor,
    approval::ApprovalState,
    role::Role,
    task::TaskState::{self, Assigned, AwaitingApproval, Failed, Lost, Queued, Running, Succeeded, TimedOut},
};
use leptos::prelude::*;
use store::{Approval, ApprovalFilter, Counts, Read, TaskFilter, TaskRow};

/// How many rows each list shows; more are a link away.
const ROWS: u32 = 5;

/// States whose counts stand at the top.
const COUNTED: [TaskState; 5] = [AwaitingApproval, Queued, Running, Succeeded, Failed];

/// What goes on.
pub fn overview() -> impl IntoView {
    page(first_page)
}

async fn first_page(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let counts = read.task_counts(&TaskFilter::default()).await?;
    let waiting = waiting_for(&mut read, &actor).await?;
    let running = tasks(&mut read, vec![Assigned, Running]).await?;
    let failed = tasks(&mut read, vec![Failed, TimedOut, Lost]).await?;
    let no_runner = !read.runners().await?.iter().any(|runner| runner.connected && runner.revoked_at.is_none());
    let (none, submits) =
        (counts.values().all(|count| *count == 0), actor.roles.values().any(|role| *role >= Role::Member));
    let submit = submits.then(|| view! { <LinkButton href="/tasks/new" look=Look::Main>{t!("task-new")}</LinkButton> });
    let page = Page::new(Place::Overview, t!("nav-overview")).lead(t!("overview-lead"));
    let alone = actor.roles.len() == 1;
    Ok(page.action(submit).body(view! {
        <Live topics="runners" region="overview-runner" quiet=true>
            {no_runner.then(|| view! { <p class="notice"><a href="/runners">{t!("overview-no-runner")}</a></p> })}
        </Live>
        {(none && submits && alone).then(|| view! { <FirstTask /> })}
        <Live topics="tasks,approvals" region="overview" quiet=true>
            <Tiles counts=counts />
            <section>
                <h2>{t!("overview-waiting")}</h2>
                <Waiting rows=waiting />
            </section>
            <Section title=t!("overview-running") none=t!("overview-running-none") rows=running />
            <Section title=t!("overview-failed") none=t!("overview-failed-none") rows=failed />
        </Live>
    }))
}

async fn tasks(read: &mut Read, states: Vec<TaskState>) -> Result<Vec<TaskRow>, Refusal> {
    Ok(read.tasks(&TaskFilter { states, ..TaskFilter::default() }, None, ROWS).await?.items)
}

/// Requests that this person may answer and has not answered.
async fn waiting_for(read: &mut Read, actor: &Actor) -> Result<Vec<Approval>, Refusal> {
    if read.approvals_waiting_for_me().await? == 0 {
        return Ok(vec![]);
    }
    let filter = ApprovalFilter { state: Some(ApprovalState::Waiting), organisation: None };
    let mut mine = vec![];
    for asked in read.approvals(&filter, None, 100).await?.items {
        let approver = actor.role_in(asked.organisation_id) >= Some(Role::Approver);
        if approver && actor.person() != Some(asked.requester_id) {
            let answers = read.decisions(asked.task_id).await?;
            if answers.iter().all(|answer| Some(answer.person_id) != actor.person()) {
                mine.push(asked);
            }
        }
        if mine.len() == usize::try_from(ROWS).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(mine)
}

/// How many tasks stand where, each with the way to them.
#[component]
fn Tiles(counts: Counts) -> impl IntoView {
    let tile = |state: TaskState| {
        let count = counts.get(&state).copied().unwrap_or(0);
        let count = if count >= store::COUNTED { t!("count-capped") } else { count.to_string() };
        let href = Address::new("/tasks").with("state", state.as_str()).to_string();
        view! {
            <li>
                <a class="tile" href=href>
                    <span class="tile-count">{count}</span>
                    <span>{state_word(state)}</span>
                </a>
            </li>
        }
    };
    view! { <ul class="tiles" aria-label=t!("overview-counts")>{COUNTED.map(tile).collect_view()}</ul> }
}

#[component]
fn Section(title: String, none: String, rows: Vec<TaskRow>) -> impl IntoView {
    let list = match rows.is_empty() {
        true => view! { <p class="muted">{none}</p> }.into_any(),
        false => view! { <Rows rows=rows caption=title.clone() /> }.into_any(),
    };
    view! { <section><h2>{title}</h2>{list}</section> }
}

#[component]
fn Waiting(rows: Vec<Approval>) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="muted">{t!("overview-waiting-none")}</p> }.into_any();
    }
    let row = |asked: Approval| {
        view! {
            <tr>
                <RowLink href=format!("/approvals/{}", asked.id)>
                    <Revealed text=asked.title />
                </RowLink>
                <td><Revealed text=asked.requester /></td>
                <td><Reach policy=asked.network /></td>
                <td><Moment at=asked.expires_at /></td>
            </tr>
        }
    };
    let headings = vec![t!("task-title"), t!("approval-requester"), t!("task-network"), t!("overview-expires")];
    view! {
        <Table caption=t!("overview-waiting") headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
    .into_any()
}
