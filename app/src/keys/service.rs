//! Service accounts: who answers for each, making one, and making somebody else answer for it.
use super::actions::{CreateServiceAccount, HandOn};
use crate::{
    outcome::Refusal,
    ui::{
        Button, Checkbox, Choice, Empty, Fact, Facts, Field, Form, Look, Moment, Page, Place, Revealed, RowLink,
        Select, Table, ctx, words,
    },
};
use domain::{Actor, PersonId, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::ServiceAccount;

pub(super) async fn accounts(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let accounts = read.service_accounts().await?;
    let organisations = if actor.is_admin() { read.organisations().await? } else { vec![] };
    let page = Page::new(Place::Keys, t!("services-title")).lead(t!("services-lead"));
    let headings = vec![t!("service-name"), t!("service-responsible"), t!("service-keys"), t!("key-made")];
    let none = accounts.is_empty();
    let rows = accounts.into_iter().map(|account| {
        let makes_keys = super::owner::makes_keys_for(&actor, account.responsible_id);
        view! { <Row account=account makes_keys=makes_keys /> }
    });
    let rows = rows.collect_view();
    let list = match none {
        true => view! { <Empty title=t!("services-empty") text=t!("services-empty-text") /> }.into_any(),
        false => view! {
            <Table caption=t!("services-title") headings=headings>
                {rows}
            </Table>
        }
        .into_any(),
    };
    let roles = [Role::Viewer, Role::Member];
    let roles = roles.iter().map(|role| Choice::new(role.as_str(), words::role_in_full(*role))).collect::<Vec<_>>();
    let organisations: Vec<_> = organisations.into_iter().map(|o| Choice::new(o.id.to_string(), o.name)).collect();
    let responsible = actor.email.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(page.body(view! {
        {list}
        {actor.is_admin().then(|| view! {
            <section>
                <h2>{t!("service-new")}</h2>
                <Form action=CreateServiceAccount::PATH>
                    <Field name="name" label=t!("service-name") help=t!("service-name-help") required=true />
                    <Field
                        name="responsible" label=t!("service-responsible") help=t!("service-responsible-help") kind="email"
                        value=responsible required=true
                    />
                    <Select name="organisation" label=t!("person-organisation") choices=organisations />
                    <Select name="role" label=t!("person-role") help=t!("service-role-help") choices=roles value=Role::Member.as_str() />
                    <Button look=Look::Main>{t!("service-create")}</Button>
                </Form>
            </section>
        })}
    }))
}

pub(super) async fn account(actor: Actor) -> Result<Page, Refusal> {
    let id: PersonId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let (account, memberships) = (read.service_account(id).await?, read.memberships(id).await?);
    drop(read);
    let page = Page::new(Place::Keys, account.name).under("/keys/service-accounts", t!("services-title"));
    let places = memberships.into_iter().map(|held| {
        view! { <li><Revealed text=held.organisation />", "{words::role(held.role)}</li> }
    });
    let makes_keys = actor.is_admin() || actor.person() == Some(account.responsible_id);
    let new = makes_keys.then(|| view! { " " <a href=format!("/keys/new?owner={id}")>{t!("key-new")}</a> });
    Ok(page.body(view! {
        <Facts>
            <Fact name=t!("service-responsible")><Revealed text=account.responsible /></Fact>
            <Fact name=t!("nav-organisations")><ul class="events">{places.collect_view()}</ul></Fact>
            <Fact name=t!("service-keys")>{account.keys.to_string()}{new}</Fact>
            <Fact name=t!("key-made")><Moment at=account.created_at /></Fact>
        </Facts>
        {actor.is_admin().then(|| view! {
            <section>
                <h2>{t!("service-hand-on-title")}</h2>
                <p>{t!("service-hand-on-text")}</p>
                <Form action=HandOn::PATH hidden=vec![("account", id.to_string())]>
                    <Field
                        name="successor" label=t!("successor") help=t!("service-successor-help") kind="email" required=true
                    />
                    <Checkbox name="revoke" label=t!("service-revoke") help=t!("service-revoke-help") />
                    <Button look=Look::Main>{t!("service-hand-on")}</Button>
                </Form>
            </section>
        })}
    }))
}

#[component]
fn Row(account: ServiceAccount, makes_keys: bool) -> impl IntoView {
    let new = format!("/keys/new?owner={}", account.id);
    view! {
        <tr>
            <RowLink href=format!("/keys/service-accounts/{}", account.id)><Revealed text=account.name /></RowLink>
            <td><Revealed text=account.responsible /></td>
            <td>
                {account.keys.to_string()}
                {makes_keys.then(|| view! { " " <a href=new>{t!("key-new")}</a> })}
            </td>
            <td><Moment at=account.created_at /></td>
        </tr>
    }
}
