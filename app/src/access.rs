//! Who can reach a task, an organization or a runner, and who acts as a service account; what they can do with it, and why.
use crate::{
    outcome::Refusal,
    ui::{Badge, Glyph, LinkButton, Meaning, Moment, Page, Pager, Place, Revealed, Showing, Table, ctx, page, words},
};
use domain::{
    Actor,
    access::{Ability, AccessReason, Resource},
    policy::ReadAccess,
    role::{Role, TenantRole},
};
use leptos::prelude::*;
use store::{AccessHolder, AccessKey, Which};

/// How many people are looked at for one page.
const PAGE: u32 = 50;

/// Of a task.
pub fn of_task() -> Showing {
    page(|actor| async move { reach(actor, Which::Task(ctx::param("id")?)).await })
}

/// Of an organization.
pub fn of_organization() -> Showing {
    page(|actor| async move { reach(actor, Which::Organization(ctx::param("id")?)).await })
}

/// Of a runner.
pub fn of_runner() -> Showing {
    page(|actor| async move { reach(actor, Which::Runner(ctx::param("id")?)).await })
}

/// Of a service account.
pub fn of_service_account() -> Showing {
    page(|actor| async move { reach(actor, Which::ServiceAccount(ctx::param("id")?)).await })
}

/// The page of the thing itself.
fn page_of(thing: &Resource) -> String {
    match (thing, thing.name()) {
        (Resource::ServiceAccount(..), (_, id)) => format!("/keys/service-accounts/{id}"),
        (_, (kind, id)) => format!("/{kind}s/{id}"),
    }
}

/// What is asked about it.
fn question(thing: &Resource) -> String {
    match thing {
        Resource::ServiceAccount(..) => t!("access-acts-title"),
        _ => t!("access-title"),
    }
}

/// The way to such a page, for who may ask.
#[component]
pub fn AskedHere(
    /// Who looks.
    actor: Actor,
    /// What they look at.
    thing: Resource,
) -> impl IntoView {
    actor.may(ReadAccess { resource: thing }).is_ok().then(|| {
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
    let proof = store.authorize(&actor, ReadAccess { resource: thing }).await?;
    let (after, some) = (ctx::here().get("after").unwrap_or_default().to_owned(), !read.lists_everybody(&thing));
    let found = read.reach(&proof, &after, PAGE, store.now()).await?;
    // Names and ids of others' keys are for those who manage keys; who only owns a task learns how many there are.
    let answers = matches!(thing, Resource::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
    let owns = thing.organization().is_some_and(|of| actor.role_in(of) == Some(Role::Owner));
    let in_full = answers || owns || actor.reads_everything();
    let rows = found.items.into_iter().map(move |reacher| {
        let in_full = in_full || actor.person() == Some(reacher.id);
        view! { <Row reacher=reacher thing=thing in_full=in_full people=actor.reads_everything() /> }
    });
    let headings = vec![t!("person-name"), t!("access-why"), t!("access-can"), t!("access-keys")];
    let lead = match thing {
        Resource::ServiceAccount(..) => t!("access-acts-lead"),
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
fn Row(reacher: AccessHolder, thing: Resource, in_full: bool, people: bool) -> impl IntoView {
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
fn Key(key: AccessKey, thing: Resource) -> impl IntoView {
    let until = key.expires_at.map(|at| view! { ", " {t!("key-until")} " " <Moment at=at /> });
    let from = (!key.networks.is_empty()).then(|| format!(", {} {}", t!("key-only-from"), key.networks));
    view! {
        <p>
            <a href=format!("/keys/{}", key.id)><Revealed text=key.name /></a>
            " " <code>{key.prefix}"…"</code> ": " {abilities(&key.can, &thing)} {from} {until}
        </p>
    }
}

/// A reason, in words.
fn reason(why: AccessReason) -> String {
    match why {
        AccessReason::Own => t!("access-own"),
        AccessReason::Role(role) => t!("access-role", role = words::role(role)),
        AccessReason::Judges => t!("access-judges"),
        AccessReason::Everybody => t!("access-shared"),
        AccessReason::TenantRole(TenantRole::Admin) => t!("access-admin"),
        AccessReason::TenantRole(_) => t!("access-auditor"),
        AccessReason::Answers => t!("access-answers"),
        AccessReason::Itself => t!("access-itself"),
    }
}

/// What can be done, in words; what it is done to gives them their meaning.
fn abilities(can: &[Ability], thing: &Resource) -> String {
    let word = |can: &Ability| match (can, thing) {
        (Ability::See, _) => t!("access-see"),
        (Ability::Submit, Resource::Runner(_)) => t!("access-run"),
        (Ability::Submit, _) => t!("access-submit"),
        (Ability::Decide, _) => t!("access-decide"),
        (Ability::Cancel, _) => t!("access-cancel"),
        (Ability::Manage, Resource::ServiceAccount(..)) => t!("access-makes-keys"),
        (Ability::Manage, _) => t!("access-manage"),
        (Ability::Act, _) => t!("access-act"),
    };
    can.iter().map(word).collect::<Vec<_>>().join(", ")
}
