//! What a task with unrestricted network access reaches on the server: nothing answers it without credentials.
use crate::{client::Credential, program::Program};
use serde_json::json;
use testkit::{ADA, MIA};

/// Returns a script that prints the response of each path, requested over loopback.
fn script(origin: &str, paths: &[&str]) -> String {
    let address = origin.trim_start_matches("http://");
    let (host, port) = address.rsplit_once(':').unwrap();
    let request = |path: &&str| {
        format!(
            "exec 3<>/dev/tcp/{host}/{port}; printf 'GET {path} HTTP/1.1\\r\\nHost: {address}\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3; echo"
        )
    };
    paths.iter().map(request).collect::<Vec<_>>().join("\n")
}

/// Runs a script with unrestricted network access, which another person approves, and returns its output.
async fn run_unrestricted(program: &Program, requester: &str, approver: &str, script: &str) -> String {
    let task = program
        .submit_as(requester, json!({ "script": script, "title": "Test", "network_policy": "unrestricted" }))
        .await;
    let list = program.get(Credential::Key(approver), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task.as_str()).unwrap();
    let path = format!("/api/v1/approvals/{}/approve", approval["id"].as_str().unwrap());
    let decision = json!({ "reason": "reviewed", "request_digest": approval["request_digest"] });
    program.post(Credential::Key(approver), &path, &decision).await.is(200);
    program.until_succeeded(requester, &task).await;
    program.printed(requester, &task).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_08_a_task_on_the_servers_machine_reads_no_metrics() {
    let mut program = Program::sqlite();
    program.use_fixed_ports();
    program.tenant("acme");
    let (mia, ada) = (program.person(MIA, "acme"), program.person(ADA, "acme"));
    for (token, status) in [(None, "HTTP/1.1 403"), (Some("sixteen-or-more-characters"), "HTTP/1.1 401")] {
        if let Some(token) = token {
            program.set("CASTELLAN_METRICS_TOKEN", token);
        }
        program.start().await;
        let script = script(&program.origin, &["/healthz", "/metrics"]);
        let printed = run_unrestricted(&program, &mia.key, &ada.key, &script).await;
        assert!(printed.contains("HTTP/1.1 200") && printed.contains(status), "{printed}");
        assert!(!printed.contains("castellan_build_info"), "{printed}");
        program.stop(std::time::Duration::from_secs(30)).await;
    }
}
