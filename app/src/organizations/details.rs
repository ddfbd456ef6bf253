//! The page of one organization: members, invitations and join requests.
use super::actions::{AddMember, SetRole};
use crate::{
    access::AccessLink,
    emergency::pages::StopTasksButton,
    invitations::list::Invitations,
    join_requests::list::JoinRequestList,
    outcome::Refusal,
    people::pages::{roles, roles_up_to},
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, EmptyState, Field, Form, LinkButton, Live, PLACEHOLDER, Page,
        PageFuture, Section, Select, Sentence, Table, TimeAgo, TruncationNote, UntrustedText, ctx, labels, page,
    },
};
use domain::{Actor, OrganizationId, access::Resource, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Member;

/// `/organizations/{id}`.
pub fn organization_page() -> PageFuture {
    page(load_organization)
}

async fn load_organization(actor: Actor) -> Result<Page, Refusal> {
    let id: OrganizationId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let (organization, members) = (read.organization(id).await?, read.members(id).await?);
    let (manages, is_member) = (actor.can_manage(id), actor.role_in(id).is_some());
    let archived = organization.archived_at;
    // An archived organization takes no new members and no new permissions.
    let open = manages && archived.is_none();
    let waiting = if open { read.join_requests(id).await? } else { vec![] };
    let invitations = if open { read.invitations(id, ctx::now()).await? } else { vec![] };
    let page = Page::new(Section::Organizations, organization.name).lead(t!("organization-lead"));
    let page = page
        .badge(archived.map(|_| view! { <Badge tone=BadgeTone::Stopped label=t!("organization-archived") /> }))
        .action(view! {
            <AccessLink actor=actor.clone() resource=Resource::Organization(id) />
            {manages.then(|| view! { <LinkButton href=format!("/organizations/{id}/settings")>{t!("organization-settings")}</LinkButton> })}
        });
    Ok(page.body(view! {
        {archived.map(|at| view! {
            <p class="notice">
                <Sentence text=t!("organization-archived-since", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence>
                " "{t!("organization-archived-text")}
            </p>
        })}
        <p class=archived.map(|_| "after")><a href=format!("/tasks?organization={id}")>{t!("organization-tasks")}</a></p>
        <JoinRequestList organization=id requests=waiting />
        <section>
            <h2>{t!("members")}</h2>
            <Live topics="people" region="members">
                <Members rows=members organization=id manages=manages open=open />
            </Live>
        </section>
        {open.then(|| view! { <AddMemberForm organization=id /> <Invitations organization=id rows=invitations /> })}
        {actor
            .person()
            .filter(|_| is_member)
            .map(|person| {
                let href = format!("/organizations/{id}/members/{person}");
                view! {
                    <section class="stack">
                        <h2>{t!("leave-heading")}</h2>
                        <LinkButton href=href>{t!("leave-open")}</LinkButton>
                    </section>
                }
            })}
        {open
            .then(|| {
                let hidden = vec![("organization", id.to_string())];
                view! {
                    <section class="danger">
                        <h2>{t!("nav-emergency")}</h2>
                        <StopTasksButton consequence=t!("emergency-stop-organization-consequence") hidden=hidden />
                    </section>
                }
            })}
    }))
}

const MAX_MEMBERS: usize = 1_000;

#[component]
fn Members(rows: Vec<Member>, organization: OrganizationId, manages: bool, open: bool) -> impl IntoView {
    if rows.is_empty() {
        let text = if manages && open { t!("members-none-text") } else { t!("members-none-here") };
        return view! { <EmptyState title=t!("members-none") text=text /> }.into_any();
    }
    let last = if manages { String::new() } else { t!("person-since") };
    let headings = vec![t!("person-name"), t!("email"), t!("person-role"), last];
    let shown = rows.len();
    let rows = rows
        .into_iter()
        .map(move |member| view! { <Row member=member organization=organization manages=manages open=open /> });
    view! {
        <Table caption=t!("members") headings=headings>
            {rows.collect_view()}
        </Table>
        <TruncationNote shown=shown limit=MAX_MEMBERS />
    }
    .into_any()
}

#[component]
fn Row(member: Member, organization: OrganizationId, manages: bool, open: bool) -> impl IntoView {
    let hidden = vec![("organization", organization.to_string()), ("person", member.person_id.to_string())];
    let (name, about) = (member.name.clone(), member.name.clone());
    // A choice with a single option is shown as text.
    let choices = if open { roles() } else { roles_up_to(member.role) };
    let role = match manages && choices.len() > 1 {
        true => view! {
            <td>
                <Form action=SetRole::PATH hidden=hidden class="in-row">
                    <Select name="role" label=t!("member-role-of", name = name) choices=choices value=member.role.as_str() />
                    <Button>{t!("member-role-set")}</Button>
                </Form>
            </td>
        }
        .into_any(),
        false => view! { <td>{labels::role(member.role)}</td> }.into_any(),
    };
    let address = match member.email.is_empty() {
        true => view! { <span class="muted">{t!("service-mark")}</span> }.into_any(),
        false => view! { <UntrustedText text=member.email /> }.into_any(),
    };
    let remove = format!("/organizations/{organization}/members/{}", member.person_id);
    view! {
        <tr>
            <th scope="row"><UntrustedText text=member.name /></th>
            <td>{address}</td>
            {role}
            {match manages {
                true => view! {
                    <td class="cell-action">
                        <a class="button" href=remove>{t!("member-remove-open")}<span class="sr-only">" "{about}</span></a>
                    </td>
                }.into_any(),
                false => view! { <td><TimeAgo at=member.created_at /></td> }.into_any(),
            }}
        </tr>
    }
}

#[component]
fn AddMemberForm(organization: OrganizationId) -> impl IntoView {
    view! {
        <section>
            <h2>{t!("member-add-title")}</h2>
            <Form action=AddMember::PATH hidden=vec![("organization", organization.to_string())]>
                <Field name="email" label=t!("email") help=t!("member-email-help") kind="email" required=true />
                <Select name="role" label=t!("person-role") choices=roles() value=Role::Member.as_str() />
                <Button variant=ButtonVariant::Primary>{t!("member-add")}</Button>
            </Form>
        </section>
    }
}
