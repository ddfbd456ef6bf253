//! The anomalies page (`/anomalies`) for admins and auditors, and the list of one's own on the account page.
use super::{
    actions::ReviewAnomaly,
    entry::{AnomalyEntry, Reader},
    labels,
};
use crate::{
    outcome::Refusal,
    people::pages::people_choices,
    ui::{
        Button, Choice, EmptyState, FilterForm, FilterSelect, Form, LinkButton, Live, Page, PageFuture, Pager, Section,
        TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{Actor, anomalies::AnomalyKind, policy::ReadAudit};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{AnomalyFilter, AnomalyRow, Person};

const ROWS_PER_PAGE: u32 = 30;
const MAX_PEOPLE: u32 = 500;

/// `/anomalies`.
pub fn list() -> PageFuture {
    page(anomalies_page)
}

async fn anomalies_page(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let filter = AnomalyFilter {
        kind: here.get("kind").and_then(|kind| kind.parse().ok()),
        person: here.get("person").and_then(|id| id.parse().ok()),
        new: here.get("reviewed") == Some("no"),
    };
    let after = here.get("after").and_then(|id| id.parse().ok());
    let filtered = filter.kind.is_some() || filter.person.is_some() || filter.new;
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let people = read.people("", MAX_PEOPLE).await?;
    let found = read.anomalies(&proof, filter, after, ROWS_PER_PAGE).await?;
    let admin = actor.is_admin();
    let rows = found.items.into_iter().map(|row| view! { <Row row=row admin=admin /> }).collect_view();
    Ok(Page::new(Section::Anomalies, t!("nav-anomalies")).lead(t!("anomaly-lead")).body(view! {
        <Filters people=people />
        <Live topics="people,keys" region="anomalies">
            {match (rows.is_empty(), filtered) {
                (false, _) => view! { <ul class="reports">{rows}</ul> }.into_any(),
                (true, true) => view! {
                    <EmptyState title=t!("anomaly-none-match") text=t!("anomaly-none-match-text")>
                        <LinkButton href="/anomalies">{t!("anomaly-show-all")}</LinkButton>
                    </EmptyState>
                }.into_any(),
                (true, false) => view! { <EmptyState title=t!("anomaly-none") text=t!("anomaly-none-text") /> }.into_any(),
            }}
            <Pager next=found.next />
        </Live>
        <section>
            <h2>{t!("anomaly-detection")}</h2>
            <ul class="events">
                <li>{t!("anomaly-detection-sign-in")}</li>
                <li>{t!("anomaly-detection-failures")}</li>
                <li>{t!("anomaly-detection-keys")}</li>
                <li>{t!("anomaly-detection-tasks")}</li>
                <li>{t!("anomaly-detection-runners")}</li>
            </ul>
        </section>
    }))
}

#[component]
fn Filters(people: Vec<Person>) -> impl IntoView {
    let kinds = AnomalyKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), labels::kind(*kind))).collect();
    view! {
        <FilterForm label=t!("anomaly-filter") fields=&["kind", "person", "reviewed"]>
            <FilterSelect name="kind" label=t!("anomaly-kind") any=t!("audit-any") choices=kinds />
            <FilterSelect name="person" label=t!("anomaly-person") any=t!("audit-any") choices=people_choices(people) />
            <FilterSelect
                name="reviewed" label=t!("anomaly-reviewed") any=t!("audit-any")
                choices=vec![Choice::new("no", t!("anomaly-reviewed-no"))]
            />
        </FilterForm>
    }
}

#[component]
fn Row(row: AnomalyRow, admin: bool) -> impl IntoView {
    let (id, seen, by) = (row.id.to_string(), row.last_at.0.to_string(), row.reviewed_by.clone());
    let review = match row.reviewed_at {
        Some(at) => view! {
            <p class="muted">{t!("anomaly-reviewed-by")}" "{by.map(|name| view! { <UntrustedText text=name />", " })}<TimeAgo at=at /></p>
        }
        .into_any(),
        None if admin => view! {
            <Form action=ReviewAnomaly::PATH hidden=vec![("id", id), ("seen", seen)]>
                <Button>{t!("anomaly-mark-reviewed")}</Button>
            </Form>
        }
        .into_any(),
        None => view! { <p class="muted">{t!("anomaly-reviewed-no")}</p> }.into_any(),
    };
    view! { <AnomalyEntry row=row reader=Reader::Admin>{review}</AnomalyEntry> }
}

/// A notice with the number of anomalies that are not reviewed, if there are any.
#[component]
pub fn UnreviewedAnomalies(count: i64) -> impl IntoView {
    view! {
        <Live topics="people" region="overview-anomalies" quiet=true>
            {(count > 0).then(|| view! {
                <p class="notice"><a href="/anomalies?reviewed=no">{t!("overview-anomalies", n = count)}</a></p>
            })}
        </Live>
    }
}

/// The anomalies of the signed-in person's account, if there are any.
#[component]
pub fn OwnAnomalies(rows: Vec<AnomalyRow>) -> impl IntoView {
    let entry = |row: AnomalyRow| view! { <AnomalyEntry row=row reader=Reader::Owner /> };
    (!rows.is_empty()).then(|| {
        view! {
            <section id="anomalies">
                <h2>{t!("anomaly-own-title")}</h2>
                <p>{t!("anomaly-own-lead")}</p>
                <ul class="reports">{rows.into_iter().map(entry).collect_view()}</ul>
            </section>
        }
    })
}
