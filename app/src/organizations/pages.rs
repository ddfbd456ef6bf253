//! The list of organizations, and the form that creates one.
use super::actions::CreateOrganization;
use crate::{
    join_requests::list::{JoinableOrganizations, OwnJoinRequests},
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, EmptyState, Field, Form, LinkButton, Page, PageFuture, RowLink, Section, Table, TimeAgo,
        UntrustedText, ctx, labels, page,
    },
};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organization;

/// `/organizations`: one's own, or all of them for admins and auditors, and those that accept join requests.
pub fn list() -> PageFuture {
    page(organizations_page)
}

async fn organizations_page(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let (rows, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let (joinable, own) = (read.joinable_organizations().await?, read.own_join_requests().await?);
    let new = actor.is_admin().then(new_button);
    let page = Page::new(Section::Organizations, t!("nav-organizations")).lead(t!("organizations-lead"));
    let (page, list) = match rows.is_empty() {
        true => {
            let list = view! { <EmptyState title=t!("organizations-empty") text=t!("organizations-empty-text")>{new}</EmptyState> };
            (page, list.into_any())
        }
        false => {
            let list = view! { <Rows rows=rows actor=actor.clone() caption=t!("nav-organizations") /> };
            (page.action(new), list.into_any())
        }
    };
    Ok(page.body(view! {
        {list}
        <OwnJoinRequests requests=own />
        <JoinableOrganizations organizations=joinable />
        {(!archived.is_empty())
            .then(|| {
                view! {
                    <section>
                        <h2>{t!("organizations-archived")}</h2>
                        <Rows rows=archived actor=actor caption=t!("organizations-archived") />
                    </section>
                }
            })}
    }))
}

fn new_button() -> impl IntoView {
    view! { <LinkButton href="/organizations/new" variant=ButtonVariant::Primary>{t!("organization-new")}</LinkButton> }
}

#[component]
fn Rows(rows: Vec<Organization>, actor: Actor, caption: String) -> impl IntoView {
    let row = move |organization: Organization| {
        let role = actor.role_in(organization.id).map_or_else(|| t!("none"), labels::role);
        view! {
            <tr>
                <RowLink href=format!("/organizations/{}", organization.id)>
                    <UntrustedText text=organization.name />
                </RowLink>
                <td>{role}</td>
                <td><TimeAgo at=organization.archived_at.unwrap_or(organization.created_at) /></td>
            </tr>
        }
    };
    let headings = vec![t!("organization-name"), t!("organization-my-role"), t!("organization-since")];
    view! {
        <Table caption=caption headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
}

/// `/organizations/new`, for admins.
pub fn new() -> PageFuture {
    page(new_organization)
}

async fn new_organization(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let page = Page::new(Section::Organizations, t!("organization-new")).lead(t!("organization-new-lead"));
    Ok(page.body(view! {
        <Form action=CreateOrganization::PATH>
            <Field name="name" label=t!("organization-name") help=t!("organization-name-help") required=true />
            <Button variant=ButtonVariant::Primary>{t!("organization-create")}</Button>
        </Form>
    }))
}
