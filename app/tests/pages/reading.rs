//! What people see.
use crate::house::House;
use axum::http::StatusCode;
use domain::role::{Role, TenantRole};

const PLACES: [&str; 16] = [
    "/account",
    "/account/address",
    "/account/password",
    "/settings/second-factors",
    "/account/sign-in",
    "/settings/authentication",
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
async fn who_is_not_signed_in_is_sent_to_sign_in_and_back_afterwards() {
    let house = House::new().await;
    for place in PLACES {
        let shown = house.get(None, place).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{place}");
        assert_eq!(shown.location.unwrap(), format!("/sign-in?next={}", place.replace('/', "%2F")));
    }
    house.get(None, "/sign-in?next=%2Fkeys").await.says("<h1>Sign in</h1>").says(r#"name="next" value="/keys""#);
}

#[tokio::test]
async fn every_page_stands_in_the_frame_with_one_title_and_without_an_unknown_text() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, Some(Role::Owner)).await;
    for place in PLACES.into_iter().chain(["/rules/edit"]) {
        let shown = house.get(Some(&ada), place).await;
        assert_eq!(shown.status, StatusCode::OK, "{place}");
        assert_eq!(shown.html.matches("<h1>").count(), 1, "{place}");
        shown.says("Skip to content").says(r#"<main id="main""#).says("ada@example.org").hides("Unknown localization");
    }
}

#[tokio::test]
async fn m_11_what_is_not_there_and_what_one_may_not_see_look_the_same() {
    let house = House::new().await;
    let (ada, mel) =
        (house.person("ada", TenantRole::Admin, None).await, house.person("mel", TenantRole::Person, None).await);
    let ops = format!("/organizations/{}", house.ops);
    let nowhere = "/organizations/00000000-0000-0000-0000-000000000000";
    house.get(Some(&ada), &ops).await.says("<h1>Operations</h1>");
    let there = house.get(Some(&mel), &ops).await;
    let not_there = house.get(Some(&mel), nowhere).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
    // What is before and behind the page itself differs by its nonce.
    let body = |html: &str| {
        let page = html.split_once("<body>").unwrap().1;
        page.rsplit_once("</main>").unwrap().0.replace(&ops, nowhere)
    };
    assert_eq!(body(&there.html), body(&not_there.html));
    assert_eq!(house.get(Some(&mel), "/people").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(Some(&mel), "/organizations/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(Some(&mel), "/no/such/page").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_only_admins_do_is_not_offered_to_others() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    house.get(Some(&mel), "/rules").await.says("Sealed scripts run at once").hides("/rules/edit");
    assert_eq!(house.get(Some(&mel), "/rules/edit").await.status, StatusCode::FORBIDDEN);
    house.get(Some(&mel), "/organizations").await.says("Operations").hides("/organizations/new");
    house.get(Some(&mel), "/browser-sessions").await.hides(r#"href="/people""#).hides(r#"href="/audit""#);
    house.get(Some(&mel), &format!("/organizations/{}", house.ops)).await.says("mel").hides("remove-member");
}

#[tokio::test]
async fn a_name_made_to_deceive_is_shown_as_what_it_is() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, Some(Role::Owner)).await;
    let refused = house.act(Some(&ada), "/actions/organizations/create", &[("name", "a\u{202e}b")]).await;
    assert_eq!(refused.unwrap_err().fields[0].field, "name");
    house.act(Some(&ada), "/actions/organizations/create", &[("name", "<script>alert(1)</script>")]).await.unwrap();
    house.get(Some(&ada), "/organizations").await.says("&lt;script&gt;alert(1)").hides("<script>alert(1)");
}
