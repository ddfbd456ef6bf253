//! `/unusual`: what was unusual in the tenant, for admins and auditors; and the same of one's own account, on its page.
use super::{
    actions::LookAtUnusual,
    entry::{Entry, Reader},
    words,
};
use crate::{
    members::pages::people_choices,
    outcome::Refusal,
    ui::{
        Button, Choice, Empty, Form, LinkButton, Live, Moment, Narrow, NarrowChoice, Page, Pager, Place, Revealed,
        Showing, ctx, page,
    },
};
use domain::{Actor, policy::ReadAudit, unusual::Unusual};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Person, UnusualFilter, UnusualRow};

/// How many stand on a page.
const ROWS: u32 = 30;
/// How many people can be chosen from.
const PEOPLE: u32 = 500;

/// The list.
pub fn list() -> Showing {
    page(unusual)
}

async fn unusual(actor: Actor) -> Result<Page, Refusal> {
    let here = ctx::here();
    let filter = UnusualFilter {
        kind: here.get("kind").and_then(|kind| kind.parse().ok()),
        person: here.get("person").and_then(|id| id.parse().ok()),
        new: here.get("looked") == Some("no"),
    };
    let after = here.get("after").and_then(|id| id.parse().ok());
    let narrow = filter.kind.is_some() || filter.person.is_some() || filter.new;
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let people = read.people("", PEOPLE).await?;
    let found = read.unusual(&proof, filter, after, ROWS).await?;
    let admin = actor.is_admin();
    let rows = found.items.into_iter().map(|row| view! { <Row row=row admin=admin /> }).collect_view();
    Ok(Page::new(Place::Unusual, t!("nav-unusual")).lead(t!("unusual-lead")).body(view! {
        <Filters people=people />
        <Live topics="people,keys" region="unusual">
            {match (rows.is_empty(), narrow) {
                (false, _) => view! { <ul class="reports">{rows}</ul> }.into_any(),
                (true, true) => view! {
                    <Empty title=t!("unusual-none-match") text=t!("unusual-none-match-text")>
                        <LinkButton href="/unusual">{t!("unusual-show-all")}</LinkButton>
                    </Empty>
                }.into_any(),
                (true, false) => view! { <Empty title=t!("unusual-none") text=t!("unusual-none-text") /> }.into_any(),
            }}
            <Pager next=found.next />
        </Live>
        <section>
            <h2>{t!("unusual-watched")}</h2>
            <ul class="events">
                <li>{t!("unusual-watched-sign-in")}</li>
                <li>{t!("unusual-watched-failures")}</li>
                <li>{t!("unusual-watched-keys")}</li>
                <li>{t!("unusual-watched-tasks")}</li>
            </ul>
        </section>
    }))
}

#[component]
fn Filters(people: Vec<Person>) -> impl IntoView {
    let kinds = Unusual::ALL.iter().map(|kind| Choice::new(kind.as_str(), words::kind(*kind))).collect();
    view! {
        <Narrow label=t!("unusual-narrow") fields=&["kind", "person", "looked"]>
            <NarrowChoice name="kind" label=t!("unusual-kind") any=t!("audit-any") choices=kinds />
            <NarrowChoice name="person" label=t!("unusual-person") any=t!("audit-any") choices=people_choices(people) />
            <NarrowChoice
                name="looked" label=t!("unusual-looked") any=t!("audit-any")
                choices=vec![Choice::new("no", t!("unusual-looked-no"))]
            />
        </Narrow>
    }
}

#[component]
fn Row(row: UnusualRow, admin: bool) -> impl IntoView {
    let (id, seen, by) = (row.id.to_string(), row.last_at.0.to_string(), row.looked_by.clone());
    let looked = match row.looked_at {
        Some(at) => view! {
            <p class="muted">{t!("unusual-looked-by")}" "{by.map(|name| view! { <Revealed text=name />", " })}<Moment at=at /></p>
        }
        .into_any(),
        None if admin => view! {
            <Form action=LookAtUnusual::PATH hidden=vec![("id", id), ("seen", seen)]>
                <Button>{t!("unusual-look")}</Button>
            </Form>
        }
        .into_any(),
        None => view! { <p class="muted">{t!("unusual-looked-no")}</p> }.into_any(),
    };
    view! { <Entry row=row reader=Reader::Admin>{looked}</Entry> }
}

/// How many of them wait for an admin to look at them, where there are any.
#[component]
pub fn Waiting(
    /// How many.
    count: i64,
) -> impl IntoView {
    view! {
        <Live topics="people" region="overview-unusual" quiet=true>
            {(count > 0).then(|| view! {
                <p class="notice"><a href="/unusual?looked=no">{t!("overview-unusual", n = count)}</a></p>
            })}
        </Live>
    }
}

/// What was unusual about one's own account, on its page; nothing where nothing was.
#[component]
pub fn Own(
    /// What was.
    rows: Vec<UnusualRow>,
) -> impl IntoView {
    let entry = |row: UnusualRow| view! { <Entry row=row reader=Reader::Owner /> };
    (!rows.is_empty()).then(|| {
        view! {
            <section id="unusual">
                <h2>{t!("unusual-own-title")}</h2>
                <p>{t!("unusual-own-lead")}</p>
                <ul class="reports">{rows.into_iter().map(entry).collect_view()}</ul>
            </section>
        }
    })
}
