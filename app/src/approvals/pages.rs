//! The approval queue, and the page of one approval request.
use super::{
    APPROVAL_SETTINGS,
    badge::{ApprovalBadge, badge_parts},
    card::{DecisionCard, blocked_because},
    changes::{Changes, Comparison},
};
use crate::{
    factors::passkeys::signing_options,
    organizations::choice::{OrganizationFilter, archived_filter_choice, has_choice},
    outcome::Refusal,
    tasks::{
        details::{capability_summary, visible_title},
        labels::NetworkBadge,
    },
    ui::{
        Address, Count, Digest, EmptyState, FilterForm, FilterRow, LinkButton, Live, Page, PageFuture, Pager, RowLink,
        Section, Source, Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{
    Actor, ApprovalId,
    approval::{Answer, ApprovalState},
    consent::Subject,
    passkey::PasskeyDecision,
};
use leptos::prelude::*;
use store::{Approval, ApprovalFilter, Counts, Organization};

const ROWS_PER_PAGE: u32 = 50;

/// The query value that shows requests in every state.
const ALL_STATES: &str = "all";

/// `/approvals`: pending requests, unless the query selects another state.
pub fn list() -> PageFuture {
    page(queue_page)
}

async fn queue_page(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (filter, after) = (filter(&here), here.get("after").and_then(|id| id.parse().ok()));
    let mut read = ctx::store()?.read(&actor).await?;
    let (list, mut organizations) = (read.approvals(&filter, after, ROWS_PER_PAGE).await?, read.organizations().await?);
    organizations.extend(archived_filter_choice(&mut read, &organizations).await);
    let counts = read.approval_counts(&filter).await?;
    let page = Page::new(Section::Approvals, t!("nav-approvals")).lead(t!("approvals-lead"));
    Ok(page.body(view! {
        <Filters organizations=organizations />
        <Live topics="approvals" region="approvals">
            <StateChips counts=counts chosen=filter.state />
            {match list.items.is_empty() {
                true => view! { <NoRequests waiting=filter.state == Some(ApprovalState::Waiting) /> }.into_any(),
                false => view! { <Rows rows=list.items state=filter.state /> }.into_any(),
            }}
            <Pager next=list.next />
        </Live>
        <p class="after"><a href=APPROVAL_SETTINGS>{t!("approval-settings-title")}</a></p>
    }))
}

fn filter(here: &Address) -> ApprovalFilter {
    let state = match here.get("state") {
        Some(ALL_STATES) => None,
        value => Some(value.and_then(|value| value.parse().ok()).unwrap_or(ApprovalState::Waiting)),
    };
    ApprovalFilter { state, organization: here.get("organization").and_then(|id| id.parse().ok()) }
}

#[component]
fn Filters(organizations: Vec<Organization>) -> impl IntoView {
    has_choice(&organizations).then(|| {
        view! {
            <FilterForm label=t!("approvals-filter") fields=&["organization"]>
                <OrganizationFilter organizations=organizations />
            </FilterForm>
        }
    })
}

/// Filter chips for the states. One is always selected; the default is pending.
#[component]
fn StateChips(counts: Counts<ApprovalState>, chosen: Option<ApprovalState>) -> impl IntoView {
    let all = ApprovalState::ALL.iter().map(|state| Some(*state)).chain([None]);
    let chip = move |state: Option<ApprovalState>| {
        let value = state.map_or(ALL_STATES, ApprovalState::as_str);
        let href = ctx::here().from_start().with("state", value).to_string();
        let label = state.map_or_else(|| t!("approvals-all"), |state| badge_parts(state).1);
        let count = state.and_then(|state| counts.get(&state)).and_then(|count| u64::try_from(*count).ok());
        view! {
            <a class="chip" href=href aria-current=(state == chosen).then_some("true")>
                {label}
                {count.map(|count| view! { <Count of=count more=!counts.whole /> })}
            </a>
        }
    };
    view! { <FilterRow label=t!("tasks-filter-state")>{all.map(chip).collect_view()}</FilterRow> }
}

#[component]
fn Rows(rows: Vec<Approval>, state: Option<ApprovalState>) -> impl IntoView {
    let when = match state {
        Some(ApprovalState::Waiting) => t!("approval-expires"),
        Some(_) => t!("approval-decided"),
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
    let row = |approval: Approval| {
        let end = approval.settled_at.unwrap_or(approval.expires_at);
        view! {
            <tr>
                <RowLink href=format!("/approvals/{}", approval.id)>
                    <UntrustedText text=approval.title />
                </RowLink>
                <td>
                    <ApprovalBadge state=approval.state />
                    " "
                    <span class="muted">{t!("approval-count-short", given = approval.given, needed = approval.needed)}</span>
                    <div class="task-brief">
                        <UntrustedText text=approval.requester.clone() />", "<TimeAgo at=end />
                        <p><NetworkBadge policy=approval.network /></p>
                    </div>
                </td>
                <td><UntrustedText text=approval.requester /></td>
                <td><UntrustedText text=approval.organization /></td>
                <td><NetworkBadge policy=approval.network /></td>
                <td><UntrustedText text=approval.rule /></td>
                <td><TimeAgo at=end /></td>
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
fn NoRequests(waiting: bool) -> impl IntoView {
    match waiting {
        true => view! {
            <EmptyState title=t!("approvals-empty") text=t!("approvals-empty-text")>
                <LinkButton href="/rules">{t!("approvals-see-rules")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        false => view! {
            <EmptyState title=t!("approvals-none-match") text=t!("approvals-none-match-text")>
                <LinkButton href="/approvals">{t!("approvals-show-waiting")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
    }
}

/// `/approvals/{id}`.
pub fn approval_page() -> PageFuture {
    page(load_approval)
}

async fn load_approval(actor: Actor) -> Result<Page, Refusal> {
    let id: ApprovalId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let approval = read.approval(id).await?;
    let (task, decisions) = (read.task(approval.task_id).await?, read.decisions(approval.task_id).await?);
    let (request, now) = (task.read_request()?, ctx::now());
    let compared = match read.approved_before(id).await? {
        Some(precedent) => Some(Comparison::new(precedent, &task.script, &request)?),
        None => None,
    };
    let pretty = serde_json::to_string_pretty(&request).unwrap_or_default();
    let is_own = actor.person().is_some_and(|person| approval.requesters().includes(person));
    let blocked_because = blocked_because(&actor, &approval, now);
    let own = read.own_public_keys().await?;
    let signing = actor.person().and_then(|approver| {
        let statement = PasskeyDecision {
            tenant: actor.tenant,
            subject: Subject::Task(approval.task_id),
            approval: approval.id,
            request: approval.request_digest,
            approver,
            answer: Answer::Approve,
        };
        signing_options(&statement, &own.iter().map(|own| &own.passkey).collect::<Vec<_>>())
    });
    let page = Page::new(Section::Approvals, visible_title(&approval.title)).lead(capability_summary(&request));
    let page =
        page.action(view! { <LinkButton href=format!("/tasks/{}", task.id)>{t!("approval-view-task")}</LinkButton> });
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
            <DecisionCard
                approval=approval decisions=decisions blocked_because=blocked_because signing=signing own=is_own
            />
        </div>
    }))
}
