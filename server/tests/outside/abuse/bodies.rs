//! Oversized, deeply nested and repetitive requests: each is rejected quickly with the right status.
use super::{MAX_PAGE_LATENCY, assert_memory_growth, assert_page_served, reset_peak_memory};
use crate::{
    client::{Credential, Response, client},
    people::start_with_member,
    program::Program,
};
use reqwest::Method;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oversized_requests_are_rejected_with_the_right_status() {
    let mut program = Program::sqlite();
    let mia = start_with_member(&mut program).await;
    let browser = program.sign_in(&mia.email).await;
    assert_page_served(&program, &browser).await;
    let before = reset_peak_memory(&program);
    let program = &program;
    let json = |body: String| {
        let request = program.request(Credential::Key(&mia.key), Method::POST, "/api/v1/tasks");
        request.header("content-type", "application/json").body(body)
    };
    let form = |body: String| program.action(Credential::Browser(&browser), "tasks/submit", "application/json", &body);
    let get = |path: String| program.request(Credential::Key(&mia.key), Method::GET, &path);
    let many = |piece: fn(usize) -> String, count: usize| (0..count).map(piece).collect::<String>();

    let abuses = [
        ("a script that is too long", json(format!("{{\"script\":\"{}\"}}", "x".repeat(300_000))), 422),
        ("a body that is too long", json(format!("{{\"script\":\"{}\"}}", "x".repeat(2_000_000))), 413),
        ("arrays in arrays", json("[".repeat(500_000)), 422),
        ("objects in objects", json("{\"labels\":".repeat(100_000)), 400),
        (
            "deep labels",
            json(format!("{{\"script\":\"a\",\"labels\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000))),
            400,
        ),
        (
            "one field a thousand times",
            json(format!("{{{}\"script\":\"a\"}}", many(|_| "\"title\":\"a\",".into(), 1_000))),
            422,
        ),
        ("many unknown fields", json(format!("{{{}\"script\":\"a\"}}", many(|n| format!("\"f{n}\":1,"), 60_000))), 422),
        (
            "many labels",
            json(format!(
                "{{\"script\":\"a\",\"labels\":{{{}\"z\":\"\"}}}}",
                many(|n| format!("\"l{n}\":\"\","), 40_000)
            )),
            422,
        ),
        (
            "many hosts",
            json(format!(
                "{{\"script\":\"a\",\"allowed_hosts\":[{}\"z\"]}}",
                many(|_| "\"a.example\",".into(), 60_000)
            )),
            422,
        ),
        ("a very long number", json(format!("{{\"script\":\"a\",\"timeout_seconds\":{}}}", "9".repeat(500_000))), 400),
        (
            "a form of many parts",
            // Uses its own connection, because the server closes it without reading the body.
            client(1)
                .post(format!("{}/api/v1/tasks", program.origin))
                .bearer_auth(&mia.key)
                .header("content-type", "multipart/form-data; boundary=b")
                .body(many(|n| format!("--b\r\ncontent-disposition: form-data; name=\"f{n}\"\r\n\r\n1\r\n"), 10_000)),
            415,
        ),
        ("a form with many fields", form(many(|n| format!("f{n}=1&"), 60_000)), 422),
        ("a form that is too long", form(format!("script={}", "x".repeat(2_000_000))), 413),
        (
            "a long form without a session",
            program.action(
                Credential::Anonymous,
                "login/sign-in",
                "application/json",
                &format!("email={}", "x".repeat(200_000)),
            ),
            413,
        ),
        ("a form of nothing but signs", form("&".repeat(900_000)), 422),
        ("many parameters", get(format!("/api/v1/tasks?{}", many(|n| format!("p{n}=1&"), 4_000))), 422),
        ("a long cursor", get(format!("/api/v1/tasks?after={}", "a".repeat(20_000))), 422),
        // Unknown pages redirect to the sign-in page.
        ("a long address", get(format!("/{}", "a".repeat(60_000))), 303),
        ("a header that is too long", get("/api/v1/tasks".into()).header("x-long", "a".repeat(100_000)), 431),
        (
            "too many headers",
            (0..150).fold(get("/api/v1/tasks".into()), |get, n| get.header(format!("x-{n}"), "a")),
            431,
        ),
        (
            "many cookies",
            program.bare(Method::GET, "/tasks").header("cookie", many(|n| format!("castellan=a{n}; "), 2_000)),
            303,
        ),
        (
            "many encodings",
            get("/api/v1/me".into()).header("accept-encoding", many(|n| format!("e{n};q=0.1, "), 2_000)),
            200,
        ),
    ];
    let mut wrong = vec![];
    for (what, request, status) in abuses {
        let started = Instant::now();
        let response = Response::of(request).await;
        if response.status != status || started.elapsed() > MAX_PAGE_LATENCY {
            wrong.push(format!("{what}: {} after {:?}\n{:.300}", response.status, started.elapsed(), response.body));
        }
        if response.status >= 400 && response.header("content-type") == "application/problem+json" {
            assert!(!response.json()["detail"].as_str().unwrap().is_empty(), "{what}: {response}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_page_served(program, &browser).await;
    assert!(!program.server_log().contains("panicked"), "{}", program.server_log());
    assert_memory_growth(program, before, 100);
}
