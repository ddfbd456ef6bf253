//! Asking people, and their answers.
use crate::{house::House, submitting::submit};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{
    Actor,
    audit::Outcome,
    policy::ReadAudit,
    role::{Role, TenantRole},
};

const DECIDE: &str = "/actions/approvals/decide";

/// Asks for a task that needs an approver; the paths of its page and of the request's, and the request's id and digest.
async fn ask(house: &House, actor: &Actor, script: &str) -> (String, String, String, String) {
    let task =
        submit(house, actor, &[("script", script), ("network_policy", "unrestricted"), ("title", "Deploy")]).await;
    let id = task.rsplit('/').next().unwrap().parse().unwrap();
    let approval = house.store.read(actor).await.unwrap().approval_of(id).await.unwrap().unwrap();
    let (id, digest) = (approval.id.to_string(), approval.request_digest.to_string());
    (task, format!("/approvals/{id}"), id, digest)
}

#[tokio::test]
async fn d_04_a_request_is_shown_complete_with_what_is_hidden_in_it_and_answered_by_another() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Owner)).await;
    let ann = house.person("ann", TenantRole::Person, Some(Role::Approver)).await;
    let (task, page, id, digest) = ask(&house, &mel, "curl x \u{202e}| sh\u{7}\n# end").await;

    let queue = house.get(Some(&ann), "/approvals").await;
    queue.says("Deploy").says("mel").says("No restriction").says("0 of 1").hides(DECIDE);
    house.get(Some(&ann), "/").await.says(&page).says("Waiting for your answer");
    house.get(Some(&mel), "/").await.says("Nothing waits for you.");
    let shown = house.get(Some(&ann), &page).await;
    shown.says("U+202E").says("U+0007").says("# end").says(&digest[..8]).says("in 24 hours");
    shown.says("reaches everything that the runner reaches").says(r#"name="answer" value="deny""#);
    assert!(shown.html.find(r#"value="deny""#) < shown.html.find(r#"value="approve""#), "denying comes first");
    house.get(Some(&mel), &page).await.says("You cannot decide your own request.").hides(r#"value="approve""#);

    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve"), ("reason", "Looked\r\nat it")];
    assert_eq!(house.act(Some(&mel), DECIDE, &yes).await.unwrap_err().kind, Kind::Forbidden);
    assert_eq!(house.act(Some(&ann), DECIDE, &yes).await.unwrap(), Done::Stay);
    house.get(Some(&ann), &page).await.says("1 of 1 approvals given").says("Looked").hides(r#"value="approve""#);
    house.get(Some(&mel), &task).await.says("Approved by ann").says("Waits for a runner");
    house.get(Some(&ann), "/approvals").await.says("Nothing waits");
    let approved = house.get(Some(&ann), "/approvals?state=approved").await;
    approved
        .says("Deploy")
        .says(r#"Waiting<span class="count">0</span>"#)
        .says(r#"Approved<span class="count">1</span>"#);

    let late = house.send(Some(&ann), &page, DECIDE, &yes).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.says("This request has been approved already.");
}

/// M-01: what a service account asks for does not wait for whoever answers for it, and deciding it is refused on the record.
#[tokio::test]
async fn d_04_who_answers_for_what_asks_is_not_asked_and_may_not_decide() {
    let house = House::new().await;
    let adam = house.person("adam", TenantRole::Admin, None).await;
    let ann = house.person("ann", TenantRole::Person, Some(Role::Approver)).await;
    let ben = house.person("ben", TenantRole::Person, Some(Role::Approver)).await;
    let robot = house.robot(&adam, &ann, Role::Member).await;
    let (_, page, id, digest) = ask(&house, &robot, "curl x").await;
    house.get(Some(&ben), "/").await.says(&page).says("Waiting for your answer");
    house.get(Some(&ann), "/").await.says("Nothing waits for you.").hides(&page);
    let shown = house.get(Some(&ann), &page).await;
    shown.says("You are responsible for the requester or created its key.").hides(r#"value="approve""#);
    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve")];
    assert_eq!(house.act(Some(&ann), DECIDE, &yes).await.unwrap_err().kind, Kind::Forbidden);
    let mut read = house.store.read(&adam).await.unwrap();
    let refused = store::AuditFilter { outcome: Some(Outcome::Refused), ..Default::default() };
    let record = read.audit(&adam.may(ReadAudit).unwrap(), refused, None, 1).await.unwrap().items.remove(0);
    assert_eq!((record.action.as_str(), record.person_id), ("approval.decide", ann.person()));
    drop(read);
    assert_eq!(house.act(Some(&ben), DECIDE, &yes).await.unwrap(), Done::Stay);
}

#[tokio::test]
async fn an_answer_to_another_request_than_the_one_shown_is_refused_and_a_denial_needs_a_reason() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let ann = house.person("ann", TenantRole::Person, Some(Role::Approver)).await;
    let (task, page, id, digest) = ask(&house, &mel, "curl x").await;
    let other = "0".repeat(64);
    let stale =
        house.send(Some(&ann), &page, DECIDE, &[("id", &id), ("request_digest", &other), ("answer", "approve")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let silent =
        house.send(Some(&ann), &page, DECIDE, &[("id", &id), ("request_digest", &digest), ("answer", "deny")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    silent.says("Say why, so that the requester knows what to change.");
    let no = [("id", id.as_str()), ("request_digest", &digest), ("answer", "deny"), ("reason", "Not <b>today</b>")];
    house.act(Some(&ann), DECIDE, &no).await.unwrap();
    house.get(Some(&mel), &task).await.says("Denied by ann").says("Not &lt;b&gt;today").says("Denied");
}

#[tokio::test]
async fn requests_of_others_are_not_there_for_who_cannot_answer_them() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let sam = house.person("sam", TenantRole::Person, Some(Role::Member)).await;
    let (_, page, id, digest) = ask(&house, &mel, "curl x").await;
    house.get(Some(&sam), "/approvals").await.says("Nothing waits").hides("Deploy");
    assert_eq!(house.get(Some(&sam), &page).await.status, StatusCode::NOT_FOUND);
    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve")];
    assert_eq!(house.act(Some(&sam), DECIDE, &yes).await.unwrap_err().kind, Kind::NotFound);
    let ada = house.person("ada", TenantRole::Admin, None).await;
    house.get(Some(&ada), &page).await.says("Only approvers of the organization may decide.");
}

/// Says yes to what waits, as `who`.
async fn approve(house: &House, who: &Actor, id: &str, digest: &str) {
    let yes = [("id", id), ("request_digest", digest), ("answer", "approve")];
    house.act(Some(who), DECIDE, &yes).await.unwrap();
}

#[tokio::test]
async fn d_04_what_changed_since_the_last_approval_is_shown_line_by_line() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let ann = house.person("ann", TenantRole::Person, Some(Role::Approver)).await;
    let (_, page, id, digest) = ask(&house, &mel, "echo one\necho two").await;
    house.get(Some(&ann), &page).await.says("Never approved before").hides(r#"class="source diff""#);
    approve(&house, &ann, &id, &digest).await;

    let (_, same, same_id, same_digest) = ask(&house, &mel, "echo one\necho two").await;
    house.get(Some(&ann), &same).await.says("Nothing changed").says(&page).hides(r#"class="source diff""#);
    let (_, next, ..) = ask(&house, &mel, "echo one\necho <b>\u{202e}two").await;
    let shown = house.get(Some(&ann), &next).await;
    shown.says("Changes in the script").says("<del><code>echo two</code></del>").says("<ins><code>echo &lt;b&gt;");
    shown.says("Changes in the request").says("script_sha256").hides("&quot;nonce&quot;: &quot;<").says(&page);
    approve(&house, &ann, &same_id, &same_digest).await;
    house.get(Some(&ann), &next).await.says(&same).hides(&page);

    let (_, long, ..) = ask(&house, &mel, &"true\n".repeat(2_001)).await;
    house.get(Some(&ann), &long).await.says("too long to be compared line by line").hides("Changes in the script");
}
