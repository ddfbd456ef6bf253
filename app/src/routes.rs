//! Routing table: every page and its path.
use crate::{
    access, account, anomalies, approvals, audit, backups, browser_sessions, emergency, factors, invitations, keys,
    login, notifications, organizations,
    outcome::{Kind, Refusal},
    overview, people, providers, retention, reviews, rules, runners, search, setup, tasks,
    ui::{PageFuture, Params, page},
    webhooks,
};
use matchit::Router;
use std::sync::LazyLock;

/// The function that renders a page.
type PageHandler = fn() -> PageFuture;

/// All pages, with path parameters in braces.
pub const PAGES: &[(&str, PageHandler)] = &[
    ("/sign-in", login::pages::sign_in),
    ("/sign-in/tenant", login::tenant_choice::choose_tenant),
    ("/second-factor", factors::pages::second_factor),
    ("/authenticator", factors::pages::authenticator),
    ("/prove", factors::step_up::step_up),
    ("/setup", setup::pages::set_up),
    ("/invitation", invitations::pages::invitation),
    ("/password", setup::pages::password),
    ("/", overview::pages::overview),
    ("/tasks", tasks::pages::list),
    ("/tasks/new", tasks::new_task::new),
    ("/tasks/{id}", tasks::details::task_page),
    ("/tasks/{id}/access", access::of_task),
    ("/approvals", approvals::pages::list),
    ("/approvals/{id}", approvals::pages::approval_page),
    ("/runners", runners::pages::list),
    ("/runners/new", runners::enroll::new),
    ("/runners/{id}", runners::details::runner_page),
    ("/runners/{id}/access", access::of_runner),
    ("/audit", audit::pages::list),
    ("/anomalies", anomalies::pages::list),
    ("/audit/{seq}", audit::event::event_page),
    ("/search", search::pages::search),
    ("/forgot", account::credentials::forgot),
    ("/address", account::credentials::confirm),
    ("/account/password", account::credentials::password),
    ("/account/address", account::credentials::address),
    ("/account", account::pages::account),
    (approvals::APPROVAL_SETTINGS, approvals::settings::approval_settings),
    ("/settings/second-factors", factors::settings::policy),
    ("/browser-sessions", browser_sessions::pages::list),
    ("/account/sign-in", account::sign_in_methods::sign_in_methods),
    ("/settings/backups", backups::pages::overview),
    (retention::RETENTION_SETTINGS, retention::pages::retention),
    (notifications::INBOX, notifications::pages::inbox),
    (notifications::PREFERENCES, notifications::preferences::preferences),
    (webhooks::WEBHOOKS, webhooks::pages::list),
    ("/settings/webhooks/new", webhooks::pages::new),
    ("/settings/webhooks/{id}", webhooks::details::webhook_page),
    ("/settings/authentication", providers::pages::list),
    ("/settings/authentication/new", providers::details::new),
    ("/settings/authentication/{id}", providers::details::provider_page),
    ("/organizations", organizations::pages::list),
    ("/organizations/new", organizations::pages::new),
    ("/organizations/{id}/access", access::of_organization),
    ("/organizations/{id}", organizations::details::organization_page),
    ("/organizations/{id}/settings", organizations::settings::settings),
    ("/organizations/{id}/members/{person}", organizations::departure::departure),
    ("/people", people::pages::list),
    ("/people/new", people::pages::new),
    ("/people/{id}", people::pages::person_page),
    ("/reviews", reviews::pages::list),
    ("/reviews/{id}", reviews::pages::review_page),
    ("/keys", keys::pages::list),
    ("/keys/new", keys::pages::new),
    ("/emergency", emergency::pages::emergency_page),
    ("/keys/service-accounts", keys::pages::service_accounts),
    ("/keys/service-accounts/{id}", keys::pages::service_account),
    ("/keys/service-accounts/{id}/access", access::of_service_account),
    ("/keys/{id}", keys::pages::key_page),
    ("/rules", rules::pages::list_rules),
    ("/rules/edit", rules::editor::edit),
    ("/rules/review", rules::review::review),
    ("/rules/versions", rules::versions::list_versions),
    ("/rules/versions/{version}", rules::versions::version),
    ("/rules/proposals/{id}", rules::review::proposal),
    #[cfg(debug_assertions)]
    ("/dev/gallery", crate::gallery::gallery),
];

/// A page: its path with parameters in braces, and its handler.
type Route = (&'static str, PageHandler);

static ROUTER: LazyLock<Router<Route>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (path, view) in PAGES {
        let taken = router.insert(*path, (*path, *view));
        debug_assert!(taken.is_ok(), "{path} conflicts with another page");
    }
    router
});

/// Returns the page at a path with its parameters, or the not-found page.
pub(crate) fn find(path: &str) -> (PageHandler, Params) {
    match ROUTER.at(without_slash(path)) {
        Ok(found) => (found.value.1, found.params.iter().collect()),
        Err(_) => (not_found, Params::default()),
    }
}

/// Returns the path of the page at a path, with parameters in braces.
pub fn template(path: &str) -> Option<&'static str> {
    ROUTER.at(without_slash(path)).ok().map(|found| found.value.0)
}

/// A trailing slash is accepted, because people type addresses by hand.
fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').filter(|page| !page.is_empty()).unwrap_or(path)
}

fn not_found() -> PageFuture {
    page(|_| async { Err(Refusal::new(Kind::NotFound, t!("refused-not-found"))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_one_page() {
        let router = PAGES
            .iter()
            .try_fold(Router::new(), |mut router, (path, view)| router.insert(*path, *view).map(|()| router));
        let router = router.unwrap();
        for (path, view) in PAGES {
            let address = path.replace('{', "a").replace('}', "z");
            assert!(std::ptr::fn_addr_eq(*router.at(&address).unwrap().value, *view), "{path}");
        }
    }

    #[test]
    fn parameters_are_read_from_the_path() {
        let (_, params) = find("/organizations/1/members/2");
        assert_eq!((params.get("id"), params.get("person"), params.get("seq")), ("1", "2", ""));
        assert_eq!(find("/tasks/7/").1.get("id"), "7");
        assert_eq!((template("/tasks/7/"), template("/nowhere/1")), (Some("/tasks/{id}"), None));
        let (view, params) = find("/nowhere/1");
        let nothing: PageHandler = not_found;
        assert!(std::ptr::fn_addr_eq(view, nothing) && params.get("id").is_empty());
    }
}
