//! Forms and server functions: values, errors and permissions.
use crate::fixture::Fixture;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use testkit::{ADA, ADAM, MIA};

#[tokio::test]
async fn an_invalid_form_keeps_its_values_and_links_each_error_to_its_field() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let fields = [
        ("name", "Mel"),
        ("email", "no address"),
        ("tenant_role", "auditor"),
        ("organization", ""),
        ("role", "member"),
    ];
    let shown = fixture.submit_form(Some(&adam), "/people/new", "/actions/people/create", &fields).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown.shows("Correct 1 error:").shows(r##"href="#actions-people-create-email""##);
    shown.shows(r#"value="Mel""#).shows(r#"value="no address""#).shows(r#"aria-invalid="true""#);
    shown.shows(r#"<option value="auditor" selected"#);
}

#[tokio::test]
async fn m_01_an_api_key_is_shown_once_and_can_be_revoked() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let fields = [("name", "Build server"), ("scopes[]", "tasks:read"), ("scopes[]", "approvals:read"), ("days", "90")];
    let shown = fixture.submit_form(Some(&mia), "/keys/new", "/actions/keys/create", &fields).await;
    shown.shows("Your new API key").shows("mk_");
    let list = fixture.get(Some(&mia), "/keys").await;
    list.shows("Build server").shows("tasks:read").shows("approvals:read").hides("tasks:submit").shows("in 90 days");
    let key = fixture.store.read(&mia).await.unwrap().keys().await.unwrap().remove(0).id.to_string();
    assert_eq!(fixture.action(Some(&mia), "/actions/keys/revoke", &[("id", &key)]).await.unwrap(), Done::Stay);
    fixture.get(Some(&mia), "/keys").await.shows("Revoked").hides("/actions/keys/revoke");
    let again = fixture.action(Some(&mia), "/actions/keys/revoke", &[("id", &key)]).await.unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
}

#[tokio::test]
async fn an_api_key_without_scopes_is_refused() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let shown =
        fixture.submit_form(Some(&mia), "/keys/new", "/actions/keys/create", &[("name", "CI"), ("days", "0")]).await;
    shown.shows(r##"href="#actions-keys-create-scopes""##).shows("Must contain at least one scope.");
}

#[tokio::test]
async fn a_new_person_gets_a_password_link_and_an_organization_role() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let ops = fixture.ops.to_string();
    let fields = [
        ("name", "Mel"),
        ("email", "mel@example.org"),
        ("tenant_role", "person"),
        ("organization", &ops),
        ("role", "approver"),
    ];
    let shown = fixture.submit_form(Some(&adam), "/people/new", "/actions/people/create", &fields).await;
    shown.shows("/password?token=").shows("72 hours");
    fixture.get(Some(&adam), &format!("/organizations/{ops}")).await.shows("mel@example.org");
    let again = fixture.action(Some(&adam), "/actions/people/create", &fields).await.unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
}

#[tokio::test]
async fn actions_without_permission_are_refused_whatever_the_pages_show() {
    let fixture = Fixture::new().await;
    let ada = fixture.person(ADA).await;
    let (ops, me) = (fixture.ops.to_string(), ada.person().unwrap().to_string());
    for (action, fields) in [
        ("/actions/people/create", vec![("name", "x"), ("email", "x@example.org"), ("tenant_role", "admin")]),
        ("/actions/people/tenant-role", vec![("id", me.as_str()), ("tenant_role", "admin")]),
        ("/actions/people/link", vec![("id", me.as_str())]),
        ("/actions/organizations/create", vec![("name", "x")]),
        ("/actions/organizations/set-role", vec![("organization", &ops), ("person", &me), ("role", "owner")]),
        ("/actions/organizations/remove-member", vec![("organization", &ops), ("person", &me)]),
        ("/actions/rules/change", vec![("version", "1")]),
    ] {
        let refused = fixture.action(Some(&ada), action, &fields).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden, "{action}");
        let stranger = fixture.action(None, action, &fields).await.unwrap_err();
        assert_eq!(stranger.kind, Kind::SignedOut, "{action}");
    }
}

#[tokio::test]
async fn a_rule_change_does_not_overwrite_a_concurrent_change() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
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
    let shown = fixture.submit_form(Some(&adam), "/rules/edit", "/actions/rules/review", &fields).await;
    let review = shown.location.unwrap();
    let shown = fixture.get(Some(&adam), &review).await;
    shown
        .shows("Two for the network: When a Bash script task has the network policy Unrestricted or Proxy")
        .shows("No tasks were submitted in the last 7 days.");
    fixture.get(Some(&adam), "/rules").await.hides("Two for the network");
    let shown = fixture.submit_form(Some(&adam), &review, "/actions/rules/change", &fields).await;
    assert_eq!(shown.location.as_deref(), Some("/rules"));
    fixture
        .get(Some(&adam), "/rules")
        .await
        .shows("Two for the network")
        .shows("2 approvers, within 8 hours")
        .hides("Sealed");
    fixture.get(Some(&adam), &review).await.shows("Someone else changed the rules").hides("Save rules");
    let late = fixture.submit_form(Some(&adam), &review, "/actions/rules/change", &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.shows("Someone else changed the rules").shows(r#"value="Two for the network""#);
}

#[tokio::test]
async fn draft_rules_are_kept_in_the_url_and_not_saved() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let draft =
        "/rules/edit?_page=%2Frules%2Fedit&version=1&rules%5B0%5D%5Bname%5D=One&rules%5B0%5D%5Beffect%5D=run&do=add";
    fixture.get(Some(&adam), draft).await.shows("Rule 2").shows(r#"value="One""#).hides("_page=");
    fixture.get(Some(&adam), "/rules").await.shows("Isolated scripts run immediately").hides("One<");
}

#[tokio::test]
async fn input_sent_after_the_session_ended_can_be_submitted_again() {
    let fixture = Fixture::new().await;
    let fields = [("script", "echo <precious>\nexit 3"), ("title", "Precious work")];
    let shown = fixture.submit_form(None, "/tasks/new?again=1", "/actions/tasks/submit", &fields).await;
    assert_eq!((shown.status, &shown.location), (StatusCode::UNAUTHORIZED, &None), "the page does not redirect");
    shown.shows("<h1>Your session has ended</h1>").shows(r#"href="/sign-in" target="_blank""#);
    shown.shows(r#"action="/actions/tasks/submit""#).shows(r#"name="_page" value="/tasks/new?again=1""#);
    shown
        .shows("name=\"script\" value=\"echo &lt;precious&gt;\nexit 3\"")
        .shows(r#"name="title" value="Precious work""#);
    shown.shows("/sign-in?next=%2Ftasks%2Fnew%3Fagain%3D1");
}

#[tokio::test]
async fn a_wrong_password_is_reported_on_the_sign_in_page_without_echoing_it() {
    let fixture = Fixture::new().await;
    let fields = [("email", "ada@example.org"), ("next", "/keys")];
    let shown = fixture
        .submit_form(
            None,
            "/sign-in?next=%2Fkeys",
            "/actions/login/sign-in",
            &[&fields[..], &[("password", "hunter2 hunter2")]].concat(),
        )
        .await;
    shown
        .shows("The email address or the password is wrong.")
        .shows(r#"value="ada@example.org""#)
        .hides("hunter2 hunter2\"");
}

/// The form shows the refusal if it is still on the page. Otherwise the head of the page shows it.
#[tokio::test]
async fn a_refusal_is_shown_once_and_receives_focus() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let mia = fixture.person(MIA).await;
    let id = mia.person().unwrap().to_string();
    let page = format!("/people/{id}");
    fixture.get(Some(&adam), &page).await.hides(r#"role="alert""#);
    let (stop, lock) = ("/actions/emergency/stop-tasks", "/actions/emergency/lock");
    let both = [("person", id.as_str()), ("organization", "x")];
    let form_is_shown = fixture.submit_form(Some(&adam), &page, stop, &both).await;
    assert_eq!(form_is_shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    fixture.action(Some(&adam), lock, &[("id", &id)]).await.unwrap();
    let form_is_removed = fixture.submit_form(Some(&adam), &page, lock, &[("id", &id)]).await;
    assert_eq!(form_is_removed.status, StatusCode::CONFLICT);
    for shown in [form_is_shown, form_is_removed] {
        assert_eq!(shown.html.matches(r#"role="alert""#).count(), 1, "{}", shown.html);
        shown.shows(r#"role="alert" tabindex="-1" autofocus"#);
    }
}
