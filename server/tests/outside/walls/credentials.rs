//! Credentials in the wrong place: pages accept one cookie, the API accepts one bearer key.
use super::{
    fixture::Fixture,
    requests::PAGE,
    table::{Row, WALLS, all},
};
use crate::{
    client::{Credential, Response, form},
    program::{Program, on_both},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::RequestBuilder;

/// The credentials of an admin.
struct Credentials<'a> {
    key: &'a str,
    session: String,
    /// The outsider's session.
    outsider: String,
}

impl<'a> Credentials<'a> {
    fn of(fixture: &'a Fixture) -> Self {
        let session = |name: &str| match fixture.caller(name).in_browser() {
            Credential::Browser(browser) => browser.cookie(),
            _ => panic!("{name} has a browser"),
        };
        let Credential::Key(key) = fixture.caller("admin").with_key() else { panic!("an admin has a key") };
        Self { key, session: session("admin"), outsider: session("outsider") }
    }

    /// Returns requests that present the key in ways that are never accepted.
    fn wrong_keys(&self, path: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let key = self.key;
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin@acme.example:{key}")));
        let query = |name: &str| format!("{path}{}{name}={key}", if path.contains('?') { '&' } else { '?' });
        vec![
            ("the key as a cookie", ask(path).header("cookie", format!("castellan={key}"))),
            ("the key as a password", ask(path).header("authorization", basic)),
            ("the key in the address", ask(&query("token"))),
            ("the key as access_token", ask(&query("access_token"))),
            ("the key in its own header", ask(path).header("x-api-key", key)),
            ("the key with another scheme", ask(path).header("authorization", format!("Token {key}"))),
        ]
    }

    /// Returns requests that the API must refuse.
    fn to_programs(&self, path: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let (bearer, cookie) = (format!("Bearer {}", self.key), format!("castellan={}", self.session));
        let session = format!("Bearer {}", self.session);
        let mut ways = self.wrong_keys(path, &ask);
        ways.extend([
            ("the cookie", ask(path).header("cookie", &cookie)),
            ("a key together with a cookie", ask(path).header("authorization", &bearer).header("cookie", &cookie)),
            ("two keys", ask(path).header("authorization", &bearer).header("authorization", &bearer)),
            ("the session as a key", ask(path).header("authorization", session)),
            ("a key that begins the same", ask(path).header("authorization", &bearer[..bearer.len() - 1])),
        ]);
        ways
    }

    /// Returns requests that pages must refuse.
    fn to_browsers(&self, path: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let Self { key, session, outsider } = self;
        let query = |name: &str| format!("{path}{}{name}={session}", if path.contains('?') { '&' } else { '?' });
        let cookies = |line: String| ask(path).header("cookie", line);
        let lines = |one: &str, two: &str| {
            ask(path).header("cookie", format!("castellan={one}")).header("cookie", format!("castellan={two}"))
        };
        let mut ways = self.wrong_keys(path, &ask);
        ways.extend([
            ("the key", ask(path).bearer_auth(key)),
            ("the session as a key", ask(path).bearer_auth(session)),
            ("the session as a password", ask(path).basic_auth("admin@acme.example", Some(session))),
            ("the session in the address", ask(&query("castellan"))),
            ("the session as token", ask(&query("token"))),
            ("the session in its own header", ask(path).header("castellan", session)),
            ("the session of a server with TLS", cookies(format!("__Host-castellan={session}"))),
            ("the session in capitals", cookies(format!("Castellan={session}"))),
            ("the session under an encoded name", cookies(format!("%63astellan={session}"))),
            ("the session under a name with a blank", cookies(format!("\u{a0}castellan={session}"))),
            ("a session that begins the same", cookies(format!("castellan={}", &session[..session.len() - 1]))),
            ("a session and nonsense", cookies(format!("castellan={session}; castellan=x"))),
            ("nonsense and a session", cookies(format!("castellan=x; castellan={session}"))),
            ("a session and nonsense in two lines", lines(session, "x")),
            ("nonsense and a session in two lines", lines("x", session)),
            ("a session and another's", cookies(format!("castellan={session}; castellan={outsider}"))),
            ("another's session and one's own", cookies(format!("castellan={outsider}; castellan={session}"))),
            ("a session and another's in two lines", lines(session, outsider)),
        ]);
        ways
    }
}

/// Returns a request for the row without credentials.
fn bare(program: &Program, row: &Row, path: &str, body: &str) -> RequestBuilder {
    let request = program.bare(row.method(), path).header("sec-fetch-site", "same-origin");
    match row.kind() {
        "action" => {
            let fields: Vec<_> = body.split('&').filter_map(|field| field.split_once('=')).collect();
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let fields = form(&[fields.as_slice(), &[("_page", PAGE)]].concat());
            request.header("accept", "application/json").body(fields)
        }
        _ if body.is_empty() => request,
        _ => request.header("content-type", "application/json").body(body.to_owned()),
    }
}

on_both! {
    /// M-01: a request with an API key and a session is refused on every route, and has no effect under either.
    async fn m_01_a_key_beside_a_session_is_refused_everywhere(program) {
        program.lift_rate_limits();
        let fixture = Fixture::create(program).await;
        let credentials = Credentials::of(&fixture);
        let (mut requests, mut wrong) = (0, vec![]);
        for row in WALLS {
            let (path, body) = (fixture.fill(row.path, "admin", |_| None), fixture.fill(row.body, "admin", |_| None));
            let request = bare(program, row, &path, &body).bearer_auth(credentials.key);
            let response = Response::of(request.header("cookie", format!("castellan={}", credentials.session))).await;
            if response.status != 401 {
                wrong.push(format!("{}: {response}", row.route));
            }
            requests += 1;
        }
        assert!(wrong.is_empty(), "{} of {requests}:\n{}", wrong.len(), wrong.join("\n"));
        // Either of them alone is accepted, also with another proxy's own `Authorization` header.
        program.get(Credential::Key(credentials.key), "/api/v1/me").await.is(200);
        let page = program.bare(reqwest::Method::GET, "/people").header("cookie", format!("castellan={}", credentials.session));
        Response::of(page.basic_auth("proxy", Some("password"))).await.is(200);
    }

    /// M-01, M-11: every route refuses every credential that is valid only elsewhere.
    async fn m_01_credentials_are_accepted_only_in_their_own_place(program) {
        program.lift_rate_limits();
        let fixture = Fixture::create(program).await;
        let credentials = Credentials::of(&fixture);
        let (mut requests, mut wrong) = (0, vec![]);
        // Credentials make no difference on routes that refuse everyone or nobody.
        for row in WALLS.iter().filter(|row| !row.route.ends_with("openapi.json") && row.statuses != all(401)) {
            let (path, body) = (fixture.fill(row.path, "admin", |_| None), fixture.fill(row.body, "admin", |_| None));
            let ask = |path: &str| bare(program, row, path, &body);
            let ways = match row.kind() {
                "api" | "enrollment" => credentials.to_programs(&path, ask),
                "page" if row.statuses.nobody == 303 => credentials.to_browsers(&path, ask),
                "action" | "stream" if row.statuses.nobody == 401 => credentials.to_browsers(&path, ask),
                _ => continue,
            };
            for (way, request) in ways {
                let response = Response::of(request).await;
                let refused = match row.kind() {
                    "page" => response.status == 303 && response.header("location").starts_with("/sign-in?next="),
                    _ => response.status == 401,
                };
                if !refused {
                    wrong.push(format!("{way} at {}: {response}", row.route));
                }
                requests += 1;
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "{} of {requests} credentials are taken:\n{}", wrong.len(), wrong.join("\n"));
        let tasks = program.get(Credential::Key(credentials.key), "/api/v1/tasks").await.is(200).json();
        assert_eq!(tasks["items"].as_array().unwrap().len(), 4, "no request had an effect");
        // Both credentials are accepted in the right place, also next to other cookies.
        let lines = [
            format!("castellan={}", credentials.session),
            format!("a=1; castellan={}; %63astellan=x; b", credentials.session),
            format!("x=\u{e9}; \u{a0}castellan=x; castellan={}", credentials.session),
        ];
        for line in lines {
            Response::of(program.bare(reqwest::Method::GET, "/people").header("cookie", line)).await.is(200);
        }
    }
}
