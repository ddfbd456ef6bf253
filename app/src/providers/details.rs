//! The page of one identity provider: configuration, test, removal.
use super::{
    actions::{RemoveProvider, SaveProvider, TestProvider},
    group_rules::{StaleGroupRules, stale_group_rules},
    pages::{ProviderState, StateBadge},
};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Checkbox, Choice, Confirm, DescriptionItem, DescriptionList, Field, Form, Page,
        PageFuture, Password, Section, Select, TextArea, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{
    Actor, ProviderId,
    policy::DenialReason,
    provider::{Kind as ProviderKind, NewAccounts, ProviderForm},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/settings/authentication/new`.
pub fn new() -> PageFuture {
    page(new_provider)
}

async fn new_provider(actor: Actor) -> Result<Page, Refusal> {
    admins_only(&actor)?;
    let page = Page::new(Section::Authentication, t!("provider-new")).lead(t!("provider-new-lead"));
    let form = ProviderForm { kind: ProviderKind::Oidc.to_string(), ..ProviderForm::default() };
    Ok(page.body(view! { <ProviderFields form=form id=None enabled=true /> }))
}

/// `/settings/authentication/{id}`.
pub fn provider_page() -> PageFuture {
    page(load_provider)
}

async fn load_provider(actor: Actor) -> Result<Page, Refusal> {
    admins_only(&actor)?;
    let id: ProviderId = ctx::param("id")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let row = read.provider(id).await?;
    let (provider, sign_in) = (row.provider()?, ctx::sign_in()?);
    let stale = stale_group_rules(&mut read, &[&provider]).await?;
    drop(read);
    let key = id.to_string();
    let state = ProviderState::of(&provider, &key, sign_in.primary_provider());
    let (form, label, enabled) = (ProviderForm::from(&provider), provider.label.clone(), provider.enabled);
    let (redirect, shown, removed) = (sign_in.redirect_url(&key), key.clone(), key.clone());
    let page = Page::new(Section::Authentication, provider.label).badge(view! { <StateBadge state=state /> });
    Ok(page.body(view! {
        <DescriptionList>
            <DescriptionItem name=t!("provider-redirect")>
                <code class="break">{redirect}</code>
                <p class="help">{t!("provider-redirect-help")}</p>
            </DescriptionItem>
            <DescriptionItem name=t!("provider-id")><code class="break">{shown}</code></DescriptionItem>
            <DescriptionItem name=t!("provider-changed")><TimeAgo at=row.changed_at /></DescriptionItem>
        </DescriptionList>
        <StaleGroupRules found=stale />
        <DiscoveryTest key_=key.clone() />
        <section>
            <h2>{t!("provider-change-title")}</h2>
            <ProviderFields form=form id=Some(key.clone()) enabled=enabled />
        </section>
        <section class="danger">
            <h2>{t!("provider-remove-title")}</h2>
            <Confirm
                label=t!("provider-remove-open") about=label consequence=t!("provider-remove-consequence")
                act=t!("provider-remove") action=RemoveProvider::PATH hidden=vec![("id", removed)]
            />
        </section>
    }))
}

/// The discovery test, with its result.
#[component]
fn DiscoveryTest(key_: String) -> impl IntoView {
    let answered = ctx::answered().filter(|answered| answered.action == TestProvider::PATH);
    let found = answered.and_then(|answered| answered.result.ok()).map(|text| {
        let lines = text.lines().map(|line| view! { <li><UntrustedText text=line.to_owned() /></li> }).collect_view();
        view! { <div class="findings" role="status" tabindex="-1" autofocus><p>{t!("provider-found")}</p><ul>{lines}</ul></div> }
    });
    view! {
        <section>
            <h2>{t!("provider-test-title")}</h2>
            <p>{t!("provider-test-text")}</p>
            {found}
            <Form action=TestProvider::PATH hidden=vec![("id", key_)]>
                <Button>{t!("provider-test")}</Button>
            </Form>
        </section>
    }
}

#[component]
fn ProviderFields(form: ProviderForm, id: Option<String>, enabled: bool) -> impl IntoView {
    let (is_new, hidden) = (id.is_none(), id.map(|id| ("id", id)).into_iter().collect::<Vec<_>>());
    view! {
        <Form action=SaveProvider::PATH hidden=hidden>
            <Select name="kind" label=t!("provider-kind") choices=kinds() value=form.kind />
            <Field name="label" label=t!("provider-label") help=t!("provider-label-help") value=form.label />
            <Field name="issuer" label=t!("provider-issuer") help=t!("provider-issuer-help") kind="url" value=form.issuer />
            <Field name="client_id" label=t!("provider-client-id") help=t!("provider-client-id-help") required=true value=form.client_id />
            <Password
                name="client_secret" label=t!("provider-secret") autocomplete="off" may_be_empty=!is_new
                help=if is_new { t!("provider-secret-help") } else { t!("provider-secret-keep") }
            />
            <Select name="new_accounts" label=t!("provider-new-accounts") help=t!("provider-new-accounts-help") choices=new_accounts() value=form.new_accounts />
            <Field name="domains" label=t!("provider-domains") help=t!("provider-domains-help") value=form.domains />
            <Field name="audiences" label=t!("provider-audiences") help=t!("provider-audiences-help") value=form.audiences />
            <Field name="groups_claim" label=t!("provider-groups-claim") help=t!("provider-groups-claim-help") value=form.groups_claim />
            <TextArea name="groups" label=t!("provider-groups") help=t!("provider-groups-help") value=form.groups mono=true />
            {(!is_new).then(|| view! { <Checkbox name="enabled" label=t!("provider-enabled") ticked=enabled /> })}
            <Button variant=ButtonVariant::Primary>{if is_new { t!("provider-create") } else { t!("provider-save") }}</Button>
        </Form>
    }
}

fn kinds() -> Vec<Choice> {
    let label = |kind: &ProviderKind| match kind {
        ProviderKind::Google => t!("provider-kind-google"),
        ProviderKind::Gitea => t!("provider-kind-gitea"),
        ProviderKind::Github => t!("provider-kind-github"),
        ProviderKind::Oidc => t!("provider-kind-oidc"),
    };
    ProviderKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), label(kind))).collect()
}

fn new_accounts() -> Vec<Choice> {
    let label = |new_accounts: &NewAccounts| match new_accounts {
        NewAccounts::Nobody => t!("provider-new-accounts-nobody"),
        NewAccounts::Domains => t!("provider-new-accounts-domains"),
        NewAccounts::Anybody => t!("provider-new-accounts-anybody"),
    };
    NewAccounts::ALL.iter().map(|new_accounts| Choice::new(new_accounts.as_str(), label(new_accounts))).collect()
}

fn admins_only(actor: &Actor) -> Result<(), Refusal> {
    match actor.is_admin() {
        true => Ok(()),
        false => Err(DenialReason::AdminOnly.into()),
    }
}
