//! Every page and its address.
use crate::{
    account, approvals,
    assets::Assets,
    audit, factors, incident, invitations, keys, login, members, orgs,
    outcome::{Kind, Refusal},
    overview, reach, reviews, rules, runners, search, sessions, settings, setup, tasks,
    ui::page,
    unusual,
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The pages. All are rendered completely before they are sent, so that status and title are right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=not_found>
                <Route path=path!("/sign-in") view=login::pages::sign_in ssr=SsrMode::Async />
                <Route path=path!("/second-factor") view=factors::pages::second_factor ssr=SsrMode::Async />
                <Route path=path!("/authenticator") view=factors::pages::authenticator ssr=SsrMode::Async />
                <Route path=path!("/prove") view=factors::proof::prove ssr=SsrMode::Async />
                <Route path=path!("/setup") view=setup::pages::set_up ssr=SsrMode::Async />
                <Route path=path!("/invitation") view=invitations::pages::invitation ssr=SsrMode::Async />
                <Route path=path!("/password") view=setup::pages::password ssr=SsrMode::Async />
                <Route path=path!("/") view=overview::pages::overview ssr=SsrMode::Async />
                <Route path=path!("/tasks") view=tasks::pages::list ssr=SsrMode::Async />
                <Route path=path!("/tasks/new") view=tasks::pages::new ssr=SsrMode::Async />
                <Route path=path!("/tasks/:id") view=tasks::pages::one ssr=SsrMode::Async />
                <Route path=path!("/tasks/:id/reach") view=reach::of_task ssr=SsrMode::Async />
                <Route path=path!("/approvals") view=approvals::pages::list ssr=SsrMode::Async />
                <Route path=path!("/approvals/:id") view=approvals::pages::one ssr=SsrMode::Async />
                <Route path=path!("/runners") view=runners::pages::list ssr=SsrMode::Async />
                <Route path=path!("/runners/new") view=runners::pages::new ssr=SsrMode::Async />
                <Route path=path!("/runners/:id") view=runners::pages::one ssr=SsrMode::Async />
                <Route path=path!("/runners/:id/reach") view=reach::of_runner ssr=SsrMode::Async />
                <Route path=path!("/audit") view=audit::pages::list ssr=SsrMode::Async />
                <Route path=path!("/unusual") view=unusual::pages::list ssr=SsrMode::Async />
                <Route path=path!("/audit/:seq") view=audit::pages::one ssr=SsrMode::Async />
                <Route path=path!("/search") view=search::pages::search ssr=SsrMode::Async />
                <Route path=path!("/forgot") view=account::changes::forgot ssr=SsrMode::Async />
                <Route path=path!("/address") view=account::changes::confirm ssr=SsrMode::Async />
                <Route path=path!("/account/password") view=account::changes::password ssr=SsrMode::Async />
                <Route path=path!("/account/address") view=account::changes::address ssr=SsrMode::Async />
                <Route path=path!("/account") view=account::pages::account ssr=SsrMode::Async />
                <Route path=path!("/settings/second-factors") view=factors::settings::policy ssr=SsrMode::Async />
                <Route path=path!("/sessions") view=sessions::pages::list ssr=SsrMode::Async />
                <Route path=path!("/account/sign-in") view=account::ways::ways ssr=SsrMode::Async />
                <Route path=path!("/settings/authentication") view=settings::pages::list ssr=SsrMode::Async />
                <Route path=path!("/settings/authentication/new") view=settings::new ssr=SsrMode::Async />
                <Route path=path!("/settings/authentication/:id") view=settings::one ssr=SsrMode::Async />
                <Route path=path!("/organisations") view=orgs::pages::list ssr=SsrMode::Async />
                <Route path=path!("/organisations/new") view=orgs::pages::new ssr=SsrMode::Async />
                <Route path=path!("/organisations/:id/reach") view=reach::of_organisation ssr=SsrMode::Async />
                <Route path=path!("/organisations/:id") view=orgs::one ssr=SsrMode::Async />
                <Route path=path!("/organisations/:id/settings") view=orgs::settings::settings ssr=SsrMode::Async />
                <Route path=path!("/organisations/:id/members/:person") view=orgs::departure::departure ssr=SsrMode::Async />
                <Route path=path!("/people") view=members::pages::list ssr=SsrMode::Async />
                <Route path=path!("/people/new") view=members::pages::new ssr=SsrMode::Async />
                <Route path=path!("/people/:id") view=members::pages::one ssr=SsrMode::Async />
                <Route path=path!("/reviews") view=reviews::pages::list ssr=SsrMode::Async />
                <Route path=path!("/reviews/:id") view=reviews::pages::one ssr=SsrMode::Async />
                <Route path=path!("/keys") view=keys::pages::list ssr=SsrMode::Async />
                <Route path=path!("/keys/new") view=keys::pages::new ssr=SsrMode::Async />
                <Route path=path!("/incident") view=incident::pages::switches ssr=SsrMode::Async />
                <Route path=path!("/keys/service-accounts") view=keys::pages::service_accounts ssr=SsrMode::Async />
                <Route path=path!("/keys/service-accounts/:id") view=keys::pages::service_account ssr=SsrMode::Async />
                <Route path=path!("/keys/service-accounts/:id/reach") view=reach::of_service_account ssr=SsrMode::Async />
                <Route path=path!("/keys/:id") view=keys::pages::one ssr=SsrMode::Async />
                <Route path=path!("/rules") view=rules::pages::list_of_rules ssr=SsrMode::Async />
                <Route path=path!("/rules/edit") view=rules::pages::edit ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

fn not_found() -> impl IntoView {
    page(|_| async { Err(Refusal::new(Kind::NotFound, t!("refused-not-found"))) })
}

/// Runs before anything is painted, so that a page never flashes in the wrong theme.
const THEME: &str = "try{const t=localStorage.getItem('theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// The document around the pages.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = use_context::<Assets>();
    let asset = |name: &str| assets.as_ref().map(|assets| assets.address(name));
    view! {
        <!DOCTYPE html>
        <html lang=crate::text::language().to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href=asset("favicon.svg") />
                <link rel="stylesheet" href=asset("castellan.css") />
                <script nonce=use_nonce()>{THEME}</script>
                <HydrationScripts options=options islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
