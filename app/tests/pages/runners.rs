//! Runner pages: enrollment, sandbox posture and revocation.
use crate::{
    fixture::{Fixture, NOW},
    task_forms::submit,
};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{Actor, RunnerId};
use std::time::Duration;
use store::EnrolledRunner;
use testkit::{ADAM, MIA, OLGA};

/// Registers a runner and connects it.
pub async fn runner(fixture: &Fixture, posture: serde_json::Value) -> Actor {
    let id = RunnerId("00000000-0000-4000-8000-00000000002a".parse().unwrap());
    let console = Actor::console(fixture.tenant, NOW);
    let mut write = fixture.store.write(&console).await.unwrap();
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
    let actor = Actor::runner(fixture.tenant, id, "build-1", NOW);
    let mut write = fixture.store.write(&actor).await.unwrap();
    write.runner_connected("0.1.0", "bash", &posture, 4).await.unwrap();
    write.commit().await.unwrap();
    actor
}

#[tokio::test]
async fn s_01_an_enrollment_token_is_created_by_admins_and_shown_once() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let olga = fixture.person(OLGA).await;
    fixture.get(Some(&adam), "/runners").await.shows("No runners yet").shows(r#"href="/runners/new""#);
    fixture.get(Some(&olga), "/runners").await.hides(r#"href="/runners/new""#);
    assert_eq!(fixture.get(Some(&olga), "/runners/new").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        fixture.action(Some(&olga), "/actions/runners/enroll", &[("name", "x")]).await.unwrap_err().kind,
        Kind::Forbidden
    );
    let Done::Secret(token) =
        fixture.action(Some(&adam), "/actions/runners/enroll", &[("name", "build-1")]).await.unwrap()
    else {
        panic!("no token")
    };
    assert!(token.starts_with("reg_"));
    let shown =
        fixture.submit_form(Some(&adam), "/runners/new", "/actions/runners/enroll", &[("name", "build-2")]).await;
    shown.shows("reg_").shows("--name build-2 --token-stdin").hides("--token reg_");
    let wrong = fixture.submit_form(Some(&adam), "/runners/new", "/actions/runners/enroll", &[("name", "x;y")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.hides("reg_").hides("--token-stdin");
}

#[tokio::test]
async fn a_runner_page_shows_its_sandbox_posture_and_revokes_the_runner() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let olga = fixture.person(OLGA).await;
    let posture = serde_json::json!({
        "bubblewrap": "0.8.0", "seccomp": true, "user_namespaces": true, "sockets_scoped": false,
        "limiter": "cgroup v2", "limiter_note": "Exact.", "account": "castellan (990)",
        "separate_ids": false, "ids_note": "All tasks share one kernel user ID.", "unfit": null,
    });
    let id = match runner(&fixture, posture).await.principal {
        domain::Principal::Runner(id) => id.to_string(),
        other => panic!("{other:?}"),
    };
    let page = format!("/runners/{id}");
    fixture.get(Some(&olga), "/runners").await.shows("build-1").shows("Connected").shows("cgroup v2").shows("Ready");
    let shown = fixture.get(Some(&olga), &page).await;
    shown
        .shows("bubblewrap 0.8.0")
        .shows("castellan (990)")
        .shows("All tasks share one kernel user ID.")
        .shows("0a1b")
        .shows("in 24 hours")
        .hides("Revoke runner");
    fixture.get(Some(&adam), &page).await.shows("Revoke runner").shows("Its running tasks are cancelled");
    assert_eq!(
        fixture.action(Some(&olga), "/actions/runners/revoke", &[("id", &id)]).await.unwrap_err().kind,
        Kind::Forbidden
    );
    fixture.action(Some(&adam), "/actions/runners/revoke", &[("id", &id)]).await.unwrap();
    let late = fixture.submit_form(Some(&adam), &page, "/actions/runners/revoke", &[("id", &id)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.shows("This runner is already revoked.");
}

#[tokio::test]
async fn s_11_a_task_that_no_runner_can_take_says_what_is_missing() {
    let fixture = Fixture::new().await;
    fixture.store.set_queue_expiry(Duration::from_hours(24));
    let mia = fixture.person(MIA).await;
    let path = submit(&fixture, &mia, &[("script", "echo waits")]).await;
    let shown = fixture.get(Some(&mia), &path).await;
    shown.shows("No runner is connected.").shows("The task expires").shows("in 24 hours").hides("available runner");
    let actor = runner(&fixture, serde_json::json!({})).await;
    fixture.get(Some(&mia), &path).await.shows("Waiting for an available runner.").hides("No runner is connected.");
    let mut write = fixture.store.write(&actor).await.unwrap();
    write.runner_connected("0.1.0", "kubectl", &serde_json::json!({}), 4).await.unwrap();
    write.commit().await.unwrap();
    fixture.get(Some(&mia), &path).await.shows("No connected runner has the tool bash.");
}

#[tokio::test]
async fn s_12_a_stopped_runner_is_shown_as_stopped() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let actor = runner(&fixture, serde_json::json!({})).await;
    for (stopped, label) in [(false, "Disconnected"), (true, "Stopped")] {
        let mut write = fixture.store.write(&actor).await.unwrap();
        write.runner_disconnected(stopped).await.unwrap();
        write.commit().await.unwrap();
        fixture.get(Some(&adam), "/runners").await.shows(label);
    }
}
