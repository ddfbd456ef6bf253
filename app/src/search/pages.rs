//! The search page. The dialog that Ctrl-K opens shows its results (`crates/islands/src/palette.rs`).
use super::query::{self, Hit, ResultGroup};
use crate::{
    outcome::Refusal,
    ui::{EmptyState, Page, PageFuture, Section, ShortcutList, UntrustedText, ctx, page},
};
use domain::Actor;
use leptos::prelude::*;

/// `/search`.
pub fn search() -> PageFuture {
    page(search_page)
}

async fn search_page(actor: Actor) -> Result<Page, Refusal> {
    let text = query::normalize(ctx::here().get("q").unwrap_or_default());
    let groups = query::find(&mut ctx::store()?.read(&actor).await?, &actor, &text).await?;
    let page = Page::new(Section::Other, t!("search")).lead(t!("search-lead"));
    let (searched, none) = (!text.is_empty(), groups.is_empty());
    let all = query::all_tasks(&text);
    Ok(page.body(view! {
        <form class="search" method="get" action="/search" role="search" aria-label=t!("search")>
            <label class="sr-only" for="search-for">{t!("search-everything")}</label>
            <input class="input" id="search-for" type="search" name="q" value=text autofocus=!searched maxlength="100" />
            <button class="button button-main" type="submit">{t!("search")}</button>
        </form>
        <div id="found">{groups.into_iter().map(|group| view! { <Results group=group /> }).collect_view()}</div>
        {(searched && none).then(|| view! { <EmptyState title=t!("search-none") text=t!("search-none-text") /> })}
        {searched.then(|| view! { <p class="help"><a href=all>{t!("search-all-tasks")}</a></p> })}
        {(!searched).then(|| view! { <section><h2>{t!("keys")}</h2><ShortcutList actor=actor /></section> })}
    }))
}

#[component]
fn Results(group: ResultGroup) -> impl IntoView {
    let hit = |Hit { href, name, about }: Hit| {
        view! {
            <li>
                <a href=href><UntrustedText text=name /></a>
                " "
                <span class="muted"><UntrustedText text=about /></span>
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
