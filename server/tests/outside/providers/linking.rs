//! Linking and unlinking of providers by the account's owner.
use super::{
    fake_provider::{Behavior, Provider},
    flow::flow_cookie,
    with_providers,
};
use crate::{
    client::{Credential, Response},
    html,
    people::Browser,
    program::Program,
};
use serde_json::json;
use testkit::MAX;

const OWN: &str = "/account/sign-in";

fn identities(page: &Response) -> Vec<String> {
    html::forms(&page.body, "account/unlink").into_iter().map(|form| html::field(form, "id")).collect()
}

impl Program {
    async fn own_page(&self, browser: &Browser) -> Response {
        self.get(Credential::Browser(browser), OWN).await.is(200)
    }
}

/// linking and unlinking affect only the owner's account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_an_account_is_linked_by_its_owner_and_unlinked_again() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", "").await;
    let (ada, max) = (program.sign_in("ada@acme.example").await, {
        program.person(MAX, "acme");
        program.sign_in("max@acme.example").await
    });
    let nobody = program.start_provider_sign_in(Credential::Anonymous, "/account/link/acme").await.is(303);
    assert!(nobody.header("location").starts_with("/sign-in") && flow_cookie(&nobody).is_none());
    let foreign = program.request(Credential::Anonymous, reqwest::Method::GET, "/account/link/acme");
    let foreign = foreign.header("cookie", ada.cookie_line()).header("sec-fetch-site", "cross-site");
    assert!(
        flow_cookie(&Response::of(foreign).await.is(409)).is_none(),
        "a page of another site cannot link an identity"
    );

    // Ada's flow cannot be completed in Max's browser.
    let redirect = program.redirect_to_provider(Credential::Browser(&ada), "/account/link/acme").await;
    let asks_again = redirect.to.query_pairs().any(|(name, value)| name == "prompt" && value == "login");
    assert!(asks_again, "who links chooses the account: {}", redirect.to);
    let query = provider.consent(&redirect.to);
    program.provider_callback("acme", &[&redirect.flow_cookie, &max.cookie_line()], &query).await.is(409);
    // The flow cannot be completed after Ada has signed out.
    let redirect = program.redirect_to_provider(Credential::Browser(&ada), "/account/link/acme").await;
    program.provider_callback("acme", &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await.is(409);
    assert!(program.own_page(&ada).await.body.contains("No linked accounts"));

    program.link_provider(&ada, &provider, "acme").await.is(303);
    let page = program.own_page(&ada).await;
    assert!(page.body.contains("acme ID") && page.body.contains("nia@acme.example"), "{page}");
    assert!(program.own_page(&max).await.body.contains("No linked accounts"));
    let taken = program.link_provider(&max, &provider, "acme").await.is(409);
    assert!(taken.body.contains("already linked to an account"), "{taken}");

    let mine = identities(&page);
    assert_eq!(mine.len(), 1);
    program.act(Credential::Browser(&max), "account/unlink", &[("id", &mine[0])]).await.is(404);
    program.act(Credential::Browser(&ada), "account/unlink", &[("id", &mine[0])]).await.is(200);
    assert!(program.own_page(&ada).await.body.contains("No linked accounts"));
    let response = program.complete_provider_sign_in(&provider, "acme").await.is(403);
    assert!(response.cookie().is_none(), "an unlinked identity cannot sign in");
}

/// the last way to sign in cannot be removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_the_last_sign_in_method_cannot_be_removed() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let second = Provider::start().await;
    let more = "new_accounts = \"anybody\"";
    with_providers(&mut program, &[("acme", &provider), ("bolt", &second)], "", more).await;
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    let mine = identities(&program.own_page(&nia).await);
    let last = program.act(Credential::Browser(&nia), "account/unlink", &[("id", &mine[0])]).await.is(409);
    assert!(last.body.contains("your only sign-in method"), "{last}");
    second.behave(Behavior { claims: json!({ "sub": "9" }), ..Behavior::default() });
    program.link_provider(&nia, &second, "bolt").await.is(303);
    program.act(Credential::Browser(&nia), "account/unlink", &[("id", &mine[0])]).await.is(200);
}
