//! API keys: the list, and making one.
use super::actions::{CreateKey, RevokeKey};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, Button, Checkbox, Choice, Confirm, Empty, Field, Form, Group, LinkButton, Live, Look, Meaning, Moment,
        Page, Place, Revealed, SecretOnce, Select, Table, ctx, page, words,
    },
};
use domain::{Actor, Timestamp, scope::Scope};
use leptos::{prelude::*, server_fn::ServerFn};
use store::ApiKey;

/// One's own keys; all of the tenant's for those who read everything.
pub fn list() -> impl IntoView {
    page(keys)
}

async fn keys(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let (keys, now) = (store.read(&actor).await?.keys().await?, store.now());
    let everybody = actor.reads_everything();
    let new = || view! { <LinkButton href="/keys/new" look=Look::Main>{t!("key-new")}</LinkButton> };
    let page =
        Page::new(Place::Keys, t!("nav-keys")).lead(if everybody { t!("keys-lead-all") } else { t!("keys-lead") });
    if keys.is_empty() {
        return Ok(page.body(view! { <Empty title=t!("keys-empty") text=t!("keys-empty-text")>{new()}</Empty> }));
    }
    let owner = everybody.then(|| t!("key-owner"));
    let headings = [t!("key-name")].into_iter().chain(owner).chain([
        t!("key-prefix"),
        t!("key-scopes"),
        t!("key-state"),
        t!("key-last-used"),
        t!("key-made"),
        String::new(),
    ]);
    let rows = keys.into_iter().map(move |key| {
        let revocable = actor.is_admin() || actor.person() == Some(key.owner_id);
        view! { <Row key=key now=now everybody=everybody revocable=revocable /> }
    });
    Ok(page.action(new()).body(view! {
        <Live topics="keys" region="keys">
            <Table caption=t!("nav-keys") headings=headings.collect()>
                {rows.collect_view()}
            </Table>
        </Live>
    }))
}

#[component]
fn Row(key: ApiKey, now: Timestamp, everybody: bool, revocable: bool) -> impl IntoView {
    let works = key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
    let never = || t!("never").into_any();
    view! {
        <tr>
            <th scope="row"><Revealed text=key.name /></th>
            {everybody.then(|| view! { <td><Revealed text=key.owner /></td> })}
            <td><code>{key.prefix}"…"</code></td>
            <td>{key.scopes.iter().map(|scope| view! { <code class="tag">{scope.as_str()}</code> " " }).collect_view()}</td>
            <td>
                {match (key.revoked_at, key.expires_at) {
                    (Some(at), _) => view! { <Badge meaning=Meaning::Stopped word=t!("key-revoked") /> " " <Moment at=at /> }.into_any(),
                    (None, Some(at)) if !works => view! { <Badge meaning=Meaning::Stopped word=t!("key-expired") /> " " <Moment at=at /> }.into_any(),
                    (None, Some(at)) => view! { <Badge meaning=Meaning::Good word=t!("key-works") /> " " {t!("key-until")} " " <Moment at=at /> }.into_any(),
                    (None, None) => view! { <Badge meaning=Meaning::Good word=t!("key-works") /> }.into_any(),
                }}
            </td>
            <td>{key.last_used_at.map_or_else(never, |at| view! { <Moment at=at /> }.into_any())}</td>
            <td><Moment at=key.created_at /></td>
            <td class="cell-action">
                {(works && revocable).then(|| view! {
                    <Confirm
                        label=t!("key-revoke-open")
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

/// Making a key.
pub fn new() -> impl IntoView {
    page(new_key)
}

async fn new_key(_: Actor) -> Result<Page, Refusal> {
    let days = [
        ("30", t!("key-days-30")),
        ("90", t!("key-days-90")),
        ("365", t!("key-days-365")),
        ("0", t!("key-days-never")),
    ];
    let days = days.into_iter().map(|(value, label)| Choice::new(value, label)).collect::<Vec<_>>();
    let box_of = |scope: &Scope| {
        view! { <Checkbox name="scopes[]" value=scope.as_str() label=words::scope(*scope) help=scope.as_str() /> }
    };
    let page = Page::new(Place::Keys, t!("key-new")).lead(t!("key-new-lead"));
    Ok(page.body(view! {
        <SecretOnce action=CreateKey::PATH title=t!("key-made-title") text=t!("key-made-text") next="/keys">
            <Form action=CreateKey::PATH>
                <Field name="name" label=t!("key-name") help=t!("key-name-help") required=true />
                <Group name="scopes" label=t!("key-scopes") help=t!("key-scopes-help")>
                    {Scope::ALL.iter().map(box_of).collect_view()}
                </Group>
                <Select name="days" label=t!("key-days") help=t!("key-days-help") choices=days value="90" />
                <p class="help">{t!("key-consequence")}</p>
                <Button look=Look::Main>{t!("key-create")}</Button>
            </Form>
        </SecretOnce>
    }))
}
