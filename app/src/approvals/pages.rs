//! The approval queue, and the page of one approval request.
use super::{
    card::{Card, why_not},
    changes::{Changes, Compared},
};
use crate::{
    organizations::{NarrowOrganization, are_several, narrowed_to_archived},
    outcome::Refusal,
    tasks::{pages::seen, pages::summary, words::Reach},
    ui::{
        Address, Badge, Count, Digest, Empty, FilterRow, Glyph, LinkButton, Live, Meaning, Moment, Narrow, Page, Pager,
        Place, Revealed, RowLink, Showing, Source, Table, ctx, page,
    },
};
use domain::{Actor, ApprovalId, approval::ApprovalState};
use leptos::prelude::*;
use store::{Approval, ApprovalFilter, Counts, Organization};

const ROWS: u32 = 50;

/// The query value that shows requests in every state.
const ALL: &str = "all";

/// `/approvals`: pending requests, unless the query selects another state.
pub fn list() -> Showing {
    page(queue)
}

async fn queue(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (filter, after) = (filter(&here), here.get("after").and_then(|id| id.parse().ok()));
    let mut read = ctx::store()?.read(&actor).await?;
    let (list, mut organizations) = (read.approvals(&filter, after, ROWS).await?, read.organizations().await?);
    organizations.extend(narrowed_to_archived(&mut read, &organizations).await);
    let counts = read.approval_counts(&filter).await?;
    let page = Page::new(Place::Approvals, t!("nav-approvals")).lead(t!("approvals-lead"));
    Ok(page.body(view! {
        <Filters organizations=organizations />
        <Live topics="approvals" region="approvals">
            <States counts=counts chosen=filter.state />
            {match list.items.is_empty() {
                true => view! { <Nothing waiting=filter.state == Some(ApprovalState::Waiting) /> }.into_any(),
                false => view! { <Rows rows=list.items state=filter.state /> }.into_any(),
            }}
            <Pager next=list.next />
        </Live>
    }))
}

fn filter(here: &Address) -> ApprovalFilter {
    let state = match here.get("state") {
        Some(ALL) => None,
        word => Some(word.and_then(|word| word.parse().ok()).unwrap_or(ApprovalState::Waiting)),
    };
    ApprovalFilter { state, organization: here.get("organization").and_then(|id| id.parse().ok()) }
}

#[component]
fn Filters(organizations: Vec<Organization>) -> impl IntoView {
    are_several(&organizations).then(|| {
        view! {
            <Narrow label=t!("approvals-narrow") fields=&["organization"]>
                <NarrowOrganization organizations=organizations />
            </Narrow>
        }
    })
}

/// Filter chips for the states. One is always selected; the default is pending.
#[component]
fn States(counts: Counts<ApprovalState>, chosen: Option<ApprovalState>) -> impl IntoView {
    let all = ApprovalState::ALL.iter().map(|state| Some(*state)).chain([None]);
    let chip = move |state: Option<ApprovalState>| {
        let word = state.map_or(ALL, ApprovalState::as_str);
        let href = ctx::here().from_start().with("state", word).to_string();
        let label = state.map_or_else(|| t!("approvals-all"), |state| words(state).1);
        let count = state.and_then(|state| counts.get(&state)).and_then(|count| u64::try_from(*count).ok());
        view! {
            <a class="chip" href=href aria-current=(state == chosen).then_some("true")>
                {label}
                {count.map(|count| view! { <Count of=count more=!counts.whole /> })}
            </a>
        }
    };
    view! { <FilterRow label=t!("tasks-narrow-state")>{all.map(chip).collect_view()}</FilterRow> }
}

#[component]
fn Rows(rows: Vec<Approval>, state: Option<ApprovalState>) -> impl IntoView {
    let when = match state {
        Some(ApprovalState::Waiting) => t!("approval-expires"),
        Some(_) => t!("approval-settled"),
        None => t!("approval-time-left"),
    };
    let headings = vec![
        t!("task-title"),
        t!("task-state"),
        t!("approval-requester"),
        t!("task-organization"),
        t!("task-network"),
        t!("approval-rule"),
        when,
    ];
    let row = |asked: Approval| {
        let end = asked.settled_at.unwrap_or(asked.expires_at);
        view! {
            <tr>
                <RowLink href=format!("/approvals/{}", asked.id)>
                    <Revealed text=asked.title />
                </RowLink>
                <td>
                    <ApprovalBadge state=asked.state />
                    " "
                    <span class="muted">{t!("approval-given-short", given = asked.given, needed = asked.needed)}</span>
                    <div class="task-brief">
                        <Revealed text=asked.requester.clone() />", "<Moment at=end />
                        <p><Reach policy=asked.network /></p>
                    </div>
                </td>
                <td><Revealed text=asked.requester /></td>
                <td><Revealed text=asked.organization /></td>
                <td><Reach policy=asked.network /></td>
                <td><Revealed text=asked.rule /></td>
                <td><Moment at=end /></td>
            </tr>
        }
    };
    view! {
        <div class="tasks">
            <Table caption=t!("nav-approvals") headings=headings>
                {rows.into_iter().map(row).collect_view()}
            </Table>
        </div>
    }
}

#[component]
fn Nothing(waiting: bool) -> impl IntoView {
    match waiting {
        true => view! {
            <Empty title=t!("approvals-empty") text=t!("approvals-empty-text")>
                <LinkButton href="/rules">{t!("approvals-see-rules")}</LinkButton>
            </Empty>
        }
        .into_any(),
        false => view! {
            <Empty title=t!("approvals-none-match") text=t!("approvals-none-match-text")>
                <LinkButton href="/approvals">{t!("approvals-show-waiting")}</LinkButton>
            </Empty>
        }
        .into_any(),
    }
}

#[component]
pub fn ApprovalBadge(
    state: ApprovalState,
) -> impl IntoView {
    let ((meaning, glyph), word) = words(state);
    view! { <Badge meaning=meaning glyph=glyph word=word /> }
}

fn words(state: ApprovalState) -> ((Meaning, Glyph), String) {
    match state {
        ApprovalState::Waiting => ((Meaning::Waiting, Glyph::Clock), t!("approval-state-waiting")),
        ApprovalState::Approved => ((Meaning::Good, Glyph::Tick), t!("approval-state-approved")),
        ApprovalState::Denied => ((Meaning::Bad, Glyph::Cross), t!("approval-state-denied")),
        ApprovalState::Expired => ((Meaning::Stopped, Glyph::Clock), t!("approval-state-expired")),
        ApprovalState::Withdrawn => ((Meaning::Stopped, Glyph::Stop), t!("approval-state-withdrawn")),
    }
}

/// `/approvals/{id}`.
pub fn one() -> Showing {
    page(request)
}

async fn request(actor: Actor) -> Result<Page, Refusal> {
    let id: ApprovalId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let approval = read.approval(id).await?;
    let (task, decisions) = (read.task(approval.task_id).await?, read.decisions(approval.task_id).await?);
    let (request, now) = (task.read_request()?, ctx::now());
    let compared = match read.approved_before(id).await? {
        Some(precedent) => Some(Compared::with(precedent, &task.script, &request)?),
        None => None,
    };
    let pretty = serde_json::to_string_pretty(&request).unwrap_or_default();
    let why_not = why_not(&actor, &approval, &decisions, now);
    let page = Page::new(Place::Approvals, seen(&approval.title)).lead(summary(&request));
    let page =
        page.action(view! { <LinkButton href=format!("/tasks/{}", task.id)>{t!("approval-see-task")}</LinkButton> });
    Ok(page.body(view! {
        <div class="detail deciding">
            <div class="detail-main">
                <Changes compared=compared />
                <section>
                    <h2>{t!("task-script")}</h2>
                    <p class="help">{t!("approval-script-help")}</p>
                    <Source text=task.script label=t!("task-script") />
                </section>
                <section>
                    <h2>{t!("approval-request")}</h2>
                    <p class="help">{t!("approval-request-help")}</p>
                    <Source text=pretty label=t!("approval-request") />
                </section>
                <section>
                    <h2>{t!("approval-bytes")}</h2>
                    <p class="help">{t!("approval-bytes-help")}</p>
                    <Source text=task.request label=t!("approval-bytes") />
                    <Digest hex=approval.request_digest.to_string() />
                </section>
            </div>
            <Card approval=approval decisions=decisions why_not=why_not />
        </div>
    }))
}
