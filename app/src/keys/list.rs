//! The list of API keys, with a checkbox for each key that can be revoked.
use super::actions::{RevokeKey, RevokeSelected};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, ButtonVariant, Confirm, EmptyState, FormState, LastUsed, LinkButton, Live, PLACEHOLDER, Page,
        Section, Sentence, Table, TimeAgo, TruncationNote, UntrustedText, ctx,
    },
};
use domain::{Actor, Timestamp};
use leptos::{prelude::*, server_fn::ServerFn};
use store::ApiKey;

const MAX_KEYS: usize = 500;

pub(super) async fn keys_page(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let (keys, now) = (store.read(&actor).await?.keys().await?, store.now());
    let everybody = actor.can_read_everything();
    let for_others = keys.iter().any(|key| actor.person() != Some(key.owner_id));
    let new = || view! { <LinkButton href="/keys/new" variant=ButtonVariant::Primary>{t!("key-new")}</LinkButton> };
    let page =
        Page::new(Section::Keys, t!("nav-keys")).lead(if everybody { t!("keys-lead-all") } else { t!("keys-lead") });
    let services = view! { <LinkButton href="/keys/service-accounts">{t!("services-title")}</LinkButton> };
    if keys.is_empty() {
        let empty = view! { <EmptyState title=t!("keys-empty") text=t!("keys-empty-text")>{new()}</EmptyState> };
        return Ok(page.body(view! { {empty} {services} }));
    }
    let owners = everybody || for_others;
    let owner = owners.then(|| t!("key-owner"));
    let headings = [t!("keys-select"), t!("key-name")].into_iter().chain(owner).chain([
        t!("key-prefix"),
        t!("key-scopes"),
        t!("key-state"),
        t!("key-last-used"),
        String::new(),
    ]);
    let revocable = move |key: &ApiKey| {
        let responsible = key.responsible_id.is_some() && actor.person() == key.responsible_id;
        key.works(now) && (actor.is_admin() || actor.person() == Some(key.owner_id) || responsible)
    };
    let (any, shown) = (keys.iter().any(&revocable), keys.len());
    let rows = keys.into_iter().map(move |key| {
        let revocable = revocable(&key);
        view! { <Row key=key now=now owners=owners revocable=revocable /> }
    });
    Ok(page.action(new()).body(view! {
        <Live topics="keys" region="keys">
            <Table caption=t!("nav-keys") headings=headings.collect()>
                {rows.collect_view()}
            </Table>
            <TruncationNote shown=shown limit=MAX_KEYS />
        </Live>
        // The checkboxes in the table belong to this form through their `form` attribute.
        {any.then(|| view! {
            <div class="mt-4">
                <Confirm
                    label=t!("keys-revoke-open") consequence=t!("keys-revoke-consequence") act=t!("keys-revoke")
                    action=RevokeSelected::PATH hidden=vec![]
                />
            </div>
        })}
        <div class="mt-4">{services}</div>
    }))
}

#[component]
fn Row(key: ApiKey, now: Timestamp, owners: bool, revocable: bool) -> impl IntoView {
    let form = FormState::of(RevokeSelected::PATH, &[]);
    let (id, label) = (key.id.to_string(), t!("keys-select-one", name = key.name.clone()));
    let ticked = form.ticked("keys[]", &id, false);
    view! {
        <tr>
            <td>
                {revocable.then(|| view! {
                    <input type="checkbox" name="keys[]" value=id checked=ticked form=form.id aria-label=label />
                })}
            </td>
            <th scope="row"><a href=format!("/keys/{}", key.id)><UntrustedText text=key.name.clone() /></a></th>
            {owners.then(|| view! {
                <td>
                    <UntrustedText text=key.owner.clone() />
                    {key.responsible_id.map(|_| view! { <span class="muted">" " {t!("service-mark")}</span> })}
                </td>
            })}
            <td><code class="whitespace-nowrap">{key.prefix.clone()}"…"</code></td>
            <td>
                {key.scopes.iter().map(|scope| view! { <code class="tag">{scope.as_str()}</code> " " }).collect_view()}
                {key.organization.clone().map(|name| view! { <p class="muted"><Sentence text=t!("key-only-in", organization = PLACEHOLDER)><UntrustedText text=name /></Sentence></p> })}
                {(!key.networks.is_empty()).then(|| view! { <p class="muted">{t!("key-only-from", networks = key.networks.to_string())}</p> })}
            </td>
            <td><KeyState key=key.clone() now=now /></td>
            <td><LastUsed at=key.last_used_at /></td>
            <td class="cell-action">
                {revocable.then(|| view! {
                    <Confirm
                        label=t!("key-revoke-open") about=key.name.clone()
                        consequence=t!("key-revoke-consequence")
                        act=t!("key-revoke")
                        action=RevokeKey::PATH
                        hidden=vec![("id", key.id.to_string())]
                    />
                })}
            </td>
        </tr>
    }
}

/// The state of a key: active, expiring, expired or revoked, and its replacement.
#[component]
pub(super) fn KeyState(key: ApiKey, now: Timestamp) -> impl IntoView {
    let soon = key.ends_soon(now);
    let expires = |at| view! { <Sentence text=t!("key-until", time = PLACEHOLDER)><TimeAgo at=at /></Sentence> };
    let badge = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => {
            view! { <Badge tone=BadgeTone::Stopped label=t!("key-revoked") /> " " <TimeAgo at=at /> }.into_any()
        }
        (None, Some(at)) if at <= now => {
            view! { <Badge tone=BadgeTone::Stopped label=t!("key-expired") /> " " <TimeAgo at=at /> }.into_any()
        }
        (None, Some(at)) if soon => {
            view! { <Badge tone=BadgeTone::Waiting label=t!("key-ends-soon") /> " " {expires(at)} }.into_any()
        }
        (None, Some(at)) => {
            view! { <Badge tone=BadgeTone::Good label=t!("key-active") /> " " {expires(at)} }.into_any()
        }
        (None, None) => view! { <Badge tone=BadgeTone::Good label=t!("key-active") /> }.into_any(),
    };
    let successor = key.successor.map(|prefix| {
        view! { <p class="muted"><Sentence text=t!("key-replaced-by", key = PLACEHOLDER)><code>{prefix}"…"</code></Sentence></p> }
    });
    view! { {badge} {successor} }
}
