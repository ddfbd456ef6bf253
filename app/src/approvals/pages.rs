//! The approval queue, and the page of one approval request.
use super::{
    APPROVAL_SETTINGS,
    badge::{ApprovalBadge, badge_parts},
    card::{DecisionCard, Standing, blocked_because},
    changes::{Changes, Comparison},
    summary::{Risks, Summary},
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
    Actor, ApprovalId, OrganizationId,
    approval::{Answer, ApprovalState},
    consent::Subject,
    passkey::PasskeyDecision,
    role::Role,
};
use leptos::prelude::*;
use store::{Approval, ApprovalFilter, Counts, Organization};

const ROWS_PER_PAGE: u32 = 50;
/// The limit of the requests for the actor; once these are decided, the next ones appear.
const MAX_FOR_ME: u32 = 100;

/// The query value that shows requests in every state.
const ALL_STATES: &str = "all";
/// The query value that shows the requests that the actor can decide.
const FOR_ME: &str = "for-me";

/// The part of the queue that the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Those that the actor can decide, oldest first.
    ForMe,
    /// Those in a state, or all.
    InState(Option<ApprovalState>),
}

impl View {
    fn of(here: &Address) -> Self {
        match here.get("state") {
            Some(ALL_STATES) => Self::InState(None),
            Some(state) => state.parse().map_or(Self::ForMe, |state| Self::InState(Some(state))),
            None => Self::ForMe,
        }
    }

    const fn value(self) -> &'static str {
        match self {
            Self::ForMe => FOR_ME,
            Self::InState(None) => ALL_STATES,
            Self::InState(Some(state)) => state.as_str(),
        }
    }
}

/// `/approvals`: the requests that the actor can decide, unless the query selects a state.
pub fn list() -> PageFuture {
    page(queue_page)
}

async fn queue_page(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (view, after) = (View::of(&here), here.get("after").and_then(|id| id.parse().ok()));
    let organization: Option<OrganizationId> = here.get("organization").and_then(|id| id.parse().ok());
    let mut read = ctx::store()?.read(&actor).await?;
    let state = match view {
        View::ForMe => Some(ApprovalState::Waiting),
        View::InState(state) => state,
    };
    let filter = ApprovalFilter { state, organization };
    let (rows, next) = match view {
        View::ForMe => {
            let mut rows = read.approvals_for_me(MAX_FOR_ME).await?;
            rows.retain(|row| organization.is_none_or(|only| row.organization_id == only));
            (rows, None)
        }
        View::InState(_) => {
            let page = read.approvals(&filter, after, ROWS_PER_PAGE).await?;
            (page.items, page.next)
        }
    };
    let mut organizations = read.organizations().await?;
    organizations.extend(archived_filter_choice(&mut read, &organizations).await);
    let (counts, for_me) = (read.approval_counts(&filter).await?, read.approvals_waiting_for_me().await?);
    let for_me = organization.is_none().then_some(for_me);
    let decides = actor.roles.values().any(|role| *role >= Role::Approver);
    let page = Page::new(Section::Approvals, t!("nav-approvals")).lead(t!("approvals-lead"));
    Ok(page.body(view! {
        <Filters organizations=organizations />
        <Live topics="approvals" region="approvals">
            <ViewChips counts=counts for_me=for_me chosen=view />
            {match rows.is_empty() {
                true => view! { <NoRequests chosen=view decides=decides /> }.into_any(),
                false => view! { <Rows rows=rows state=state /> }.into_any(),
            }}
            <Pager next=next />
        </Live>
        <p class="after"><a href=APPROVAL_SETTINGS>{t!("approval-settings-title")}</a></p>
    }))
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

/// Filter chips for the views. One is always selected. A scan that stopped early has no exact count, so that none is shown.
#[component]
fn ViewChips(
    counts: Counts<ApprovalState>,
    /// The number of requests for the actor, unless the list is filtered.
    for_me: Option<i64>,
    chosen: View,
) -> impl IntoView {
    let states = ApprovalState::ALL.iter().map(|state| View::InState(Some(*state)));
    let all = [View::ForMe].into_iter().chain(states).chain([View::InState(None)]);
    let chip = move |view: View| {
        let href = ctx::here().from_start().with("state", view.value()).to_string();
        let (label, count) = match view {
            View::ForMe => (t!("approvals-for-me"), for_me),
            View::InState(Some(state)) => (badge_parts(state).1, counts.get(&state).copied().filter(|_| counts.whole)),
            View::InState(None) => (t!("approvals-all"), None),
        };
        let count = count.and_then(|count| u64::try_from(count).ok());
        view! {
            <a class="chip" href=href aria-current=(view == chosen).then_some("true")>
                {label}
                {count.map(|count| view! { <Count of=count more=false /> })}
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

/// The empty state of a view. People who cannot decide anything read why.
#[component]
fn NoRequests(chosen: View, decides: bool) -> impl IntoView {
    match (chosen, decides) {
        (View::ForMe, true) => view! {
            <EmptyState title=t!("approvals-empty-for-me") text=t!("approvals-empty-for-me-text")>
                <LinkButton href="/approvals?state=waiting">{t!("approvals-show-waiting")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        (View::ForMe, false) => view! {
            <EmptyState title=t!("approvals-no-approver") text=t!("approvals-no-approver-text")>
                <LinkButton href="/approvals?state=waiting">{t!("approvals-show-waiting")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        (View::InState(Some(ApprovalState::Waiting)), _) => view! {
            <EmptyState title=t!("approvals-empty") text=t!("approvals-empty-text")>
                <LinkButton href="/rules">{t!("approvals-see-rules")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        _ => view! {
            <EmptyState title=t!("approvals-none-match") text=t!("approvals-none-match-text")>
                <LinkButton href="/approvals?state=waiting">{t!("approvals-show-waiting")}</LinkButton>
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
    let task = read.task(approval.task_id).await?;
    let request = task.read_request()?;
    let compared = match read.approved_before(id).await? {
        Some(precedent) => Some(Comparison::new(precedent, &task.script, &request)?),
        None => None,
    };
    let viewer = actor.person();
    let standing = Standing {
        decisions: read.decisions(approval.task_id).await?,
        deciders: read.deciders(id).await?,
        viewer,
        blocked_because: blocked_because(&actor, &approval, ctx::now()),
        next: read.approvals_for_me(2).await?.into_iter().map(|next| next.id).find(|next| *next != id),
        own: viewer.is_some_and(|person| approval.requesters().includes(person)),
    };
    let own = read.own_public_keys().await?;
    let signing = viewer.and_then(|approver| {
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
    let pretty = serde_json::to_string_pretty(&request).unwrap_or_default();
    let risks = Risks::of(&request, &task.script, compared.as_ref());
    let (reach, digest) = (capability_summary(&request), approval.request_digest.to_string());
    let lead = t!(
        "approval-lead",
        requester = visible_title(&approval.requester),
        organization = visible_title(&approval.organization)
    );
    let page = Page::new(Section::Approvals, visible_title(&approval.title)).lead(lead);
    let page =
        page.action(view! { <LinkButton href=format!("/tasks/{}", task.id)>{t!("approval-view-task")}</LinkButton> });
    Ok(page.body(view! {
        <div class="detail deciding">
            // First, as on a phone, where it is above the request.
            <DecisionCard approval=approval standing=standing signing=signing />
            <div class="detail-main">
                <Summary request=request risks=risks />
                <Changes compared=compared />
                <section>
                    <h2>{t!("task-script")}</h2>
                    <p class="help">{reach}</p>
                    <p class="help">{t!("approval-script-help")}</p>
                    <Source text=task.script label=t!("task-script") />
                </section>
                <details class="folded">
                    <summary>{t!("approval-request")}</summary>
                    <p class="help">{t!("approval-request-help")}</p>
                    <Source text=pretty label=t!("approval-request") />
                </details>
                <details class="folded">
                    <summary>{t!("approval-bytes")}</summary>
                    <p class="help">{t!("approval-bytes-help")}</p>
                    <Source text=task.request label=t!("approval-bytes") />
                    <Digest hex=digest />
                </details>
            </div>
        </div>
    }))
}
