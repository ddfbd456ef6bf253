//! Page access, navigation and the page frame.
use crate::fixture::Fixture;
use axum::http::StatusCode;
use domain::role::Role;
use testkit::{ADAM, MIA, SAM, TestPerson};

const PATHS: [&str; 19] = [
    "/account",
    "/account/address",
    "/account/password",
    "/settings/approvals",
    "/settings/second-factors",
    "/account/sign-in",
    "/settings/authentication",
    "/settings/backups",
    "/settings/retention",
    "/settings/authentication/new",
    "/browser-sessions",
    "/organizations",
    "/organizations/new",
    "/people",
    "/people/new",
    "/keys",
    "/keys/new",
    "/keys/service-accounts",
    "/rules",
];

#[tokio::test]
async fn a_signed_out_visitor_is_redirected_to_sign_in_with_a_return_path() {
    let fixture = Fixture::new().await;
    for place in PATHS {
        let shown = fixture.get(None, place).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{place}");
        assert_eq!(shown.location.unwrap(), format!("/sign-in?next={}", place.replace('/', "%2F")));
    }
    fixture.get(None, "/sign-in?next=%2Fkeys").await.shows("<h1>Sign in</h1>").shows(r#"name="next" value="/keys""#);
}

#[tokio::test]
async fn every_page_has_the_frame_one_heading_and_no_missing_text() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(TestPerson { role: Some(Role::Owner), ..ADAM }).await;
    for place in PATHS.into_iter().chain(["/rules/edit"]) {
        let shown = fixture.get(Some(&adam), place).await;
        assert_eq!(shown.status, StatusCode::OK, "{place}");
        assert_eq!(shown.html.matches("<h1>").count(), 1, "{place}");
        shown
            .shows("Skip to content")
            .shows(r#"<main id="main""#)
            .shows("adam@acme.example")
            .hides("Unknown localization");
    }
}

#[tokio::test]
async fn m_11_missing_and_inaccessible_pages_are_indistinguishable() {
    let fixture = Fixture::new().await;
    let (adam, sam) = (fixture.person(ADAM).await, fixture.person(SAM).await);
    let ops = format!("/organizations/{}", fixture.ops);
    let nowhere = "/organizations/00000000-0000-0000-0000-000000000000";
    fixture.get(Some(&adam), &ops).await.shows("<h1>Operations</h1>");
    let there = fixture.get(Some(&sam), &ops).await;
    let not_there = fixture.get(Some(&sam), nowhere).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
    // Outside the body, the pages differ by their nonce.
    let body = |html: &str| {
        let page = html.split_once("<body>").unwrap().1;
        page.rsplit_once("</main>").unwrap().0.replace(&ops, nowhere)
    };
    assert_eq!(body(&there.html), body(&not_there.html));
    assert_eq!(fixture.get(Some(&sam), "/people").await.status, StatusCode::NOT_FOUND);
    assert_eq!(fixture.get(Some(&sam), "/organizations/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(fixture.get(Some(&sam), "/no/such/page").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn admin_only_links_are_hidden_from_other_people() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    fixture.get(Some(&mia), "/rules").await.shows("Isolated scripts run immediately").hides("/rules/edit");
    assert_eq!(fixture.get(Some(&mia), "/rules/edit").await.status, StatusCode::FORBIDDEN);
    fixture.get(Some(&mia), "/organizations").await.shows("Operations").hides("/organizations/new");
    fixture.get(Some(&mia), "/browser-sessions").await.hides(r#"href="/people""#).hides(r#"href="/audit""#);
    fixture.get(Some(&mia), &format!("/organizations/{}", fixture.ops)).await.shows("mia").hides("remove-member");
}

#[tokio::test]
async fn deceptive_names_are_refused_or_escaped() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(TestPerson { role: Some(Role::Owner), ..ADAM }).await;
    let refused = fixture.action(Some(&adam), "/actions/organizations/create", &[("name", "a\u{202e}b")]).await;
    assert_eq!(refused.unwrap_err().fields[0].field, "name");
    fixture
        .action(Some(&adam), "/actions/organizations/create", &[("name", "<script>alert(1)</script>")])
        .await
        .unwrap();
    fixture.get(Some(&adam), "/organizations").await.shows("&lt;script&gt;alert(1)").hides("<script>alert(1)");
}
