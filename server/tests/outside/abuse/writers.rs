//! Concurrent writers: each request is served, without lock errors.
use super::{assert_memory_growth, assert_page_served, reset_peak_memory};
use crate::{
    client::{Credential, Response},
    people::Browser,
    program::{Program, on_both},
    torture::scaled,
};
use serde_json::json;
use std::time::Duration;
use testkit::MIA;
use tokio::time::{Instant, timeout};

const WRITERS: usize = 64;

/// Submits tasks until `until` and returns their number.
async fn write(program: &Program, key: &str, until: Instant) -> Result<usize, String> {
    let mut written = 0;
    while Instant::now() < until {
        let body = json!({ "script": format!("echo {written}"), "labels": { "writer": "one-of-many" } });
        let request = program.request(Credential::Key(key), reqwest::Method::POST, "/api/v1/tasks").json(&body);
        match timeout(Duration::from_mins(1), Response::of(request)).await {
            Ok(response) if response.status == 201 => written += 1,
            Ok(response) => return Err(response.to_string()),
            Err(_) => return Err("no answer within a minute".into()),
        }
    }
    Ok(written)
}

on_both! {
    async fn sixty_four_writers_are_all_served(program) {
        program.set("CASTELLAN_LOCAL_RUNNER_ENABLED", "false");
        program.lift_rate_limits(); // all writers use one key, for longer than its rate limit allows
        program.tenant("acme");
        let mia = program.person(MIA, "acme");
        program.start().await;
        let browser: Browser = program.sign_in(&mia.email).await;
        assert_page_served(program, &browser).await;
        let (before, program) = (reset_peak_memory(program), &*program);
        let span = Duration::from_secs(scaled(10, 60));
        let until = Instant::now() + span;
        let writers = futures::future::join_all((0..WRITERS).map(|_| write(program, &mia.key, until)));
        let reader = async {
            while Instant::now() < until {
                assert_page_served(program, &browser).await;
            }
        };
        let (written, ()) = tokio::join!(writers, reader);
        let written: Vec<_> = written.into_iter().map(|written| written.unwrap_or_else(|why| panic!("{why}"))).collect();
        let (sum, least) = (written.iter().sum::<usize>(), *written.iter().min().unwrap());
        println!("{sum} tasks in {span:?}; the slowest writer wrote {least}");
        assert!(least > 0, "a writer was starved: {written:?}");
        assert!(!program.server_log().contains("database is locked"), "{}", program.server_log());
        program.verify_audit_log();
        assert_memory_growth(program, before, 150);
    }
}
