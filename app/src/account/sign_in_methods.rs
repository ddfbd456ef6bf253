//! The sign-in methods page: linked identities, and the providers that can be linked.
use super::unlink::Unlink;
use crate::{
    outcome::Refusal,
    ui::{
        Address, Badge, BadgeTone, ButtonVariant, Confirm, EmptyState, LastUsed, LinkButton, Live, Page, PageFuture,
        Section, Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use auth::providers::{SignInOptions, SignInProvider};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};
use store::Identity;

pub const PATH: &str = "/account/sign-in";

/// `/account/sign-in`.
pub fn sign_in_methods() -> PageFuture {
    page(sign_in_methods_page)
}

async fn sign_in_methods_page(actor: Actor) -> Result<Page, Refusal> {
    let (store, sign_in) = (ctx::store()?, ctx::sign_in()?);
    let mut read = store.read(&actor).await?;
    let identities = read.identities().await?;
    let person = match actor.person() {
        Some(id) => Some(read.person(id).await?),
        None => None,
    };
    drop(read);
    let ways = sign_in.sign_in_options(Some(actor.tenant)).await?;
    let password = person.is_some_and(|person| person.has_password) && ways.password;
    let fresh = actor.fresh;
    let page = Page::new(Section::SignInMethods, t!("nav-sign-in-methods")).lead(t!("sign-in-methods-lead"));
    let (linked, more) = (ways.clone(), (!ways.providers.is_empty()).then_some(ways));
    Ok(page.body(view! {
        <section>
            <h2>{t!("sign-in-methods-linked")}</h2>
            <Live topics="people" region="identities">
                <LinkedIdentities identities=identities ways=linked fresh=fresh />
            </Live>
            <p class="help">{if password { t!("sign-in-methods-password-too") } else { t!("sign-in-methods-no-password") }}</p>
        </section>
        {more.map(|ways| match fresh {
            true => view! { <LinkProviders ways=ways /> }.into_any(),
            false => view! { <StepUp /> }.into_any(),
        })}
    }))
}

#[component]
fn LinkedIdentities(identities: Vec<Identity>, ways: SignInOptions, fresh: bool) -> impl IntoView {
    if identities.is_empty() {
        return view! { <EmptyState title=t!("sign-in-methods-none") text=t!("sign-in-methods-none-text") /> }
            .into_any();
    }
    let row = move |identity: Identity| {
        let known = ways.providers.iter().find(|way| way.key == identity.provider);
        let (name, open) = (identity.name.clone(), known.is_some());
        view! {
            <tr>
                <th scope="row">
                    <UntrustedText text=known.map_or_else(|| identity.issuer.clone(), |way| way.label.clone()) />
                    {(!open).then(|| view! { " " <Badge tone=BadgeTone::Stopped label=t!("sign-in-methods-closed") /> })}
                </th>
                <td><UntrustedText text=identity.name /></td>
                <td><TimeAgo at=identity.created_at /></td>
                <td><LastUsed at=identity.last_used_at /></td>
                <td class="cell-action">
                    {fresh.then(|| view! {
                        <Confirm
                            label=t!("sign-in-methods-unlink-open") about=name consequence=t!("sign-in-methods-unlink-consequence")
                            act=t!("sign-in-methods-unlink") action=Unlink::PATH hidden=vec![("id", identity.id.to_string())]
                        />
                    })}
                </td>
            </tr>
        }
    };
    let headings = vec![
        t!("sign-in-methods-provider"),
        t!("sign-in-methods-name"),
        t!("sign-in-methods-since"),
        t!("sign-in-methods-last-used"),
        String::new(),
    ];
    view! {
        <Table caption=t!("sign-in-methods-linked") headings=headings>
            {identities.into_iter().map(row).collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn LinkProviders(ways: SignInOptions) -> impl IntoView {
    let button = |way: SignInProvider| {
        view! { <LinkButton href=format!("/account/link/{}", way.key)>{t!("sign-in-methods-link", provider = way.label)}</LinkButton> }
    };
    view! {
        <section>
            <h2>{t!("sign-in-methods-link-title")}</h2>
            <p>{t!("sign-in-methods-link-text")}</p>
            <p class="ways">{ways.providers.into_iter().map(button).collect_view()}</p>
        </section>
    }
}

/// Step-up authentication, required before an identity can be linked.
#[component]
fn StepUp() -> impl IntoView {
    view! {
        <section>
            <h2>{t!("sign-in-methods-again-title")}</h2>
            <p>{t!("sign-in-methods-again-text")}</p>
            <p><LinkButton href=Address::new("/prove").with("next", PATH).to_string() variant=ButtonVariant::Primary>{t!("sign-in-methods-again")}</LinkButton></p>
        </section>
    }
}
