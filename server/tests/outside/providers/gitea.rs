//! Gitea and Forgejo, whose OpenID Connect tokens have no reliable `auth_time` (A-02, M-14).
use super::{
    DOMAIN, configure,
    fake_provider::{Behavior, Provider, in_seconds},
    flow::flow_cookie,
};
use crate::{
    client::Credential,
    program::{Program, on_both},
};
use serde_json::json;

async fn deployment(program: &mut Program, kind: &str) -> Provider {
    let provider = Provider::start().await;
    configure(program, kind, &[("git", &provider)], "", DOMAIN);
    program.tenant("acme");
    program.start().await;
    provider
}

/// Returns the `prompt` values of the authorization request, and whether it contains `max_age`.
async fn asks(program: &Program, who: Credential<'_>, path: &str) -> (Vec<String>, bool) {
    let to = program.redirect_to_provider(who, path).await.to;
    let prompts =
        to.query_pairs().filter(|(name, _)| name == "prompt").map(|(_, prompt)| prompt.into_owned()).collect();
    (prompts, to.query_pairs().any(|(name, _)| name == "max_age"))
}

on_both! {
    /// sign-in and step-up accept any `auth_time` from Gitea.
    async fn a_02_sign_in_with_gitea(program) {
        let provider = deployment(program, "gitea").await;
        let when = |auth_time| Behavior { claims: json!({ "auth_time": auth_time }), ..Behavior::default() };
        provider.behave(when(json!(in_seconds(-86_400))));
        let nia = program.sign_in_with_provider(&provider, "git").await;
        assert!(program.get(Credential::Browser(&nia), "/account/sign-in").await.is(200).body.contains("nia@acme.example"));
        let link = program.start_provider_sign_in(Credential::Browser(&nia), "/account/link/git").await.is(303);
        assert!(flow_cookie(&link).is_some(), "a sign-in is a fresh proof");

        let login = || vec!["login".to_owned()];
        assert_eq!(asks(program, Credential::Anonymous, "/sign-in/with/git").await, (vec![], false));
        assert_eq!(asks(program, Credential::Browser(&nia), "/sign-in/with/git").await, (login(), false));
        assert_eq!(asks(program, Credential::Browser(&nia), "/account/link/git").await, (login(), false));

        for auth_time in [json!(null), json!(in_seconds(-86_400))] {
            provider.behave(when(auth_time.clone()));
            let redirect = program.redirect_to_provider(Credential::Browser(&nia), "/sign-in/with/git?next=%2Fkeys").await;
            let query = provider.consent(&redirect.to);
            let again = program.provider_callback("git", &[&redirect.flow_cookie, &nia.cookie_line()], &query).await.is(303);
            assert_eq!(again.header("location"), "/keys", "{auth_time}");
            nia.keep(again.cookie().expect("a fresh session"));
        }
        program.act(Credential::Browser(&nia), "login/sign-out", &[]).await.is(200);
        assert!(!program.is_signed_in(&nia.cookie()).await);
    }
}

/// M-14: the same tokens are not a fresh proof from a generic issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_14_generic_issuers_do_not_get_the_exception_for_gitea() {
    let mut program = Program::sqlite();
    let provider = deployment(&mut program, "oidc").await;
    provider.behave(Behavior { claims: json!({ "auth_time": in_seconds(-86_400) }), ..Behavior::default() });
    let nia = program.sign_in_with_provider(&provider, "git").await;
    assert!(
        flow_cookie(&program.start_provider_sign_in(Credential::Browser(&nia), "/account/link/git").await.is(303))
            .is_none()
    );
    assert_eq!(asks(&program, Credential::Browser(&nia), "/sign-in/with/git").await, (vec!["login".to_owned()], true));
    let redirect = program.redirect_to_provider(Credential::Browser(&nia), "/sign-in/with/git").await;
    let query = provider.consent(&redirect.to);
    program.provider_callback("git", &[&redirect.flow_cookie, &nia.cookie_line()], &query).await.is(401);
}
