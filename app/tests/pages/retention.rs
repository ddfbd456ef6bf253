//! The retention page, and tasks whose output and result retention deleted (M-16).
use crate::{fixture::Fixture, runners::runner, task_forms::submit, task_pages::run};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::log::Stream;
use testkit::{ADAM, AUDREY, MIA};

const PAGE: &str = "/settings/retention";
const PREVIEW: &str = "/actions/retention/preview";
const SET: &str = "/actions/retention/set";

#[tokio::test]
async fn m_16_retention_times_are_previewed_and_then_saved() {
    let fixture = Fixture::new().await;
    let (adam, mia) = (fixture.person(ADAM).await, fixture.person(MIA).await);
    fixture.get(Some(&adam), PAGE).await.shows("<h1>Retention</h1>").shows("365 days").hides("Save retention times");
    let task = submit(&fixture, &mia, &[("script", "true")]).await;
    let worker = runner(&fixture, serde_json::json!({})).await;
    run(&fixture, &worker, &[(Stream::Stdout, "secret output")], Some(0)).await;
    let day = 86_400_000_000_i64;
    fixture.database.run(&format!("update task set ended_at = ended_at - {}", 2 * day));
    let typed = [("days[output]", "1"), ("days[results]", "2"), ("days[anomalies]", "")];
    let previewed = fixture.submit_form(Some(&adam), PAGE, PREVIEW, &typed).await;
    assert_eq!(previewed.status, StatusCode::SEE_OTHER);
    let preview = format!("{PAGE}?output=1&results=2&anomalies=&sign_ins=&personal_data=");
    assert_eq!(previewed.location.as_ref(), Some(&preview));
    let shown = fixture.get(Some(&adam), &preview).await;
    shown
        .shows("These times are not saved yet")
        .shows("Save retention times")
        .shows(r#"name="days[output]" value="1""#);
    shown.shows("<td>Forever</td><td>1 day</td><td>1</td>").shows("<td>Forever</td><td>2 days</td><td>0</td>");
    fixture.get(Some(&mia), &task).await.shows("secret output");

    assert_eq!(fixture.action(Some(&adam), SET, &typed).await.unwrap(), Done::GoTo(PAGE.into()));
    fixture.get(Some(&adam), PAGE).await.shows("<td>1 day</td><td>1</td>").hides("365 days");
    fixture.database.run(&format!("update task set ended_at = ended_at - {day}"));
    while fixture.store.system().delete_expired_history(10).await.unwrap() {}
    let gone = fixture.get(Some(&mia), &task).await;
    gone.shows("The output was deleted on 2026-03-01 14:05:09 UTC under the retention policy.").hides("secret output");
    gone.shows("The result and the receipt were deleted on 2026-03-01").shows("Succeeded").hides("LogViewer");
    fixture.get(Some(&adam), "/audit").await.shows("retention.set").shows("retention.delete");
}

#[tokio::test]
async fn m_16_each_invalid_retention_time_has_an_error_at_its_field() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let typed = [("days[output]", "0"), ("days[results]", "30"), ("days[sign_ins]", "3651")];
    for action in [PREVIEW, SET] {
        let refused = fixture.action(Some(&adam), action, &typed).await.unwrap_err();
        let fields: Vec<_> = refused.fields.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!((refused.kind, fields), (Kind::Invalid, vec!["days[output]", "days[sign_ins]"]));
    }
    let shown = fixture.submit_form(Some(&adam), PAGE, PREVIEW, &typed).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown.shows("Correct 2 errors:").shows(r#"value="3651""#).shows("Must be a whole number of days from 1 to 3,650");
    let unknown = fixture.action(Some(&adam), SET, &[("days[audit]", "1")]).await.unwrap_err();
    assert_eq!(unknown.kind, Kind::Invalid);
    fixture.get(Some(&adam), &format!("{PAGE}?output=x")).await.shows("Forever").hides("These times are not saved yet");
}

#[tokio::test]
async fn m_16_a_legal_hold_has_a_reason_and_only_admins_set_and_lift_it() {
    let fixture = Fixture::new().await;
    let (adam, audrey, mia) = (fixture.person(ADAM).await, fixture.person(AUDREY).await, fixture.person(MIA).await);
    let (set, lift) = ("/actions/retention/set-hold", "/actions/retention/lift-hold");
    let refused = fixture.action(Some(&adam), set, &[("reason", " ")]).await.unwrap_err();
    assert_eq!(refused.fields[0].field, "reason");
    assert_eq!(fixture.action(Some(&adam), set, &[("reason", "Case <7>")]).await.unwrap(), Done::Stay);
    assert_eq!(fixture.action(Some(&adam), set, &[("reason", "x")]).await.unwrap_err().kind, Kind::Conflict);
    let shown = fixture.get(Some(&audrey), PAGE).await;
    shown
        .shows("A legal hold is in force")
        .shows("Nothing is deleted until the legal hold is lifted")
        .shows("Case &lt;7&gt;")
        .hides(lift)
        .hides(PREVIEW)
        .hides(set);
    assert_eq!(fixture.get(Some(&mia), PAGE).await.status, StatusCode::FORBIDDEN);
    for actor in [&audrey, &mia] {
        for (action, fields) in [(set, vec![("reason", "x")]), (lift, vec![]), (SET, vec![]), (PREVIEW, vec![])] {
            assert_eq!(fixture.action(Some(actor), action, &fields).await.unwrap_err().kind, Kind::Forbidden);
        }
    }
    let mut unattended = adam.clone();
    unattended.fresh = false;
    for action in [SET, lift] {
        assert_eq!(fixture.action(Some(&unattended), action, &[]).await.unwrap_err().kind, Kind::Stale, "{action}");
    }
    assert_eq!(fixture.action(Some(&adam), lift, &[]).await.unwrap(), Done::Stay);
    fixture.get(Some(&adam), PAGE).await.shows("No legal hold is in force");
}
