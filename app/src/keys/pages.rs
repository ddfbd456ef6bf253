//! API key pages: list, details, creation, and service accounts.
use super::{actions::CreateKey, details, expiry, list, owner::may_create_keys_for, service_accounts};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Checkbox, Choice, Field, Form, Group, Page, PageFuture, SecretOnce, Section, Select,
        TextArea, ctx, labels, page,
    },
};
use domain::{Actor, scope::Scope};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/keys`: one's own keys, or the whole tenant's for admins and auditors.
pub fn list() -> PageFuture {
    page(list::keys_page)
}

/// `/keys/{id}`.
pub fn key_page() -> PageFuture {
    page(details::key_page)
}

/// `/keys/service-accounts`.
pub fn service_accounts() -> PageFuture {
    page(service_accounts::list_page)
}

/// `/keys/service-accounts/{id}`.
pub fn service_account() -> PageFuture {
    page(service_accounts::account_page)
}

/// `/keys/new`.
pub fn new() -> PageFuture {
    page(new_key)
}

async fn new_key(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let (accounts, organizations) = (read.service_accounts().await?, read.organizations().await?);
    let days = expiry::choices().collect::<Vec<_>>();
    let box_of = |scope: &Scope| {
        view! { <Checkbox name="scopes[]" value=scope.as_str() label=labels::scope(*scope) help=scope.as_str() /> }
    };
    let accounts = accounts.into_iter().filter(|account| may_create_keys_for(&actor, account.responsible_id));
    let accounts: Vec<_> = accounts.map(|account| Choice::new(account.id.to_string(), account.name)).collect();
    let owner = (!accounts.is_empty()).then(|| {
        let choices = [Choice::new("", t!("key-owner-self"))].into_iter().chain(accounts).collect::<Vec<_>>();
        let chosen = ctx::here().get("owner").unwrap_or_default().to_owned();
        view! { <Select name="owner" label=t!("key-owner") help=t!("key-owner-help") choices=choices value=chosen /> }
    });
    let all = Choice::new("", t!("key-organization-all"));
    let organizations = organizations.into_iter().map(|o| Choice::new(o.id.to_string(), o.name));
    let organizations: Vec<_> = [all].into_iter().chain(organizations).collect();
    let page = Page::new(Section::Keys, t!("key-new")).lead(t!("key-new-lead"));
    Ok(page.body(view! {
        <SecretOnce action=CreateKey::PATH title=t!("key-created-title") text=t!("key-created-text") next="/keys">
            <Form action=CreateKey::PATH>
                <Field name="name" label=t!("key-name") help=t!("key-name-help") required=true />
                {owner}
                <Group name="scopes" label=t!("key-scopes") help=t!("key-scopes-help")>
                    {Scope::ALL.iter().map(box_of).collect_view()}
                </Group>
                <Select name="organization" label=t!("key-organization") help=t!("key-organization-help") choices=organizations />
                <Select name="days" label=t!("key-days") help=t!("key-days-help") choices=days value="90" />
                <TextArea name="networks" label=t!("key-networks") help=t!("key-networks-help") rows=2 mono=true />
                <p class="help">{t!("key-consequence")}</p>
                <Button variant=ButtonVariant::Primary>{t!("key-create")}</Button>
            </Form>
        </SecretOnce>
    }))
}
