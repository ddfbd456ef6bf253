//! Runners: letting them in, what they say of themselves, sending them away.
use crate::house::{House, NOW};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{
    Actor, RunnerId,
    role::{Role, TenantRole},
};
use store::EnrolledRunner;

/// A runner that enrolled and connected.
pub async fn runner(house: &House, posture: serde_json::Value) -> Actor {
    let id = RunnerId("00000000-0000-4000-8000-00000000002a".parse().unwrap());
    let console = Actor::console(house.tenant, NOW);
    let mut write = house.store.write(&console).await.unwrap();
    let new = EnrolledRunner {
        id,
        name: "build-1".into(),
        version: "0.1.0".into(),
        capabilities: "bash".into(),
        serial: "0a1b".into(),
        public_key: vec![1],
        expires_at: NOW.after(std::time::Duration::from_hours(24)),
    };
    write.enroll_runner(new).await.unwrap();
    write.commit().await.unwrap();
    let actor = Actor::runner(house.tenant, id, "build-1", NOW);
    let mut write = house.store.write(&actor).await.unwrap();
    write.runner_connected("0.1.0", "bash", &posture, 4).await.unwrap();
    write.commit().await.unwrap();
    actor
}

#[tokio::test]
async fn s_01_an_admin_lets_a_runner_in_with_a_token_that_is_shown_once() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Owner)).await;
    house.get(Some(&ada), "/runners").await.says("No runner yet").says(r#"href="/runners/new""#);
    house.get(Some(&mel), "/runners").await.hides(r#"href="/runners/new""#);
    assert_eq!(house.get(Some(&mel), "/runners/new").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        house.act(Some(&mel), "/actions/runners/enroll", &[("name", "x")]).await.unwrap_err().kind,
        Kind::Forbidden
    );
    let Done::Secret(token) = house.act(Some(&ada), "/actions/runners/enroll", &[("name", "build-1")]).await.unwrap()
    else {
        panic!("no token")
    };
    assert!(token.starts_with("reg_"));
    let shown = house.send(Some(&ada), "/runners/new", "/actions/runners/enroll", &[("name", "build-2")]).await;
    shown.says("reg_").says("--name build-2 --token-stdin").hides("--token reg_");
    let wrong = house.send(Some(&ada), "/runners/new", "/actions/runners/enroll", &[("name", "x;y")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.hides("reg_").hides("--token-stdin");
}

#[tokio::test]
async fn a_runners_page_says_what_its_sandbox_is_made_of_and_revokes_it() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Owner)).await;
    let posture = serde_json::json!({
        "bubblewrap": "0.8.0", "seccomp": true, "user_namespaces": true, "sockets_scoped": false,
        "limiter": "cgroup v2", "limiter_note": "Exact.", "account": "nobody (65534)", "unfit": null,
    });
    let id = match runner(&house, posture).await.principal {
        domain::Principal::Runner(id) => id.to_string(),
        other => panic!("{other:?}"),
    };
    let page = format!("/runners/{id}");
    house.get(Some(&mel), "/runners").await.says("build-1").says("Connected").says("cgroup v2").says("Fit");
    let shown = house.get(Some(&mel), &page).await;
    shown.says("bubblewrap 0.8.0").says("nobody (65534)").says("0a1b").says("in 24 hours").hides("Revoke runner");
    house.get(Some(&ada), &page).await.says("Revoke runner").says("What it runs is cancelled");
    assert_eq!(
        house.act(Some(&mel), "/actions/runners/revoke", &[("id", &id)]).await.unwrap_err().kind,
        Kind::Forbidden
    );
    house.act(Some(&ada), "/actions/runners/revoke", &[("id", &id)]).await.unwrap();
    let late = house.send(Some(&ada), &page, "/actions/runners/revoke", &[("id", &id)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.says("This runner is revoked already.");
}
