//! Pages take a cookie, the API takes one bearer key; neither takes the other's, and no other way leads in.
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::RequestBuilder;

use super::{
    ask::PAGE,
    house::House,
    table::{Row, WALLS},
};
use crate::{
    ask::{Answer, Who, form},
    program::{Program, on_both},
};

/// Both credentials of an admin, who may do everything.
struct Shown<'a> {
    key: &'a str,
    session: String,
    /// Somebody else's session.
    another: String,
}

impl<'a> Shown<'a> {
    fn of(house: &'a House) -> Self {
        let session = |name: &str| match house.guest(name).in_browser() {
            Who::Browser(browser) => browser.cookie(),
            _ => panic!("{name} has a browser"),
        };
        let Who::Key(key) = house.guest("admin").with_key() else { panic!("an admin has a key") };
        Self { key, session: session("admin"), another: session("another") }
    }

    /// Ways to show a key that are none, anywhere.
    fn wrong_keys(&self, at: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let key = self.key;
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin@acme.example:{key}")));
        let query = |name: &str| format!("{at}{}{name}={key}", if at.contains('?') { '&' } else { '?' });
        vec![
            ("the key as a cookie", ask(at).header("cookie", format!("castellan={key}"))),
            ("the key as a password", ask(at).header("authorization", basic)),
            ("the key in the address", ask(&query("token"))),
            ("the key as access_token", ask(&query("access_token"))),
            ("the key in its own header", ask(at).header("x-api-key", key)),
            ("the key with another scheme", ask(at).header("authorization", format!("Token {key}"))),
        ]
    }

    /// Ways to show both credentials to the API that are none.
    fn to_programs(&self, at: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let (bearer, cookie) = (format!("Bearer {}", self.key), format!("castellan={}", self.session));
        let session = format!("Bearer {}", self.session);
        let mut ways = self.wrong_keys(at, &ask);
        ways.extend([
            ("the cookie", ask(at).header("cookie", &cookie)),
            ("the key beside the cookie", ask(at).header("authorization", &bearer).header("cookie", &cookie)),
            ("two keys", ask(at).header("authorization", &bearer).header("authorization", &bearer)),
            ("the session as a key", ask(at).header("authorization", session)),
            ("a key that begins the same", ask(at).header("authorization", &bearer[..bearer.len() - 1])),
        ]);
        ways
    }

    /// Ways to show both credentials to pages that are none.
    fn to_browsers(&self, at: &str, ask: impl Fn(&str) -> RequestBuilder) -> Vec<(&'static str, RequestBuilder)> {
        let Self { key, session, another } = self;
        let query = |name: &str| format!("{at}{}{name}={session}", if at.contains('?') { '&' } else { '?' });
        let cookies = |line: String| ask(at).header("cookie", line);
        let lines = |one: &str, two: &str| {
            ask(at).header("cookie", format!("castellan={one}")).header("cookie", format!("castellan={two}"))
        };
        let mut ways = self.wrong_keys(at, &ask);
        ways.extend([
            ("the key", ask(at).bearer_auth(key)),
            ("the session as a key", ask(at).bearer_auth(session)),
            ("the session as a password", ask(at).basic_auth("admin@acme.example", Some(session))),
            ("the session in the address", ask(&query("castellan"))),
            ("the session as token", ask(&query("token"))),
            ("the session in its own header", ask(at).header("castellan", session)),
            ("the session of a server with TLS", cookies(format!("__Host-castellan={session}"))),
            ("the session in capitals", cookies(format!("Castellan={session}"))),
            ("the session under an encoded name", cookies(format!("%63astellan={session}"))),
            ("the session under a name with a blank", cookies(format!("\u{a0}castellan={session}"))),
            ("a session that begins the same", cookies(format!("castellan={}", &session[..session.len() - 1]))),
            ("a session and nonsense", cookies(format!("castellan={session}; castellan=x"))),
            ("nonsense and a session", cookies(format!("castellan=x; castellan={session}"))),
            ("a session and nonsense in two lines", lines(session, "x")),
            ("nonsense and a session in two lines", lines("x", session)),
            ("a session and another's", cookies(format!("castellan={session}; castellan={another}"))),
            ("another's session and one's own", cookies(format!("castellan={another}; castellan={session}"))),
            ("a session and another's in two lines", lines(session, another)),
        ]);
        ways
    }
}

/// The same request again and again, with nothing to say whose it is.
fn bare(program: &Program, row: &Row, at: &str, body: &str) -> RequestBuilder {
    let request = program.bare(row.method(), at).header("sec-fetch-site", "same-origin");
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
    /// M-01, M-11: every route with every wrong way to present what is right in another.
    async fn m_01_a_credential_counts_only_where_and_how_it_is_meant_to_be_shown(program) {
        program.lift_rate_limits();
        let house = House::open(program).await;
        let shown = Shown::of(&house);
        let (mut asked, mut wrong) = (0, vec![]);
        // Where everybody is refused, or nobody, a credential changes nothing.
        for row in WALLS.iter().filter(|row| !row.route.ends_with("openapi.json") && row.answers != [401; 8]) {
            let (at, body) = (house.fill(row.at, "admin", |_| None), house.fill(row.body, "admin", |_| None));
            let ask = |at: &str| bare(program, row, at, &body);
            let ways = match row.kind() {
                "api" | "enrollment" => shown.to_programs(&at, ask),
                "page" if row.answers[0] == 303 => shown.to_browsers(&at, ask),
                "action" | "stream" if row.answers[0] == 401 => shown.to_browsers(&at, ask),
                _ => continue,
            };
            for (way, request) in ways {
                let answer = Answer::of(request).await;
                let refused = match row.kind() {
                    "page" => answer.status == 303 && answer.header("location").starts_with("/sign-in?next="),
                    _ => answer.status == 401,
                };
                if !refused {
                    wrong.push(format!("{way} at {}: {answer}", row.route));
                }
                asked += 1;
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "{} of {asked} credentials are taken:\n{}", wrong.len(), wrong.join("\n"));
        let tasks = program.get(Who::Key(shown.key), "/api/v1/tasks").await.is(200).json();
        assert_eq!(tasks["items"].as_array().unwrap().len(), 4, "nothing of all this did anything");
        // Both are good where they are meant to be shown, among other cookies, too.
        let lines = [
            format!("castellan={}", shown.session),
            format!("a=1; castellan={}; %63astellan=x; b", shown.session),
            format!("x=\u{e9}; \u{a0}castellan=x; castellan={}", shown.session),
        ];
        for line in lines {
            Answer::of(program.bare(reqwest::Method::GET, "/people").header("cookie", line)).await.is(200);
        }
    }
}
