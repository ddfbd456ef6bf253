//! Cross-site requests, DNS rebinding and open redirects (E16).
use crate::{
    client::{Credential, Response, form},
    people::PASSWORD,
    program::Program,
};
use reqwest::Method;
use serde_json::json;
use testkit::{ADAM, MIA};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// E16: a cross-site request with the victim's cookie is rejected and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e16_a_foreign_page_changes_nothing() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    let own = program.origin.clone();
    let origins: &[&[(&str, &str)]] = &[
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        &[("referer", &own)],
    ];
    for headers in origins {
        for (path, body) in [
            ("/actions/tasks/submit", "script=true"),
            ("/actions/login/sign-out", ""),
            ("/actions/login/sign-in", "email=a&password=b"),
        ] {
            let mut request = program.bare(Method::POST, path).header("cookie", browser.cookie_line());
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
            let response = Response::of(request).await;
            assert_eq!(response.status, 403, "{headers:?} {path}: {response}");
            assert_eq!(response.cookie(), None);
        }
    }
    assert_eq!(program.get(Credential::Key(&mia.key), "/api/v1/tasks").await.json()["items"], json!([]));
    assert!(program.is_signed_in(&browser.cookie()).await, "signing others out is a change as well");
    // The same request from our own page is accepted.
    program.act(Credential::Browser(&browser), "tasks/submit", &[("script", "true")]).await.is(200);
}

/// The API answers requests without credentials with 401, whatever the method.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_01_the_api_answers_401_without_credentials() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    program.start().await;
    for (method, path) in [
        (Method::GET, "/api/v1/tasks"),
        (Method::POST, "/api/v1/tasks"),
        (Method::POST, "/api/v1/tasks/0191/cancel"),
        (Method::POST, "/api/v1/approvals/0191/approve"),
    ] {
        let request = program.bare(method.clone(), path).header("content-type", "application/json").body("{}");
        let response = Response::of(request).await;
        assert_eq!(response.status, 401, "{method} {path}: {response}");
        assert_eq!(response.header("www-authenticate"), "Bearer");
        assert!(response.json()["detail"].as_str().unwrap().contains("Authorization: Bearer"), "{response}");
    }
    // A page of another site gets another status.
    let foreign = program.bare(Method::POST, "/api/v1/tasks").header("sec-fetch-site", "cross-site");
    Response::of(foreign).await.is(403);
}

/// E16: other addresses of this server are not its origin: another program may listen on them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e16_only_the_public_url_is_an_origin_of_the_server() {
    let mut program = Program::sqlite();
    program.use_fixed_ports();
    let port = program.origin.rsplit_once(':').unwrap().1.to_owned();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    let (public, address, other) =
        (format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}"), format!("http://[::1]:{port}"));
    for (public_url, ours, foreign) in
        [(None, vec![&public, &address], vec![&other]), (Some(&public), vec![&public], vec![&address, &other])]
    {
        if let Some(url) = public_url {
            program.set("CASTELLAN_PUBLIC_URL", url);
        }
        program.start().await;
        program.origin = address.clone();
        let browser = program.sign_in(&mia.email).await;
        let submit = async |origin: &str| {
            let request = program.bare(Method::POST, "/actions/tasks/submit").header("cookie", browser.cookie_line());
            let request = request.header("origin", origin).header("content-type", "application/x-www-form-urlencoded");
            Response::of(request.header("accept", "application/json").body("script=true")).await.status
        };
        for origin in ours {
            assert_eq!(submit(origin).await, 200, "{origin} with public_url {public_url:?}");
        }
        for origin in foreign {
            assert_eq!(submit(origin).await, 403, "{origin} with public_url {public_url:?}");
        }
        program.get(Credential::Anonymous, "/healthz").await.is(200);
        program.stop(std::time::Duration::from_secs(30)).await;
    }
}

/// E16: GET requests change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e16_get_requests_change_nothing() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let request = program.bare(method.clone(), "/actions/login/sign-out").header("cookie", browser.cookie_line());
        let response = Response::of(request).await;
        assert!(response.status >= 400, "{method}: {response}");
    }
    assert!(program.is_signed_in(&browser.cookie()).await);
}

/// DNS rebinding: requests for a foreign host name are rejected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_host_name_is_rejected_on_every_route() {
    let mut program = Program::sqlite();
    program.start().await;
    for path in ["/", "/sign-in", "/metrics", "/api/v1/openapi.json", "/pkg/x.css", "/live"] {
        for host in ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", "127.0.0.1:9876@evil.example"] {
            let response = Response::of(program.bare(Method::GET, path).header("host", host)).await;
            assert_eq!(response.status, 421, "{host} {path}: {response}");
            assert_eq!(response.header("x-content-type-options"), "nosniff");
        }
    }
}

/// Load balancers probe without a name, or with an address that only they know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc44_health_checks_need_no_known_host_name() {
    let mut program = Program::sqlite();
    program.start().await;
    let address = program.origin.trim_start_matches("http://").to_owned();
    for path in ["/healthz", "/readyz"] {
        for host in ["", "localhost", "castellan-7f9c", "10.1.2.3"] {
            assert_eq!(
                Response::of(program.bare(Method::GET, path).header("host", host)).await.status,
                200,
                "{host} {path}"
            );
        }
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc47_a_misspelled_api_path_is_no_page() {
    let mut program = Program::sqlite();
    program.start().await;
    // Sent as they are: clients change such paths.
    let status_and_type = async |request: &str| {
        let mut socket = TcpStream::connect(program.origin.trim_start_matches("http://")).await.unwrap();
        let host = program.origin.trim_start_matches("http://");
        let request = format!("{request}\r\nhost: {host}\r\naccept: text/html\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        (answer[9..12].to_owned(), answer.to_lowercase().contains("content-type: application/problem+json"))
    };
    for path in [
        "//api/v1/tasks",
        "/API/v1/tasks",
        "/Api/v1",
        "///api",
        "/aPi",
        "/api//v1/tasks",
        "/api/v1/tasks/",
        "/%61pi/v1/tasks",
        "/./api/v1/tasks",
        "/x/../api/v1/tasks",
        "/%2e/api/v1",
        "/%2Fapi/v1",
        "/api%2Fv1/tasks",
        "/api;x=1/v1",
        "/api%20/v1",
        "/api\\v1",
        "/api/v2/tasks",
        "/api",
    ] {
        let answer = status_and_type(&format!("GET {path} HTTP/1.1")).await;
        assert_eq!(answer, ("404".to_owned(), true), "{path}");
    }
    for authorization in ["Bearer\tmk_x", "Bearer", "mk_x", "Basic eDp4"] {
        let answer = status_and_type(&format!("GET /api/v1/tasks HTTP/1.1\r\nauthorization: {authorization}")).await;
        assert_eq!(answer, ("401".to_owned(), true), "{authorization}");
    }
    // Refusals before the handler are no pages either.
    let answer =
        status_and_type("POST /api/v1/tasks HTTP/1.1\r\norigin: https://evil.example\r\ncontent-length: 0").await;
    assert_eq!(answer, ("403".to_owned(), true));
    assert_ne!(Response::of(program.bare(Method::GET, "/apis")).await.status, 404, "the sign-in page comes first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc33_a_form_is_accepted_where_a_proxy_removes_fetch_metadata() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let page = Response::of(program.bare(Method::GET, "/sign-in")).await;
    assert_eq!(page.header("referrer-policy"), "same-origin", "so that browsers state the origin of a form");
    let fields = form(&[("email", mia.email.as_str()), ("password", PASSWORD)]);
    let request = program.bare(Method::POST, "/actions/login/sign-in").header("origin", &program.origin);
    let request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", "text/html");
    let response = Response::of(request.body(fields)).await;
    assert_eq!(response.status, 303, "{response}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc42_a_nul_is_refused_by_the_name_of_its_field() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    for (path, field) in [
        ("/api/v1/audit?target=a%00b", "target"),
        ("/api/v1/audit?action=%00", "action"),
        ("/api/v1/tasks?label=a%3Db%00", "label"),
        ("/tasks?label=a%3D%00", "label"),
        ("/audit?target=%00", "target"),
        ("/people?after=%00", "after"),
        ("/people?<b>=%00", "query"),
        ("/people?a%00=x", "query"),
    ] {
        let request = program.bare(Method::GET, path).header("authorization", format!("Bearer {}", adam.key));
        let response = Response::of(request).await;
        assert_eq!(response.status, 422, "{path}: {response}");
        let problem: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    let browser = program.sign_in(&adam.email).await;
    let refused = program.act(Credential::Browser(&browser), "organizations/create", &[("name", "a\0b")]).await.is(422);
    assert!(refused.to_string().contains("must not contain the character NUL"), "{refused}");
}

/// E16: neither `_page` nor `next` redirects to another site.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e16_forms_never_redirect_to_another_site() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    for foreign in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/\r\nlocation: //evil",
        "evil.example",
    ] {
        let response = program.try_sign_in(&mia.email, PASSWORD, &[("next", foreign)]).await.is(303);
        assert_eq!(response.header("location"), "/", "next={foreign:?}");
        let stay = program.action(
            Credential::Browser(&browser),
            "browser-sessions/end-others",
            "text/html",
            &form(&[("_page", foreign)]),
        );
        let response = program.send(Credential::Browser(&browser), stay).await.is(303);
        assert_eq!(response.header("location"), "/", "_page={foreign:?}");
    }
    for own in ["/tasks?state=queued", "/people"] {
        let response = program.try_sign_in(&mia.email, PASSWORD, &[("next", own)]).await.is(303);
        assert_eq!(response.header("location"), own);
    }
}
