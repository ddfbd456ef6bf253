//! Admission of people without an account by a provider: only with verified addresses, and never into another account.
use super::{
    DOMAIN,
    fake_provider::{Behavior, Provider, Signing, in_seconds},
    with_providers,
};
use crate::{
    client::{Credential, Response},
    people::Browser,
    program::{Program, on_both},
};
use serde_json::{Value, json};
use testkit::{ADAM, MIA};

fn claims(claims: Value) -> Behavior {
    Behavior { claims, ..Behavior::default() }
}

impl Program {
    /// Returns whether the signed-in person has this address.
    async fn is_named(&self, browser: &Browser, email: &str) -> bool {
        self.get(Credential::Browser(browser), "/browser-sessions").await.is(200).body.contains(&format!(">{email}<"))
    }

    async fn is_admin(&self, browser: &Browser) -> bool {
        self.get(Credential::Browser(browser), "/settings/authentication/new").await.status == 200
    }
}

/// D-03: signing in with a provider from the invitation's page leads back to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_03_signing_in_with_a_provider_returns_to_the_invitation() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    provider.behave(claims(json!({ "email": "nia@acme.example" })));
    let page = program.get(Credential::Anonymous, "/sign-in?next=%2Finvitation").await.is(200);
    let way = "/sign-in/with/acme?next=%2Finvitation";
    assert!(page.body.contains(&format!("href=\"{way}\"")), "{page}");
    let redirect = program.redirect_to_provider(Credential::Anonymous, way).await;
    let response =
        program.provider_callback("acme", &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await.is(303);
    assert_eq!(response.header("location"), "/invitation");
}

#[track_caller]
fn assert_refused(response: Response, status: u16, says: &str) {
    assert!(
        response.status == status && response.cookie().is_none() && response.body.contains(says),
        "{says}: {response}"
    );
}

/// an address counts only if `email_verified` is true, as a boolean or as that word; domains are compared as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_new_accounts_need_a_verified_address_of_an_allowed_domain() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    for unverified in [json!(false), json!(null)] {
        provider.behave(claims(json!({ "email_verified": unverified })));
        assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 403, "not verified");
    }
    for no_boolean in [json!(1), json!("false"), json!("yes"), json!(["true"])] {
        provider.behave(claims(json!({ "email_verified": no_boolean })));
        assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 403, "not verified");
    }
    for email in [
        "nia@sub.acme.example",
        "nia@acme.example.evil.example",
        "nia@notacme.example",
        "nia@acme.example@evil.example",
    ] {
        provider.behave(claims(json!({ "email": email })));
        assert_refused(
            program.complete_provider_sign_in(&provider, "acme").await,
            403,
            "its domain is not allowed here",
        );
    }
    provider.behave(claims(json!({ "email": "Nia@ACME.example" })));
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_named(&nia, "nia@acme.example").await);
    // From then on the subject identifies her, whatever address of the domain the provider sends.
    provider.behave(claims(json!({ "email": "nia.new@acme.example" })));
    let again = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_named(&again, "nia@acme.example").await);
    provider.behave(claims(json!({ "email": "nia@elsewhere.example" })));
    assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 403, "its domain is not allowed here");
    // Some providers send the address only in the userinfo response, whose subject must match.
    let claims_from_userinfo = json!({ "email": "noa@acme.example", "email_verified": true });
    let quiet = json!({ "sub": "2", "email": null, "email_verified": null });
    provider.behave(Behavior { claims: quiet.clone(), userinfo: claims_from_userinfo.clone(), ..Behavior::default() });
    let response = program.complete_provider_sign_in(&provider, "acme").await;
    assert!(response.status == 401 && response.cookie().is_none(), "the userinfo of another: {response}");
    let mut own = claims_from_userinfo;
    own["sub"] = json!("2");
    provider.behave(Behavior { claims: quiet, userinfo: own, ..Behavior::default() });
    let noa = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_named(&noa, "noa@acme.example").await);
}

/// a signed userinfo response (OpenID Connect Core, 5.3.2) is verified as the ID token is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_signed_userinfo_is_accepted_and_forged_userinfo_is_refused() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", "new_accounts = \"anybody\"").await;
    let signed = |signing, changes: Value| {
        let mut userinfo = json!({ "email": "nia@acme.example", "email_verified": true });
        userinfo.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let claims = json!({ "email": null, "email_verified": null });
        provider.behave(Behavior { claims, userinfo, userinfo_signing: Some(signing), ..Behavior::default() });
    };
    for signing in [Signing::ForeignKey, Signing::Hs256, Signing::PublicKey, Signing::None] {
        signed(signing, json!({}));
        let response = program.complete_provider_sign_in(&provider, "acme").await;
        assert!(response.status == 401 && response.cookie().is_none(), "{signing:?}: {response}");
    }
    for wrong in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": null }),
        json!({ "aud": "another" }),
        json!({ "aud": ["castellan", "another"] }),
        json!({ "aud": null }),
        json!({ "sub": "2" }),
        json!({ "sub": null }),
        json!({ "exp": in_seconds(-10) }),
        json!({ "exp": "later" }),
    ] {
        signed(Signing::Rs256, wrong.clone());
        let response = program.complete_provider_sign_in(&provider, "acme").await;
        assert!(response.status == 401 && response.cookie().is_none(), "{wrong}: {response}");
    }
    for signing in [Signing::Rs256, Signing::Es256] {
        signed(signing, json!({ "exp": in_seconds(60) }));
        let nia = program.sign_in_with_provider(&provider, "acme").await;
        assert!(program.is_named(&nia, "nia@acme.example").await, "{signing:?}");
    }
}

/// an account is never found by its address, and a subject is unique only per issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_accounts_are_identified_by_issuer_and_subject_only() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let second = Provider::start().await;
    with_providers(&mut program, &[("acme", &provider), ("bolt", &second)], "", "new_accounts = \"anybody\"").await;
    provider.behave(claims(json!({ "email": "ada@acme.example", "sub": "ada" })));
    assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 409, "not linked by address alone");
    provider.behave(Behavior::default());
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    provider.behave(claims(json!({ "sub": "2" })));
    assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 409, "not linked by address alone");
    second.behave(claims(json!({ "email": "other@acme.example" })));
    let other = program.sign_in_with_provider(&second, "bolt").await;
    assert!(
        program.is_named(&other, "other@acme.example").await,
        "the same subject at another issuer is another person"
    );
    assert!(program.is_named(&nia, "nia@acme.example").await);
    second.behave(Behavior::default());
    let again = program.sign_in_with_provider(&second, "bolt").await;
    assert!(program.is_named(&again, "other@acme.example").await, "the subject identifies her");
}

/// K-09: a provider does not bypass a lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_09_a_locked_person_cannot_sign_in_with_a_provider() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", "new_accounts = \"anybody\"").await;
    program.sign_in_with_provider(&provider, "acme").await;
    program.cli(&["admin", "lock-user", "--user", "nia@acme.example"], "");
    assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 403, "Your account is locked");
    program.cli(&["admin", "unlock-user", "--user", "nia@acme.example"], "");
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_named(&nia, "nia@acme.example").await);
}

on_both! {
    /// M-11: a provider brings an address of another tenant like a new one.
    async fn m_11_a_provider_does_not_reveal_accounts_of_another_tenant(program) {
        let provider = Provider::start().await;
        with_providers(program, &[("acme", &provider)], "", "new_accounts = \"anybody\"").await;
        program.tenant("bolt");
        program.person_named("bob", MIA, "bolt");
        let adam = program.person(ADAM, "acme");
        let behave = |email: &str| provider.behave(claims(json!({ "sub": email, "email": email })));
        let refusal = "An account with your email address already exists";
        let newest = async |count| {
            let events = program.get(Credential::Key(&adam.key), "/api/v1/audit").await.is(200).json();
            events["items"].as_array().unwrap()[..count].to_vec()
        };
        behave("adam@acme.example");
        assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 409, refusal);
        let recorded = newest(1).await;
        assert_eq!(recorded[0]["detail"]["reason"], "the address belongs to an existing account", "{recorded:?}");
        let mut seen = vec![];
        for email in ["nora@bolt.example", "bob@bolt.example"] {
            behave(email);
            let response = program.complete_provider_sign_in(&provider, "acme").await.is(303);
            let names: Vec<_> = response.headers.keys().map(ToString::to_string).collect();
            let came = Browser::with(&response.cookie().unwrap());
            assert!(program.is_named(&came, email).await);
            let events: Vec<_> = newest(3).await.iter().map(|event| event["action"].clone()).collect();
            seen.push((names, response.header("location").to_owned(), response.body, events));
        }
        assert_eq!(seen[0], seen[1]);
    }
}

/// without new accounts, only people who linked the provider can sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_new_accounts_are_refused_by_default() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", "").await;
    assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 403, "No account here is linked");
    let ada = program.sign_in("ada@acme.example").await;
    assert_eq!(program.link_provider(&ada, &provider, "acme").await.is(303).header("location"), "/account/sign-in");
    let again = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_named(&again, "ada@acme.example").await);
}

/// a listed person becomes an admin only with a verified address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_03_only_verified_addresses_make_admins() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let auth = "admin_emails = [\"Nia@acme.example\"]";
    with_providers(&mut program, &[("acme", &provider)], auth, "new_accounts = \"anybody\"").await;
    provider.behave(claims(json!({ "sub": "2", "email": "noa@acme.example" })));
    let noa = program.sign_in_with_provider(&provider, "acme").await;
    assert!(!program.is_admin(&noa).await);
    provider.behave(claims(json!({ "sub": "2", "email_verified": false })));
    let noa = program.sign_in_with_provider(&provider, "acme").await;
    assert!(!program.is_admin(&noa).await, "the address is unverified");
    provider.behave(Behavior::default());
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    assert!(program.is_admin(&nia).await);
}

/// roles are synchronized with groups at each sign-in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_roles_follow_groups_at_each_sign_in() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let more = "new_accounts = \"anybody\"\ngroups_claim = \"groups\"\n\
                groups = [\"ops = acme : member\", \"leads = acme : approver\", \"ops = nowhere : owner\"]";
    with_providers(&mut program, &[("acme", &provider)], "", more).await;
    let role = async |groups: Value| {
        provider.behave(claims(json!({ "groups": groups })));
        let nia = program.sign_in_with_provider(&provider, "acme").await;
        let page = program.get(Credential::Browser(&nia), "/organizations").await.is(200).body;
        ["Member", "Approver"].into_iter().find(|role| page.contains(&format!(">{role}<")))
    };
    assert_eq!(role(json!(["ops"])).await, Some("Member"));
    assert_eq!(role(json!(["ops", "leads", "others"])).await, Some("Approver"), "the highest counts");
    for nothing in [json!([]), json!(["OPS"]), json!("OPS")] {
        assert_eq!(role(nothing.clone()).await, None, "{nothing}");
    }
    assert_eq!(role(json!("ops")).await, Some("Member"), "one text is a list of one");
    assert_eq!(role(json!(["leads"])).await, Some("Approver"));

    program.cli(&["admin", "rename-organization", "--organization", "acme", "--name", "Acme & sons"], "");
    assert_eq!(role(json!(["leads"])).await, Some("Approver"), "a rule finds a renamed organization");
    let page = program
        .get(Credential::Browser(&program.sign_in("ada@acme.example").await), "/settings/authentication")
        .await
        .is(200)
        .body;
    assert!(page.contains("now named Acme &amp; sons") && page.contains("ops = nowhere : owner"), "{page}");
}

/// BC-31: providers leave out the groups of a person who has too many. Roles then stay, and the log and the audit log say why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc31_without_a_list_of_groups_roles_stay() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let more = "new_accounts = \"anybody\"\ngroups_claim = \"groups\"\ngroups = [\"ops = acme : approver\"]";
    with_providers(&mut program, &[("acme", &provider)], "", more).await;
    let is_approver = async |changed: Value| {
        provider.behave(claims(changed));
        let nia = program.sign_in_with_provider(&provider, "acme").await;
        program.get(Credential::Browser(&nia), "/organizations").await.is(200).body.contains(">Approver<")
    };
    assert!(is_approver(json!({ "groups": ["ops"] })).await);
    for missing in [
        json!({ "groups": null }),
        json!({ "groups": { "ops": true } }),
        json!({ "groups": [["ops"]] }),
        json!({ "groups": null, "hasgroups": true }),
        json!({ "groups": null, "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://id.example" } } }),
    ] {
        assert!(is_approver(missing.clone()).await, "{missing}");
        let ada = program.sign_in("ada@acme.example").await;
        let page = program.get(Credential::Browser(&ada), "/audit?action=person.follow_provider").await.is(200).body;
        assert!(page.contains("refused"), "{missing}");
    }
    assert!(program.server_log().contains("the provider sent no list of groups"));
    assert!(!is_approver(json!({ "groups": [] })).await);
}

on_both! {
    /// K-09: in a frozen tenant people can sign in and read; group changes and new accounts are postponed.
    async fn k_09_sign_in_with_a_provider_works_while_the_tenant_is_frozen(program) {
        let provider = Provider::start().await;
        let more = "new_accounts = \"anybody\"\ngroups_claim = \"groups\"\ngroups = [\"ops = acme : member\", \"leads = acme : approver\"]";
        with_providers(program, &[("acme", &provider)], "", more).await;
        let comes = async |groups: Value| {
            provider.behave(claims(json!({ "groups": groups })));
            let nia = program.sign_in_with_provider(&provider, "acme").await;
            let page = program.get(Credential::Browser(&nia), "/organizations").await.is(200).body;
            ["Member", "Approver"].into_iter().find(|role| page.contains(&format!(">{role}<")))
        };
        assert_eq!(comes(json!(["ops"])).await, Some("Member"));
        program.cli(&["admin", "freeze"], "");
        assert_eq!(comes(json!(["leads"])).await, Some("Member"), "group changes are postponed");
        provider.behave(claims(json!({ "sub": "2", "email": "noa@acme.example", "groups": [] })));
        assert_refused(program.complete_provider_sign_in(&provider, "acme").await, 409, "until an admin ends the freeze");
        program.cli(&["admin", "unfreeze"], "");
        assert_eq!(comes(json!(["leads"])).await, Some("Approver"), "postponed group changes are applied");
        provider.behave(claims(json!({ "sub": "2", "email": "noa@acme.example", "groups": [] })));
        let noa = program.sign_in_with_provider(&provider, "acme").await;
        assert!(program.is_named(&noa, "noa@acme.example").await);
    }
}
