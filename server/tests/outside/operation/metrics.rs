//! Metrics of a running server: complete, documented, valid for Prometheus, and sufficient for the alert rules (A-08, K-06).
use crate::{
    access::certificates::trusting,
    people::start_with_member,
    program::{Program, on_both},
    timeouts::until,
};
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

const TOKEN: &str = "sixteen-or-more-characters";

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// Returns the names of metrics in a text, without the suffixes of histograms.
fn names(text: &str) -> BTreeSet<String> {
    let words =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("castellan_"));
    words.map(str::to_owned).collect()
}

/// Returns the names of the series in a scrape.
fn series(scrape: &str) -> BTreeSet<String> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

async fn scrape(program: &Program, token: &str) -> reqwest::Response {
    program.client.get(format!("{}/metrics", program.origin)).bearer_auth(token).send().await.unwrap()
}

on_both! {
    async fn k_06_every_metric_of_the_alert_rules_and_of_the_guide_exists(program) {
        program.set("CASTELLAN_METRICS_TOKEN", TOKEN);
        program.set("CASTELLAN_METRICS_ALLOW", "127.0.0.1");
        program.set("CASTELLAN_TLS_SELF_SIGNED", "true");
        start_with_member(program).await;
        program.client = trusting(&program.data().join("self-signed.pem"));
        let connected = async || {
            let text = scrape(program, TOKEN).await.text().await.unwrap();
            text.contains("castellan_runners{state=\"connected\"} 1\n").then_some(text)
        };
        let text = until("the local runner is connected", connected).await;
        let mut exported = series(&text);
        exported.insert("castellan_last_backup_timestamp_seconds".to_owned()); // only with scheduled backups
        let ruled = names(&file("deploy/prometheus/castellan.rules.yml"));
        assert!(ruled.len() >= 10, "{ruled:?}");
        assert_eq!(ruled.difference(&exported).collect::<Vec<_>>(), [""; 0], "{text}");

        let plain = |name: &String| {
            let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            histogram.unwrap_or(name).to_owned()
        };
        let exported: BTreeSet<_> = exported.iter().map(plain).collect();
        let table = file("docs/metrics.md");
        let rows: String = table.lines().filter(|line| line.starts_with("| `castellan_")).filter_map(|line| line.split('|').nth(1)).collect();
        assert_eq!(names(&rows), exported);

        let mut promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let checked = promtool.wait_with_output().unwrap();
        assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");
        assert_eq!(scrape(program, "another-wrong-token").await.status(), 401);
        let counted = scrape(program, TOKEN).await.text().await.unwrap();
        assert!(counted.contains("castellan_http_requests_total{route=\"/metrics\",method=\"GET\",status=\"4xx\"} 1\n"), "{counted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_08_metrics_from_an_address_that_is_not_allowed_are_refused() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_METRICS_TOKEN", TOKEN);
    program.set("CASTELLAN_METRICS_ALLOW", "192.0.2.0/24");
    start_with_member(&mut program).await;
    let refused = scrape(&program, TOKEN).await;
    assert_eq!(refused.status(), 403);
    let text = refused.text().await.unwrap();
    assert!(text.contains("127.0.0.1") && text.contains("metrics.allow"), "{text}");
}
