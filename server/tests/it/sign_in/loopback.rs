//! Identity providers on the server's own machine are refused, so that admins cannot probe it.
use super::browser::{browser, person};
use crate::test_env::{TestEnv, on_both};
use domain::{
    ProviderId,
    policy::SetProvider,
    provider::{Provider, ProviderForm},
    role::TenantRole,
};
use std::{net::TcpListener, time::Duration};

/// Stores an enabled provider with this issuer, as if it had been saved before the rule existed.
async fn stored_provider(env: &TestEnv, issuer: &str) -> ProviderId {
    let (console, id) = (&env.acme.console, ProviderId(store::new_id()));
    let form = ProviderForm {
        kind: "oidc".into(),
        client_id: "us".into(),
        issuer: issuer.into(),
        label: "Inside".into(),
        ..ProviderForm::default()
    };
    let provider = Provider { enabled: true, ..form.check().unwrap() };
    let secret = env.app.store.seal_secret(env.acme.id, id, "correct horse").await.unwrap();
    let mut admin = console.clone();
    admin.tenant_role = TenantRole::Admin;
    env.change(&admin, async |write| {
        write.set_provider(admin.may(SetProvider { id, provider, new_secret: true })?, Some(secret)).await
    })
    .await;
    id
}

on_both! {
    async fn a_02_settings_refuse_providers_on_the_servers_own_machine(env) {
        person(env, &env.acme, "adam", TenantRole::Admin).await;
        let adam = browser(env);
        adam.sign_in("adam").await;
        adam.enroll().await;
        let inside = TcpListener::bind("127.0.0.1:0").unwrap();
        inside.set_nonblocking(true).unwrap();
        let port = inside.local_addr().unwrap().port();
        for issuer in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}"), format!("https://localhost:{port}"), format!("http://[::1]:{port}")] {
            let fields = [("kind", "oidc"), ("label", "Inside"), ("issuer", &*issuer), ("client_id", "us"), ("client_secret", "correct-horse")];
            let refused = adam.act("providers/save", &fields).await;
            assert_eq!(refused.status, 422, "{refused:?}");
            assert_eq!(refused.json()["fields"][0]["field"], "issuer", "{refused:?}");
        }
        let id = stored_provider(env, &format!("http://127.0.0.1:{port}")).await.to_string();
        let tried = adam.act("providers/test", &[("id", &id)]).await;
        assert_eq!(tried.status, 422, "{tried:?}");
        assert!(tried.body.contains("this address is not allowed"), "{tried:?}");
        let nobody = browser(env);
        assert!(!nobody.get("/sign-in").await.body.contains(&id), "a stored provider is not offered either");
        assert_eq!(nobody.status(&format!("/sign-in/with/{id}")).await, 404);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(inside.accept().is_err(), "no connection was made");
    }
}
