//! The settings page of an organization: name, join requests, archiving.
use super::actions::{Archive, Rename, Restore, SetAcceptsJoinRequests};
use crate::{
    outcome::Refusal,
    ui::{
        Address, Button, ButtonVariant, Choice, Confirm, Field, Form, PLACEHOLDER, Page, PageFuture, Section, Select,
        Sentence, TimeAgo, ctx, page,
    },
};
use domain::{Actor, OrganizationId, policy::DenialReason};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organization;

/// `/organizations/{id}/settings`, for those who manage it.
pub fn settings() -> PageFuture {
    page(settings_page)
}

async fn settings_page(actor: Actor) -> Result<Page, Refusal> {
    let id: OrganizationId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let organization = read.organization(id).await?;
    if !actor.can_manage(id) {
        return Err(DenialReason::ManagerOnly.into());
    }
    let open_tasks = read.open_task_count(id).await?;
    let page = Page::new(Section::Organizations, t!("organization-settings"))
        .breadcrumb(format!("/organizations/{id}"), organization.name.clone());
    Ok(match organization.archived_at {
        Some(at) => page.body(view! {
            <p><Sentence text=t!("organization-archived-since", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence></p>
            <p>{t!("organization-archived-text")}</p>
            <Form action=Restore::PATH hidden=hidden(id)>
                <Button variant=ButtonVariant::Primary>{t!("organization-restore")}</Button>
            </Form>
        }),
        None => page.body(view! {
            <ActiveSettings organization=organization />
            <section class="danger stack">
                <h2>{t!("organization-archive-title")}</h2>
                {(open_tasks > 0).then(|| view! { <OpenTasks organization=id count=open_tasks /> })}
                <Confirm
                    label=t!("organization-archive-open") consequence=t!("organization-archive-consequence")
                    act=t!("organization-archive") action=Archive::PATH hidden=hidden(id)
                />
            </section>
        }),
    })
}

fn hidden(id: OrganizationId) -> Vec<(&'static str, String)> {
    vec![("organization", id.to_string())]
}

#[component]
fn ActiveSettings(organization: Organization) -> impl IntoView {
    let choices = vec![Choice::new("false", t!("join-settings-closed")), Choice::new("true", t!("join-settings-open"))];
    let open = if organization.open_to_requests { "true" } else { "false" };
    view! {
        <section>
            <h2>{t!("organization-rename-title")}</h2>
            <Form action=Rename::PATH hidden=hidden(organization.id)>
                <Field name="name" label=t!("organization-name") help=t!("organization-rename-help") value=organization.name required=true />
                <Button>{t!("organization-rename")}</Button>
            </Form>
        </section>
        <section>
            <h2>{t!("join-settings-title")}</h2>
            <Form action=SetAcceptsJoinRequests::PATH hidden=hidden(organization.id)>
                <Select name="open" label=t!("join-settings-who") help=t!("join-settings-help") choices=choices value=open />
                <Button>{t!("join-settings-set")}</Button>
            </Form>
        </section>
    }
}

/// The open tasks that prevent archiving, with links to them.
#[component]
fn OpenTasks(organization: OrganizationId, count: i64) -> impl IntoView {
    let list = |state: &str| {
        Address::new("/tasks").with("organization", organization.to_string()).with("state", state).to_string()
    };
    view! {
        <p class="notice">
            {t!("organization-open-tasks", n = count)}" "
            <a href=list("awaiting_approval")>{t!("organization-tasks-awaiting-approval")}</a>" · "
            <a href=list("queued")>{t!("organization-tasks-queued")}</a>" · "
            <a href=list("running")>{t!("organization-tasks-running")}</a>
        </p>
    }
}
