//! The overview page (`/`): pending approval requests, running tasks, recent failures, and the week in charts.
use super::{
    first_task::{self, FirstTask},
    week::{self, WeekCharts},
};
use crate::{
    anomalies::pages::UnreviewedAnomalies,
    join_requests::list::PendingJoinRequests,
    outcome::Refusal,
    tasks::{
        labels::{NetworkBadge, state_label},
        pages::Rows,
    },
    ui::{
        Address, ButtonVariant, LinkButton, Live, Page, PageFuture, RowLink, Section, Table, TimeAgo, UntrustedText,
        ctx, page,
    },
};
use domain::{
    Actor,
    task::TaskState::{self, Assigned, AwaitingApproval, Failed, Queued, Running, Succeeded},
};
use leptos::prelude::*;
use std::collections::BTreeMap;
use store::{Approval, FinishedTasks, Read, TaskFilter, TaskRow};

/// The rows of each list; a link leads to the rest.
const ROWS_PER_LIST: u32 = 5;

/// `/`.
pub fn overview() -> PageFuture {
    page(overview_page)
}

async fn overview_page(actor: Actor) -> Result<Page, Refusal> {
    let since = week::week_start(ctx::now());
    let mut read = ctx::store()?.read(&actor).await?;
    let waiting = read.approvals_for_me(ROWS_PER_LIST).await?;
    let running = running(&mut read).await?;
    let (open, ended) = (read.open_counts().await?, read.finished_tasks_by_day(since).await?);
    let recent = ended.clone();
    let failed = read.failed_since(since, ROWS_PER_LIST).await?;
    let mine = read.tasks(&TaskFilter { mine: true, ..TaskFilter::default() }, None, 1).await?.items;
    let no_runner = !read.runners().await?.iter().any(|runner| runner.connected && runner.revoked_at.is_none());
    let (auditor, unreviewed) = (actor.can_read_everything(), read.unreviewed_anomalies().await?);
    let join_requests = read.join_requests_for_me().await?;
    let organization = first_task::organization(&actor, &read.organizations().await?);
    let first = organization.filter(|_| mine.is_empty() && waiting.is_empty());
    let submit = organization
        .map(|_| view! { <LinkButton href="/tasks/new" variant=ButtonVariant::Primary>{t!("task-new")}</LinkButton> });
    let page = Page::new(Section::Overview, t!("nav-overview")).lead(t!("overview-lead"));
    let admin = actor.is_admin();
    Ok(page.action(submit).body(view! {
        <Live topics="runners" region="overview-runner" quiet=true>
            {no_runner.then(|| view! { <p class="notice"><a href="/runners">{t!("overview-no-runner")}</a></p> })}
        </Live>
        {auditor.then(|| view! { <UnreviewedAnomalies count=unreviewed /> })}
        <PendingJoinRequests rows=join_requests />
        {first.map(|organization| view! { <FirstTask organization=organization admin=admin /> })}
        <Live topics="tasks,approvals" region="overview" quiet=true>
            <Tiles open=open ended=recent />
            <section>
                <h2>{t!("overview-waiting")}</h2>
                <PendingApprovals rows=waiting />
            </section>
            <TaskSection title=t!("overview-running") none=t!("overview-running-none") rows=running />
            <TaskSection title=t!("overview-failed") none=t!("overview-failed-none") rows=failed />
        </Live>
        <Live topics="tasks" region="overview-week" quiet=true>
            <WeekCharts since=since ended=ended />
        </Live>
    }))
}

/// Returns assigned and running tasks, newest first. One query per state uses the index and skips all finished tasks.
async fn running(read: &mut Read) -> Result<Vec<TaskRow>, Refusal> {
    let mut rows = vec![];
    for state in [Assigned, Running] {
        let filter = TaskFilter { states: vec![state], ..TaskFilter::default() };
        rows.extend(read.tasks(&filter, None, ROWS_PER_LIST).await?.items);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.truncate(usize::try_from(ROWS_PER_LIST).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Task counts with links: the open states now, and the final states of the week.
#[component]
fn Tiles(open: BTreeMap<TaskState, i64>, ended: Vec<FinishedTasks>) -> impl IntoView {
    let (succeeded, failed) = week::totals(&ended);
    let open = |state: TaskState| open.get(&state).copied().unwrap_or(0);
    let tile = |(state, count, recent): (TaskState, i64, bool)| {
        let count = if !recent && count >= 1_000 { t!("count-capped") } else { count.to_string() };
        let href = Address::new("/tasks").with("state", state.as_str()).to_string();
        let label = state_label(state);
        view! {
            <li>
                <a class="tile" href=href>
                    <span class="tile-count">{count}</span>
                    <span>{if recent { t!("overview-last-days", state = label) } else { label }}</span>
                </a>
            </li>
        }
    };
    let tiles = [
        (AwaitingApproval, open(AwaitingApproval), false),
        (Queued, open(Queued), false),
        (Running, open(Running), false),
        (Succeeded, succeeded, true),
        (Failed, failed, true),
    ];
    view! { <ul class="tiles" aria-label=t!("overview-counts")>{tiles.map(tile).collect_view()}</ul> }
}

#[component]
fn TaskSection(title: String, none: String, rows: Vec<TaskRow>) -> impl IntoView {
    let list = match rows.is_empty() {
        true => view! { <p class="muted">{none}</p> }.into_any(),
        false => view! { <Rows rows=rows caption=title.clone() /> }.into_any(),
    };
    view! { <section><h2>{title}</h2>{list}</section> }
}

#[component]
fn PendingApprovals(rows: Vec<Approval>) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="muted">{t!("overview-waiting-none")}</p> }.into_any();
    }
    let row = |approval: Approval| {
        view! {
            <tr>
                <RowLink href=format!("/approvals/{}", approval.id)>
                    <UntrustedText text=approval.title />
                </RowLink>
                <td><UntrustedText text=approval.requester /></td>
                <td><NetworkBadge policy=approval.network /></td>
                <td><TimeAgo at=approval.expires_at /></td>
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
