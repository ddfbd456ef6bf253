//! Effective access to a task, organization, runner or service account: who has it, what it allows, and why.
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Glyph, LinkButton, PLACEHOLDER, Page, PageFuture, Pager, Section, Sentence, Table, TimeAgo,
        UntrustedText, ctx, labels, page,
    },
};
use domain::{
    Actor,
    access::{Ability, AccessReason, Resource},
    policy::ReadAccess,
    role::{Role, TenantRole},
};
use leptos::prelude::*;
use store::{AccessHolder, AccessKey, ResourceRef};

const ROWS_PER_PAGE: u32 = 50;

/// `/tasks/{id}/access`.
pub fn of_task() -> PageFuture {
    page(|actor| async move { access_page(actor, ResourceRef::Task(ctx::param("id")?)).await })
}

/// `/organizations/{id}/access`.
pub fn of_organization() -> PageFuture {
    page(|actor| async move { access_page(actor, ResourceRef::Organization(ctx::param("id")?)).await })
}

/// `/runners/{id}/access`.
pub fn of_runner() -> PageFuture {
    page(|actor| async move { access_page(actor, ResourceRef::Runner(ctx::param("id")?)).await })
}

/// `/keys/service-accounts/{id}/access`.
pub fn of_service_account() -> PageFuture {
    page(|actor| async move { access_page(actor, ResourceRef::ServiceAccount(ctx::param("id")?)).await })
}

/// Returns the path of the page of the object itself.
fn page_of(resource: &Resource) -> String {
    match (resource, resource.name()) {
        (Resource::ServiceAccount(..), (_, id)) => format!("/keys/service-accounts/{id}"),
        (_, (kind, id)) => format!("/{kind}s/{id}"),
    }
}

/// Returns the title of the access page.
fn page_title(resource: &Resource) -> String {
    match resource {
        Resource::ServiceAccount(..) => t!("access-as-account-title"),
        _ => t!("access-title"),
    }
}

/// A link to the access page, for actors who may read it.
#[component]
pub fn AccessLink(actor: Actor, resource: Resource) -> impl IntoView {
    actor.may(ReadAccess { resource }).is_ok().then(|| {
        view! { <LinkButton href=format!("{}/access", page_of(&resource))>{page_title(&resource)}</LinkButton> }
    })
}

async fn access_page(actor: Actor, which: ResourceRef) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let mut read = store.read(&actor).await?;
    let section = match which {
        ResourceRef::Task(_) => Section::Tasks,
        ResourceRef::Organization(_) => Section::Organizations,
        ResourceRef::Runner(_) => Section::Runners,
        ResourceRef::ServiceAccount(_) => Section::Keys,
    };
    let (resource, name) = read.resource_and_name(which).await?;
    let proof = store.authorize(&actor, ReadAccess { resource }).await?;
    let (after, partial) =
        (ctx::here().get("after").unwrap_or_default().to_owned(), !read.is_visible_to_all(&resource));
    let found = read.access_list(&proof, &after, ROWS_PER_PAGE, store.now()).await?;
    // Only people who manage keys see the names and ids of other people's keys; the owner of a task sees their number.
    let responsible =
        matches!(resource, Resource::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
    let owner = resource.organization().is_some_and(|of| actor.role_in(of) == Some(Role::Owner));
    let all_keys = responsible || owner || actor.can_read_everything();
    let rows = found.items.into_iter().map(move |holder| {
        let all_keys = all_keys || actor.person() == Some(holder.id);
        view! { <Row holder=holder resource=resource all_keys=all_keys people=actor.can_read_everything() /> }
    });
    let headings = vec![t!("person-name"), t!("access-why"), t!("access-can"), t!("access-keys")];
    let lead = match resource {
        Resource::ServiceAccount(..) => t!("access-as-account-lead"),
        _ => t!("access-lead"),
    };
    let title = page_title(&resource);
    Ok(Page::new(section, title.clone()).breadcrumb(page_of(&resource), name).lead(lead).body(view! {
        {partial.then(|| view! { <p class="notice">{t!("access-everybody")}</p> })}
        <Table caption=title headings=headings>{rows.collect_view()}</Table>
        <Pager next=found.next by_name=true />
    }))
}

#[component]
fn Row(holder: AccessHolder, resource: Resource, all_keys: bool, people: bool) -> impl IntoView {
    let AccessHolder { id, name, email, locked, why, can, keys } = holder;
    let service = email.is_none();
    let name = view! { <UntrustedText text=name /> };
    let name = match people && !service {
        true => view! { <a href=format!("/people/{id}")>{name}</a> }.into_any(),
        false => name.into_any(),
    };
    let reasons = why.into_iter().map(reason_label).collect::<Vec<_>>().join(", ");
    let count = keys.len();
    view! {
        <tr>
            <th scope="row">
                {name}
                {locked.then(|| view! { " " <Badge tone=BadgeTone::Bad glyph=Glyph::Lock label=t!("person-locked") /> })}
                <p class="muted">{match email {
                    Some(email) => view! { <UntrustedText text=email /> }.into_any(),
                    None => t!("service-mark").into_any(),
                }}</p>
            </th>
            <td>{reasons}</td>
            <td>{permissions(&can, &resource)}</td>
            <td>
                {match all_keys {
                    true => keys.into_iter().map(|key| view! { <Key key=key resource=resource /> }).collect_view().into_any(),
                    false if count == 0 => ().into_any(),
                    false => t!("access-key-count", count = count).into_any(),
                }}
            </td>
        </tr>
    }
}

#[component]
fn Key(key: AccessKey, resource: Resource) -> impl IntoView {
    let until = key
        .expires_at
        .map(|at| view! { ", " <Sentence text=t!("key-until", time = PLACEHOLDER)><TimeAgo at=at /></Sentence> });
    let from =
        (!key.networks.is_empty()).then(|| format!(", {}", t!("key-only-from", networks = key.networks.to_string())));
    view! {
        <p>
            <a href=format!("/keys/{}", key.id)><UntrustedText text=key.name /></a>
            " " <code>{key.prefix}"…"</code> ": " {permissions(&key.can, &resource)} {from} {until}
        </p>
    }
}

/// Returns the label of the reason for access.
fn reason_label(why: AccessReason) -> String {
    match why {
        AccessReason::Own => t!("access-own"),
        AccessReason::Role(role) => t!("access-role", role = labels::role(role)),
        AccessReason::Approver => t!("access-approver"),
        AccessReason::Everybody => t!("access-shared"),
        AccessReason::TenantRole(TenantRole::Admin) => t!("access-admin"),
        AccessReason::TenantRole(_) => t!("access-auditor"),
        AccessReason::Responsible => t!("access-responsible"),
        AccessReason::Itself => t!("access-itself"),
    }
}

/// Returns the labels of the permissions; the same permission reads differently on a task and on a service account.
fn permissions(can: &[Ability], resource: &Resource) -> String {
    let label = |can: &Ability| match (can, resource) {
        (Ability::See, _) => t!("access-see"),
        (Ability::Submit, Resource::Runner(_)) => t!("access-run"),
        (Ability::Submit, _) => t!("access-submit"),
        (Ability::Decide, _) => t!("access-decide"),
        (Ability::Cancel, _) => t!("access-cancel"),
        (Ability::Manage, Resource::ServiceAccount(..)) => t!("access-makes-keys"),
        (Ability::Manage, _) => t!("access-manage"),
        (Ability::Act, _) => t!("access-act"),
    };
    can.iter().map(label).collect::<Vec<_>>().join(", ")
}
