//! The inbox, the bell, notification preferences and webhooks on pages (D-10).
use crate::{fixture::Fixture, task_forms::submit};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use testkit::{ADA, ADAM, AUDREY, MIA};

const READ: &str = "/actions/notifications/read";
const SAVE: &str = "/actions/webhooks/save";

#[tokio::test]
async fn d_10_the_bell_counts_and_the_inbox_groups_what_is_unread() {
    let fixture = Fixture::new().await;
    let (ada, mia) = (fixture.person(ADA).await, fixture.person(MIA).await);
    fixture.get(Some(&ada), "/inbox").await.shows("No notifications").hides("Mark all as read");
    let fields = [("script", "true"), ("network_policy", "unrestricted"), ("title", "Deploy <b>")];
    for _ in 0..2 {
        submit(&fixture, &mia, &fields).await;
    }
    let page = fixture.get(Some(&ada), "/inbox").await;
    page.shows("2 approval requests need a decision").shows("Deploy &lt;b&gt;").shows("unread notifications");
    page.shows("href=\"/approvals/").hides("/settings/webhooks").hides("token");
    fixture.get(Some(&mia), "/inbox").await.shows("No notifications");
    let last = uuid::Uuid::max().to_string();
    let marked = fixture.submit_form(Some(&ada), "/inbox", READ, &[("last", &last)]).await;
    assert_eq!(marked.status, StatusCode::SEE_OTHER);
    fixture.get(Some(&ada), "/inbox").await.shows("need a decision").hides("unread notifications");
    let refused = fixture.action(Some(&ada), READ, &[("last", &last), ("event", "nothing")]).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
}

#[tokio::test]
async fn d_10_unticked_channels_are_off() {
    let fixture = Fixture::new().await;
    let (ada, mia) = (fixture.person(ADA).await, fixture.person(MIA).await);
    fixture.get(Some(&ada), "/account/notifications").await.shows("This server cannot send email");
    let saved = fixture
        .action(Some(&ada), "/actions/notifications/preferences", &[("inbox[task_ended]", "true")])
        .await
        .unwrap();
    assert_eq!(saved, Done::GoTo("/account/notifications".into()));
    submit(&fixture, &mia, &[("script", "true"), ("title", "Check"), ("network_policy", "unrestricted")]).await;
    fixture.get(Some(&ada), "/inbox").await.shows("No notifications");
}

#[tokio::test]
async fn d_10_secrets_and_addresses_of_webhooks_are_shown_once_and_never() {
    let fixture = Fixture::new().await;
    let (adam, audrey, mia) = (fixture.person(ADAM).await, fixture.person(AUDREY).await, fixture.person(MIA).await);
    let fields = [
        ("kind", "generic"),
        ("name", "Pager"),
        ("url_secret", "https://hooks.example/T1/classified"),
        ("events[task_ended]", "true"),
    ];
    let forbidden = fixture.action(Some(&mia), SAVE, &fields).await.unwrap_err();
    assert_eq!(forbidden.kind, Kind::Forbidden);
    let Done::Secret(secret) = fixture.action(Some(&adam), SAVE, &fields).await.unwrap() else { panic!() };
    assert!(secret.starts_with("whsec_"));
    let list = fixture.get(Some(&audrey), "/settings/webhooks").await;
    list.shows("Pager").shows("hooks.example").hides("classified").hides(&secret).hides("Add webhook");
    let id = list.html.split("/settings/webhooks/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = format!("/settings/webhooks/{id}");
    fixture.get(Some(&audrey), &page).await.shows("No messages yet").hides("Rotate").hides("classified");
    let shown = fixture.get(Some(&adam), &page).await;
    shown.shows("Rotate secret…").hides("classified").hides(&secret);
    assert_eq!(fixture.action(Some(&adam), "/actions/webhooks/test", &[("id", &id)]).await.unwrap(), Done::Stay);
    fixture.get(Some(&adam), &page).await.shows("Waiting").shows("Test");
    fixture.get(Some(&mia), &page).await.hides("Pager");

    let wrong = [("kind", "generic"), ("name", "Pager"), ("url_secret", "ftp://secret.example")];
    let refused = fixture.submit_form(Some(&adam), "/settings/webhooks/new", SAVE, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.shows("Must begin with https:// and have no user name and no fragment");
}
