//! Request flood by one tenant while another tenant works normally.
use super::{assert_memory_growth, assert_page_served, reset_peak_memory};
use crate::{
    client::{Credential, Response},
    program::on_both,
    torture::scaled,
};
use serde_json::json;
use std::time::Duration;
use testkit::MIA;
use tokio::time::Instant;

/// The number of concurrent clients of the flooding tenant.
const CONCURRENT_REQUESTS: usize = 24;

on_both! {
    async fn a_flooding_tenant_does_not_slow_another(program) {
        program.lift_rate_limits();
        program.tenant("acme");
        program.tenant("bolt");
        let (mia, eve) = (program.person(MIA, "acme"), program.person_named("eve", MIA, "bolt"));
        program.start().await;
        let browser = program.sign_in(&mia.email).await;
        assert_page_served(program, &browser).await;
        let (before, program) = (reset_peak_memory(program), &*program);
        let until = Instant::now() + Duration::from_secs(scaled(8, 60));
        let flood = futures::future::join_all((0..CONCURRENT_REQUESTS).map(|n| {
            let key = &eve.key;
            async move {
                let mut responses = 0;
                while Instant::now() < until {
                    let request = match n % 4 {
                        0 => program.request(Credential::Key(key), reqwest::Method::POST, "/api/v1/tasks").json(&json!({ "script": "true" })),
                        1 => program.request(Credential::Key(key), reqwest::Method::GET, "/api/v1/audit?limit=200"),
                        2 => program.request(Credential::Key(key), reqwest::Method::GET, "/api/v1/tasks?limit=200"),
                        _ => program.request(Credential::Anonymous, reqwest::Method::GET, "/sign-in"),
                    };
                    let response = Response::of(request).await;
                    assert!(response.status < 500 || response.status == 503, "{response}");
                    responses += 1;
                }
                responses
            }
        }));
        let work = async {
            let mut slowest = Duration::ZERO;
            while Instant::now() < until {
                assert_page_served(program, &browser).await;
                let started = Instant::now();
                let task = program.submit(&mia.key, "echo mine").await;
                program.until_succeeded(&mia.key, &task).await;
                slowest = slowest.max(started.elapsed());
            }
            slowest
        };
        let (responses, slowest): (Vec<u32>, _) = tokio::join!(flood, work);
        println!("{} answers to the flood; the slowest task of the other tenant took {slowest:?}", responses.iter().sum::<u32>());
        assert!(slowest < Duration::from_secs(20), "a task took {slowest:?}");
        assert_memory_growth(program, before, 200);
    }
}
