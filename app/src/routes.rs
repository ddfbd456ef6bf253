//! Routing table: every page and its path.
use crate::{
    access, account, anomalies, approvals, audit, browser_sessions, emergency, factors, invitations, keys, login,
    organizations,
    outcome::{Kind, Refusal},
    overview, people, providers, reviews, rules, runners, search, setup, tasks,
    ui::{Params, Showing, page},
};
use matchit::Router;
use std::sync::LazyLock;

/// The function that renders a page.
type View = fn() -> Showing;

/// All pages, with path parameters in braces.
pub const PAGES: &[(&str, View)] = &[
    ("/sign-in", login::pages::sign_in),
    ("/second-factor", factors::pages::second_factor),
    ("/authenticator", factors::pages::authenticator),
    ("/prove", factors::proof::prove),
    ("/setup", setup::pages::set_up),
    ("/invitation", invitations::pages::invitation),
    ("/password", setup::pages::password),
    ("/", overview::pages::overview),
    ("/tasks", tasks::pages::list),
    ("/tasks/new", tasks::pages::new),
    ("/tasks/{id}", tasks::pages::one),
    ("/tasks/{id}/access", access::of_task),
    ("/approvals", approvals::pages::list),
    ("/approvals/{id}", approvals::pages::one),
    ("/runners", runners::pages::list),
    ("/runners/new", runners::pages::new),
    ("/runners/{id}", runners::pages::one),
    ("/runners/{id}/access", access::of_runner),
    ("/audit", audit::pages::list),
    ("/anomalies", anomalies::pages::list),
    ("/audit/{seq}", audit::pages::one),
    ("/search", search::pages::search),
    ("/forgot", account::changes::forgot),
    ("/address", account::changes::confirm),
    ("/account/password", account::changes::password),
    ("/account/address", account::changes::address),
    ("/account", account::pages::account),
    ("/settings/second-factors", factors::settings::policy),
    ("/browser-sessions", browser_sessions::pages::list),
    ("/account/sign-in", account::sign_in_methods::ways),
    ("/settings/authentication", providers::pages::list),
    ("/settings/authentication/new", providers::new),
    ("/settings/authentication/{id}", providers::one),
    ("/organizations", organizations::pages::list),
    ("/organizations/new", organizations::pages::new),
    ("/organizations/{id}/access", access::of_organization),
    ("/organizations/{id}", organizations::one),
    ("/organizations/{id}/settings", organizations::settings::settings),
    ("/organizations/{id}/members/{person}", organizations::departure::departure),
    ("/people", people::pages::list),
    ("/people/new", people::pages::new),
    ("/people/{id}", people::pages::one),
    ("/reviews", reviews::pages::list),
    ("/reviews/{id}", reviews::pages::one),
    ("/keys", keys::pages::list),
    ("/keys/new", keys::pages::new),
    ("/emergency", emergency::pages::switches),
    ("/keys/service-accounts", keys::pages::service_accounts),
    ("/keys/service-accounts/{id}", keys::pages::service_account),
    ("/keys/service-accounts/{id}/access", access::of_service_account),
    ("/keys/{id}", keys::pages::one),
    ("/rules", rules::pages::list_of_rules),
    ("/rules/edit", rules::pages::edit),
];

static ROUTER: LazyLock<Router<View>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (path, view) in PAGES {
        let taken = router.insert(*path, *view);
        debug_assert!(taken.is_ok(), "{path} cannot be told from another page");
    }
    router
});

/// Returns the page at a path with its parameters, or the not-found page.
pub(crate) fn find(path: &str) -> (View, Params) {
    // A trailing slash is accepted, because people type addresses by hand.
    let page = path.strip_suffix('/').filter(|page| !page.is_empty()).unwrap_or(path);
    match ROUTER.at(page) {
        Ok(found) => (*found.value, found.params.iter().collect()),
        Err(_) => (not_found, Params::default()),
    }
}

fn not_found() -> Showing {
    page(|_| async { Err(Refusal::new(Kind::NotFound, t!("refused-not-found"))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_at_its_address_alone() {
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
    fn parameters_are_what_stands_in_their_place() {
        let (_, params) = find("/organizations/1/members/2");
        assert_eq!((params.get("id"), params.get("person"), params.get("seq")), ("1", "2", ""));
        assert_eq!(find("/tasks/7/").1.get("id"), "7");
        let (view, params) = find("/nowhere/1");
        let nothing: View = not_found;
        assert!(std::ptr::fn_addr_eq(view, nothing) && params.get("id").is_empty());
    }
}
