//! An organisation's settings: its name, whether people may ask to join, and putting it away.
use super::{
    actions::{Archive, OpenToRequests, Rename, Restore},
    manages,
};
use crate::{
    outcome::{Kind, Refusal},
    ui::{Address, Button, Choice, Confirm, Field, Form, Look, Moment, Page, Place, Select, Showing, ctx, page},
};
use domain::{Actor, OrganisationId};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organisation;

/// `/organisations/{id}/settings`, for those who manage it.
pub fn settings() -> Showing {
    page(one)
}

async fn one(actor: Actor) -> Result<Page, Refusal> {
    let id: OrganisationId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let organisation = read.organisation(id).await?;
    if !manages(&actor, id) {
        return Err(Refusal::new(Kind::Forbidden, t!("organisation-managers-only")));
    }
    let open_tasks = read.open_tasks_of(id).await?;
    let page = Page::new(Place::Organisations, t!("organisation-settings"))
        .under(format!("/organisations/{id}"), organisation.name.clone());
    Ok(match organisation.archived_at {
        Some(at) => page.body(view! {
            <p>{t!("organisation-archived-since")}" "<Moment at=at /></p>
            <p>{t!("organisation-archived-text")}</p>
            <Form action=Restore::PATH hidden=hidden(id)>
                <Button look=Look::Main>{t!("organisation-restore")}</Button>
            </Form>
        }),
        None => page.body(view! {
            <InUse organisation=organisation />
            <section class="danger stack">
                <h2>{t!("organisation-archive-title")}</h2>
                {(open_tasks > 0).then(|| view! { <OpenTasks organisation=id count=open_tasks /> })}
                <Confirm
                    label=t!("organisation-archive-open") consequence=t!("organisation-archive-consequence")
                    act=t!("organisation-archive") action=Archive::PATH hidden=hidden(id)
                />
            </section>
        }),
    })
}

fn hidden(id: OrganisationId) -> Vec<(&'static str, String)> {
    vec![("organisation", id.to_string())]
}

#[component]
fn InUse(organisation: Organisation) -> impl IntoView {
    let choices = vec![Choice::new("false", t!("requests-closed")), Choice::new("true", t!("requests-open"))];
    let open = if organisation.open_to_requests { "true" } else { "false" };
    view! {
        <section>
            <h2>{t!("organisation-rename-title")}</h2>
            <Form action=Rename::PATH hidden=hidden(organisation.id)>
                <Field name="name" label=t!("organisation-name") help=t!("organisation-rename-help") value=organisation.name required=true />
                <Button>{t!("organisation-rename")}</Button>
            </Form>
        </section>
        <section>
            <h2>{t!("requests-title")}</h2>
            <Form action=OpenToRequests::PATH hidden=hidden(organisation.id)>
                <Select name="open" label=t!("requests-who") help=t!("requests-help") choices=choices value=open />
                <Button>{t!("requests-set")}</Button>
            </Form>
        </section>
    }
}

/// What keeps it from being archived, with the way to it.
#[component]
fn OpenTasks(organisation: OrganisationId, count: i64) -> impl IntoView {
    let list = |state: &str| {
        Address::new("/tasks").with("organisation", organisation.to_string()).with("state", state).to_string()
    };
    view! {
        <p class="notice">
            {t!("organisation-open-tasks", n = count)}" "
            <a href=list("awaiting_approval")>{t!("organisation-tasks-asked")}</a>" · "
            <a href=list("queued")>{t!("organisation-tasks-queued")}</a>" · "
            <a href=list("running")>{t!("organisation-tasks-running")}</a>
        </p>
    }
}
