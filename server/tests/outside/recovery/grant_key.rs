//! Rotation of the grant key with the real programs: open tasks and the enrolled runner continue.
use crate::{client::Credential, program::Program, timeouts::DEFAULT_TIMEOUT};
use serde_json::json;
use std::fs;
use testkit::{ADA, ADAM, MIA};

/// Submits a task that needs an approval, and approves it.
async fn approved(program: &Program, requester: &str, approver: &str, text: &str) -> String {
    let script = format!("echo {text}");
    let task = program
        .submit_as(requester, json!({ "script": script, "title": "Test", "network_policy": "unrestricted" }))
        .await;
    let list = program.get(Credential::Key(approver), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task.as_str()).unwrap();
    let path = format!("/api/v1/approvals/{}/approve", approval["id"].as_str().unwrap());
    let decision = json!({ "reason": "reviewed", "request_digest": approval["request_digest"] });
    program.post(Credential::Key(approver), &path, &decision).await.is(200);
    task
}

/// Whether `castellan audit verify` accepts the log and every start.
fn is_verified(program: &Program) -> bool {
    let verified = program.run(&["audit", "verify"], "");
    verified.status.success() || panic!("{}", String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()))
}

crate::program::on_both! {
    /// X1, X5: the runner is offline during two rotations; tasks from before each of them still run.
    async fn x1_tasks_and_runners_from_before_two_rotations_of_the_grant_key_continue(program) {
        program.tenant("acme");
        let (adam, mia, ada) =
            (program.person(ADAM, "acme"), program.person(MIA, "acme"), program.person(ADA, "acme"));
        program.use_fixed_ports();
        program.start().await;
        let first = program.submit(&mia.key, "echo first").await;
        program.until_succeeded(&mia.key, &first).await;
        program.stop(DEFAULT_TIMEOUT).await;
        let former = fs::read(program.data().join("secrets/grants.pem")).unwrap();

        // Two rotations without a runner, each with a task that was approved before.
        program.configure("[local_runner]\nenabled = false\n");
        let mut tasks = vec![];
        for round in ["one", "two"] {
            program.start().await;
            tasks.push((approved(program, &mia.key, &ada.key, round).await, round));
            program.stop(DEFAULT_TIMEOUT).await;
            program.cli(&["admin", "rotate-grant-key"], "");
        }
        let pem = fs::read_to_string(program.data().join("secrets/grants.pem")).unwrap();
        assert_eq!(pem.lines().filter(|line| line.starts_with("succession ")).count(), 2);
        assert!(pem.ends_with("unfinished\n"));
        program.configure("");
        program.start().await;
        let pem = fs::read_to_string(program.data().join("secrets/grants.pem")).unwrap();
        assert!(!pem.contains("unfinished"), "the start signed the open tasks again");
        for (task, text) in &tasks {
            program.until_succeeded(&mia.key, task).await;
            assert_eq!(program.printed(&mia.key, task).await, format!("{text}\n"));
        }
        let after = approved(program, &mia.key, &ada.key, "after").await;
        program.until_succeeded(&mia.key, &after).await;
        assert_eq!(program.audit(&adam.key, Some("grant_key.rotate")).await.len(), 2);
        assert_eq!(program.audit(&adam.key, Some("runner.enroll")).await.len(), 1);
        program.stop(DEFAULT_TIMEOUT).await;
        assert!(is_verified(program));

        // The former key is refused.
        fs::write(program.data().join("secrets/grants.pem"), former).unwrap();
        let refused = program.startup_error().await;
        assert!(refused.contains("secrets/grants.pem does not match this database"), "{refused}");
    }
}
