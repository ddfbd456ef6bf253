//! People pages: list, creation, and details.
use super::actions::{CreatePerson, IssueLink, ReplaceAddress, ResetFactors, SetTenantRole};
use crate::{
    emergency::pages::PersonEmergency,
    outcome::{Kind, Refusal},
    ui::{
        Avatar, Badge, BadgeTone, Button, ButtonVariant, Choice, Confirm, DescriptionItem, DescriptionList, Field,
        Form, Glyph, LinkButton, Live, Page, PageFuture, Pager, RowLink, SecretOnce, Section, Select, Table, TimeAgo,
        UntrustedText, ctx, labels, page,
    },
};
use domain::{
    Actor, PersonId,
    role::{Role, TenantRole},
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Membership, Person};

const ROWS_PER_PAGE: u32 = 100;

/// `/people`.
pub fn list() -> PageFuture {
    page(people_page)
}

async fn people_page(actor: Actor) -> Result<Page, Refusal> {
    readers_only(&actor)?;
    let after = ctx::here().get("after").unwrap_or_default().to_owned();
    let mut people = ctx::store()?.read(&actor).await?.people(&after, ROWS_PER_PAGE + 1).await?;
    let more = u32::try_from(people.len()).is_ok_and(|n| n > ROWS_PER_PAGE);
    people.truncate(usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX));
    let next = people.last().filter(|_| more).map(|person| person.email.clone());
    let headings =
        vec![t!("person-name"), t!("email"), t!("person-tenant-role"), t!("person-state"), t!("person-since")];
    let rows = people.into_iter().map(|person| view! { <Row person=person /> }).collect_view();
    let new = actor.is_admin().then(
        || view! { <LinkButton href="/people/new" variant=ButtonVariant::Primary>{t!("person-new")}</LinkButton> },
    );
    Ok(Page::new(Section::People, t!("nav-people")).lead(t!("people-lead")).action(new).body(view! {
        <Live topics="people" region="people">
            <Table caption=t!("nav-people") headings=headings>
                {rows}
            </Table>
        </Live>
        <Pager next=next by_name=true />
        <p class="after"><a href=crate::approvals::APPROVAL_SETTINGS>{t!("approval-settings-title")}</a></p>
    }))
}

#[component]
fn Row(person: Person) -> impl IntoView {
    let account = person.clone();
    view! {
        <tr>
            <RowLink href=format!("/people/{}", person.id)>
                <span class="avatar-name">
                    <Avatar name=person.name.clone() />
                    <UntrustedText text=person.name />
                </span>
            </RowLink>
            <td><UntrustedText text=person.email /></td>
            <td>{labels::tenant_role(person.tenant_role)}</td>
            <td><AccountState person=account /></td>
            <td><TimeAgo at=person.created_at /></td>
        </tr>
    }
}

/// Whether a person can sign in.
#[component]
fn AccountState(person: Person) -> impl IntoView {
    match (person.locked_at, person.has_password) {
        (Some(_), _) => view! { <Badge tone=BadgeTone::Bad glyph=Glyph::Lock label=t!("person-locked") /> }.into_any(),
        (None, true) => view! { <Badge tone=BadgeTone::Good label=t!("person-active") /> }.into_any(),
        (None, false) => view! { <Badge tone=BadgeTone::Waiting label=t!("person-invited") /> }.into_any(),
    }
}

/// `/people/new`.
pub fn new() -> PageFuture {
    page(new_person)
}

async fn new_person(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let organizations = ctx::store()?.read(&actor).await?.organizations().await?;
    let none = Choice::new("", t!("person-no-organization"));
    let organizations = organizations.into_iter().map(|o| Choice::new(o.id.to_string(), o.name));
    let page = Page::new(Section::People, t!("person-new")).lead(t!("person-new-lead"));
    Ok(page.body(view! {
        <SecretOnce action=CreatePerson::PATH title=t!("person-created-title") text=t!("link-text") next="/people">
            <Form action=CreatePerson::PATH>
                <Field name="name" label=t!("person-name") required=true />
                <Field name="email" label=t!("email") help=t!("person-email-help") kind="email" required=true />
                <Select name="organization" label=t!("person-organization") choices=[none].into_iter().chain(organizations).collect() />
                <Select name="role" label=t!("person-role") choices=roles() value=Role::Member.as_str() />
                <Select
                    name="tenant_role" label=t!("person-tenant-role") help=t!("person-tenant-role-help") choices=tenant_roles()
                    value=TenantRole::Person.as_str()
                />
                <p class="help">{t!("person-consequence")}</p>
                <Button variant=ButtonVariant::Primary>{t!("person-create")}</Button>
            </Form>
        </SecretOnce>
    }))
}

/// Returns people as choices of a select field.
pub fn people_choices(people: Vec<Person>) -> Vec<Choice> {
    let choice = |person: Person| Choice::new(person.id.to_string(), format!("{} ({})", person.name, person.email));
    people.into_iter().map(choice).collect()
}

/// Returns the organization roles as choices.
pub fn roles() -> Vec<Choice> {
    Role::ALL.iter().map(|role| Choice::new(role.as_str(), labels::role_in_full(*role))).collect()
}

/// Returns the roles up to and including one.
pub fn roles_up_to(held: Role) -> Vec<Choice> {
    let lesser = Role::ALL.iter().filter(|role| **role <= held);
    lesser.map(|role| Choice::new(role.as_str(), labels::role_in_full(*role))).collect()
}

fn tenant_roles() -> Vec<Choice> {
    TenantRole::ALL.iter().map(|role| Choice::new(role.as_str(), labels::tenant_role_in_full(*role))).collect()
}

/// `/people/{id}`.
pub fn person_page() -> PageFuture {
    page(load_person)
}

async fn load_person(actor: Actor) -> Result<Page, Refusal> {
    readers_only(&actor)?;
    let id: PersonId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let person = read.person(id).await?;
    if read.service_account(id).await.is_ok() {
        let there = format!("/keys/service-accounts/{id}");
        let link =
            view! { <LinkButton href=there variant=ButtonVariant::Primary>{t!("person-service-see")}</LinkButton> };
        return Ok(Page::new(Section::Keys, person.name).lead(t!("person-service")).body(link));
    }
    let memberships = read.memberships(id).await?;
    let page = Page::new(Section::People, person.name.clone()).badge(view! { <AccountState person=person.clone() /> });
    let oneself = actor.person() == Some(id);
    let emergency =
        (actor.is_admin() && !oneself).then(|| view! { <PersonEmergency id=id locked_at=person.locked_at /> });
    let mails = ctx::sign_in()?.is_mail_enabled();
    let manage = actor.is_admin().then(|| view! { <Manage oneself=oneself mails=mails person=person.clone() /> });
    Ok(page.body(view! {
        <SecretOnce action=IssueLink::PATH title=t!("link-title") text=t!("link-text") />
        <DescriptionList>
            <DescriptionItem name=t!("email")><UntrustedText text=person.email.clone() /></DescriptionItem>
            <DescriptionItem name=t!("person-tenant-role")>{labels::tenant_role(person.tenant_role)}</DescriptionItem>
            <DescriptionItem name=t!("person-since")><TimeAgo at=person.created_at /></DescriptionItem>
        </DescriptionList>
        <Memberships rows=memberships person=id remove=actor.is_admin() />
        {manage}
        {emergency}
    }))
}

#[component]
fn Memberships(rows: Vec<Membership>, person: PersonId, remove: bool) -> impl IntoView {
    let row = move |membership: Membership| {
        let href = format!("/organizations/{}/members/{person}", membership.organization_id);
        let about = membership.organization.clone();
        let remove = remove.then(|| {
            view! {
                <td class="cell-action">
                    <a class="button" href=href>{t!("member-remove-open")}<span class="sr-only">" "{about}</span></a>
                </td>
            }
        });
        view! {
            <tr>
                <RowLink href=format!("/organizations/{}", membership.organization_id)>
                    <UntrustedText text=membership.organization />
                </RowLink>
                <td>{labels::role(membership.role)}</td>
                {remove}
            </tr>
        }
    };
    let mut headings = vec![t!("organization-name"), t!("person-role")];
    headings.extend(remove.then(String::new));
    view! {
        <section>
            <h2>{t!("nav-organizations")}</h2>
            {match rows.is_empty() {
                true => view! { <p class="muted">{t!("person-in-none")}</p> }.into_any(),
                false => view! {
                    <Table caption=t!("nav-organizations") headings=headings>
                        {rows.into_iter().map(row).collect_view()}
                    </Table>
                }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Manage(person: Person, oneself: bool, mails: bool) -> impl IntoView {
    let id = || vec![("id", person.id.to_string())];
    view! {
        <section>
            <h2>{t!("person-manage")}</h2>
            {match oneself {
                true => view! { <p class="muted">{t!("person-own-role")}</p> }.into_any(),
                false => view! {
                    <Form action=SetTenantRole::PATH hidden=id()>
                        <Select
                            name="tenant_role" label=t!("person-tenant-role") help=t!("person-tenant-role-change")
                            choices=tenant_roles() value=person.tenant_role.as_str()
                        />
                        <Button>{t!("person-tenant-role-set")}</Button>
                    </Form>
                }.into_any(),
            }}
            <Confirm
                label=t!("link-open") consequence=t!("link-consequence") act=t!("link-create") action=IssueLink::PATH hidden=id()
            />
            {(!oneself && mails).then(|| view! {
                <Form action=ReplaceAddress::PATH hidden=id()>
                    <Field
                        name="email" label=t!("address-replace") help=t!("address-replace-help") kind="email" required=true
                        autocomplete="off"
                    />
                    <Button>{t!("address-replace-ask")}</Button>
                </Form>
            })}
            {(!oneself).then(|| view! {
                <Confirm
                    label=t!("reset-open") consequence=t!("reset-consequence") act=t!("reset") action=ResetFactors::PATH hidden=id()
                />
            })}
        </section>
    }
}

/// For everyone but admins and auditors the page does not exist.
fn readers_only(actor: &Actor) -> Result<(), Refusal> {
    match actor.can_read_everything() {
        true => Ok(()),
        false => Err(Refusal::new(Kind::NotFound, t!("refused-not-found"))),
    }
}
