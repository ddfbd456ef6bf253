//! Organisations: the list, making one, and one with its members.
use super::actions::{AddMember, CreateOrganisation, RemoveMember, SetRole};
use crate::{
    incident::pages::StopAll,
    members::pages::roles,
    outcome::{Kind, Refusal},
    reach::AskedHere,
    ui::{
        Button, Confirm, Empty, Field, Form, LinkButton, Live, Look, Moment, Page, Place, Revealed, RowLink, Select,
        Table, ctx, page, words,
    },
};
use domain::{Actor, OrganisationId, reach::Thing, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Member;

/// The organisations that one is in; all for those who read everything.
pub fn list() -> impl IntoView {
    page(organisations)
}

async fn organisations(actor: Actor) -> Result<Page, Refusal> {
    let rows = ctx::store()?.read(&actor).await?.organisations().await?;
    let new = || view! { <LinkButton href="/organisations/new" look=Look::Main>{t!("organisation-new")}</LinkButton> };
    let page = Page::new(Place::Organisations, t!("nav-organisations")).lead(t!("organisations-lead"));
    if rows.is_empty() {
        let first = actor.is_admin().then(new);
        return Ok(page.body(
            view! { <Empty title=t!("organisations-empty") text=t!("organisations-empty-text")>{first}</Empty> },
        ));
    }
    let new = actor.is_admin().then(new);
    let rows = rows.into_iter().map(move |organisation| {
        let mine = actor.role_in(organisation.id).map_or_else(|| t!("none"), words::role);
        view! {
            <tr>
                <RowLink href=format!("/organisations/{}", organisation.id)>
                    <Revealed text=organisation.name />
                </RowLink>
                <td>{mine}</td>
                <td><Moment at=organisation.created_at /></td>
            </tr>
        }
    });
    let headings = vec![t!("organisation-name"), t!("organisation-my-role"), t!("organisation-since")];
    Ok(page.action(new).body(view! {
        <Table caption=t!("nav-organisations") headings=headings>
            {rows.collect_view()}
        </Table>
    }))
}

/// Making one.
pub fn new() -> impl IntoView {
    page(new_organisation)
}

async fn new_organisation(actor: Actor) -> Result<Page, Refusal> {
    if !actor.is_admin() {
        return Err(Refusal::new(Kind::Forbidden, t!("admins-only")));
    }
    let page = Page::new(Place::Organisations, t!("organisation-new")).lead(t!("organisation-new-lead"));
    Ok(page.body(view! {
        <Form action=CreateOrganisation::PATH>
            <Field name="name" label=t!("organisation-name") help=t!("organisation-name-help") required=true />
            <Button look=Look::Main>{t!("organisation-create")}</Button>
        </Form>
    }))
}

/// One of them.
pub fn one() -> impl IntoView {
    page(organisation)
}

async fn organisation(actor: Actor) -> Result<Page, Refusal> {
    let id: OrganisationId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let (organisation, members) = (read.organisation(id).await?, read.members(id).await?);
    let manages = actor.is_admin() || actor.role_in(id) == Some(Role::Owner);
    let last = if manages { String::new() } else { t!("person-since") };
    let headings = vec![t!("person-name"), t!("email"), t!("person-role"), last];
    let rows = members.into_iter().map(move |member| view! { <Row member=member organisation=id manages=manages /> });
    let page = Page::new(Place::Organisations, organisation.name).lead(t!("organisation-lead"));
    let page = page.action(view! { <AskedHere actor=actor thing=Thing::Organisation(id) /> });
    Ok(page.body(view! {
        <section>
            <h2>{t!("members")}</h2>
            <Live topics="people" region="members">
                <Table caption=t!("members") headings=headings>
                    {rows.collect_view()}
                </Table>
            </Live>
        </section>
        {manages.then(|| view! { <Add organisation=id /> })}
        {manages
            .then(|| {
                view! {
                    <section class="danger">
                        <h2>{t!("nav-incident")}</h2>
                        <StopAll consequence=t!("incident-stop-organisation-consequence") hidden=vec![("organisation", id.to_string())] />
                    </section>
                }
            })}
    }))
}

#[component]
fn Row(member: Member, organisation: OrganisationId, manages: bool) -> impl IntoView {
    let hidden = vec![("organisation", organisation.to_string()), ("person", member.person_id.to_string())];
    let (name, about) = (member.name.clone(), member.name.clone());
    view! {
        <tr>
            <th scope="row"><Revealed text=member.name /></th>
            <td><Revealed text=member.email /></td>
            {match manages {
                false => view! { <td>{words::role(member.role)}</td><td><Moment at=member.created_at /></td> }.into_any(),
                true => view! {
                    <td>
                        <Form action=SetRole::PATH hidden=hidden.clone() class="in-row">
                            <Select name="role" label=t!("member-role-of", name = name) choices=roles() value=member.role.as_str() />
                            <Button>{t!("member-role-set")}</Button>
                        </Form>
                    </td>
                    <td class="cell-action">
                        <Confirm
                            label=t!("member-remove-open") about=about consequence=t!("member-remove-consequence")
                            act=t!("member-remove") action=RemoveMember::PATH hidden=hidden
                        />
                    </td>
                }.into_any(),
            }}
        </tr>
    }
}

#[component]
fn Add(organisation: OrganisationId) -> impl IntoView {
    view! {
        <section>
            <h2>{t!("member-add-title")}</h2>
            <Form action=AddMember::PATH hidden=vec![("organisation", organisation.to_string())]>
                <Field name="email" label=t!("email") help=t!("member-email-help") kind="email" required=true />
                <Select name="role" label=t!("person-role") choices=roles() value=Role::Member.as_str() />
                <Button look=Look::Main>{t!("member-add")}</Button>
            </Form>
        </section>
    }
}
