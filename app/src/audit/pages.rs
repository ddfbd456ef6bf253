//! The audit log, for admins and auditors.
use super::filter;
pub use super::record::one;
use crate::{
    outcome::Refusal,
    people::pages::people_choices,
    tasks::trail::Trail,
    ui::{Choice, Empty, LinkButton, Live, Narrow, NarrowChoice, NarrowText, Page, Pager, Place, Showing, ctx, page},
};
use domain::{
    Actor,
    policy::{self, ReadAudit},
    security::SecurityEvent,
};
use leptos::prelude::*;
use store::Person;

/// How many rows a page of the log has.
const ROWS: u32 = 100;

/// How many people can be chosen from; others are found by following a link from one of their records.
const PEOPLE: u32 = 500;

/// The log.
pub fn list() -> Showing {
    page(log)
}

async fn log(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let (filter, after) = (filter::read(&here), here.get("after").and_then(|seq| seq.parse().ok()));
    let narrow = filter::is_narrow(&filter);
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let people = read.people("", PEOPLE).await?;
    let list = read.audit(&proof, filter, after, ROWS).await?;
    let page = Page::new(Place::Audit, t!("nav-audit")).lead(t!("audit-lead"));
    Ok(page.body(view! {
        <Filters people=people />
        <Live topics="tasks,approvals,runners,people,keys,rules" region="audit">
            {match list.items.is_empty() {
                true => view! { <Nothing narrow=narrow /> }.into_any(),
                false => view! { <Trail rows=list.items caption=t!("nav-audit") links=true targets=true /> }.into_any(),
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
        <Narrow label=t!("audit-narrow") fields=&["action", "person", "target", "outcome", "event", "since", "until"]>
            <NarrowChoice name="action" label=t!("audit-action") any=t!("audit-any") choices=actions />
            <NarrowChoice name="person" label=t!("audit-who") any=t!("audit-any") choices=people_choices(people) />
            <NarrowChoice name="outcome" label=t!("audit-outcome") any=t!("audit-any") choices=outcomes />
            <NarrowChoice name="event" label=t!("audit-event") any=t!("audit-any") choices=events.collect() />
            <NarrowText name="target" label=t!("audit-target-id") kind="search" />
            <NarrowText name="since" label=t!("audit-since") kind="date" />
            <NarrowText name="until" label=t!("audit-until") kind="date" />
        </Narrow>
    }
}

#[component]
fn Nothing(narrow: bool) -> impl IntoView {
    match narrow {
        true => view! {
            <Empty title=t!("audit-none-match") text=t!("audit-none-match-text")>
                <LinkButton href="/audit">{t!("audit-show-all")}</LinkButton>
            </Empty>
        }
        .into_any(),
        false => view! { <Empty title=t!("audit-empty") text=t!("audit-empty-text") /> }.into_any(),
    }
}
