//! Pages take a cookie, the API takes one bearer key; neither takes the other's, and no other way leads in.
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{house::House, table::WALLS};
use crate::{
    ask::{Answer, Who},
    program::Program,
};

/// M-01, M-11: every route of the API with every wrong way to present what is right in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_01_a_credential_counts_only_where_and_how_it_is_meant_to_be_shown() {
    let mut program = Program::sqlite();
    let house = House::open(&mut program).await;
    let admin = house.guest("admin");
    let (Who::Key(key), Who::Browser(browser)) = (admin.with_key(), admin.in_browser()) else {
        panic!("an admin has both")
    };
    for row in WALLS.iter().filter(|row| !row.route.ends_with("openapi.json")) {
        let (at, body) = (house.fill(row.at, "admin", |_| None), house.fill(row.body, "admin", |_| None));
        let bare = |at: &str| {
            let request = program.bare(row.method(), at).header("sec-fetch-site", "same-origin");
            request.header("content-type", "application/json").body(body.clone())
        };
        match row.kind() {
            "api" | "enrolment" => {
                let bearer = format!("Bearer {key}");
                let sign = if at.contains('?') { '&' } else { '?' };
                let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin@acme.example:{key}")));
                let ways = [
                    ("the cookie", bare(&at).header("cookie", browser.cookie_line())),
                    ("the key as a cookie", bare(&at).header("cookie", format!("castellan={key}"))),
                    ("the key as a password", bare(&at).header("authorization", basic)),
                    ("the key in the address", bare(&format!("{at}{sign}token={key}"))),
                    ("the key as access_token", bare(&format!("{at}{sign}access_token={key}"))),
                    ("the key in its own header", bare(&at).header("x-api-key", key)),
                    ("two keys", bare(&at).header("authorization", &bearer).header("authorization", &bearer)),
                    ("the key with another scheme", bare(&at).header("authorization", format!("Token {key}"))),
                    ("the session as a key", bare(&at).header("authorization", format!("Bearer {}", browser.cookie()))),
                    ("a key that begins the same", bare(&at).header("authorization", &bearer[..bearer.len() - 1])),
                ];
                for (way, request) in ways {
                    let answer = Answer::of(request).await;
                    assert_eq!(answer.status, 401, "{way} at {}: {answer}", row.route);
                }
            }
            "page" if row.answers[0] == 303 => {
                let ways = [bare(&at).bearer_auth(key), bare(&at).header("cookie", format!("castellan={key}"))];
                for request in ways {
                    assert!(
                        Answer::of(request).await.is(303).header("location").starts_with("/sign-in?next="),
                        "{}",
                        row.route
                    );
                }
            }
            "action" | "stream" if row.answers[0] == 401 => {
                let request = row.request(&program, house.guest("nobody"), &at, &body, "application/json");
                let answer = Answer::of(request.bearer_auth(key)).await;
                assert_eq!(answer.status, 401, "{}: {answer}", row.route);
            }
            _ => {}
        }
    }
    let tasks = program.get(admin.with_key(), "/api/v1/tasks").await.is(200).json();
    assert_eq!(tasks["items"].as_array().unwrap().len(), 4, "nothing of all this did anything");
}
