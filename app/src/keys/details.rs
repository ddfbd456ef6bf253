//! The page of one API key: its limits, rotation and revocation.
use super::{
    actions::{ChangeKey, RevokeAll, RevokeKey, RotateKey},
    expiry,
    list::KeyState,
    owner::may_create_keys_for,
};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Choice, Confirm, DescriptionItem, DescriptionList, Field, Form, LastUsed, Page,
        SecretOnce, Section, Select, TextArea, TimeAgo, UntrustedText, ctx,
    },
};
use domain::{Actor, KeyId};
use leptos::{prelude::*, server_fn::ServerFn};
use store::ApiKey;

pub(super) async fn key_page(actor: Actor) -> Result<Page, Refusal> {
    let id: KeyId = ctx::param("id")?;
    let store = ctx::store()?;
    let (key, now) = (store.read(&actor).await?.key(id).await?, store.now());
    let manages = actor.person() == Some(key.owner_id)
        || key.responsible_id.is_some_and(|person| may_create_keys_for(&actor, person));
    let may_revoke = manages || actor.is_admin();
    let works = key.works(now);
    let page = Page::new(Section::Keys, key.name.clone());
    let anywhere = || t!("key-anywhere").into_any();
    let state = view! { <KeyState key=key.clone() now=now /> };
    let rotate = (manages && works && key.successor.is_none()).then(|| view! { <RotateForm key=key.clone() /> });
    let change = (may_revoke && works).then(|| view! { <ChangeForm key=key.clone() /> });
    let revoke = may_revoke.then(|| view! { <RevokeSection key=key.clone() works=works /> });
    Ok(page.body(view! {
        <SecretOnce action=RotateKey::PATH title=t!("key-created-title") text=t!("key-rotated-text") />
        <DescriptionList>
            <DescriptionItem name=t!("key-prefix")><code>{key.prefix}"…"</code></DescriptionItem>
            <DescriptionItem name=t!("key-state")>{state}</DescriptionItem>
            <DescriptionItem name=t!("key-owner")>
                <UntrustedText text=key.owner />
                {key.responsible_id.map(|_| view! { <span class="muted">" " {t!("service-mark")}</span> })}
            </DescriptionItem>
            <DescriptionItem name=t!("key-scopes")>
                {key.scopes.iter().map(|scope| view! { <code class="tag">{scope.as_str()}</code> " " }).collect_view()}
            </DescriptionItem>
            <DescriptionItem name=t!("key-organization")>
                {key.organization.map_or_else(|| t!("key-organization-all").into_any(), |name| view! { <UntrustedText text=name /> }.into_any())}
            </DescriptionItem>
            <DescriptionItem name=t!("key-networks")>
                {if key.networks.is_empty() { anywhere() } else { key.networks.to_string().into_any() }}
            </DescriptionItem>
            <DescriptionItem name=t!("key-created")><TimeAgo at=key.created_at /></DescriptionItem>
            <DescriptionItem name=t!("key-last-used")>
                <LastUsed at=key.last_used_at />
            </DescriptionItem>
        </DescriptionList>
        {change}
        {rotate}
        {revoke}
    }))
}

#[component]
fn ChangeForm(key: ApiKey) -> impl IntoView {
    let networks = key.networks.to_string().replace(", ", "\n");
    let days = [Choice::new("", t!("key-days-kept"))].into_iter().chain(expiry::choices()).collect::<Vec<_>>();
    // A key that is being replaced has the expiry that the rotation set.
    let days = key.successor.is_none().then(|| {
        view! { <Select name="days" label=t!("key-days") help=t!("key-days-change-help") choices=days /> }
    });
    view! {
        <section id="change">
            <h2>{t!("key-change-title")}</h2>
            <p>{t!("key-change-lead")}</p>
            <Form action=ChangeKey::PATH hidden=vec![("id", key.id.to_string())]>
                <Field name="name" label=t!("key-name") value=key.name required=true />
                <TextArea name="networks" label=t!("key-networks") help=t!("key-networks-help") value=networks rows=3 mono=true />
                {days}
                <Button variant=ButtonVariant::Primary>{t!("key-change")}</Button>
            </Form>
        </section>
    }
}

#[component]
fn RotateForm(key: ApiKey) -> impl IntoView {
    let hours = [
        ("0", t!("key-overlap-none")),
        ("1", t!("key-overlap-1")),
        ("24", t!("key-overlap-24")),
        ("168", t!("key-overlap-168")),
        ("720", t!("key-overlap-720")),
    ];
    let hours = hours.into_iter().map(|(value, label)| Choice::new(value, label)).collect::<Vec<_>>();
    view! {
        <section>
            <h2>{t!("key-rotate-title")}</h2>
            <p>{t!("key-rotate-lead")}</p>
            <Form action=RotateKey::PATH hidden=vec![("id", key.id.to_string())]>
                <Select name="hours" label=t!("key-overlap") help=t!("key-overlap-help") choices=hours value="24" />
                <Button variant=ButtonVariant::Primary>{t!("key-rotate")}</Button>
            </Form>
        </section>
    }
}

#[component]
fn RevokeSection(key: ApiKey, works: bool) -> impl IntoView {
    view! {
        <section>
            <h2>{t!("key-revoke-title")}</h2>
            {works.then(|| view! {
                <Confirm
                    label=t!("key-revoke-open") consequence=t!("key-revoke-consequence") act=t!("key-revoke")
                    action=RevokeKey::PATH hidden=vec![("id", key.id.to_string())]
                />
            })}
            <div class="mt-3">
            <Confirm
                label=t!("keys-revoke-all-open") consequence=t!("keys-revoke-all-consequence", owner = key.owner.clone())
                act=t!("keys-revoke-all") action=RevokeAll::PATH hidden=vec![("owner", key.owner_id.to_string())]
            />
            </div>
        </section>
    }
}
