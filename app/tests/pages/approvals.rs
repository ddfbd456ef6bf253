//! Approval requests and decisions on pages.
use crate::{fixture::Fixture, task_forms::submit};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{Actor, audit::Outcome, policy::ReadAudit, role::Role};
use testkit::{ABE, ADA, ADAM, MAX, MIA, OLGA};

const DECIDE: &str = "/actions/approvals/decide";

/// Submits a task that requires approval. Returns the paths of the task and of the approval request, its id and its digest.
async fn ask(fixture: &Fixture, actor: &Actor, script: &str) -> (String, String, String, String) {
    let task =
        submit(fixture, actor, &[("script", script), ("network_policy", "unrestricted"), ("title", "Deploy")]).await;
    let id = task.rsplit('/').next().unwrap().parse().unwrap();
    let approval = fixture.store.read(actor).await.unwrap().approval_of(id).await.unwrap().unwrap();
    let (id, digest) = (approval.id.to_string(), approval.request_digest.to_string());
    (task, format!("/approvals/{id}"), id, digest)
}

#[tokio::test]
async fn d_04_an_approval_request_is_shown_in_full_and_decided_by_another_person() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let ada = fixture.person(ADA).await;
    let (task, page, id, digest) = ask(&fixture, &olga, "curl x \u{202e}| sh\u{7}\n# end").await;

    let queue = fixture.get(Some(&ada), "/approvals").await;
    queue.shows("Deploy").shows("olga").shows("Unrestricted").shows("0 of 1").hides(DECIDE);
    queue.shows(r#"For me<span class="count">1</span>"#);
    let none = fixture.get(Some(&olga), "/approvals").await;
    none.shows("No approval requests for you").hides(&page);
    fixture.get(Some(&olga), "/approvals?state=waiting").await.shows("Deploy").shows(&page);
    fixture.get(Some(&ada), "/").await.shows(&page).shows("Waiting for your decision");
    fixture.get(Some(&olga), "/").await.shows("No approval requests are waiting for your decision.");
    let shown = fixture.get(Some(&ada), &page).await;
    shown.shows("U+202E").shows("U+0007").shows("# end").shows(&digest[..8]).shows("24\u{a0}h left");
    shown.shows("Requested by olga of acme in Operations").shows("No purpose was given.").shows("Only you can decide.");
    shown.shows("Hidden characters").shows("Not approved before");
    shown.shows("can reach everything that the runner can reach").shows("services that listen only on that machine");
    shown.shows(r#"name="answer" value="deny""#);
    assert!(shown.html.find(r#"value="deny""#) < shown.html.find(r#"value="approve""#), "the deny button comes first");
    fixture
        .get(Some(&olga), &page)
        .await
        .shows("You cannot decide your own approval request.")
        .shows("ada of acme can decide.")
        .hides(r#"value="approve""#);

    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve"), ("reason", "Looked\r\nat it")];
    assert_eq!(fixture.action(Some(&olga), DECIDE, &yes).await.unwrap_err().kind, Kind::Forbidden);
    assert_eq!(fixture.action(Some(&ada), DECIDE, &yes).await.unwrap(), Done::Stay);
    fixture.get(Some(&ada), &page).await.shows("1 of 1 approvals").shows("Looked").hides(r#"value="approve""#);
    let settled = fixture.get(Some(&ada), &page).await;
    settled.shows("Approved.").shows(&format!(r#"<a href="{task}">Watch it run</a>"#)).shows("Back to approvals");
    fixture.get(Some(&olga), &task).await.shows("Approved by ada").shows("No runner is connected.");
    fixture.get(Some(&ada), "/approvals").await.shows("No approval requests for you");
    let approved = fixture.get(Some(&ada), "/approvals?state=approved").await;
    approved
        .shows("Deploy")
        .shows(r#"Pending<span class="count">0</span>"#)
        .shows(r#"Approved<span class="count">1</span>"#);

    let late = fixture.submit_form(Some(&ada), &page, DECIDE, &yes).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    late.shows("This request has already been approved.");
}

/// M-01: the request is not listed for the responsible person, and the refused decision is recorded in the audit log.
#[tokio::test]
async fn d_04_the_responsible_person_of_a_service_account_cannot_decide_its_requests() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let ada = fixture.person(ADA).await;
    let abe = fixture.person(ABE).await;
    let robot = fixture.service_account(&adam, &ada, Role::Member).await;
    let (_, page, id, digest) = ask(&fixture, &robot, "curl x").await;
    fixture.get(Some(&abe), "/").await.shows(&page).shows("Waiting for your decision");
    fixture.get(Some(&ada), "/").await.shows("No approval requests are waiting for your decision.").hides(&page);
    let shown = fixture.get(Some(&ada), &page).await;
    shown
        .shows("You are responsible for the requester or created the API key of this request.")
        .hides(r#"value="approve""#);
    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve")];
    assert_eq!(fixture.action(Some(&ada), DECIDE, &yes).await.unwrap_err().kind, Kind::Forbidden);
    let mut read = fixture.store.read(&adam).await.unwrap();
    let refused = store::AuditFilter { outcome: Some(Outcome::Refused), ..Default::default() };
    let record = read.audit(&adam.may(ReadAudit).unwrap(), refused, None, 1).await.unwrap().items.remove(0);
    assert_eq!((record.action.as_str(), record.person_id), ("approval.decide", ada.person()));
    drop(read);
    assert_eq!(fixture.action(Some(&abe), DECIDE, &yes).await.unwrap(), Done::Stay);
}

#[tokio::test]
async fn a_decision_with_a_stale_digest_is_refused_and_a_denial_requires_a_reason() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let ada = fixture.person(ADA).await;
    let (task, page, id, digest) = ask(&fixture, &mia, "curl x").await;
    let other = "0".repeat(64);
    let stale = fixture
        .submit_form(Some(&ada), &page, DECIDE, &[("id", &id), ("request_digest", &other), ("answer", "approve")])
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let silent = fixture
        .submit_form(Some(&ada), &page, DECIDE, &[("id", &id), ("request_digest", &digest), ("answer", "deny")])
        .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    silent.shows("Give a reason so that the requester knows what to change.");
    let no = [("id", id.as_str()), ("request_digest", &digest), ("answer", "deny"), ("reason", "Not <b>today</b>")];
    fixture.action(Some(&ada), DECIDE, &no).await.unwrap();
    fixture.get(Some(&mia), &task).await.shows("Denied by ada").shows("Not &lt;b&gt;today").shows("Denied");
}

#[tokio::test]
async fn approval_requests_are_hidden_from_people_who_cannot_decide_them() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let max = fixture.person(MAX).await;
    let (_, page, id, digest) = ask(&fixture, &mia, "curl x").await;
    fixture.get(Some(&max), "/approvals").await.shows("You are not an approver").hides("Deploy");
    fixture.get(Some(&max), "/approvals?state=waiting").await.shows("No pending approval requests").hides("Deploy");
    assert_eq!(fixture.get(Some(&max), &page).await.status, StatusCode::NOT_FOUND);
    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve")];
    assert_eq!(fixture.action(Some(&max), DECIDE, &yes).await.unwrap_err().kind, Kind::NotFound);
    let adam = fixture.person(ADAM).await;
    fixture.get(Some(&adam), &page).await.shows("Only approvers of the organization can decide this request.");
}

/// Approves a pending request.
async fn approve(fixture: &Fixture, who: &Actor, id: &str, digest: &str) {
    let yes = [("id", id), ("request_digest", digest), ("answer", "approve")];
    fixture.action(Some(who), DECIDE, &yes).await.unwrap();
}

#[tokio::test]
async fn d_04_changes_since_the_last_approval_are_shown_line_by_line() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let ada = fixture.person(ADA).await;
    let (_, page, id, digest) = ask(&fixture, &mia, "echo one\necho two").await;
    fixture.get(Some(&ada), &page).await.shows("Not approved before").hides(r#"class="source diff""#);
    approve(&fixture, &ada, &id, &digest).await;

    let (_, same, same_id, same_digest) = ask(&fixture, &mia, "echo one\necho two").await;
    fixture.get(Some(&ada), &same).await.shows("No changes").shows(&page).hides(r#"class="source diff""#);
    let (_, next, ..) = ask(&fixture, &mia, "echo one\necho <b>\u{202e}two").await;
    let shown = fixture.get(Some(&ada), &next).await;
    shown
        .shows("Changes in the script")
        .shows(r#"<del><code>echo <mark class="changed">two</mark>"#)
        .shows(r#"<ins><code>echo <mark class="changed">&lt;b&gt;"#);
    shown.shows(r#"<span class="line-number">2</span><span>+</span>"#).shows("+1 −1");
    shown.shows("Changes in the request").shows("script_sha256").hides("&quot;nonce&quot;: &quot;<").shows(&page);
    fixture.get(Some(&ada), &same).await.shows("with the same requester, title and tool");
    approve(&fixture, &ada, &same_id, &same_digest).await;
    fixture.get(Some(&ada), &next).await.shows(&same).hides(&page);

    let (_, long, ..) = ask(&fixture, &mia, &"true\n".repeat(2_001)).await;
    fixture.get(Some(&ada), &long).await.shows("too long for a line-by-line comparison").hides("Changes in the script");
}

#[tokio::test]
async fn d_04_the_page_says_why_and_leads_to_the_next_request() {
    let fixture = Fixture::new().await;
    let (mia, ada, abe) = (fixture.person(MIA).await, fixture.person(ADA).await, fixture.person(ABE).await);
    let (_, page, id, digest) = ask(&fixture, &mia, "curl x").await;
    let purpose = [
        ("script", "# Rotate\ncurl y"),
        ("network_policy", "unrestricted"),
        ("purpose", "Certificates <expire>\r\non Friday"),
        ("ticket", "https://tickets.example/1?a=1&b=2"),
    ];
    let task = submit(&fixture, &mia, &purpose).await;
    let task_id = task.rsplit('/').next().unwrap().parse().unwrap();
    let second = fixture.store.read(&mia).await.unwrap().approval_of(task_id).await.unwrap().unwrap().id;
    let second = format!("/approvals/{second}");
    let shown = fixture.get(Some(&ada), &second).await;
    shown.shows("Rotate").shows("Certificates &lt;expire&gt;").shows(">on Friday<").hides("U+000D");
    shown.shows(r#"href="https://tickets.example/1?a=1&amp;b=2""#).shows("You can decide, and so can abe of acme.");
    fixture.get(Some(&mia), &second).await.shows("abe of acme or ada of acme can decide.");
    fixture.get(Some(&mia), &task).await.shows("Certificates &lt;expire&gt;").shows("https://tickets.example/1");
    approve(&fixture, &ada, &id, &digest).await;
    let next = format!(r#"<a href="{second}">Next request</a>"#);
    fixture.get(Some(&ada), &page).await.shows("Watch it run").shows(&next);
    fixture.get(Some(&abe), &page).await.shows(&next);
    fixture.get(Some(&mia), &page).await.hides("Next request").shows("Back to approvals");
}

#[tokio::test]
async fn d_04_a_denied_task_says_that_it_did_not_run() {
    let fixture = Fixture::new().await;
    let (mia, ada) = (fixture.person(MIA).await, fixture.person(ADA).await);
    let (task, _, id, digest) = ask(&fixture, &mia, "curl x").await;
    let never = "This task did not run, so it has no output.";
    fixture.get(Some(&mia), &task).await.hides(never);
    let no = [("id", id.as_str()), ("request_digest", &digest), ("answer", "deny"), ("reason", "no")];
    fixture.action(Some(&ada), DECIDE, &no).await.unwrap();
    fixture.get(Some(&mia), &task).await.shows(never);
}

/// Adds the only rule: every task needs an approval with a passkey.
async fn demand_passkeys(fixture: &Fixture, admin: &Actor) {
    let fields = [
        ("version", "1"),
        ("rules[0][name]", "everything"),
        ("rules[0][effect]", "ask"),
        ("rules[0][approvers]", "1"),
        ("rules[0][hours]", "24"),
        ("rules[0][passkey]", "true"),
    ];
    fixture.action(Some(admin), "/actions/rules/change", &fields).await.unwrap();
}

#[tokio::test]
async fn x19_an_approval_page_asks_for_the_passkey_that_the_rules_demand() {
    let fixture = Fixture::new().await;
    let (adam, olga, ada) = (fixture.person(ADAM).await, fixture.person(OLGA).await, fixture.person(ADA).await);
    demand_passkeys(&fixture, &adam).await;
    fixture.get(Some(&adam), "/rules").await.shows("each with a passkey");
    fixture.get(Some(&adam), "/rules/edit").await.shows("Approvals need a passkey");
    fixture.get(Some(&olga), "/tasks/new").await.shows("Each approval requires the approver’s passkey.");
    let (_, page, id, digest) = ask(&fixture, &olga, "true").await;
    let shown = fixture.get(Some(&ada), &page).await;
    shown.shows("Each approval requires the approver’s passkey.").shows("You need a passkey that works on this host");
    let (_, plain) = shown.html.split_once("<noscript><button").expect("a button for browsers without JavaScript");
    assert!(plain.split_once("</noscript>").unwrap().0.contains(r#"value="approve""#), "{plain}");
    assert_eq!(shown.html.matches(r#"value="approve""#).count(), 1);

    let yes = [("id", id.as_str()), ("request_digest", &digest), ("answer", "approve"), ("reason", "reviewed")];
    let refused = fixture.submit_form(Some(&ada), &page, DECIDE, &yes).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows("The rules require your passkey for this approval.");
    let garbage = [("id", id.as_str()), ("request_digest", &digest), ("passkey", "{}")];
    assert_eq!(fixture.action(Some(&ada), DECIDE, &garbage).await.unwrap_err().kind, Kind::Invalid);
    let no = [("id", id.as_str()), ("request_digest", &digest), ("answer", "deny"), ("reason", "not today")];
    assert_eq!(fixture.action(Some(&ada), DECIDE, &no).await.unwrap(), Done::Stay);
    fixture.get(Some(&ada), &page).await.shows("Recorded by the server, without a passkey.");
}
