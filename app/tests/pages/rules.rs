//! The pages of rules: review, simulator, versions and restoring one (D-05).
use crate::{fixture::Fixture, task_forms::submit};
use app::outcome::Kind;
use axum::http::StatusCode;
use testkit::{ADAM, MIA};

/// A review of one rule that lets everything run.
const LOOSER: &str = "/rules/review?version=1&rules[0][name]=Everything&rules[0][effect]=run";

#[tokio::test]
async fn d_05_a_review_shows_what_changes_and_for_which_tasks() {
    let fixture = Fixture::new().await;
    let (adam, mia) = (fixture.person(ADAM).await, fixture.person(MIA).await);
    submit(&fixture, &mia, &[("script", "true"), ("title", "Stays"), ("network_policy", "isolated")]).await;
    submit(&fixture, &mia, &[("script", "true"), ("title", "Becomes free"), ("network_policy", "unrestricted")]).await;
    let shown = fixture.get(Some(&adam), LOOSER).await;
    shown
        .shows("may permit something that the rules in force do not permit")
        .shows("Everything: Any task → Run immediately");
    shown.shows("1 of 2 tasks would have had another verdict.").shows("Becomes free").hides("Stays");
    fixture.get(Some(&adam), "/rules").await.hides("Everything:");

    let stricter = LOOSER.replace("effect]=run", "effect]=refuse");
    fixture.get(Some(&adam), &stricter).await.shows("at least as strict for every task").hides("may permit something");
    let labeled = format!("{LOOSER}&rules[0][labels]=env%3Dprod");
    let wrong = fixture.get(Some(&adam), &labeled).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "labels can only make the rules stricter");
    for path in [LOOSER, "/rules/edit"] {
        assert_eq!(fixture.get(Some(&mia), path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let fields = [("version", "1"), ("rules[0][name]", "Everything"), ("rules[0][effect]", "run")];
    let refused = fixture.action(Some(&mia), "/actions/rules/review", &fields).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Forbidden);
}

#[tokio::test]
async fn d_05_the_simulator_says_which_rule_decides_and_why() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let task = format!(
        "/rules?try=1&try-tool=bash&try-network=unrestricted&try-organization={}&try-submitter={}",
        fixture.ops,
        mia.person().unwrap()
    );
    let tried = fixture.get(Some(&mia), &task).await;
    tried
        .shows("Decided by the rule “Everything else requires approval”.")
        .shows("Not met: network policy")
        .shows("Decides");
    let isolated = fixture.get(Some(&mia), &task.replace("unrestricted", "isolated")).await;
    isolated.shows("Decided by the rule “Isolated scripts run immediately”.").shows("Not reached");
    let late = fixture.get(Some(&mia), &format!("{task}&try-at=tomorrow")).await;
    late.shows("The task could not be tried.").hides("Decided by");
    let stranger = format!("{task}&try-submitter=018f0000-0000-7000-8000-000000000001");
    let stranger = stranger.replace(&format!("&try-submitter={}", mia.person().unwrap()), "");
    fixture.get(Some(&mia), &stranger).await.shows("must be one of the list").hides("Decided by");
}

#[tokio::test]
async fn d_05_versions_are_listed_compared_and_restored() {
    let fixture = Fixture::new().await;
    let (adam, mia) = (fixture.person(ADAM).await, fixture.person(MIA).await);
    let fields = [("version", "1"), ("rules[0][name]", "Closed"), ("rules[0][effect]", "refuse")];
    fixture.action(Some(&adam), "/actions/rules/change", &fields).await.unwrap();
    fixture.get(Some(&mia), "/rules").await.shows(&format!("Version 2 by {}", adam.name));
    fixture.get(Some(&mia), "/rules/versions").await.shows("Version 1").shows("In force").shows(&adam.name);
    let second = fixture.get(Some(&mia), "/rules/versions/2").await;
    second.shows("Changes since version 1").shows("Closed: Any task → Refuse").hides("Restore version");
    fixture.get(Some(&adam), "/rules/versions/2").await.hides("Restore version");
    let first = fixture.get(Some(&adam), "/rules/versions/1").await;
    let (_, link) = first.html.split_once(r#"href="/rules/review"#).unwrap();
    let link = format!("/rules/review{}", link.split('"').next().unwrap().replace("&amp;", "&"));
    fixture
        .get(Some(&adam), &link)
        .await
        .shows("Isolated scripts run immediately: When a Bash script task")
        .shows("Save rules");
    for missing in ["/rules/versions/3", "/rules/versions/x", "/rules/versions/1?against=9"] {
        assert_eq!(fixture.get(Some(&adam), missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}
