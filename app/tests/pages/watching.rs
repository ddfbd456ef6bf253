//! A task that ran, and the audit log that says so.
use crate::{
    house::{House, NOW},
    running::runner,
    submitting::submit,
};
use app::outcome::Kind;
use axum::http::StatusCode;
use domain::{
    Actor, TaskId,
    log::{Line, Stream},
    receipt::{End, Receipt},
    request::OutputDigest,
    role::{Role, TenantRole},
};
use store::Lease;

/// Runs the task that waits: it prints `lines` and ends with an exit status, unless it goes on.
async fn run(house: &House, runner: &Actor, lines: &[(Stream, &str)], end: Option<i32>) {
    let mut write = house.store.write(runner).await.unwrap();
    let task = write.claim_tasks(&["bash".into()], 1).await.unwrap().pop().unwrap().task;
    let lease = Lease { task: task.id, attempt: task.attempt };
    write.start_task(lease).await.unwrap();
    let lines: Vec<_> =
        lines.iter().map(|(stream, text)| Line { at: NOW, stream: *stream, text: (*text).into() }).collect();
    write.append_lines(lease, 1, &lines).await.unwrap();
    if let Some(status) = end {
        let domain::Principal::Runner(id) = runner.principal else { panic!("no runner") };
        let receipt = Receipt {
            tenant: house.tenant,
            task: task.id,
            attempt: task.attempt,
            runner: id,
            request: task.request_digest,
            started_at: NOW,
            ended_at: NOW,
            end: End::Exited(status),
            output: OutputDigest([7; 32]),
            output_bytes: 9,
            output_lines: u64::try_from(lines.len()).unwrap(),
        };
        write.finish_task(lease, &receipt, vec![1]).await.unwrap();
    }
    write.commit().await.unwrap();
}

#[tokio::test]
async fn a_tasks_page_shows_its_life_its_output_and_its_receipt() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let page = submit(&house, &mel, &[("script", "echo hi"), ("title", "Greeting"), ("labels", "env=prod")]).await;
    house.get(Some(&mel), &page).await.says("Nothing has been printed yet.").says("Waits for a runner").says("LogView");
    let runner = runner(&house, serde_json::json!({})).await;
    let lines =
        [(Stream::Stdout, "\u{1b}[32mhi\u{1b}[0m <b>"), (Stream::Stderr, "\u{1b}]8;;javascript:alert(1)\u{7}oops")];
    run(&house, &runner, &lines, Some(3)).await;
    let shown = house.get(Some(&mel), &page).await;
    shown.says("<h1>Greeting</h1>").says("without network").says("512 MiB").says("env=prod");
    shown.says("Submitted by mel").says("Given to the runner build-1").says("Started").says("Ended with exit status 3");
    shown
        .says(r#"<span class="ansi-fg-2">hi</span>"#)
        .says("&lt;b&gt;")
        .says(r##"href="#L2""##)
        .hides("javascript:alert");
    shown.says("Signature not checked").says(&"07".repeat(32)).says("task.finish").hides("Cancel task");
    house.get(Some(&mel), "/").await.says("Went wrong lately").says("Greeting");
}

/// D-01.
#[tokio::test]
async fn d_01_long_output_opens_at_its_end_and_is_read_in_parts_without_javascript() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let page = submit(&house, &mel, &[("script", "seq 1500")]).await;
    let runner = runner(&house, serde_json::json!({})).await;
    let mut lines = vec![(Stream::Stdout, "x"); 1_500];
    lines[699] = (Stream::Stderr, "\u{1b}[31mNo\u{1b}[0m space <left>");
    run(&house, &runner, &lines, Some(0)).await;

    let end = house.get(Some(&mel), &page).await;
    end.says(r#"id="L1001""#).says(r#"id="L1500""#).hides(r#"id="L1000""#).hides("Later lines");
    end.says("Lines 1001 to 1500 of 1500").says(&format!("{page}?from=501#log-title"));
    end.says(r#"<div class="log-block">"#).says("LogView").hides("Reload for newer lines");

    let middle = house.get(Some(&mel), &format!("{page}?from=742")).await;
    middle.says(r#"id="L701""#).says(r#"id="L1200""#).hides(r#"id="L1201""#).hides(r#"id="L700""#);
    middle.says(&format!("{page}?from=201#log-title")).says(&format!("{page}?from=1201#log-title"));

    let found = house.get(Some(&mel), &format!("{page}?find=no+SPACE")).await;
    found.says("One line has it:").says(&format!("{page}?find=no%20SPACE&amp;from=700#L700"));
    found.says(r#"value="no SPACE""#);
    house.get(Some(&mel), &format!("{page}?find=%3Cb%3E")).await.says("No line has it.").hides("<b>");
    for odd in ["from=0", "from=-9", "from=99999999999", "from=x", "from="] {
        let shown = house.get(Some(&mel), &format!("{page}?{odd}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{odd}");
        shown.says(r#"<div class="log-block">"#);
    }
}

#[tokio::test]
async fn only_what_a_task_has_is_a_fact_about_it() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let plain = submit(&house, &mel, &[("script", "true")]).await;
    house.get(Some(&mel), &plain).await.hides("<dt>Labels</dt>").says("<dt>Runner</dt>");
    let labeled = submit(&house, &mel, &[("script", "true"), ("labels", "env=prod")]).await;
    house.get(Some(&mel), &labeled).await.says("<dt>Labels</dt>").says("/tasks?label=env%3Dprod");
}

#[tokio::test]
async fn the_audit_log_is_for_admins_and_auditors_and_shows_each_record_in_full() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Owner)).await;
    let aud = house.person("aud", TenantRole::Auditor, None).await;
    let task = submit(&house, &mel, &[("script", "true")]).await;
    assert_eq!(house.get(Some(&mel), "/audit").await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get(Some(&mel), "/audit/1").await.status, StatusCode::FORBIDDEN);
    house.get(Some(&mel), &task).await.says("task.submit").hides(r#"href="/audit/"#);
    let log = house.get(Some(&aud), "/audit").await;
    log.says("task.submit").says("mel").says("audit.read").says("Refused");
    let narrow =
        house.get(Some(&aud), "/audit?action=audit.read&outcome=refused&since=2026-03-01&until=2026-03-01").await;
    narrow.says("<code>audit.read</code>").hides("<code>task.submit</code>");
    house.get(Some(&aud), "/audit?until=2020-01-01").await.says("No record matches");
    let id: TaskId = task.rsplit('/').next().unwrap().parse().unwrap();
    let seq = house.store.read(&mel).await.unwrap().task_history(id).await.unwrap()[0].seq;
    let shown = house.get(Some(&aud), &format!("/audit/{seq}")).await;
    shown
        .says("request_digest")
        .says("mel@example.org")
        .says("Hash fits")
        .says(&format!("/audit/{}", seq - 1))
        .says(&task);
    assert_eq!(house.get(Some(&aud), "/audit/999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_page_of_work_stands_in_the_frame_and_has_all_its_texts() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, Some(Role::Owner)).await;
    let task = submit(&house, &ada, &[("script", "curl x"), ("network_policy", "unrestricted")]).await;
    let places = [
        "/",
        "/tasks",
        "/tasks/new",
        "/approvals",
        "/approvals?state=all",
        "/audit",
        "/audit/1",
        "/runners",
        "/runners/new",
        &task,
    ];
    for place in places {
        let shown = house.get(Some(&ada), place).await;
        assert_eq!(shown.status, StatusCode::OK, "{place}");
        assert_eq!(shown.html.matches("<h1>").count(), 1, "{place}");
        shown.hides("Unknown localization").says(r#"<main id="main""#);
        assert_eq!(house.get(None, place).await.status, StatusCode::SEE_OTHER, "{place}");
    }
    for (action, fields) in [
        ("/actions/tasks/submit", vec![("script", "true")]),
        ("/actions/tasks/cancel", vec![("id", "x")]),
        ("/actions/approvals/decide", vec![("id", "x"), ("answer", "approve"), ("request_digest", "x")]),
        ("/actions/runners/enroll", vec![("name", "x")]),
        ("/actions/runners/revoke", vec![("id", "x")]),
    ] {
        assert_eq!(house.act(None, action, &fields).await.unwrap_err().kind, Kind::SignedOut, "{action}");
    }
}

#[tokio::test]
async fn the_overview_tells_how_the_week_went_to_who_sees_it() {
    let house = House::new().await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let sam = house.person("sam", TenantRole::Person, Some(Role::Member)).await;
    let runner = runner(&house, serde_json::json!({})).await;
    for (title, status) in [("Good", 0), ("Also good", 0), ("Broken", 3)] {
        submit(&house, &mel, &[("script", "true"), ("title", title)]).await;
        run(&house, &runner, &[], Some(status)).await;
    }
    let shown = house.get(Some(&mel), "/").await;
    shown.says("03-01: 2 succeeded, 1 went wrong, 0 stopped or denied").says("As a table").says("Succeeded in 7 days");
    shown.says(">Broken<").hides("Run a first task").hides("style=");
    let nothing = house.get(Some(&sam), "/").await;
    nothing.says("Nothing has ended in the last seven days.").says("Run a first task").hides(">Broken<");
}
