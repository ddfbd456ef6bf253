//! What stands around every page of somebody who is signed in: navigation, where one is, and the person's menu.
use super::{
    Button, Form, Glyph, Icon, Page, Place, ctx,
    nav::Nav,
    refused::Unsaid,
    said::WhatWasDone,
    shortcuts::{self, KeysDialog},
    top::{SearchField, Switch},
};
use crate::{account, emergency::pages::Frozen, login::actions::SignOut, organizations::narrowed_to_archived};
use domain::{Actor, Timestamp};
use islands::{Palette, ThemeSwitch};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organization;

/// A page in its frame.
pub(super) fn framed(actor: Actor, page: Page, around: Around) -> AnyView {
    let Around { waiting, organizations, frozen, glass, news } = around;
    let Page { place, title, trail, beside, action, lead, body } = page;
    let (wide, narrow, ways) = (actor.clone(), actor.clone(), shortcuts::ways(&actor));
    let (banner, here) = (crate::notices::banner(&actor), ctx::here().to_string());
    view! {
        <a class="skip" href="#main">{t!("skip")}</a>
        <header class="bar">
            <a class="brand" href="/">{t!("product")}</a>
            <details class="nav-narrow">
                <summary class="button"><Icon of=Glyph::Menu /><span class="menu-name">{t!("nav-menu")}</span></summary>
                <nav class="menu" aria-label=t!("nav-label")>
                    <Nav actor=narrow place=place waiting=waiting region="waiting-narrow" />
                </nav>
            </details>
            <Trail place=place trail=trail title=title.clone() />
            <Switch organizations=organizations />
            <SearchField />
            <Menu actor=actor.clone() />
        </header>
        <nav class="nav-wide" aria-label=t!("nav-label")>
            <Nav actor=wide place=place waiting=waiting region="waiting-wide" />
        </nav>
        <main id="main" tabindex="-1">
            <Frozen since=frozen />
            {glass.then(|| view! {
                <p class="banner" role="status">
                    {t!("glass-banner")}" "<a href=Place::Authentication.href()>{Place::Authentication.label()}</a>
                </p>
            })}
            {banner}
            <p class="banner" id="not-live" role="status" hidden>{t!("live-lost")}" "<a href=here>{t!("live-reload")}</a></p>
            <div class="page-header">
                <h1>{title}</h1>
                {beside}
                {action.map(|action| view! { <div class="page-action">{action}</div> })}
            </div>
            {lead.map(|text| view! { <p class="lead">{text}</p> })}
            <Unsaid />
            <WhatWasDone />
            {news.filter(|_| place != Place::Account)}
            {body}
        </main>
        <KeysDialog actor=actor />
        <Palette label=t!("search-everything") none=t!("search-none") failed=t!("search-failed") help=t!("search-help") ways=ways />
    }
    .into_any()
}

/// What the frame shows of the tenant, and of what happened with the person's account.
#[derive(Default)]
pub(super) struct Around {
    /// How many questions wait for the person.
    waiting: i64,
    /// The organizations that they can switch between; the archived one that they look at is among them.
    organizations: Vec<Organization>,
    /// Since when the tenant is frozen, if it is.
    frozen: Option<Timestamp>,
    /// Whether emergency access is open, for those who are told.
    glass: bool,
    news: Option<AnyView>,
}

/// What cannot be read of it is not worth a page: it is left out.
pub(super) async fn around(actor: &Actor) -> Around {
    let Ok(store) = ctx::store() else { return Around::default() };
    let Ok(mut read) = store.read(actor).await else { return Around::default() };
    let mut organizations = read.organizations().await.unwrap_or_default();
    organizations.extend(narrowed_to_archived(&mut read, &organizations).await);
    Around {
        waiting: read.approvals_waiting_for_me().await.unwrap_or_default(),
        organizations,
        frozen: read.frozen_since().await.unwrap_or_default(),
        glass: read.break_glass(store.now()).await.is_ok_and(|open| !open.is_empty()),
        news: account::notifications::news(&mut read).await,
    }
}

/// Where one is: the place, what lies between, and the page.
#[component]
fn Trail(place: Place, trail: Vec<(String, String)>, title: String) -> impl IntoView {
    let root = (place != Place::Nowhere && place.label() != title).then(|| (place.href().to_owned(), place.label()));
    let links = root.into_iter().chain(trail).map(|(href, label)| view! { <li><a href=href>{label}</a></li> });
    view! {
        <nav class="trail" aria-label=t!("trail")>
            <ol>
                {links.collect_view()}
                <li aria-current="page">{title}</li>
            </ol>
        </nav>
    }
}

#[component]
fn Menu(actor: Actor) -> impl IntoView {
    let email = actor.email.as_ref().map(ToString::to_string);
    view! {
        <details class="person">
            <summary class="button"><Icon of=Glyph::Person /><span class="person-name">{actor.name.clone()}</span><Icon of=Glyph::Down /></summary>
            <div class="menu">
                <p class="menu-who">{actor.name}{email.map(|email| view! { <span class="muted">{email}</span> })}</p>
                <a class="nav-link" href=Place::Account.href()>{Place::Account.label()}</a>
                <a class="nav-link" href=Place::BrowserSessions.href()>{Place::BrowserSessions.label()}</a>
                <a class="nav-link" href=Place::WaysIn.href()>{Place::WaysIn.label()}</a>
                <ThemeSwitch label=t!("theme") system=t!("theme-system") light=t!("theme-light") dark=t!("theme-dark") />
                <Form action=SignOut::PATH>
                    <Button>{t!("sign-out")}</Button>
                </Form>
            </div>
        </details>
    }
}
