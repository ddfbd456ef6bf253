//! The overview page (`/`): pending approval requests, running tasks, recent failures, and the week in charts.
use super::{
    first::{self, FirstTask},
    week::{self, Week},
};
use crate::{
    anomalies::pages::Waiting as UnreviewedAnomalies,
    join_requests::list::AskedOfMe,
    outcome::Refusal,
    tasks::{
        pages::Rows,
        words::{Reach, state_word},
    },
    ui::{Address, LinkButton, Live, Look, Moment, Page, Place, Revealed, RowLink, Showing, Table, ctx, page},
};
use domain::{
    Actor,
    task::TaskState::{self, Assigned, AwaitingApproval, Failed, Queued, Running, Succeeded},
};
use leptos::prelude::*;
use std::collections::BTreeMap;
use store::{Approval, Ended, Read, TaskFilter, TaskRow};

/// The rows of each list; a link leads to the rest.
const ROWS: u32 = 5;

/// `/`.
pub fn overview() -> Showing {
    page(first_page)
}

async fn first_page(actor: Actor) -> Result<Page, Refusal> {
    let since = week::begin(ctx::now());
    let mut read = ctx::store()?.read(&actor).await?;
    let waiting = read.approvals_for_me(ROWS).await?;
    let running = running(&mut read).await?;
    let (open, ended) = (read.open_counts().await?, read.ended_by_day(since).await?);
    let lately = ended.clone();
    let failed = read.failed_since(since, ROWS).await?;
    let mine = read.tasks(&TaskFilter { mine: true, ..TaskFilter::default() }, None, 1).await?.items;
    let no_runner = !read.runners().await?.iter().any(|runner| runner.connected && runner.revoked_at.is_none());
    let (auditor, unreviewed) = (actor.reads_everything(), read.unreviewed_anomalies().await?);
    let asked = read.join_requests_for_me().await?;
    let place = first::place(&actor, &read.organizations().await?);
    let first = place.filter(|_| mine.is_empty() && waiting.is_empty());
    let submit = place.map(|_| view! { <LinkButton href="/tasks/new" look=Look::Main>{t!("task-new")}</LinkButton> });
    let page = Page::new(Place::Overview, t!("nav-overview")).lead(t!("overview-lead"));
    let admin = actor.is_admin();
    Ok(page.action(submit).body(view! {
        <Live topics="runners" region="overview-runner" quiet=true>
            {no_runner.then(|| view! { <p class="notice"><a href="/runners">{t!("overview-no-runner")}</a></p> })}
        </Live>
        {auditor.then(|| view! { <UnreviewedAnomalies count=unreviewed /> })}
        <AskedOfMe rows=asked />
        {first.map(|organization| view! { <FirstTask organization=organization admin=admin /> })}
        <Live topics="tasks,approvals" region="overview" quiet=true>
            <Tiles open=open ended=lately />
            <section>
                <h2>{t!("overview-waiting")}</h2>
                <Waiting rows=waiting />
            </section>
            <Section title=t!("overview-running") none=t!("overview-running-none") rows=running />
            <Section title=t!("overview-failed") none=t!("overview-failed-none") rows=failed />
        </Live>
        <Live topics="tasks" region="overview-week" quiet=true>
            <Week since=since ended=ended />
        </Live>
    }))
}

/// Returns assigned and running tasks, newest first. One query per state uses the index and skips all finished tasks.
async fn running(read: &mut Read) -> Result<Vec<TaskRow>, Refusal> {
    let mut rows = vec![];
    for state in [Assigned, Running] {
        let filter = TaskFilter { states: vec![state], ..TaskFilter::default() };
        rows.extend(read.tasks(&filter, None, ROWS).await?.items);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Task counts with links: the open states now, and the final states of the week.
#[component]
fn Tiles(open: BTreeMap<TaskState, i64>, ended: Vec<Ended>) -> impl IntoView {
    let (succeeded, failed) = week::totals(&ended);
    let open = |state: TaskState| open.get(&state).copied().unwrap_or(0);
    let tile = |(state, count, lately): (TaskState, i64, bool)| {
        let count = if !lately && count >= 1_000 { t!("count-capped") } else { count.to_string() };
        let href = Address::new("/tasks").with("state", state.as_str()).to_string();
        let word = state_word(state);
        view! {
            <li>
                <a class="tile" href=href>
                    <span class="tile-count">{count}</span>
                    <span>{if lately { t!("overview-lately", state = word) } else { word }}</span>
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
