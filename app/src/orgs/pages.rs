//! Organisations: the list, and making one.
use super::actions::CreateOrganisation;
use crate::{
    join_requests::list::{Joinables, Own},
    outcome::Refusal,
    ui::{
        Button, Empty, Field, Form, LinkButton, Look, Moment, Page, Place, Revealed, RowLink, Showing, Table, ctx,
        page, words,
    },
};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organisation;

/// The organisations that one is in; all for those who read everything. And those that one can ask to join.
pub fn list() -> Showing {
    page(organisations)
}

async fn organisations(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let (rows, archived) = (read.organisations().await?, read.archived_organisations().await?);
    let (joinable, own) = (read.joinable_organisations().await?, read.own_join_requests().await?);
    let new = actor.is_admin().then(new_button);
    let page = Page::new(Place::Organisations, t!("nav-organisations")).lead(t!("organisations-lead"));
    let (page, list) = match rows.is_empty() {
        true => {
            let list =
                view! { <Empty title=t!("organisations-empty") text=t!("organisations-empty-text")>{new}</Empty> };
            (page, list.into_any())
        }
        false => {
            let list = view! { <Rows rows=rows actor=actor.clone() caption=t!("nav-organisations") /> };
            (page.action(new), list.into_any())
        }
    };
    Ok(page.body(view! {
        {list}
        <Own requests=own />
        <Joinables organisations=joinable />
        {(!archived.is_empty())
            .then(|| {
                view! {
                    <section>
                        <h2>{t!("organisations-archived")}</h2>
                        <Rows rows=archived actor=actor caption=t!("organisations-archived") />
                    </section>
                }
            })}
    }))
}

fn new_button() -> impl IntoView {
    view! { <LinkButton href="/organisations/new" look=Look::Main>{t!("organisation-new")}</LinkButton> }
}

#[component]
fn Rows(rows: Vec<Organisation>, actor: Actor, caption: String) -> impl IntoView {
    let row = move |organisation: Organisation| {
        let mine = actor.role_in(organisation.id).map_or_else(|| t!("none"), words::role);
        view! {
            <tr>
                <RowLink href=format!("/organisations/{}", organisation.id)>
                    <Revealed text=organisation.name />
                </RowLink>
                <td>{mine}</td>
                <td><Moment at=organisation.archived_at.unwrap_or(organisation.created_at) /></td>
            </tr>
        }
    };
    let headings = vec![t!("organisation-name"), t!("organisation-my-role"), t!("organisation-since")];
    view! {
        <Table caption=caption headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
}

/// Making one.
pub fn new() -> Showing {
    page(new_organisation)
}

async fn new_organisation(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let page = Page::new(Place::Organisations, t!("organisation-new")).lead(t!("organisation-new-lead"));
    Ok(page.body(view! {
        <Form action=CreateOrganisation::PATH>
            <Field name="name" label=t!("organisation-name") help=t!("organisation-name-help") required=true />
            <Button look=Look::Main>{t!("organisation-create")}</Button>
        </Form>
    }))
}
