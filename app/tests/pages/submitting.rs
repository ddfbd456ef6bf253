//! Asking for tasks, and finding them again.
use crate::house::House;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{
    Actor,
    role::{Role, TenantRole},
};

const SUBMIT: &str = "/actions/tasks/submit";

/// Submits a task, and gives back the path of its page.
pub async fn submit(house: &House, actor: &Actor, fields: &[(&str, &str)]) -> String {
    match house.act(Some(actor), SUBMIT, fields).await.unwrap() {
        Done::GoTo(path) => path,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn on_an_empty_deployment_one_button_submits_a_first_task() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    house
        .get(Some(&mel), "/")
        .await
        .says("Run a first task")
        .says(r#"name="script" value="say()"#)
        .says("No runner is connected");
    house.get(Some(&mel), "/tasks").await.says("No tasks yet").says(r#"href="/tasks/new""#);
    submit(&house, &mel, &[("script", "echo hi")]).await;
    house.get(Some(&mel), "/").await.hides("Run a first task").says("Queued");
}

#[tokio::test]
async fn a_form_says_what_the_rules_will_do_and_keeps_what_was_typed_after_an_error() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let page = house.get(Some(&mel), "/tasks/new").await;
    page.says("runs at once (rule “Sealed scripts run at once”)")
        .says("asks one approver of the organization")
        .hides("allow_list");
    let fields = [("script", "echo kept"), ("timeout_seconds", "0"), ("labels", "a=b")];
    let shown = house.send(Some(&mel), "/tasks/new", SUBMIT, &fields).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown
        .says("echo kept")
        .says(r##"href="#actions-tasks-submit-timeout-seconds""##)
        .says("is not between 1 and 86400");
    for (field, value) in [("labels", "A=b"), ("memory_mib", "lots"), ("network_policy", "moon"), ("script", " ")] {
        let mut fields = vec![("script", "true")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        assert_eq!(house.act(Some(&mel), SUBMIT, &fields).await.unwrap_err().fields[0].field, field);
    }
}

#[tokio::test]
async fn a_task_is_found_by_what_it_is_narrowed_by() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    submit(&house, &mel, &[("script", "echo one"), ("title", "Nightly"), ("labels", "env=prod")]).await;
    submit(&house, &mel, &[("script", "curl x"), ("title", "Deploy"), ("network_policy", "unrestricted")]).await;
    house
        .get(Some(&mel), "/tasks")
        .await
        .says("Nightly")
        .says("Deploy")
        .says("Awaiting approval")
        .says("No restriction");
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
        let shown = house.get(Some(&mel), &format!("/tasks?{query}")).await;
        assert_eq!(shown.html.contains(">Nightly<"), found, "{query}");
    }
    house.get(Some(&ada), "/tasks?mine=1").await.says("No task matches");
    house.get(Some(&ada), "/tasks").await.says("Nightly");
}

/// A list is as long as it is: one reads on, and back, without losing what it is narrowed by.
#[tokio::test]
async fn m_12_a_long_list_is_read_in_both_directions_with_bounded_counts() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    house.store.system().seed(house.tenant, 2_400).await.unwrap();
    let first = house.get(Some(&ada), "/tasks?text=synthetic").await;
    first.says(">Synthetic task 2399<").says(">Synthetic task 2350<").hides(">Synthetic task 2349<");
    first.says(">99+<").hides(">Newer<").says(">Older<");
    let older = link(&first.html, "next");
    assert!(older.starts_with("/tasks?text=synthetic&amp;after="), "{older}");
    let second = house.get(Some(&ada), &older.replace("&amp;", "&")).await;
    second.says(">Synthetic task 2349<").hides(">Synthetic task 2350<").says(">Newest<");
    let third = house.get(Some(&ada), &link(&second.html, "next").replace("&amp;", "&")).await;
    third.says(">Synthetic task 2299<");
    let back = house.get(Some(&ada), &link(&third.html, "prev").replace("&amp;", "&")).await;
    back.says(">Synthetic task 2349<").says(">Synthetic task 2300<").hides(">Synthetic task 2299<");
    let start = house.get(Some(&ada), &link(&back.html, "prev").replace("&amp;", "&")).await;
    start.says(">Synthetic task 2399<").hides(">Newer<");
    house.get(Some(&ada), "/tasks?text=synthetic+1234").await.says(">Synthetic task 1234<").hides(">Older<");
    for odd in ["after=x", "before=x", "before=&after="] {
        house.get(Some(&ada), &format!("/tasks?{odd}")).await.says(">Synthetic task 2399<");
    }
}

/// Where the link with this `rel` leads.
fn link(html: &str, rel: &str) -> String {
    let (before, _) = html.split_once(&format!(r#"rel="{rel}""#)).unwrap();
    before.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_05_what_others_keep_private_is_not_there() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let sam = house.person("sam", TenantRole::Person, Some(Role::Member)).await;
    let private = submit(&house, &mel, &[("script", "echo one"), ("title", "Nightly")]).await;
    let shared = submit(&house, &mel, &[("script", "echo two"), ("title", "Shared"), ("visibility", "org")]).await;
    house.get(Some(&sam), "/tasks").await.says("Shared").hides("Nightly");
    assert_eq!(house.get(Some(&sam), &private).await.status, StatusCode::NOT_FOUND);
    let id = private.rsplit('/').next().unwrap();
    assert_eq!(house.get(Some(&sam), &format!("/tasks/new?again={id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.act(Some(&sam), "/actions/tasks/cancel", &[("id", id)]).await.unwrap_err().kind, Kind::NotFound);
    house.get(Some(&sam), &shared).await.says("Shared").hides("/actions/tasks/cancel");
    let id = shared.rsplit('/').next().unwrap();
    assert_eq!(house.act(Some(&sam), "/actions/tasks/cancel", &[("id", id)]).await.unwrap_err().kind, Kind::Forbidden);
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_task_and_line_feeds_stay_what_they_are() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let fields = [("script", "echo a\r\necho b\r\n"), ("once", "o1")];
    let first = submit(&house, &mel, &fields).await;
    assert_eq!(submit(&house, &mel, &fields).await, first);
    assert_ne!(submit(&house, &mel, &[("script", "echo c"), ("once", "o1")]).await, first);
    house.get(Some(&mel), &first).await.says("echo a<").hides("U+000D");
}

#[tokio::test]
async fn a_task_is_cancelled_with_a_word_of_what_that_does_and_run_again_from_its_form() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let path = submit(&house, &mel, &[("script", "echo again"), ("labels", "a=b"), ("memory_mib", "64")]).await;
    let id = path.rsplit('/').next().unwrap();
    house.get(Some(&mel), &path).await.says("The task will not run.").says("Cancel task");
    assert_eq!(house.act(Some(&mel), "/actions/tasks/cancel", &[("id", id)]).await.unwrap(), Done::Stay);
    let shown = house.send(Some(&mel), &path, "/actions/tasks/cancel", &[("id", id)]).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.says("This task has ended already.").says("Cancelled by mel").hides(">Cancel task<");
    let form = house.get(Some(&mel), &format!("/tasks/new?again={id}")).await;
    form.says("echo again").says("a=b").says(r#"value="64""#);
}

#[tokio::test]
async fn who_is_in_no_organization_is_told_what_to_do() {
    let house = House::new().await;
    let eve = house.person("eve", TenantRole::Person, None).await;
    house.get(Some(&eve), "/tasks/new").await.says("You cannot submit tasks yet");
    let fields = [("script", "true"), ("organization", &house.ops.to_string())];
    assert_eq!(house.act(Some(&eve), SUBMIT, &fields).await.unwrap_err().kind, Kind::Forbidden);
}
