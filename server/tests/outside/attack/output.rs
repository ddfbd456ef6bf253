//! Hostile task output is displayed as text (Coder GHSA-7qw2-f75v-62f7).
use crate::{client::Credential, program::Program};
use serde_json::Value;
use testkit::{ADA, MIA};

/// Colors, a hyperlink, a title, cursor movement, a terminal query, markup, and a forged event.
const SCRIPT: &str = r#"printf '\033[31mred\033[0m\n'
printf '\033]8;;javascript:alert(1)\007click\033]8;;\007\n'
printf '\033]0;title\007\033[2J\033[H\033[6n\033P+q\033\\after\n'
printf '<script>alert(1)</script><img src=x onerror=alert(1)>\n'
printf 'x\r\rdata: forged\r\revent: end\rdata: succeeded\n'
printf '\342\200\256gnp.exe\n'
printf '</textarea></pre>&lt;b&gt;\n'
"#;

/// Script, title and output are escaped in pages, streams and downloads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_output_is_text_everywhere() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let (mia, ada) = (program.person(MIA, "acme"), program.person(ADA, "acme"));
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    let title = "</title><script>alert(2)</script>\"'><b>";
    let body = serde_json::json!({ "script": SCRIPT, "title": title, "labels": { "x": "javascript:alert(3)" } });
    let task = program.submit_as(&mia.key, body).await;
    program.until_succeeded(&mia.key, &task).await;

    // The same script as an approval request, for an approver.
    let submission = serde_json::json!({ "script": SCRIPT, "title": title, "network_policy": "unrestricted" });
    program.submit_as(&mia.key, submission).await;
    let list = program.get(Credential::Key(&mia.key), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"][0]["id"].as_str().unwrap();
    let approver = program.sign_in(&ada.email).await;

    for (who, path) in [
        (&browser, format!("/tasks/{task}")),
        (&browser, "/tasks".into()),
        (&browser, "/".into()),
        (&browser, format!("/tasks/new?again={task}")),
        (&approver, "/".into()),
        (&approver, "/approvals".into()),
        (&approver, format!("/approvals/{approval}")),
    ] {
        let page = program.get(Credential::Browser(who), &path).await.is(200);
        for inert in ["<script>alert", "<img src=x", "href=\"javascript", "</textarea></pre>&lt;"] {
            let at = page
                .body
                .find(inert)
                .map(|at| page.body[at.saturating_sub(300)..].chars().take(600).collect::<String>());
            assert_eq!(at, None, "{path} has {inert}");
        }
        assert!(!page.body.contains('\u{1b}') && !page.body.contains('\u{7}'), "{path} has control characters");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self' 'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
        // Browsers hide only the attribute `nonce` from scripts and style sheets.
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        let hidden = page.body.matches(&format!("nonce=\"{nonce}\"")).count();
        assert!(hidden > 0 && page.body.matches(nonce).count() == hidden, "{path} has the nonce elsewhere");
    }
    let page = program.get(Credential::Browser(&browser), &format!("/tasks/{task}")).await;
    assert!(page.body.contains(r#"class="ansi-fg-1">red<"#), "colors are classes");
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "markup is shown as it is");

    let mut stream = program.listen(Credential::Browser(&browser), &format!("/tasks/{task}/live")).await;
    let events = stream.end().await;
    assert_eq!(events.iter().filter(|event| event.event == "end").count(), 1, "{events:#?}");
    let lines = events
        .iter()
        .filter(|event| event.event == "lines")
        .flat_map(|event| serde_json::from_str::<Vec<Value>>(&event.data).unwrap());
    let spans: Vec<_> = lines.flat_map(|line| line["spans"].as_array().unwrap().clone()).collect();
    assert!(spans.iter().any(|span| span["text"].as_str().unwrap().contains("<script>")), "text stays whole");
    for span in &spans {
        let (text, class) = (span["text"].as_str().unwrap(), span["class"].as_str().unwrap_or(""));
        assert!(!text.contains(['\u{1b}', '\u{7}']) && !text.contains("javascript"), "{span}");
        assert!(class.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ' '), "{span}");
    }
    // Each line is one event, whatever it contains.
    let mut stream = program.listen(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
    let events = stream.end().await;
    assert_eq!(events.iter().filter(|event| event.event == "line").count(), 7, "{events:#?}");

    for (who, path) in [
        (Credential::Browser(&browser), format!("/tasks/{task}/log")),
        (Credential::Key(&mia.key), format!("/api/v1/tasks/{task}/log")),
    ] {
        let file = program.get(who, &path).await.is(200);
        assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
}
