//! Search and the organization switcher of the page frame.
use crate::{fixture::Fixture, task_forms::submit};
use axum::http::StatusCode;
use domain::{
    policy::{CreateOrganization, SetMembership},
    role::Role,
};
use testkit::{ADAM, MIA, SAM};

const NOTHING: &str = "Nothing that you have access to matches this search.";

#[tokio::test]
async fn search_returns_only_accessible_results() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let sam = fixture.person(SAM).await;
    let adam = fixture.person(ADAM).await;
    let task = submit(&fixture, &mia, &[("script", "true"), ("title", "Rotate <b>keys")]).await;
    let shown = fixture.get(Some(&mia), "/search?q=ROTATE").await;
    shown.shows(&format!(r#"href="{task}""#)).shows("Rotate &lt;b&gt;keys").shows("Queued · mia").hides(NOTHING);
    let id = task.rsplit('/').next().unwrap();
    fixture.get(Some(&mia), &format!("/search?q={id}")).await.shows(&format!(r#"href="{task}""#));
    for query in ["ROTATE", id] {
        let nothing = fixture.get(Some(&sam), &format!("/search?q={query}")).await;
        nothing.shows(NOTHING).hides(&format!(r#"href="{task}""#));
        assert_eq!(nothing.status, StatusCode::OK);
    }
    fixture.get(Some(&adam), "/search?q=mia%40").await.shows("mia@acme.example · Person");
    fixture.get(Some(&mia), "/search?q=adam%40").await.shows(NOTHING);
    fixture.get(Some(&mia), "/search?q=operat").await.shows(&format!("/organizations/{}", fixture.ops));
    fixture.get(Some(&sam), "/search?q=operat").await.hides("/organizations/0");
    fixture.get(Some(&mia), "/search?q=audit").await.shows(NOTHING);
    fixture.get(Some(&adam), "/search?q=audit").await.hides(NOTHING);
    crate::runners::runner(&fixture, serde_json::json!({})).await;
    fixture.get(Some(&mia), "/search?q=BUILD-").await.shows("/runners/").shows("build-1").shows("Connected");
    let nothing = fixture.get(Some(&mia), "/search?q=%00%E2%80%8B").await;
    nothing.hides(NOTHING).hides("newest 10");
}

#[tokio::test]
async fn members_of_several_organizations_can_switch_between_them() {
    let fixture = Fixture::new().await;
    let mut mia = fixture.person(MIA).await;
    fixture.get(Some(&mia), "/tasks").await.hides("All organizations");
    let console = domain::Actor::console(fixture.tenant, crate::fixture::NOW);
    let mut write = fixture.store.write(&console).await.unwrap();
    let made = console.may(CreateOrganization { name: "Research".into() }).unwrap();
    let lab = write.create_organization(made).await.unwrap();
    let place = SetMembership { organization: lab, person: mia.person().unwrap(), role: Role::Viewer };
    write.set_membership(console.may(place).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    mia.roles.insert(lab, Role::Viewer);
    let all = fixture.get(Some(&mia), "/approvals?state=all&after=00000000-0000-0000-0000-000000000000").await;
    all.shows("All organizations").shows(&format!(r#"href="/approvals?state=all&amp;organization={lab}""#));
    let narrowed = fixture.get(Some(&mia), &format!("/tasks?organization={lab}")).await;
    narrowed.shows(&format!(r#"href="/tasks?organization={lab}" aria-current="true""#)).shows(r#"href="/tasks""#);
}
