//! Effective access to a task, organization, runner or service account: who has it, what it allows, and why.
use crate::{
    outcome::Refusal,
    ui::{Badge, Glyph, LinkButton, Meaning, Moment, Page, Pager, Place, Revealed, Showing, Table, ctx, page, words},
};
use domain::{
    Actor,
    access::{Can, Thing, Why},
    policy::ReadAccess,
    role::{Role, TenantRole},
};
use leptos::prelude::*;
use store::{AccessHolder, AccessKey, Which};

const PAGE: u32 = 50;

/// `/tasks/{id}/access`.
pub fn of_task() -> Showing {
    page(|actor| async move { reach(actor, Which::Task(ctx::param("id")?)).await })
}

/// `/organizations/{id}/access`.
pub fn of_organization() -> Showing {
    page(|actor| async move { reach(actor, Which::Organization(ctx::param("id")?)).await })
}

/// `/runners/{id}/access`.
pub fn of_runner() -> Showing {
    page(|actor| async move { reach(actor, Which::Runner(ctx::param("id")?)).await })
}

/// `/keys/service-accounts/{id}/access`.
pub fn of_service_account() -> Showing {
    page(|actor| async move { reach(actor, Which::ServiceAccount(ctx::param("id")?)).await })
}

/// Returns the path of the page of the object itself.
fn page_of(thing: &Thing) -> String {
    match (thing, thing.name()) {
        (Thing::ServiceAccount(..), (_, id)) => format!("/keys/service-accounts/{id}"),
        (_, (kind, id)) => format!("/{kind}s/{id}"),
    }
}

/// Returns the title of the access page.
fn question(thing: &Thing) -> String {
    match thing {
        Thing::ServiceAccount(..) => t!("access-acts-title"),
        _ => t!("access-title"),
    }
}

/// A link to the access page, for actors who may read it.
#[component]
pub fn AskedHere(
    actor: Actor,
    thing: Thing,
) -> impl IntoView {
    actor.may(ReadAccess { thing }).is_ok().then(|| {
        view! { <LinkButton href=format!("{}/access", page_of(&thing))>{question(&thing)}</LinkButton> }
    })
}

async fn reach(actor: Actor, which: Which) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let mut read = store.read(&actor).await?;
    let place = match which {
        Which::Task(_) => Place::Tasks,
        Which::Organization(_) => Place::Organizations,
        Which::Runner(_) => Place::Runners,
        Which::ServiceAccount(_) => Place::Keys,
    };
    let (thing, name) = read.thing(which).await?;
    let proof = store.authorize(&actor, ReadAccess { thing }).await?;
    let (after, some) = (ctx::here().get("after").unwrap_or_default().to_owned(), !read.lists_everybody(&thing));
    let found = read.reach(&proof, &after, PAGE, store.now()).await?;
    // Only people who manage keys see the names and ids of other people's keys; the owner of a task sees their number.
    let answers = matches!(thing, Thing::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
    let owns = thing.organization().is_some_and(|of| actor.role_in(of) == Some(Role::Owner));
    let in_full = answers || owns || actor.reads_everything();
    let rows = found.items.into_iter().map(move |reacher| {
        let in_full = in_full || actor.person() == Some(reacher.id);
        view! { <Row reacher=reacher thing=thing in_full=in_full people=actor.reads_everything() /> }
    });
    let headings = vec![t!("person-name"), t!("access-why"), t!("access-can"), t!("access-keys")];
    let lead = match thing {
        Thing::ServiceAccount(..) => t!("access-acts-lead"),
        _ => t!("access-lead"),
    };
    let title = question(&thing);
    Ok(Page::new(place, title.clone()).under(page_of(&thing), name).lead(lead).body(view! {
        {some.then(|| view! { <p class="notice">{t!("access-everybody")}</p> })}
        <Table caption=title headings=headings>{rows.collect_view()}</Table>
        <Pager next=found.next by_name=true />
    }))
}

#[component]
fn Row(reacher: AccessHolder, thing: Thing, in_full: bool, people: bool) -> impl IntoView {
    let AccessHolder { id, name, email, locked, why, can, keys } = reacher;
    let service = email.is_none();
    let name = view! { <Revealed text=name /> };
    let name = match people && !service {
        true => view! { <a href=format!("/people/{id}")>{name}</a> }.into_any(),
        false => name.into_any(),
    };
    let reasons = why.into_iter().map(reason).collect::<Vec<_>>().join(", ");
    let count = keys.len();
    view! {
        <tr>
            <th scope="row">
                {name}
                {locked.then(|| view! { " " <Badge meaning=Meaning::Bad glyph=Glyph::Lock word=t!("person-locked") /> })}
                <p class="muted">{match email {
                    Some(email) => view! { <Revealed text=email /> }.into_any(),
                    None => t!("service-mark").into_any(),
                }}</p>
            </th>
            <td>{reasons}</td>
            <td>{abilities(&can, &thing)}</td>
            <td>
                {match in_full {
                    true => keys.into_iter().map(|key| view! { <Key key=key thing=thing /> }).collect_view().into_any(),
                    false if count == 0 => ().into_any(),
                    false => t!("access-key-count", count = count).into_any(),
                }}
            </td>
        </tr>
    }
}

#[component]
fn Key(key: AccessKey, thing: Thing) -> impl IntoView {
    let until = key.expires_at.map(|at| view! { ", " {t!("key-until")} " " <Moment at=at /> });
    let from = (!key.networks.is_empty()).then(|| format!(", {} {}", t!("key-only-from"), key.networks));
    view! {
        <p>
            <a href=format!("/keys/{}", key.id)><Revealed text=key.name /></a>
            " " <code>{key.prefix}"…"</code> ": " {abilities(&key.can, &thing)} {from} {until}
        </p>
    }
}

/// Returns the label of the reason why somebody has access.
fn reason(why: Why) -> String {
    match why {
        Why::Own => t!("access-own"),
        Why::Role(role) => t!("access-role", role = words::role(role)),
        Why::Judges => t!("access-judges"),
        Why::Everybody => t!("access-shared"),
        Why::TenantRole(TenantRole::Admin) => t!("access-admin"),
        Why::TenantRole(_) => t!("access-auditor"),
        Why::Answers => t!("access-answers"),
        Why::Itself => t!("access-itself"),
    }
}

/// Returns the labels of the permissions; the same permission reads differently on a task and on a service account.
fn abilities(can: &[Can], thing: &Thing) -> String {
    let word = |can: &Can| match (can, thing) {
        (Can::See, _) => t!("access-see"),
        (Can::Submit, Thing::Runner(_)) => t!("access-run"),
        (Can::Submit, _) => t!("access-submit"),
        (Can::Decide, _) => t!("access-decide"),
        (Can::Cancel, _) => t!("access-cancel"),
        (Can::Manage, Thing::ServiceAccount(..)) => t!("access-makes-keys"),
        (Can::Manage, _) => t!("access-manage"),
        (Can::Act, _) => t!("access-act"),
    };
    can.iter().map(word).collect::<Vec<_>>().join(", ")
}
