//! The search page. The dialog that Ctrl-K opens shows what stands here (`crates/islands/src/palette.rs`).
use super::found::{self, Group, Hit};
use crate::{
    outcome::Refusal,
    ui::{Empty, Keys, Page, Place, Revealed, Showing, ctx, page},
};
use domain::Actor;
use leptos::prelude::*;

/// What is found.
pub fn search() -> Showing {
    page(results)
}

async fn results(actor: Actor) -> Result<Page, Refusal> {
    let text = found::plain(ctx::here().get("q").unwrap_or_default());
    let groups = found::find(&mut ctx::store()?.read(&actor).await?, &actor, &text).await?;
    let page = Page::new(Place::Nowhere, t!("search")).lead(t!("search-lead"));
    let (asked, none) = (!text.is_empty(), groups.is_empty());
    let all = found::all_tasks(&text);
    Ok(page.body(view! {
        <form class="search" method="get" action="/search" role="search" aria-label=t!("search")>
            <label class="sr-only" for="search-for">{t!("search-everything")}</label>
            <input class="input" id="search-for" type="search" name="q" value=text autofocus=!asked maxlength="100" />
            <button class="button button-main" type="submit">{t!("search")}</button>
        </form>
        <div id="found">{groups.into_iter().map(|group| view! { <Found group=group /> }).collect_view()}</div>
        {(asked && none).then(|| view! { <Empty title=t!("search-none") text=t!("search-none-text") /> })}
        {asked.then(|| view! { <p class="help"><a href=all>{t!("search-all-tasks")}</a></p> })}
        {(!asked).then(|| view! { <section><h2>{t!("keys")}</h2><Keys actor=actor /></section> })}
    }))
}

#[component]
fn Found(group: Group) -> impl IntoView {
    let hit = |Hit { href, name, about }: Hit| {
        view! {
            <li>
                <a href=href><Revealed text=name /></a>
                " "
                <span class="muted"><Revealed text=about /></span>
            </li>
        }
    };
    view! {
        <section class="found">
            <h2>{group.title}</h2>
            <ul>{group.hits.into_iter().map(hit).collect_view()}</ul>
        </section>
    }
}
