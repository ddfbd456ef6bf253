//! Search, and what stands in the frame of every page.
use crate::{house::House, submitting::submit};
use axum::http::StatusCode;
use domain::{
    policy::{CreateOrganization, SetMembership},
    role::{Role, TenantRole},
};

const NOTHING: &str = "Nothing that you may see has this in its name.";

#[tokio::test]
async fn search_finds_what_one_may_see_and_nothing_else() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let sam = house.person("sam", TenantRole::Person, None).await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let task = submit(&house, &mel, &[("script", "true"), ("title", "Rotate <b>keys")]).await;
    let shown = house.get(Some(&mel), "/search?q=ROTATE").await;
    shown.says(&format!(r#"href="{task}""#)).says("Rotate &lt;b&gt;keys").says("Queued · mel").hides(NOTHING);
    let id = task.rsplit('/').next().unwrap();
    house.get(Some(&mel), &format!("/search?q={id}")).await.says(&format!(r#"href="{task}""#));
    for query in ["ROTATE", id] {
        let nothing = house.get(Some(&sam), &format!("/search?q={query}")).await;
        nothing.says(NOTHING).hides(&format!(r#"href="{task}""#));
        assert_eq!(nothing.status, StatusCode::OK);
    }
    house.get(Some(&ada), "/search?q=mel%40").await.says("mel@example.org · Person");
    house.get(Some(&mel), "/search?q=ada%40").await.says(NOTHING);
    house.get(Some(&mel), "/search?q=operat").await.says(&format!("/organizations/{}", house.ops));
    house.get(Some(&sam), "/search?q=operat").await.hides("/organizations/0");
    house.get(Some(&mel), "/search?q=audit").await.says(NOTHING);
    house.get(Some(&ada), "/search?q=audit").await.hides(NOTHING);
    crate::running::runner(&house, serde_json::json!({})).await;
    house.get(Some(&mel), "/search?q=BUILD-").await.says("/runners/").says("build-1").says("Connected");
    let nothing = house.get(Some(&mel), "/search?q=%00%E2%80%8B").await;
    nothing.hides(NOTHING).hides("newest 10");
}

#[tokio::test]
async fn who_is_in_several_organizations_switches_between_them() {
    let house = House::new().await;
    let mut mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    house.get(Some(&mel), "/tasks").await.hides("All organizations");
    let console = domain::Actor::console(house.tenant, crate::house::NOW);
    let mut write = house.store.write(&console).await.unwrap();
    let made = console.may(CreateOrganization { name: "Research".into() }).unwrap();
    let lab = write.create_organization(made).await.unwrap();
    let place = SetMembership { organization: lab, person: mel.person().unwrap(), role: Role::Viewer };
    write.set_membership(console.may(place).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    mel.roles.insert(lab, Role::Viewer);
    let all = house.get(Some(&mel), "/approvals?state=all&after=00000000-0000-0000-0000-000000000000").await;
    all.says("All organizations").says(&format!(r#"href="/approvals?state=all&amp;organization={lab}""#));
    let narrowed = house.get(Some(&mel), &format!("/tasks?organization={lab}")).await;
    narrowed.says(&format!(r#"href="/tasks?organization={lab}" aria-current="true""#)).says(r#"href="/tasks""#);
}
