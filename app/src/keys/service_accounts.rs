//! Service account pages: list, creation, details, and the transfer of responsibility.
use super::{
    actions::{CreateServiceAccount, TransferServiceAccount},
    list::KeyState,
};
use crate::{
    access::AccessLink,
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Checkbox, Choice, DescriptionItem, DescriptionList, EmptyState, Field, Form, LastUsed,
        LinkButton, Live, Page, RowLink, Section, Select, Table, TimeAgo, TruncationNote, UntrustedText, ctx, labels,
    },
};
use domain::{Actor, PersonId, Timestamp, access::Resource, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{ApiKey, ServiceAccount};

const MAX_ACCOUNTS: usize = 500;

pub(super) async fn list_page(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let accounts = read.service_accounts().await?;
    let organizations = if actor.is_admin() { read.organizations().await? } else { vec![] };
    let page = Page::new(Section::Keys, t!("services-title")).lead(t!("services-lead"));
    let headings = vec![t!("service-name"), t!("service-responsible"), t!("service-keys"), t!("key-created")];
    let (none, shown) = (accounts.is_empty(), accounts.len());
    let rows = accounts.into_iter().map(|account| {
        let may_create_keys = super::owner::may_create_keys_for(&actor, account.responsible_id);
        view! { <Row account=account may_create_keys=may_create_keys /> }
    });
    let rows = rows.collect_view();
    let list = match none {
        true => view! { <EmptyState title=t!("services-empty") text=t!("services-empty-text") /> }.into_any(),
        false => view! {
            <Table caption=t!("services-title") headings=headings>
                {rows}
            </Table>
            <TruncationNote shown=shown limit=MAX_ACCOUNTS />
        }
        .into_any(),
    };
    let roles = [Role::Viewer, Role::Member];
    let roles = roles.iter().map(|role| Choice::new(role.as_str(), labels::role_in_full(*role))).collect::<Vec<_>>();
    let organizations: Vec<_> = organizations.into_iter().map(|o| Choice::new(o.id.to_string(), o.name)).collect();
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
                    <Select name="organization" label=t!("person-organization") choices=organizations />
                    <Select name="role" label=t!("person-role") help=t!("service-role-help") choices=roles value=Role::Member.as_str() />
                    <Button variant=ButtonVariant::Primary>{t!("service-create")}</Button>
                </Form>
            </section>
        })}
    }))
}

pub(super) async fn account_page(actor: Actor) -> Result<Page, Refusal> {
    let id: PersonId = ctx::param("id")?;
    let store = ctx::store()?;
    let mut read = store.read(&actor).await?;
    let (account, memberships) = (read.service_account(id).await?, read.memberships(id).await?);
    let (keys, now) = (read.keys_of(id).await?, store.now());
    drop(read);
    let page = Page::new(Section::Keys, account.name).breadcrumb("/keys/service-accounts", t!("services-title"));
    let roles = memberships.into_iter().map(|membership| {
        view! { <li><UntrustedText text=membership.organization />", "{labels::role(membership.role)}</li> }
    });
    let new = super::owner::may_create_keys_for(&actor, account.responsible_id).then(|| {
        view! { <LinkButton href=format!("/keys/new?owner={id}") variant=ButtonVariant::Primary>{t!("key-new")}</LinkButton> }
    });
    let thing = Resource::ServiceAccount(id, account.responsible_id);
    let actions = view! { <AccessLink actor=actor.clone() resource=thing /> {new} };
    let page = page.lead(t!("service-lead")).action(actions);
    Ok(page.body(view! {
        <DescriptionList>
            <DescriptionItem name=t!("service-responsible")><UntrustedText text=account.responsible /></DescriptionItem>
            <DescriptionItem name=t!("nav-organizations")><ul class="events">{roles.collect_view()}</ul></DescriptionItem>
            <DescriptionItem name=t!("key-created")><TimeAgo at=account.created_at /></DescriptionItem>
        </DescriptionList>
        <section>
            <h2>{t!("service-keys")}</h2>
            <Live topics="keys" region="keys"><Keys keys=keys now=now /></Live>
        </section>
        {actor.is_admin().then(|| view! {
            <section>
                <h2>{t!("service-transfer-title")}</h2>
                <p>{t!("service-transfer-text")}</p>
                <Form action=TransferServiceAccount::PATH hidden=vec![("account", id.to_string())]>
                    <Field
                        name="successor" label=t!("service-successor") help=t!("service-successor-help") kind="email" required=true
                    />
                    <Checkbox name="revoke" label=t!("service-revoke") help=t!("service-revoke-help") />
                    <Button variant=ButtonVariant::Primary>{t!("service-transfer")}</Button>
                </Form>
            </section>
        })}
    }))
}

/// The keys of a service account.
#[component]
fn Keys(keys: Vec<ApiKey>, now: Timestamp) -> impl IntoView {
    if keys.is_empty() {
        return view! { <p class="muted">{t!("service-keys-none")}</p> }.into_any();
    }
    let headings = vec![t!("key-name"), t!("key-prefix"), t!("key-state"), t!("key-last-used")];
    let row = |key: ApiKey| {
        let used = key.last_used_at;
        let (href, name, prefix) = (format!("/keys/{}", key.id), key.name.clone(), key.prefix.clone());
        view! {
            <tr>
                <RowLink href=href><UntrustedText text=name /></RowLink>
                <td><code class="whitespace-nowrap">{prefix}"…"</code></td>
                <td><KeyState key=key now=now /></td>
                <td><LastUsed at=used /></td>
            </tr>
        }
    };
    let rows = keys.into_iter().map(row).collect_view();
    view! { <Table caption=t!("service-keys") headings=headings>{rows}</Table> }.into_any()
}

#[component]
fn Row(account: ServiceAccount, may_create_keys: bool) -> impl IntoView {
    let new = format!("/keys/new?owner={}", account.id);
    view! {
        <tr>
            <RowLink href=format!("/keys/service-accounts/{}", account.id)><UntrustedText text=account.name /></RowLink>
            <td><UntrustedText text=account.responsible /></td>
            <td>
                {account.keys.to_string()}
                {may_create_keys.then(|| view! { " " <a href=new>{t!("key-new")}</a> })}
            </td>
            <td><TimeAgo at=account.created_at /></td>
        </tr>
    }
}
