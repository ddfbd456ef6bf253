//! Ways to sign in: what is linked to one's account, and what can be.
use super::links::Unlink;
use crate::{
    outcome::Refusal,
    ui::{
        Address, Badge, Confirm, Empty, LinkButton, Live, Look, Meaning, Moment, Page, Place, Revealed, Showing, Table,
        Used, ctx, page,
    },
};
use auth::providers::{SignInOptions, SignInProvider};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};
use store::Identity;

/// Where this page is.
pub const HERE: &str = "/account/sign-in";

/// One's own ways in.
pub fn ways() -> Showing {
    page(own_ways)
}

async fn own_ways(actor: Actor) -> Result<Page, Refusal> {
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
    let page = Page::new(Place::WaysIn, t!("nav-ways-in")).lead(t!("ways-lead"));
    let (linked, more) = (ways.clone(), (!ways.providers.is_empty()).then_some(ways));
    Ok(page.body(view! {
        <section>
            <h2>{t!("ways-linked")}</h2>
            <Live topics="people" region="identities">
                <Linked identities=identities ways=linked fresh=fresh />
            </Live>
            <p class="help">{if password { t!("ways-password-too") } else { t!("ways-no-password") }}</p>
        </section>
        {more.map(|ways| match fresh {
            true => view! { <Link ways=ways /> }.into_any(),
            false => view! { <Again /> }.into_any(),
        })}
    }))
}

#[component]
fn Linked(identities: Vec<Identity>, ways: SignInOptions, fresh: bool) -> impl IntoView {
    if identities.is_empty() {
        return view! { <Empty title=t!("ways-none") text=t!("ways-none-text") /> }.into_any();
    }
    let row = move |identity: Identity| {
        let known = ways.providers.iter().find(|way| way.key == identity.provider);
        let (name, open) = (identity.name.clone(), known.is_some());
        view! {
            <tr>
                <th scope="row">
                    <Revealed text=known.map_or_else(|| identity.issuer.clone(), |way| way.label.clone()) />
                    {(!open).then(|| view! { " " <Badge meaning=Meaning::Stopped word=t!("ways-closed") /> })}
                </th>
                <td><Revealed text=identity.name /></td>
                <td><Moment at=identity.created_at /></td>
                <td><Used at=identity.last_used_at /></td>
                <td class="cell-action">
                    {fresh.then(|| view! {
                        <Confirm
                            label=t!("ways-unlink-open") about=name consequence=t!("ways-unlink-consequence")
                            act=t!("ways-unlink") action=Unlink::PATH hidden=vec![("id", identity.id.to_string())]
                        />
                    })}
                </td>
            </tr>
        }
    };
    let headings = vec![t!("ways-provider"), t!("ways-name"), t!("ways-since"), t!("ways-last-used"), String::new()];
    view! {
        <Table caption=t!("ways-linked") headings=headings>
            {identities.into_iter().map(row).collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn Link(ways: SignInOptions) -> impl IntoView {
    let button = |way: SignInProvider| {
        view! { <LinkButton href=format!("/account/link/{}", way.key)>{t!("ways-link", provider = way.label)}</LinkButton> }
    };
    view! {
        <section>
            <h2>{t!("ways-link-title")}</h2>
            <p>{t!("ways-link-text")}</p>
            <p class="ways">{ways.providers.into_iter().map(button).collect_view()}</p>
        </section>
    }
}

/// What one does first, when the last proof of who one is was a while ago.
#[component]
fn Again() -> impl IntoView {
    view! {
        <section>
            <h2>{t!("ways-again-title")}</h2>
            <p>{t!("ways-again-text")}</p>
            <p><LinkButton href=Address::new("/prove").with("next", HERE).to_string() look=Look::Main>{t!("ways-again")}</LinkButton></p>
        </section>
    }
}
