//! Attempts to approve one's own request, also through a second account, another digest, twice or too late (D-04).
use crate::{
    client::{Credential, Response, form},
    html,
    people::{Browser, PASSWORD, Person},
    program::{Program, on_both},
};
use serde_json::{Value, json};
use testkit::{ADA, ADAM, OLGA};

/// Starts a deployment with two approvers.
async fn begin(program: &mut Program) -> (Person, Person) {
    program.tenant("acme");
    let people = (program.person_named("mia", ADA, "acme"), program.person(ADA, "acme"));
    program.start().await;
    people
}

async fn ask(program: &Program, mia: &Person) -> (String, Value) {
    let body =
        json!({ "script": "echo it runs", "title": "Test", "network_policy": "unrestricted", "timeout_seconds": 60 });
    let task = program.submit_as(&mia.key, body).await;
    let list = program.get(Credential::Key(&mia.key), "/api/v1/approvals").await.is(200).json();
    let approval =
        list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task.as_str()).unwrap().clone();
    (task, approval)
}

async fn decide(program: &Program, who: &Person, approval: &Value, verb: &str, digest: &Value) -> Response {
    let path = format!("/api/v1/approvals/{}/{verb}", approval["id"].as_str().unwrap());
    program.post(Credential::Key(&who.key), &path, &json!({ "reason": "reviewed", "request_digest": digest })).await
}

/// Checks that the task was not dispatched.
async fn waits(program: &Program, who: &Person, task: &str) {
    let task = program.task(&who.key, task).await;
    assert_eq!(
        (&task["state"], &task["attempt"], &task["runner"]),
        (&"awaiting_approval".into(), &0.into(), &Value::Null),
        "{task:#}"
    );
}

/// Approves in a browser.
async fn approve_as(program: &Program, browser: &Browser, approval: &Value) -> Response {
    let fields = [
        ("id", approval["id"].as_str().unwrap()),
        ("answer", "approve"),
        ("request_digest", approval["request_digest"].as_str().unwrap()),
    ];
    program.act(Credential::Browser(browser), "approvals/decide", &fields).await
}

/// Confirms the only change that waits.
async fn confirm(program: &Program, browser: &Browser) -> Response {
    let page = program.get(Credential::Browser(browser), "/settings/approvals").await.is(200).body;
    let id = html::field(&page, "id");
    program.act(Credential::Browser(browser), "approvals/confirm-change", &[("id", &id)]).await
}

/// Uses a link with a token to set the password of an account.
async fn follow(program: &Program, action: &str, link: &str, more: &[(&str, &str)]) {
    let token = link.split_once("token=").unwrap().1;
    let fields = form(&[&[("token", token), ("password", PASSWORD)], more].concat());
    Response::of(program.action(Credential::Anonymous, action, "application/json", &fields)).await.is(200);
}

/// Asserts that a signed-in approver cannot approve, and sees why and until when before the attempt.
async fn is_on_hold(program: &Program, browser: &Browser, approval: &Value) {
    let page = format!("/approvals/{}", approval["id"].as_str().unwrap());
    let page = program.get(Credential::Browser(browser), &page).await.is(200).body;
    assert!(page.contains("The hold ends at") && !page.contains("value=\"approve\""), "{page}");
    let refused = approve_as(program, browser, approval).await.is(403);
    assert!(refused.body.contains("less than 24 hours ago"), "{refused}");
}

on_both! {
    /// D-04: an owner invites a second account of their own as an approver.
    async fn d_04_an_owner_cannot_approve_through_an_invited_account(program) {
        let (mia, _) = begin(program).await;
        let olga = program.person(OLGA, "acme");
        let adam = program.person(ADAM, "acme");
        let (owner, admin) = (program.sign_in(&olga.email).await, program.sign_in(&adam.email).await);
        let me = program.get(Credential::Key(&olga.key), "/api/v1/me").await.is(200).json();
        let organization = me["organizations"][0]["id"].as_str().unwrap();
        let fields = [("organization", organization), ("role", "approver"), ("uses", "1"), ("days", "1")];
        let link = program.act(Credential::Browser(&owner), "organizations/invite", &fields).await.is(200).secret();
        follow(program, "setup/join", &link, &[("name", "Second"), ("email", "second@acme.example")]).await;
        let second = program.sign_in("second@acme.example").await;
        let (task, approval) = ask(program, &olga).await;
        approve_as(program, &second, &approval).await.is(404); // a member until an admin confirms
        confirm(program, &owner).await.is(403);
        confirm(program, &admin).await.is(200);
        is_on_hold(program, &second, &approval).await;
        waits(program, &olga, &task).await;
        decide(program, &mia, &approval, "approve", &approval["request_digest"]).await.is(200);
        program.until_succeeded(&olga.key, &task).await;
    }

    /// D-04: an admin creates a password link for an approver and signs in as them.
    async fn d_04_an_admin_cannot_approve_as_an_approver_with_a_password_link(program) {
        let (_, ada) = begin(program).await;
        let (olga, adam) = (program.person(OLGA, "acme"), program.person(ADAM, "acme"));
        let amy = program.person_named("amy", ADAM, "acme");
        let (admin, second) = (program.sign_in(&adam.email).await, program.sign_in(&amy.email).await);
        let (task, approval) = ask(program, &adam).await;
        let requested = program.act(Credential::Browser(&admin), "people/link", &[("id", &ada.id)]).await.is(200);
        assert!(requested.body.contains("change-requested") && !requested.body.contains("token="), "{requested}");
        confirm(program, &admin).await.is(403);
        // Even if a second admin confirms it and gives the first one the link, the account is on hold.
        let link = confirm(program, &second).await.is(200).secret();
        follow(program, "setup/set-password", &link, &[]).await;
        let stolen = program.sign_in(&ada.email).await;
        is_on_hold(program, &stolen, &approval).await;
        waits(program, &adam, &task).await;
        decide(program, &olga, &approval, "approve", &approval["request_digest"]).await.is(200);
        program.until_succeeded(&adam.key, &task).await;
    }

    /// D-04: a task runs only after another person approved exactly this request.
    async fn d_04_a_task_runs_only_after_its_exact_request_is_approved(program) {
        let (mia, ada) = begin(program).await;
        let (task, approval) = ask(program, &mia).await;
        let digest = &approval["request_digest"];
        decide(program, &mia, &approval, "approve", digest).await.is(403);
        let other = json!("00".repeat(32));
        decide(program, &ada, &approval, "approve", &other).await.is(409);
        for garbage in [json!(""), json!("00"), Value::Null, json!(5)] {
            decide(program, &ada, &approval, "approve", &garbage).await.is(422);
        }
        // A later task that needs no approval succeeds, so the runner was free.
        let later = program.submit(&mia.key, "true").await;
        program.until_succeeded(&mia.key, &later).await;
        waits(program, &mia, &task).await;
        assert_eq!(program.printed(&mia.key, &task).await, "");

        decide(program, &ada, &approval, "approve", digest).await.is(200);
        decide(program, &ada, &approval, "approve", digest).await.is(409);
        decide(program, &ada, &approval, "deny", digest).await.is(409);
        let done = program.until_succeeded(&mia.key, &task).await;
        let receipt: Value = serde_json::from_str(done["receipt"].as_str().unwrap()).unwrap();
        assert_eq!((&done["request_digest"], &receipt["request"]), (digest, digest), "{receipt:#}");
        assert_eq!(program.printed(&mia.key, &task).await, "it runs\n");
    }

    /// D-04: exactly one of two concurrent decisions takes effect.
    async fn d_04_exactly_one_of_two_concurrent_decisions_counts(program) {
        let (mia, ada) = begin(program).await;
        let eve = program.person_named("eve", ADA, "acme");
        for _ in 0..10 {
            let (task, approval) = ask(program, &mia).await;
            let digest = &approval["request_digest"];
            let (yes, no) = tokio::join!(
                decide(program, &ada, &approval, "approve", digest),
                decide(program, &eve, &approval, "deny", digest)
            );
            let mut statuses = [yes.status, no.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{yes}\n{no}");
            match yes.status {
                200 => drop(program.until_succeeded(&mia.key, &task).await),
                _ => assert_eq!(program.task(&mia.key, &task).await["state"], "denied"),
            }
        }
    }
}
