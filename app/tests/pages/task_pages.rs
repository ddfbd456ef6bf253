//! Task pages, audit log pages and the overview.
use crate::{
    fixture::{Fixture, NOW},
    runners::runner,
    task_forms::submit,
};
use app::outcome::Kind;
use axum::http::StatusCode;
use domain::{
    Actor, TaskId,
    log::{Line, Stream},
    policy::ErasePersonalData,
    receipt::{End, Receipt},
    request::OutputDigest,
    role::Role,
};
use testkit::{ADAM, AUDREY, MAX, MIA, OLGA, TestPerson};

/// Runs the queued task: it prints `lines` and ends with exit status `end`, or keeps running if `end` is `None`.
pub async fn run(fixture: &Fixture, runner: &Actor, lines: &[(Stream, &str)], end: Option<i32>) {
    let mut write = fixture.store.write(runner).await.unwrap();
    let task = write.claim_tasks(&["bash".into()], 1).await.unwrap().pop().unwrap();
    let lease = task.lease;
    write.start_task(lease).await.unwrap();
    let lines: Vec<_> = lines.iter().map(|(stream, text)| Line::new(NOW, *stream, *text)).collect();
    write.append_lines(lease, 1, &lines).await.unwrap();
    if let Some(status) = end {
        let domain::Principal::Runner(id) = runner.principal else { panic!("no runner") };
        let output: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
        let receipt = Receipt {
            tenant: fixture.tenant,
            task: lease.task,
            attempt: lease.attempt,
            runner: id,
            request: task.request_digest,
            started_at: NOW,
            ended_at: NOW,
            end: End::Exited(status),
            output: OutputDigest::of(output.as_bytes()),
            output_bytes: u64::try_from(output.len()).unwrap(),
            out_of_memory: false,
            replaced_bytes: 0,
            output_lines: u64::try_from(lines.len()).unwrap(),
        };
        write.finish_task(lease, &receipt, vec![1]).await.unwrap();
    }
    write.commit().await.unwrap();
}

#[tokio::test]
async fn a_task_page_shows_its_timeline_output_and_receipt() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let page = submit(&fixture, &mia, &[("script", "echo hi"), ("title", "Greeting"), ("labels", "env=prod")]).await;
    fixture.get(Some(&mia), &page).await.shows("No output yet.").shows("No runner is connected.").shows("LogViewer");
    let runner = runner(&fixture, serde_json::json!({})).await;
    let lines =
        [(Stream::Stdout, "\u{1b}[32mhi\u{1b}[0m <b>"), (Stream::Stderr, "\u{1b}]8;;javascript:alert(1)\u{7}oops")];
    run(&fixture, &runner, &lines, Some(3)).await;
    let output: Vec<u8> = lines.iter().flat_map(|(_, text)| format!("{text}\n").into_bytes()).collect();
    let shown = fixture.get(Some(&mia), &page).await;
    shown.shows("<h1>Greeting</h1>").shows("without network").shows("512 MiB").shows("env=prod");
    shown
        .shows("Submitted by mia")
        .shows("Assigned to runner build-1")
        .shows("Started")
        .shows("Ended with exit status 3");
    shown
        .shows(r#"<span class="ansi-fg-2">hi</span>"#)
        .shows("&lt;b&gt;")
        .shows(r##"href="#L2""##)
        .hides("javascript:alert");
    shown
        .shows("Signature not checked")
        .shows(&OutputDigest::of(&output).to_string())
        .shows("task.finish")
        .hides("Cancel task");
    fixture.get(Some(&mia), "/").await.shows("Recent failures").shows("Greeting");
}

#[tokio::test]
async fn d_01_long_output_opens_at_its_end_and_is_paged_without_javascript() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let page = submit(&fixture, &mia, &[("script", "seq 1500")]).await;
    let runner = runner(&fixture, serde_json::json!({})).await;
    let mut lines = vec![(Stream::Stdout, "x"); 1_500];
    lines[699] = (Stream::Stderr, "\u{1b}[31mNo\u{1b}[0m space <left>");
    run(&fixture, &runner, &lines, Some(0)).await;

    let end = fixture.get(Some(&mia), &page).await;
    end.shows(r#"id="L1001""#).shows(r#"id="L1500""#).hides(r#"id="L1000""#).hides("Later lines");
    end.shows("Lines 1001 to 1500 of 1500").shows(&format!("{page}?from=501#log-title"));
    end.shows(r#"<div class="log-block">"#).shows("LogViewer").hides("Reload output");

    let middle = fixture.get(Some(&mia), &format!("{page}?from=742")).await;
    middle.shows(r#"id="L701""#).shows(r#"id="L1200""#).hides(r#"id="L1201""#).hides(r#"id="L700""#);
    middle.shows(&format!("{page}?from=201#log-title")).shows(&format!("{page}?from=1201#log-title"));

    let found = fixture.get(Some(&mia), &format!("{page}?find=no+SPACE")).await;
    found.shows("1 matching line:").shows(&format!("{page}?find=no%20SPACE&amp;from=700#L700"));
    found.shows(r#"value="no SPACE""#);
    fixture.get(Some(&mia), &format!("{page}?find=%3Cb%3E")).await.shows("No matches").hides("<b>");
    for odd in ["from=0", "from=-9", "from=99999999999", "from=x", "from="] {
        let shown = fixture.get(Some(&mia), &format!("{page}?{odd}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{odd}");
        shown.shows(r#"<div class="log-block">"#);
    }
}

#[tokio::test]
async fn task_details_leave_out_empty_values() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let plain = submit(&fixture, &mia, &[("script", "true")]).await;
    fixture.get(Some(&mia), &plain).await.hides("<dt>Labels</dt>").shows("<dt>Runner</dt>");
    let labeled = submit(&fixture, &mia, &[("script", "true"), ("labels", "env=prod")]).await;
    fixture.get(Some(&mia), &labeled).await.shows("<dt>Labels</dt>").shows("/tasks?label=env%3Dprod");
}

#[tokio::test]
async fn the_audit_log_is_limited_to_admins_and_auditors_and_shows_full_records() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let audrey = fixture.person(AUDREY).await;
    let task = submit(&fixture, &olga, &[("script", "true")]).await;
    assert_eq!(fixture.get(Some(&olga), "/audit").await.status, StatusCode::FORBIDDEN);
    assert_eq!(fixture.get(Some(&olga), "/audit/1").await.status, StatusCode::FORBIDDEN);
    fixture.get(Some(&olga), &task).await.shows("task.submit").hides(r#"href="/audit/"#);
    let log = fixture.get(Some(&audrey), "/audit").await;
    log.shows("task.submit").shows("olga").shows("audit.read").shows("Refused");
    let narrow =
        fixture.get(Some(&audrey), "/audit?action=audit.read&outcome=refused&since=2026-03-01&until=2026-03-01").await;
    narrow.shows("<code>audit.read</code>").hides("<code>task.submit</code>");
    fixture.get(Some(&audrey), "/audit?until=2020-01-01").await.shows("No matches");
    let id: TaskId = task.rsplit('/').next().unwrap().parse().unwrap();
    let seq = fixture.store.read(&olga).await.unwrap().task_history(id).await.unwrap()[0].seq;
    let shown = fixture.get(Some(&audrey), &format!("/audit/{seq}")).await;
    shown
        .shows("request_digest")
        .shows("olga@acme.example")
        .shows("Hash matches")
        .shows(&format!("/audit/{}", seq - 1))
        .shows(&task);
    assert_eq!(fixture.get(Some(&audrey), "/audit/999").await.status, StatusCode::NOT_FOUND);
}

/// D-06 (E17): columns beside the hashed text are not shown, and an event that was altered is marked wherever it is shown.
#[tokio::test]
async fn d_06_trap_e17_an_altered_event_is_marked_and_its_forged_columns_are_not_shown() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let audrey = fixture.person(AUDREY).await;
    let task = submit(&fixture, &mia, &[("script", "true")]).await;
    let id: TaskId = task.rsplit('/').next().unwrap().parse().unwrap();
    let seq = fixture.store.read(&mia).await.unwrap().task_history(id).await.unwrap()[0].seq;
    fixture.get(Some(&audrey), "/audit").await.hides("Altered");
    fixture.database.run("drop trigger audit_no_update");
    fixture.database.run(&format!("update audit set action = 'forged.action', outcome = 'refused' where seq = {seq}"));
    fixture.get(Some(&audrey), "/audit").await.shows("Altered").hides("<code>forged.action</code>");
    fixture.get(Some(&audrey), &format!("/audit/{seq}")).await.shows("Hash mismatch").hides("forged.action");
    fixture.get(Some(&mia), &task).await.shows(&format!("Audit event {seq} of this task was altered"));
}

#[tokio::test]
async fn d_06_an_event_without_personal_data_links_to_its_erasure_or_says_that_there_is_none() {
    let fixture = Fixture::new().await;
    let (mia, audrey) = (fixture.person(MIA).await, fixture.person(AUDREY).await);
    let task = submit(&fixture, &mia, &[("script", "true")]).await;
    let id: TaskId = task.rsplit('/').next().unwrap().parse().unwrap();
    let seq = fixture.store.read(&mia).await.unwrap().task_history(id).await.unwrap()[0].seq;
    let page = format!("/audit/{seq}");
    fixture.database.run(&format!("update audit set personal = null where seq = {}", seq - 1));
    let unexplained = fixture.get(Some(&audrey), &format!("/audit/{}", seq - 1)).await;
    unexplained.shows("No audit event explains the erasure");
    fixture.get(Some(&audrey), &page).await.shows("mia@acme.example").hides("No audit event explains");

    let console = Actor::console(fixture.tenant, NOW);
    let erase = ErasePersonalData { person: mia.person().unwrap(), reason: "Left the company".into() };
    let mut write = fixture.store.write(&console).await.unwrap();
    write.erase_personal_data(console.may(erase).unwrap(), 0).await.unwrap();
    write.commit().await.unwrap();
    let erasure = fixture.store.read(&console).await.unwrap().audit_head().await.unwrap().seq;
    let erased = fixture.get(Some(&audrey), &page).await;
    erased.shows("Erased.").shows(&format!("href=\"/audit/{erasure}\"")).hides("mia@acme.example");
    fixture.get(Some(&audrey), &format!("/audit/{erasure}")).await.shows("audit.erase").shows("Left the company");
    fixture.get(Some(&audrey), &format!("/audit/{}", seq - 1)).await.shows("No audit event explains the erasure");
}

#[tokio::test]
async fn every_work_page_has_the_frame_and_no_missing_text() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(TestPerson { role: Some(Role::Owner), ..ADAM }).await;
    let task = submit(&fixture, &adam, &[("script", "# Fetch\ncurl x"), ("network_policy", "unrestricted")]).await;
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
        let shown = fixture.get(Some(&adam), place).await;
        assert_eq!(shown.status, StatusCode::OK, "{place}");
        assert_eq!(shown.html.matches("<h1>").count(), 1, "{place}");
        shown.hides("Unknown localization").shows(r#"<main id="main""#);
        assert_eq!(fixture.get(None, place).await.status, StatusCode::SEE_OTHER, "{place}");
    }
    for (action, fields) in [
        ("/actions/tasks/submit", vec![("script", "true")]),
        ("/actions/tasks/cancel", vec![("id", "x")]),
        ("/actions/approvals/decide", vec![("id", "x"), ("answer", "approve"), ("request_digest", "x")]),
        ("/actions/runners/enroll", vec![("name", "x")]),
        ("/actions/runners/revoke", vec![("id", "x")]),
    ] {
        assert_eq!(fixture.action(None, action, &fields).await.unwrap_err().kind, Kind::SignedOut, "{action}");
    }
}

#[tokio::test]
async fn the_overview_counts_only_accessible_tasks_of_the_week() {
    let fixture = Fixture::new().await;
    let mia = fixture.person(MIA).await;
    let max = fixture.person(MAX).await;
    let runner = runner(&fixture, serde_json::json!({})).await;
    for (title, status) in [("Good", 0), ("Also good", 0), ("Broken", 3)] {
        submit(&fixture, &mia, &[("script", "true"), ("title", title)]).await;
        run(&fixture, &runner, &[], Some(status)).await;
    }
    let shown = fixture.get(Some(&mia), "/").await;
    shown.shows("03-01: 2 succeeded, 1 failed, 0 stopped or denied").shows("View as table").shows("Succeeded (7 days)");
    shown.shows(">Broken<").hides("Run your first task").hides("style=");
    let nothing = fixture.get(Some(&max), "/").await;
    nothing.shows("No tasks ended in the last 7 days.").shows("Run your first task").hides(">Broken<");
}
