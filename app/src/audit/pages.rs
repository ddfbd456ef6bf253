//! The audit log page, for admins and auditors.
pub use super::event::event_page;
use super::{filter, table::AuditTable};
use crate::{
    outcome::Refusal,
    people::pages::people_choices,
    ui::{
        Choice, EmptyState, FilterForm, FilterSelect, FilterText, LinkButton, Live, Page, PageFuture, Pager, Section,
        ctx, page,
    },
};
use domain::{
    Actor,
    policy::{self, ReadAudit},
    security::SecurityEvent,
};
use leptos::prelude::*;
use store::Person;

const ROWS_PER_PAGE: u32 = 100;

/// The limit of the person filter's choices; links on a record filter by anyone else.
const MAX_PEOPLE: u32 = 500;

/// `/audit`.
pub fn list() -> PageFuture {
    page(log_page)
}

async fn log_page(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (filter, after) = (filter::parse(&here), here.get("after").and_then(|seq| seq.parse().ok()));
    let filtered = filter::is_active(&filter);
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let people = read.people("", MAX_PEOPLE).await?;
    let list = read.audit(&proof, filter, after, ROWS_PER_PAGE).await?;
    let page = Page::new(Section::Audit, t!("nav-audit")).lead(t!("audit-lead"));
    Ok(page.body(view! {
        <Filters people=people />
        <Live topics="tasks,approvals,runners,people,keys,rules" region="audit">
            {match list.items.is_empty() {
                true => view! { <NoEvents filtered=filtered /> }.into_any(),
                false => view! { <AuditTable rows=list.items caption=t!("nav-audit") links=true targets=true /> }.into_any(),
            }}
            <Pager next=list.next />
        </Live>
    }))
}

#[component]
fn Filters(people: Vec<Person>) -> impl IntoView {
    let actions = policy::audit_event_names().into_iter().map(|action| Choice::new(action, action)).collect();
    let events = SecurityEvent::ALL.iter().map(|event| Choice::new(event.as_str(), event.as_str()));
    let outcomes = vec![Choice::new("done", t!("audit-done")), Choice::new("refused", t!("audit-refused"))];
    view! {
        <FilterForm label=t!("audit-filter") fields=&["action", "person", "target", "outcome", "event", "since", "until"]>
            <FilterSelect name="action" label=t!("audit-action") any=t!("audit-any") choices=actions />
            <FilterSelect name="person" label=t!("audit-who") any=t!("audit-any") choices=people_choices(people) />
            <FilterSelect name="outcome" label=t!("audit-outcome") any=t!("audit-any") choices=outcomes />
            <FilterSelect name="event" label=t!("audit-event") any=t!("audit-any") choices=events.collect() />
            <FilterText name="target" label=t!("audit-target-id") kind="search" />
            <FilterText name="since" label=t!("audit-since") kind="date" />
            <FilterText name="until" label=t!("audit-until") kind="date" />
        </FilterForm>
    }
}

#[component]
fn NoEvents(filtered: bool) -> impl IntoView {
    match filtered {
        true => view! {
            <EmptyState title=t!("audit-none-match") text=t!("audit-none-match-text")>
                <LinkButton href="/audit">{t!("audit-show-all")}</LinkButton>
            </EmptyState>
        }
        .into_any(),
        false => view! { <EmptyState title=t!("audit-empty") text=t!("audit-empty-text") /> }.into_any(),
    }
}
