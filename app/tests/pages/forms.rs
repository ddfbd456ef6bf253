//! What people do.
use crate::house::House;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::role::{Role, TenantRole};

#[tokio::test]
async fn a_form_with_an_error_keeps_what_was_typed_and_says_what_is_wrong_where() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let fields = [
        ("name", "Mel"),
        ("email", "no address"),
        ("tenant_role", "auditor"),
        ("organization", ""),
        ("role", "member"),
    ];
    let shown = house.send(Some(&ada), "/people/new", "/actions/people/create", &fields).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown.says("One thing has to be put right").says(r##"href="#actions-people-create-email""##);
    shown.says(r#"value="Mel""#).says(r#"value="no address""#).says(r#"aria-invalid="true""#);
    shown.says(r#"<option value="auditor" selected"#);
}

#[tokio::test]
async fn m_01_a_key_is_shown_once_and_can_be_revoked_at_once() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let fields = [("name", "Build server"), ("scopes[]", "tasks:read"), ("scopes[]", "approvals:read"), ("days", "90")];
    let shown = house.send(Some(&mel), "/keys/new", "/actions/keys/create", &fields).await;
    shown.says("Your new key").says("mk_");
    let list = house.get(Some(&mel), "/keys").await;
    list.says("Build server").says("tasks:read").says("approvals:read").hides("tasks:submit").says("in 90 days");
    let key = house.store.read(&mel).await.unwrap().keys().await.unwrap().remove(0).id.to_string();
    assert_eq!(house.act(Some(&mel), "/actions/keys/revoke", &[("id", &key)]).await.unwrap(), Done::Stay);
    house.get(Some(&mel), "/keys").await.says("revoked").hides("/actions/keys/revoke");
    let again = house.act(Some(&mel), "/actions/keys/revoke", &[("id", &key)]).await.unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
}

#[tokio::test]
async fn a_key_without_scopes_is_refused() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let shown = house.send(Some(&mel), "/keys/new", "/actions/keys/create", &[("name", "CI"), ("days", "0")]).await;
    shown.says(r##"href="#actions-keys-create-scopes""##).says("Must name at least one scope.");
}

#[tokio::test]
async fn a_person_is_made_with_a_link_and_put_into_an_organization() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let ops = house.ops.to_string();
    let fields = [
        ("name", "Mel"),
        ("email", "mel@example.org"),
        ("tenant_role", "person"),
        ("organization", &ops),
        ("role", "approver"),
    ];
    let shown = house.send(Some(&ada), "/people/new", "/actions/people/create", &fields).await;
    shown.says("/password?token=").says("72 hours");
    house.get(Some(&ada), &format!("/organizations/{ops}")).await.says("mel@example.org");
    let again = house.act(Some(&ada), "/actions/people/create", &fields).await.unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
}

#[tokio::test]
async fn who_may_not_is_refused_whatever_the_pages_offer() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Approver)).await;
    let (ops, me) = (house.ops.to_string(), mel.person().unwrap().to_string());
    for (action, fields) in [
        ("/actions/people/create", vec![("name", "x"), ("email", "x@example.org"), ("tenant_role", "admin")]),
        ("/actions/people/tenant-role", vec![("id", me.as_str()), ("tenant_role", "admin")]),
        ("/actions/people/link", vec![("id", me.as_str())]),
        ("/actions/organizations/create", vec![("name", "x")]),
        ("/actions/organizations/set-role", vec![("organization", &ops), ("person", &me), ("role", "owner")]),
        ("/actions/organizations/remove-member", vec![("organization", &ops), ("person", &me)]),
        ("/actions/rules/change", vec![("version", "1")]),
    ] {
        let refused = house.act(Some(&mel), action, &fields).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden, "{action}");
        let stranger = house.act(None, action, &fields).await.unwrap_err();
        assert_eq!(stranger.kind, Kind::SignedOut, "{action}");
    }
}

#[tokio::test]
async fn rules_are_changed_in_a_form_and_not_over_somebody_elses_change() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let fields = [
        ("version", "1"),
        ("rules[0][name]", "Two for the network"),
        ("rules[0][tools][]", "bash"),
        ("rules[0][networks][]", "unrestricted"),
        ("rules[0][networks][]", "proxy"),
        ("rules[0][effect]", "ask"),
        ("rules[0][approvers]", "2"),
        ("rules[0][hours]", "8"),
    ];
    let shown = house.send(Some(&ada), "/rules/edit", "/actions/rules/change", &fields).await;
    assert_eq!(shown.location.as_deref(), Some("/rules"));
    house
        .get(Some(&ada), "/rules")
        .await
        .says("Two for the network")
        .says("2 approvers, within 8 hours")
        .hides("Sealed");
    let late = house.send(Some(&ada), "/rules/edit", "/actions/rules/change", &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.says("Somebody else changed the rules meanwhile").says(r#"value="Two for the network""#);
}

#[tokio::test]
async fn rows_of_rules_are_moved_in_the_address_and_nothing_changes() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let draft =
        "/rules/edit?_page=%2Frules%2Fedit&version=1&rules%5B0%5D%5Bname%5D=One&rules%5B0%5D%5Beffect%5D=run&do=add";
    house.get(Some(&ada), draft).await.says("Rule 2").says(r#"value="One""#).hides("_page=");
    house.get(Some(&ada), "/rules").await.says("Sealed scripts run at once").hides("One<");
}

#[tokio::test]
async fn what_was_typed_before_the_session_ended_waits_to_be_sent_again() {
    let house = House::new().await;
    let fields = [("script", "echo <precious>\nexit 3"), ("title", "Precious work")];
    let shown = house.send(None, "/tasks/new?again=1", "/actions/tasks/submit", &fields).await;
    assert_eq!((shown.status, &shown.location), (StatusCode::UNAUTHORIZED, &None), "nobody is led away from it");
    shown.says("<h1>Your session has ended</h1>").says(r#"href="/sign-in" target="_blank""#);
    shown.says(r#"action="/actions/tasks/submit""#).says(r#"name="_page" value="/tasks/new?again=1""#);
    shown.says("name=\"script\" value=\"echo &lt;precious&gt;\nexit 3\"").says(r#"name="title" value="Precious work""#);
    shown.says("/sign-in?next=%2Ftasks%2Fnew%3Fagain%3D1");
}

#[tokio::test]
async fn a_wrong_password_is_answered_on_the_sign_in_page_without_the_password() {
    let house = House::new().await;
    let fields = [("email", "ada@example.org"), ("next", "/keys")];
    let shown = house
        .send(
            None,
            "/sign-in?next=%2Fkeys",
            "/actions/login/sign-in",
            &[&fields[..], &[("password", "hunter2 hunter2")]].concat(),
        )
        .await;
    shown
        .says("The address or the password is not right.")
        .says(r#"value="ada@example.org""#)
        .hides("hunter2 hunter2\"");
}

/// What was refused is said once: by the form, where it still stands there, or else at the head of the page.
#[tokio::test]
async fn what_was_refused_is_said_once_and_the_browser_goes_there() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let id = mel.person().unwrap().to_string();
    let page = format!("/people/{id}");
    house.get(Some(&ada), &page).await.hides(r#"role="alert""#);
    let (stop, lock) = ("/actions/emergency/stop-tasks", "/actions/emergency/lock");
    let both = [("person", id.as_str()), ("organization", "x")];
    let form_stands = house.send(Some(&ada), &page, stop, &both).await;
    assert_eq!(form_stands.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.act(Some(&ada), lock, &[("id", &id)]).await.unwrap();
    let form_is_gone = house.send(Some(&ada), &page, lock, &[("id", &id)]).await;
    assert_eq!(form_is_gone.status, StatusCode::CONFLICT);
    for shown in [form_stands, form_is_gone] {
        assert_eq!(shown.html.matches(r#"role="alert""#).count(), 1, "{}", shown.html);
        shown.says(r#"role="alert" tabindex="-1" autofocus"#);
    }
}
