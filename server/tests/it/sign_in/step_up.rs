//! Step-up authentication before sensitive actions (M-14).
use super::browser::{Browser, PASSWORD, STEP, browser, person};
use crate::test_env::{TestEnv, on_both};
use domain::role::TenantRole;
use serde_json::json;

/// Creates an admin with an authenticator app whose last proof is too old.
async fn with_stale_proof(env: &TestEnv) -> (Browser<'_>, super::browser::AuthenticatorApp) {
    person(env, &env.acme, "adam", TenantRole::Admin).await;
    let adam = browser(env);
    adam.sign_in("adam").await;
    let (app, _) = adam.enroll().await;
    env.advance_clock(env.app.config.sessions.step_up);
    (adam, app)
}

const NEW: [(&str, &str); 3] = [("name", "Nina Neumann"), ("email", "nina@acme.example"), ("tenant_role", "auditor")];

on_both! {
    async fn m_14_a_form_keeps_its_fields_during_step_up(env) {
        let (adam, app) = with_stale_proof(env).await;
        let ceremony = adam.submit("/people/new", "people/create", &NEW).await;
        assert_eq!(ceremony.status, 403, "{ceremony:?}");
        for text in ["Confirm your identity", "action=\"/actions/people/create\"", "name=\"name\" value=\"Nina Neumann\"", "name=\"_page\" value=\"/people/new\"", "proof_password"] {
            assert!(ceremony.body.contains(text), "{text} is not in {}", ceremony.body);
        }
        let with = |field: &'static str, value: &str| -> Vec<(&'static str, String)> {
            NEW.iter().map(|(n, v)| (*n, (*v).to_owned())).chain([(field, value.to_owned())]).collect()
        };
        let send = async |fields: Vec<(&'static str, String)>| {
            let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            adam.submit("/people/new", "people/create", &fields).await
        };
        let wrong = send(with("proof_password", "not the password")).await;
        assert_eq!(wrong.status, 422, "{wrong:?}");
        assert!(wrong.body.contains("Nina Neumann") && !wrong.body.contains("not the password") && wrong.body.contains("Is incorrect."));
        assert!(adam.act("people/create", &NEW).await.status == 403, "nothing was changed");
        let done = send(with("proof_code", &app.code(env, 0))).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert!(done.body.contains("/password?token="), "{done:?}");
    }

    async fn m_14_every_kind_of_proof_counts_until_it_expires(env) {
        let (adam, app) = with_stale_proof(env).await;
        let rules = [("version", "99")];
        assert_eq!(adam.act("rules/change", &rules).await.json()["kind"], "stale");
        let code = app.code(env, 0);
        assert_eq!(adam.act("factors/prove", &[("proof_code", &code), ("next", "/rules")]).await.json()["go_to"], "/rules");
        assert_eq!(adam.act("rules/change", &rules).await.status, 409, "after step-up the stale rules are detected");
        env.advance_clock(env.app.config.sessions.step_up);
        assert_eq!(adam.act("rules/change", &rules).await.json()["kind"], "stale");
        assert_eq!(adam.act("factors/prove", &[("proof_code", &code)]).await.status, 422, "an old code");
        assert_eq!(adam.act("factors/prove", &[]).await.json()["kind"], "stale", "no proof at all");
        assert_eq!(adam.act("factors/prove", &[("proof_password", ""), ("proof_code", "")]).await.status, 422);
        assert_eq!(adam.act("factors/prove", &[("proof_password", PASSWORD)]).await.status, 200);
        assert_eq!(adam.act("rules/change", &rules).await.status, 409);
    }

    async fn m_14_only_sensitive_actions_need_step_up(env) {
        let (adam, _) = with_stale_proof(env).await;
        let (mia, ops) = (env.acme.mia.to_string(), env.acme.ops.to_string());
        let id = [("id", mia.as_str())];
        for (action, fields) in [
            ("people/link", &id[..]),
            ("people/reset-factors", &id),
            ("people/tenant-role", &[id[0], ("tenant_role", "admin")]),
            ("organizations/create", &[("name", "Lab")]),
            ("organizations/set-role", &[("organization", &ops), ("person", &mia), ("role", "owner")]),
            ("organizations/remove-member", &[("organization", &ops), ("person", &mia)]),
            ("keys/create", &[("name", "k"), ("scopes[]", "tasks:read"), ("days", "1")]),
            ("runners/enroll", &[("name", "build-1")]),
            ("factors/policy", &[("who", "everybody")]),
            ("factors/recovery-codes", &[]),
            ("factors/remove-totp", &[]),
        ] {
            let response = adam.act(action, fields).await;
            assert_eq!((response.status.as_u16(), &response.json()["kind"]), (403, &"stale".into()), "{action}: {response:?}");
        }
        for (action, fields) in [
            ("tasks/submit", &[("script", "true"), ("organization", &ops)][..]),
            ("browser-sessions/end-others", &[]),
        ] {
            assert_eq!(adam.act(action, fields).await.status, 200, "{action}");
        }
    }

    async fn m_14_approving_network_access_needs_step_up_and_denying_does_not(env) {
        let (adam, _) = with_stale_proof(env).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let decide = async |response: &str| {
            env.submit(&key, json!({ "script": "echo hi", "title": "Test", "network_policy": "unrestricted" })).await;
            let mut read = env.app.store.read(&env.acme.console).await.unwrap();
            let filter = store::ApprovalFilter { state: Some(domain::approval::ApprovalState::Waiting), ..Default::default() };
            let approval = read.approvals(&filter, None, 50).await.unwrap().items.remove(0);
            let approval = read.approval(approval.id).await.unwrap();
            drop(read);
            let (id, digest) = (approval.id.to_string(), approval.request_digest.to_string());
            let page = adam.get(&format!("/approvals/{id}")).await;
            assert!(page.body.contains("value=\"approve\""), "the form is shown; the proof is requested on submit");
            let fields = [("id", id.as_str()), ("answer", response), ("reason", "reviewed"), ("request_digest", &digest)];
            adam.act("approvals/decide", &fields).await
        };
        assert_eq!(decide("deny").await.status, 200);
        assert_eq!(decide("approve").await.json()["kind"], "stale");
    }

    async fn m_14_proofs_are_throttled_and_keys_need_none(env) {
        let (adam, app) = with_stale_proof(env).await;
        for _ in 0..5 {
            assert_eq!(adam.act("factors/prove", &[("proof_code", "000000")]).await.status, 422);
        }
        assert_eq!(adam.act("factors/prove", &[("proof_password", PASSWORD)]).await.status, 429);
        env.advance_clock(STEP);
        assert_eq!(adam.act("factors/prove", &[("proof_code", &app.code(env, 0))]).await.status, 200);
        let key = env.key(&env.acme, env.acme.ada, "approvals:*,tasks:read").await;
        env.advance_clock(env.app.config.sessions.step_up);
        assert_eq!(env.get(&key, "/api/v1/approvals").await.status, 200);
    }

    /// E11: a proof that completes after sign-out does not revive the session.
    async fn m_14_a_proof_revives_no_session(env) {
        let (adam, _) = with_stale_proof(env).await;
        let (flying, leaving) = (adam.copy(), adam.copy());
        let proof = [("proof_password", PASSWORD)];
        let (_, out) = futures::join!(flying.act("factors/prove", &proof), leaving.act("login/sign-out", &[]));
        assert_eq!(out.status, 200);
        for browser in [&adam, &flying, &leaving] {
            assert!(!browser.is_signed_in().await);
        }
    }
}
