//! Forms that are submitted twice: what the second submission gets of the first one's response.
use super::browser::{Browser, browser, person};
use crate::{
    html,
    test_env::{Response, TestEnv, on_both},
};
use domain::{
    PersonId,
    policy::SetMembership,
    role::{Role, TenantRole},
};
use http::header;
use std::time::Duration;

/// Returns an admin and the browser in which they are signed in.
async fn admin(env: &TestEnv) -> (PersonId, Browser<'_>) {
    let (admin, browser) = (person(env, &env.acme, "adam", TenantRole::Admin).await, browser(env));
    browser.sign_in("adam").await;
    browser.enroll().await;
    (admin, browser)
}

/// Submits a form whose response shows a secret.
async fn create_person(browser: &Browser<'_>) -> Response {
    let fields = [
        ("_once", "the-value-of-this-page"),
        ("name", "Nina"),
        ("email", "nina@acme.example"),
        ("tenant_role", "person"),
    ];
    browser.submit("/people/new", "people/create", &fields).await
}

fn link(response: &Response) -> &str {
    assert_eq!(response.status, 200, "{response:?}");
    html::text_between(&response.body, "<p class=\"secret-value\"><code>", "<")
}

on_both! {
    async fn case_bc34_a_repeated_form_gets_a_secret_again_but_not_after_sign_out(env) {
        let (_, adam) = admin(env).await;
        let (copy, first) = (adam.copy(), create_person(&adam).await);
        let again = create_person(&copy).await;
        assert_eq!(link(&first), link(&again), "processed once");
        let copy = adam.copy();
        assert_eq!(adam.act("login/sign-out", &[]).await.status, 200);
        for browser in [adam, copy] {
            let late = create_person(&browser).await;
            assert!(late.status != 200 && !late.body.contains(link(&first)), "{late:?}");
        }
    }

    /// A session gets another token when the rights of its person change. The token that the browser sent stops working soon.
    async fn case_bc34_a_repeated_form_gets_a_rotated_token_too(env) {
        let (person, adam) = admin(env).await;
        let (console, organization) = (&env.acme.console, env.acme.ops);
        let change = SetMembership { organization, person, role: Role::Owner };
        env.change(console, async |write| write.set_membership(console.may(change)?).await).await;
        let copy = adam.copy();
        let [first, again] = [create_person(&adam).await, create_person(&copy).await];
        assert_eq!(link(&first), link(&again));
        let cookies = |response: &Response| {
            let lines = response.headers.get_all(header::SET_COOKIE).iter();
            lines.map(|line| line.to_str().unwrap().to_owned()).filter(|line| line.starts_with("castellan=")).collect::<Vec<_>>()
        };
        assert!(!cookies(&first).is_empty(), "{first:?}");
        assert_eq!(cookies(&again)[..cookies(&first).len()], cookies(&first));
        env.advance_clock(Duration::from_mins(1));
        assert!(copy.is_signed_in().await);
    }
}
