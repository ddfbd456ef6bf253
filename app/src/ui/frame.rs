//! The layout of every page for signed-in people: navigation, breadcrumbs and the account menu.
use super::{
    Avatar, Button, Form, Glyph, Icon, Page, Section, ctx,
    freeze_banner::FreezeBanner,
    header::{OrganizationSwitcher, SearchField},
    mark::Mark,
    nav::{ACCOUNT, Nav},
    shortcuts::{self, ShortcutsDialog},
    success_message::SuccessNotice,
    unshown_refusal::UnshownRefusal,
};
use crate::{
    account, login::actions::SignOut, notifications::bell::Bell, organizations::choice::archived_filter_choice,
};
use domain::{Actor, Timestamp};
use islands::{Palette, ThemeSwitch};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organization;

/// Renders a page in the layout.
pub(super) fn render_frame(actor: Actor, page: Page, frame_data: FrameData) -> AnyView {
    let FrameData { unread, waiting, organizations, frozen, break_glass, unseen_events } = frame_data;
    let Page { section, title, breadcrumbs, badge, action, lead, body } = page;
    let (wide, narrow, shortcuts) = (actor.clone(), actor.clone(), shortcuts::shortcut_targets(&actor));
    let (banners, here) = (crate::notices::banners(&actor), ctx::here().to_string());
    view! {
        <a class="skip" href="#main">{t!("skip")}</a>
        <header class="bar">
            <a class="brand" href="/"><Mark /></a>
            <details class="nav-narrow">
                <summary class="button"><Icon of=Glyph::Menu /><span class="menu-name">{t!("nav-menu")}</span></summary>
                <nav class="menu" aria-label=t!("nav-label")>
                    <Nav actor=narrow section=section waiting=waiting region="waiting-narrow" />
                </nav>
            </details>
            <Breadcrumbs section=section breadcrumbs=breadcrumbs title=title.clone() />
            <OrganizationSwitcher organizations=organizations />
            <SearchField />
            <Bell unread=unread />
            <Menu actor=actor.clone() />
        </header>
        <nav class="nav-wide" aria-label=t!("nav-label")>
            <Nav actor=wide section=section waiting=waiting region="waiting-wide" />
        </nav>
        <main id="main" tabindex="-1">
            <FreezeBanner since=frozen />
            {break_glass.then(|| view! {
                <p class="banner banner-bad" role="status">
                    {t!("break-glass-banner")}" "<a href=Section::Authentication.href()>{Section::Authentication.label()}</a>
                </p>
            })}
            {banners}
            <p class="banner" id="not-live" role="status" hidden>{t!("live-lost")}" "<a href=here>{t!("live-reload")}</a></p>
            <p class="banner" id="live-paused" role="status" hidden>{t!("live-paused")}</p>
            <div class="page-header">
                <h1>{title}</h1>
                {badge}
                {action.map(|action| view! { <div class="page-action">{action}</div> })}
            </div>
            {lead.map(|text| view! { <p class="lead">{text}</p> })}
            <UnshownRefusal />
            <SuccessNotice />
            {unseen_events.filter(|_| section != Section::Account)}
            {body}
        </main>
        <ShortcutsDialog actor=actor />
        <Palette label=t!("search-everything") none=t!("search-none") failed=t!("search-failed") help=t!("search-help") ways=shortcuts />
    }
    .into_any()
}

/// The data that the layout shows.
#[derive(Default)]
pub(super) struct FrameData {
    /// The number of unread notifications.
    unread: i64,
    /// The number of approval requests that the person can decide.
    waiting: i64,
    /// The choices of the organization switcher, including an archived one that the query filters by.
    organizations: Vec<Organization>,
    frozen: Option<Timestamp>,
    /// Whether a break-glass grant is open, for people who may know.
    break_glass: bool,
    unseen_events: Option<AnyView>,
}

/// Reads the data of the layout. Read errors must not break the page: the affected parts are left out.
pub(super) async fn frame_data(actor: &Actor) -> FrameData {
    let Ok(store) = ctx::store() else { return FrameData::default() };
    let Ok(mut read) = store.read(actor).await else { return FrameData::default() };
    let mut organizations = read.organizations().await.unwrap_or_default();
    organizations.extend(archived_filter_choice(&mut read, &organizations).await);
    FrameData {
        unread: read.unread_notifications().await.unwrap_or_default(),
        waiting: read.approvals_waiting_for_me().await.unwrap_or_default(),
        organizations,
        frozen: read.frozen_since().await.unwrap_or_default(),
        break_glass: read.break_glass(store.now()).await.is_ok_and(|open| !open.is_empty()),
        unseen_events: account::events::unseen_events(&mut read).await,
    }
}

/// The breadcrumbs: section, intermediate pages, current page.
#[component]
fn Breadcrumbs(section: Section, breadcrumbs: Vec<(String, String)>, title: String) -> impl IntoView {
    let root =
        (section != Section::Other && section.label() != title).then(|| (section.href().to_owned(), section.label()));
    let links = root.into_iter().chain(breadcrumbs).map(|(href, label)| view! { <li><a href=href>{label}</a></li> });
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
    let account =
        ACCOUNT.map(|page| view! { <a class="nav-link" href=page.href()><Icon of=page.glyph() />{page.label()}</a> });
    let tenant = ctx::sign_in().ok().and_then(|sign_in| sign_in.browser()?.tenant.clone());
    view! {
        <details class="person">
            <summary class="button"><Avatar name=actor.name.clone() /><span class="person-name">{actor.name.clone()}</span><Icon of=Glyph::Down /></summary>
            <div class="menu">
                <p class="menu-who">{actor.name}{[email, tenant].into_iter().flatten().map(|text| view! { <span class="muted">{text}</span> }).collect_view()}</p>
                {account}
                <hr />
                <ThemeSwitch label=t!("theme") system=t!("theme-system") light=t!("theme-light") dark=t!("theme-dark") />
                <Form action=SignOut::PATH>
                    <Button>{t!("sign-out")}</Button>
                </Form>
            </div>
        </details>
    }
}
