//! Task submission, the task list and its filters.
use crate::fixture::Fixture;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{Actor, OrganizationId, policy::CreateOrganization, role::Role};
use testkit::{ADA, ADAM, MAX, MIA, SAM};

const SUBMIT: &str = "/actions/tasks/submit";

/// Submits a task and returns the path of its page.
pub async fn submit(fixture: &Fixture, actor: &Actor, fields: &[(&str, &str)]) -> String {
    match fixture.action(Some(actor), SUBMIT, fields).await.unwrap() {
        Done::GoTo(path) => path,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_empty_deployment_offers_a_first_task() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    fixture
        .get(Some(&mia), "/")
        .await
        .shows("Run your first task")
        .shows(r#"name="script" value="say()"#)
        .shows("No runner is connected");
    fixture.get(Some(&mia), "/tasks").await.shows("No tasks yet").shows(r#"href="/tasks/new""#);
    submit(&fixture, &mia, &[("script", "echo hi")]).await;
    fixture.get(Some(&mia), "/").await.hides("Run your first task").shows("Queued");
}

#[tokio::test]
async fn the_task_form_previews_the_rules_and_keeps_its_values_after_an_error() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let page = fixture.get(Some(&mia), "/tasks/new").await;
    page.shows("runs immediately (rule “Isolated scripts run immediately”)")
        .shows("requires 1 approval from approvers of the organization")
        .hides("allow_list");
    let fields = [("script", "echo kept"), ("timeout_seconds", "0"), ("labels", "a=b")];
    let shown = fixture.submit_form(Some(&mia), "/tasks/new", SUBMIT, &fields).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown
        .shows("echo kept")
        .shows(r##"href="#actions-tasks-submit-timeout-seconds""##)
        .shows("is not between 1 and 86400");
    for (field, value) in [("labels", "A=b"), ("memory_mib", "lots"), ("network_policy", "moon"), ("script", " ")] {
        let mut fields = vec![("script", "true")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        assert_eq!(fixture.action(Some(&mia), SUBMIT, &fields).await.unwrap_err().fields[0].field, field);
    }
}

#[tokio::test]
async fn the_task_form_shows_the_errors_of_all_fields_in_its_own_words() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let fields = [
        ("script", " "),
        ("title", "\u{202e}"),
        ("ticket", "javascript:alert(1)"),
        ("labels", "prod env"),
        ("memory_mib", "lots"),
        ("timeout_seconds", "0"),
        ("visibility", "moon"),
    ];
    let refused = fixture.action(Some(&mia), SUBMIT, &fields).await.unwrap_err();
    let names: Vec<_> = refused.fields.iter().map(|invalid| invalid.field.as_str()).collect();
    assert_eq!(names, ["script", "title", "ticket", "visibility", "timeout_seconds", "memory_mib", "labels"]);
    let shown = fixture.submit_form(Some(&mia), "/tasks/new", SUBMIT, &fields).await;
    shown
        .shows("Must be key=value, unlike “prod env”.")
        .shows("Must be a URL with https:// or http://")
        .hides("Prod env");
}

#[tokio::test]
async fn d_04_the_form_requires_a_title_for_approval_and_names_the_approvers() {
    let fixture = Fixture::new().await;
    let (mia, ada) = (fixture.person(MIA).await, fixture.person(ADA).await);
    fixture.get(Some(&mia), "/tasks/new").await.shows("ada of acme can approve tasks in Operations.");
    let nobody = fixture.get(Some(&ada), "/tasks/new").await;
    nobody.shows("Nobody can approve your tasks in Operations.").shows("Invite an approver");
    let untitled = [("script", "set -euo pipefail\ndropdb x"), ("network_policy", "unrestricted")];
    let refused = fixture.action(Some(&mia), SUBMIT, &untitled).await.unwrap_err();
    assert_eq!((refused.kind, refused.fields[0].field.as_str()), (Kind::Invalid, "title"));
    submit(&fixture, &mia, &[("script", "set -euo pipefail\n# Drop x\ndropdb x"), ("network_policy", "unrestricted")])
        .await;
    submit(&fixture, &mia, &[("script", "set -euo pipefail\necho direct")]).await;
    fixture.get(Some(&mia), "/tasks").await.shows("Drop x").shows(">echo direct<").hides(">set -euo pipefail<");
}

#[tokio::test]
async fn the_form_submits_to_the_organization_of_the_switcher() {
    let fixture = Fixture::new().await;
    let (adam, mia) = (fixture.person(ADAM).await, fixture.person(MIA).await);
    let new = CreateOrganization { name: "Zoo".into() };
    let mut write = fixture.store.write(&adam).await.unwrap();
    let zoo = write.create_organization(adam.may(new).unwrap()).await.unwrap();
    testkit::join(&mut write, &adam, zoo, mia.person().unwrap(), Role::Member).await;
    write.commit().await.unwrap();
    let mia = testkit::person(&fixture.store, fixture.tenant, mia.person().unwrap()).await;
    let chosen = |id: &OrganizationId| format!(r#"<option value="{id}" selected"#);
    fixture.get(Some(&mia), "/tasks/new").await.shows(&chosen(&fixture.ops));
    fixture.get(Some(&mia), &format!("/tasks/new?organization={zoo}")).await.shows(&chosen(&zoo));
    fixture
        .get(Some(&mia), &format!("/tasks?organization={zoo}"))
        .await
        .shows(&format!("/tasks/new?organization={zoo}"));
}

#[tokio::test]
async fn the_task_list_can_be_filtered() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let adam = fixture.person(ADAM).await;
    submit(&fixture, &mia, &[("script", "echo one"), ("title", "Nightly"), ("labels", "env=prod")]).await;
    submit(&fixture, &mia, &[("script", "curl x"), ("title", "Deploy"), ("network_policy", "unrestricted")]).await;
    fixture
        .get(Some(&mia), "/tasks")
        .await
        .shows("Nightly")
        .shows("Deploy")
        .shows("Awaiting approval")
        .shows("Unrestricted");
    for (query, found) in [
        ("state=queued", true),
        ("state=awaiting_approval", false),
        ("label=env%3Dprod", true),
        ("text=night", true),
        ("text=ightly", false),
        ("text=%25", false),
        ("text=x", false),
        ("mine=1", true),
    ] {
        let shown = fixture.get(Some(&mia), &format!("/tasks?{query}")).await;
        assert_eq!(shown.html.contains(">Nightly<"), found, "{query}");
    }
    fixture.get(Some(&adam), "/tasks?mine=1").await.shows("No matches");
    fixture.get(Some(&adam), "/tasks").await.shows("Nightly");
}

/// Paging keeps the filters of the list.
#[tokio::test]
async fn m_12_a_long_list_is_paged_in_both_directions_with_bounded_counts() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    fixture.store.system().seed(fixture.tenant, 2_400).await.unwrap();
    let first = fixture.get(Some(&adam), "/tasks?text=synthetic").await;
    first.shows(">Synthetic task 2399<").shows(">Synthetic task 2350<").hides(">Synthetic task 2349<");
    first.hides(r#"<span class="count">"#).hides(">Newer<").shows(">Older<");
    let older = link(&first.html, "next");
    assert!(older.starts_with("/tasks?text=synthetic&amp;after="), "{older}");
    let second = fixture.get(Some(&adam), &older.replace("&amp;", "&")).await;
    second.shows(">Synthetic task 2349<").hides(">Synthetic task 2350<").shows(">Newest<");
    let third = fixture.get(Some(&adam), &link(&second.html, "next").replace("&amp;", "&")).await;
    third.shows(">Synthetic task 2299<");
    let back = fixture.get(Some(&adam), &link(&third.html, "prev").replace("&amp;", "&")).await;
    back.shows(">Synthetic task 2349<").shows(">Synthetic task 2300<").hides(">Synthetic task 2299<");
    let start = fixture.get(Some(&adam), &link(&back.html, "prev").replace("&amp;", "&")).await;
    start.shows(">Synthetic task 2399<").hides(">Newer<");
    fixture.get(Some(&adam), "/tasks?text=synthetic+1234").await.shows(">Synthetic task 1234<").hides(">Older<");
    for odd in ["after=x", "before=x", "before=&after="] {
        fixture.get(Some(&adam), &format!("/tasks?{odd}")).await.shows(">Synthetic task 2399<");
    }
}

/// Returns the target of the link with this `rel`.
fn link(html: &str, rel: &str) -> String {
    let (before, _) = html.split_once(&format!(r#"rel="{rel}""#)).unwrap();
    before.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_05_private_tasks_of_others_are_inaccessible() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let max = fixture.person(MAX).await;
    let private = submit(&fixture, &mia, &[("script", "echo one"), ("title", "Nightly")]).await;
    let shared = submit(&fixture, &mia, &[("script", "echo two"), ("title", "Shared"), ("visibility", "org")]).await;
    fixture.get(Some(&max), "/tasks").await.shows("Shared").hides("Nightly");
    assert_eq!(fixture.get(Some(&max), &private).await.status, StatusCode::NOT_FOUND);
    let id = private.rsplit('/').next().unwrap();
    assert_eq!(fixture.get(Some(&max), &format!("/tasks/new?again={id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        fixture.action(Some(&max), "/actions/tasks/cancel", &[("id", id)]).await.unwrap_err().kind,
        Kind::NotFound
    );
    fixture.get(Some(&max), &shared).await.shows("Shared").hides("/actions/tasks/cancel");
    let id = shared.rsplit('/').next().unwrap();
    assert_eq!(
        fixture.action(Some(&max), "/actions/tasks/cancel", &[("id", id)]).await.unwrap_err().kind,
        Kind::Forbidden
    );
}

#[tokio::test]
async fn a_form_submitted_twice_creates_one_task_and_keeps_line_feeds() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let fields = [("script", "echo a\r\necho b\r\n"), ("once", "o1")];
    let first = submit(&fixture, &mia, &fields).await;
    assert_eq!(submit(&fixture, &mia, &fields).await, first);
    assert_ne!(submit(&fixture, &mia, &[("script", "echo c"), ("once", "o1")]).await, first);
    fixture.get(Some(&mia), &first).await.shows("echo a<").hides("U+000D");
}

#[tokio::test]
async fn a_task_can_be_cancelled_with_a_warning_and_run_again() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let path = submit(&fixture, &mia, &[("script", "echo again"), ("labels", "a=b"), ("memory_mib", "64")]).await;
    let id = path.rsplit('/').next().unwrap();
    fixture.get(Some(&mia), &path).await.shows("The task will not run.").shows("Cancel task");
    assert_eq!(fixture.action(Some(&mia), "/actions/tasks/cancel", &[("id", id)]).await.unwrap(), Done::Stay);
    let shown = fixture.submit_form(Some(&mia), &path, "/actions/tasks/cancel", &[("id", id)]).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.shows("This task has already ended.").shows("Cancelled by mia").hides(">Cancel task<");
    let form = fixture.get(Some(&mia), &format!("/tasks/new?again={id}")).await;
    form.shows("echo again").shows("a=b").shows(r#"value="64""#);
}

#[tokio::test]
async fn a_person_without_an_organization_cannot_submit_tasks() {
    let fixture = Fixture::new().await;
    let sam = fixture.person(SAM).await;
    fixture.get(Some(&sam), "/tasks/new").await.shows("You cannot submit tasks yet");
    let fields = [("script", "true"), ("organization", &fixture.ops.to_string())];
    assert_eq!(fixture.action(Some(&sam), SUBMIT, &fields).await.unwrap_err().kind, Kind::Forbidden);
}
