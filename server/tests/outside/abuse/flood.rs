//! One tenant asks without pause; another one works as before.
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{has_not_grown, is_served, resident};
use crate::{
    ask::{Answer, Who},
    program::on_both,
    torture::amount,
};

/// How many of the flooding tenant ask at once.
const AT_ONCE: usize = 24;

on_both! {
    async fn one_tenants_flood_is_not_anothers(program) {
        program.lift_rate_limits();
        program.tenant("acme");
        program.tenant("bolt");
        let (mia, eve) = (program.person("mia", "acme", "member"), program.person("eve", "bolt", "member"));
        program.start().await;
        let browser = program.sign_in(&mia.email).await;
        is_served(program, &browser).await;
        let (before, program) = (resident(program), &*program);
        let until = Instant::now() + Duration::from_secs(amount(8, 60));
        let flood = futures::future::join_all((0..AT_ONCE).map(|n| {
            let key = &eve.key;
            async move {
                let mut answers = 0;
                while Instant::now() < until {
                    let request = match n % 4 {
                        0 => program.request(Who::Key(key), reqwest::Method::POST, "/api/v1/tasks").json(&json!({ "script": "true" })),
                        1 => program.request(Who::Key(key), reqwest::Method::GET, "/api/v1/audit?limit=200"),
                        2 => program.request(Who::Key(key), reqwest::Method::GET, "/api/v1/tasks?limit=200"),
                        _ => program.request(Who::Nobody, reqwest::Method::GET, "/sign-in"),
                    };
                    let answer = Answer::of(request).await;
                    assert!(answer.status < 500 || answer.status == 503, "{answer}");
                    answers += 1;
                }
                answers
            }
        }));
        let work = async {
            let mut slowest = Duration::ZERO;
            while Instant::now() < until {
                is_served(program, &browser).await;
                let asked = Instant::now();
                let task = program.submit(&mia.key, "echo mine").await;
                program.until_succeeded(&mia.key, &task).await;
                slowest = slowest.max(asked.elapsed());
            }
            slowest
        };
        let (answers, slowest): (Vec<u32>, _) = tokio::join!(flood, work);
        println!("{} answers to the flood; the slowest task of the other tenant took {slowest:?}", answers.iter().sum::<u32>());
        assert!(slowest < Duration::from_secs(20), "a task took {slowest:?}");
        has_not_grown(program, before, 200);
    }
}
