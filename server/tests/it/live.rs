//! Event streams of signed-in browsers: what they deliver and when they end.
use crate::test_env::{EventStream, Response, TestEnv, on_both};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    middleware::from_fn_with_state,
    routing::post,
};
use domain::{
    Actor, PersonId,
    policy::{RequestMembership, SetAcceptsJoinRequests, SetMembership},
    receipt::End,
    role::Role,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use server::{
    authentication::{self, Hasher, SignIn, SignInRequest},
    live,
    state::App,
};
use std::time::Duration;
use tower::ServiceExt;
use tower_sessions::Session;

const PASSWORD: &str = "plover xyzzy colossal cave";

/// The stream routes with the cookie of a signed-in person.
struct Page {
    routes: Router,
    cookie: String,
}

async fn sign_in_handler(
    State((app, hasher)): State<(App, Hasher)>,
    session: Session,
    Path(email): Path<String>,
) -> StatusCode {
    let service = authentication::service(&app, hasher, "http://127.0.0.1:9876").unwrap();
    let sign_in = SignIn::new(service, SignInRequest::new(session, [127, 0, 0, 1].into(), "a test"));
    match sign_in.sign_in(email, PASSWORD.to_owned()).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::FORBIDDEN,
    }
}

impl Page {
    async fn of(env: &TestEnv, console: &Actor, person: PersonId) -> Self {
        let (app, hasher) = (env.app.clone(), Hasher::new().unwrap());
        let hash = hasher.hash(PASSWORD.to_owned()).await.unwrap();
        env.change(console, async |write| write.set_password(person, &hash).await).await;
        let email = app.store.read(console).await.unwrap().person(person).await.unwrap().email;
        let routes = Router::new()
            .route("/sign-in/{email}", post(sign_in_handler))
            .with_state((app.clone(), hasher))
            .merge(live::routes(app.clone()))
            .layer(from_fn_with_state(app.clone(), authentication::identify))
            .layer(authentication::session_layer(&app, false));
        let request = Request::post(format!("/sign-in/{email}")).body(Body::empty()).unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { routes, cookie }
    }

    async fn ask(&self, path: &str, last: Option<&str>) -> http::Response<Body> {
        let mut request = Request::get(path).header("cookie", &self.cookie);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Opens another session for the same person: an event that changes none of their rights.
    async fn sign_in_elsewhere(&self, env: &TestEnv, person: PersonId) {
        let email = env.app.store.read(&env.acme.console).await.unwrap().person(person).await.unwrap().email;
        let request = Request::post(format!("/sign-in/{email}")).body(Body::empty()).unwrap();
        assert_eq!(self.routes.clone().oneshot(request).await.unwrap().status(), 200);
    }

    async fn open_stream(&self, path: &str) -> EventStream {
        EventStream::to(self.ask(path, None).await)
    }

    async fn response(&self, path: &str) -> Response {
        Response::of(self.ask(path, None).await).await
    }
}

/// Checks that a stream ends within two seconds.
async fn ends(listener: &mut EventStream) {
    let end = async { while listener.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(2), end).await.expect("the stream ends within two seconds");
}

on_both! {
    /// M-11, A-05.
    async fn a_05_a_stream_delivers_only_events_that_its_reader_may_see(env) {
        let max = Page::of(env, &env.acme.console, env.acme.max).await;
        let mut stream = max.open_stream("/live?topics=tasks,approvals").await;
        let mia = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let foreign = env.key(&env.bolt, env.bolt.mia, "tasks:*").await;
        env.submit(&foreign, json!({ "script": "true", "visibility": "public", "title": "Test", "network_policy": "unrestricted" })).await;
        env.submit(&mia, json!({ "script": "true", "title": "Test", "network_policy": "unrestricted" })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let shared = env.submit(&mia, json!({ "script": "true", "visibility": "org" })).await;
        let event = stream.next().await.unwrap();
        assert_eq!((event.event.as_str(), event.data), ("tasks", shared.to_string()));

        let ada = Page::of(env, &env.acme.console, env.acme.ada).await;
        let mut queue = ada.open_stream("/live?topics=approvals").await;
        env.submit(&mia, json!({ "script": "true", "title": "Test", "network_policy": "unrestricted" })).await;
        assert_eq!(queue.next().await.unwrap().event, "approvals");
    }

    /// D-03: owners receive join requests at once; members do not receive them.
    async fn d_03_owners_receive_join_requests(env) {
        let (acme, console) = (&env.acme, &env.acme.console);
        let owner = SetMembership { organization: acme.ops, person: acme.mia, role: Role::Owner };
        env.change(console, async |write| write.set_membership(console.may(owner)?).await).await;
        let open = SetAcceptsJoinRequests { organization: acme.ops, open: true };
        env.change(console, async |write| write.set_accepts_join_requests(console.may(open)?).await).await;
        let (mia, max) = (Page::of(env, console, acme.mia).await, Page::of(env, console, acme.max).await);
        let (mut hers, mut his) = (mia.open_stream("/live?topics=people").await, max.open_stream("/live?topics=people,tasks").await);
        let holder = env.app.store.system().holder(acme.id, acme.audrey).await.unwrap();
        let mut audrey = Actor::clock(acme.id, env.app.store.now());
        (audrey.principal, audrey.by) = (domain::Principal::Person(acme.audrey), domain::SignedInBy::Password);
        (audrey.name, audrey.roles) = (holder.name, holder.roles);
        let ask = RequestMembership { organization: acme.ops, person: acme.audrey, reason: String::new() };
        env.change(&audrey, async |write| write.request_membership(audrey.may(ask)?).await).await;
        let event = tokio::time::timeout(Duration::from_secs(1), hers.next()).await.expect("within a second");
        assert_eq!(event.unwrap().event, "people");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let key = env.key(acme, acme.ada, "tasks:*").await;
        env.submit(&key, json!({ "script": "true", "visibility": "org" })).await;
        assert_eq!(his.next().await.unwrap().event, "tasks", "nothing before that");
    }

    /// Events between rendering a page and opening its stream are replayed, without those that the page already shows.
    async fn a_stream_replays_events_since_the_page_was_rendered(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let submit = async || env.submit(&key, json!({ "script": "true" })).await.to_string();
        submit().await;
        tokio::time::sleep(Duration::from_millis(300)).await; // until PostgreSQL has delivered the notification
        let read = format!("/live?topics=tasks&since={}", env.app.store.mark());
        let first = submit().await;
        let mut stream = mia.open_stream(&read).await;
        let event = stream.next().await.unwrap();
        assert_eq!(event.data, first, "no earlier events");
        let second = submit().await;
        let mut again = EventStream::to(mia.ask(&read, Some(&event.id)).await);
        let ids: Vec<_> = [again.next().await, stream.next().await].into_iter().map(|event| event.unwrap().data).collect();
        assert!(ids.iter().all(|id| *id == second || *id == first) && ids[1] == second, "{ids:?}");

        let mut stranger = mia.open_stream("/live?topics=tasks,keys&since=1-1").await;
        let events = [stranger.next().await.unwrap(), stranger.next().await.unwrap()].map(|event| (event.event, event.data));
        assert_eq!(events, [("tasks".into(), "*".into()), ("keys".into(), "*".into())], "a mark of another process");
        for garbage in ["", "x", "1", "1-", "-1"] {
            mia.response(&format!("/live?topics=tasks&since={garbage}")).await.wrong_field("since");
        }
        let response = Response::of(mia.ask("/live?topics=tasks", Some("garbage")).await).await;
        response.wrong_field("Last-Event-ID");
    }

    async fn m_16_a_browser_learns_that_the_output_was_deleted(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.submit(&key, json!({ "script": "true" })).await;
        let assignment = env.start(&env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one"]).await;
        env.finish(&env.acme, &assignment, End::Exited(0), "one\n").await;
        env.tamper(&format!("update task set output_deleted_at = {}", env.app.store.now().0));
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let task = assignment.lease.task;
        for path in ["log", "live", "log/lines?attempt=1&from=1&until=2", "log/find?attempt=1&text=one"] {
            mia.response(&format!("/tasks/{task}/{path}")).await.problem(410);
        }
    }

    async fn many_changes_of_one_task_are_debounced(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let mut stream = mia.open_stream("/live?topics=tasks").await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.submit(&key, json!({ "script": "true" })).await;
        let assignment = env.start(&env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one"]).await;
        env.finish(&env.acme, &assignment, End::Exited(0), "one\n").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        let last = env.submit(&key, json!({ "script": "false" })).await;
        let mut count = 0;
        while stream.next().await.unwrap().data != last.to_string() {
            count += 1;
        }
        assert!((1..=3).contains(&count), "{count} events for four changes");
    }

    /// D-01: colors become CSS classes, markup stays text, and a reconnect resumes after the last event.
    async fn d_01_a_page_receives_lines_as_text_and_resumes_after_a_reconnect(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.submit(&key, json!({ "script": "true" })).await;
        let assignment = env.start(&env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one", "\u{1b}[1;31m<b>two</b>\u{1b}]0;x\u{7}", "three"]).await;
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let path = format!("/tasks/{}/live", assignment.lease.task);
        let events = mia.open_stream(&format!("{path}?from=2&attempt=1")).await.until("lines").await;
        let [state, lines] = &events[..] else { panic!("{events:?}") };
        assert_eq!((state.event.as_str(), state.data.as_str()), ("state", "running"));
        let shown: Value = serde_json::from_str(&lines.data).unwrap();
        let two = json!({ "n": 2, "at": "2026-03-01T14:05:09Z", "s": "stdout",
            "spans": [{ "class": "ansi-fg-1 ansi-bold", "text": "<b>two</b>" }] });
        assert_eq!((&shown[0], &shown[1]["n"], &shown[2]), (&two, &json!(3), &Value::Null));

        env.print(&env.acme, &assignment, 4, &["four"]).await;
        env.finish(&env.acme, &assignment, End::Exited(0), "one\n\u{1b}[1;31m<b>two</b>\u{1b}]0;x\u{7}\nthree\nfour\n").await;
        let rest = EventStream::to(mia.ask(&path, Some(&lines.id)).await).until("end").await;
        let events: Vec<_> = rest.iter().map(|it| it.event.as_str()).collect();
        assert_eq!(events, ["state", "lines", "end"]);
        assert_eq!(serde_json::from_str::<Value>(&rest[1].data).unwrap()[0]["n"], 4);

        // For a page from before the first attempt, the stream announces the attempt.
        let events = mia.open_stream(&format!("{path}?from=1&attempt=0")).await.until("end").await;
        assert_eq!((events[0].event.as_str(), events[0].data.as_str()), ("attempt", "1"));
    }

    async fn the_output_can_be_downloaded(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.submit(&key, json!({ "script": "true" })).await;
        let assignment = env.start(&env.acme).await;
        env.print(&env.acme, &assignment, 1, &["<script>alert(1)</script>"]).await;
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let file = mia.response(&format!("/tasks/{}/log", assignment.lease.task)).await;
        assert_eq!(file.body, "<script>alert(1)</script>\n");
        assert_eq!(file.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(file.header("content-disposition").unwrap().starts_with("attachment; filename=\"task-"));
        let max = Page::of(env, &env.acme.console, env.acme.max).await;
        for path in ["/tasks/ID/log", "/tasks/ID/live"] {
            let hidden = max.response(&path.replace("ID", &assignment.lease.task.to_string())).await;
            hidden.problem(404);
            assert_eq!(hidden, max.response(&path.replace("ID", &store::new_id().to_string())).await);
            assert_eq!(hidden, max.response(&path.replace("ID", "x")).await);
        }
    }

    /// D-01, A-05: ranges of lines, search results and partial downloads.
    async fn d_01_the_viewer_gets_line_ranges_and_search_results(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        env.submit(&key, json!({ "script": "true" })).await;
        let assignment = env.start(&env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one", "\u{1b}[31mtwo\u{1b}[0m", "three", "two again"]).await;
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let log = format!("/tasks/{}/log", assignment.lease.task);
        let read = async |rest: &str| {
            let response = mia.response(&format!("{log}{rest}")).await;
            assert_eq!(response.status, 200, "{rest}: {}", response.body);
            serde_json::from_str::<Value>(&response.body).unwrap()
        };
        let lines = read("/lines?attempt=1&from=2&until=4").await;
        assert_eq!((&lines["next"], &lines["lines"][0]["n"], &lines["lines"][2]), (&json!(5), &json!(2), &Value::Null));
        assert_eq!(lines["lines"][0]["spans"], json!([{ "class": "ansi-fg-1", "text": "two" }]));
        assert_eq!(read("/lines?attempt=1&from=9&until=99").await["lines"], json!([]));
        assert_eq!(read("/find?attempt=1&text=TWO").await, json!({ "total": 2, "lines": [2, 4] }));
        assert_eq!(read("/find?attempt=1&text=nowhere").await, json!({ "total": 0, "lines": [] }));
        assert_eq!(mia.response(&format!("{log}?from=2&to=3&plain=true")).await.body, "two\nthree\n");
        assert_eq!(mia.response(&format!("{log}?from=2&to=2")).await.body, "\u{1b}[31mtwo\u{1b}[0m\n", "byte for byte");
        for wrong in ["/lines?attempt=1&from=0&until=9", "/lines?attempt=1&from=9&until=8", "/lines?attempt=1&from=1&until=1002",
            "/find?attempt=1&text=", "?from=3&to=2", "?from=0"] {
            mia.response(&format!("{log}{wrong}")).await.problem(422);
        }
        mia.response(&format!("{log}/find?attempt=1&text={}", "x".repeat(201))).await.problem(422);
        let max = Page::of(env, &env.acme.console, env.acme.max).await;
        for hidden in ["/lines?attempt=1&from=1&until=9", "/find?attempt=1&text=two"] {
            max.response(&format!("{log}{hidden}")).await.problem(404);
            max.response(&format!("/tasks/x/log{hidden}")).await.problem(404);
        }
    }

    async fn a_stream_ends_with_its_session(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.open_stream("/live?topics=tasks").await;
        let mut follow = mia.open_stream(&format!("/tasks/{task}/live")).await;
        let holder = env.app.store.system().holder(env.acme.id, env.acme.mia).await.unwrap();
        let mut actor = Actor::clock(env.acme.id, env.app.store.now());
        (actor.principal, actor.name, actor.roles) = (domain::Principal::Person(env.acme.mia), holder.name, holder.roles);
        let session = env.app.store.read(&actor).await.unwrap().sessions().await.unwrap()[0].id;
        let end = domain::policy::EndBrowserSession { session, owner: env.acme.mia };
        env.change(&actor, async |write| write.end_browser_session(actor.may(end)?).await).await;
        tokio::join!(ends(&mut feed), ends(&mut follow));
        assert_eq!(mia.response("/live?topics=tasks").await.status, 401);
    }

    /// An open stream does not count as activity of its session.
    async fn a_stream_ends_at_the_idle_timeout_of_its_session(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let mut feed = mia.open_stream("/live?topics=tasks,people").await;
        env.advance_clock(env.app.config.sessions.idle - Duration::from_mins(1));
        mia.sign_in_elsewhere(env, env.acme.mia).await;
        assert_eq!(feed.next().await.unwrap().event, "people", "the stream is open until then");
        env.advance_clock(Duration::from_mins(2));
        mia.sign_in_elsewhere(env, env.acme.mia).await;
        ends(&mut feed).await;
        assert_eq!(mia.response("/live?topics=tasks").await.status, 401);
    }

    /// Activity does not extend a session beyond its absolute lifetime.
    async fn a_stream_ends_at_the_absolute_lifetime_of_its_session(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.open_stream("/live?topics=tasks").await;
        let (mut waited, step) = (Duration::ZERO, Duration::from_hours(8));
        while waited + step < env.app.config.sessions.absolute {
            env.advance_clock(step);
            waited += step;
            assert_eq!(mia.response(&format!("/tasks/{task}/log")).await.status, 200);
        }
        env.advance_clock(step);
        mia.sign_in_elsewhere(env, env.acme.mia).await;
        ends(&mut feed).await;
    }

    /// Open streams would otherwise delay the shutdown until the listener's timeout.
    async fn a_stream_ends_when_the_server_stops(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.open_stream("/live?topics=tasks").await;
        let mut follow = mia.open_stream(&format!("/tasks/{task}/live")).await;
        assert_eq!(follow.next().await.unwrap().event, "state");
        env.app.stop.cancel();
        tokio::join!(ends(&mut feed), ends(&mut follow));
    }

    async fn a_stream_ends_when_the_rights_of_its_reader_change(env) {
        let max = Page::of(env, &env.acme.console, env.acme.max).await;
        let mut feed = max.open_stream("/live?topics=tasks").await;
        let other = Page::of(env, &env.acme.console, env.acme.mia).await;
        let mut untouched = other.open_stream("/live?topics=tasks").await;
        let console = &env.acme.console;
        let demoted = SetMembership { organization: env.acme.ops, person: env.acme.max, role: Role::Viewer };
        env.change(console, async |write| write.set_membership(console.may(demoted)?).await).await;
        ends(&mut feed).await;
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let task = env.submit(&key, json!({ "script": "true" })).await;
        assert_eq!(untouched.next().await.unwrap().data, task.to_string());
    }

    async fn streams_need_a_session_and_are_limited_per_person(env) {
        let mia = Page::of(env, &env.acme.console, env.acme.mia).await;
        let stranger = Page { routes: mia.routes.clone(), cookie: "castellan=AAAAAAAAAAAAAAAAAAAAAA".into() };
        for path in live::PATHS {
            let path = format!("{}?topics=tasks", path.replace("{id}", &uuid::Uuid::nil().to_string()));
            assert_eq!(stranger.response(&path).await.status, 401, "{path}");
        }
        for topics in ["", "log", "missed", "tasks,everything", "tasks, rules"] {
            mia.response(&format!("/live?topics={}", topics.replace(' ', "%20"))).await.wrong_field("topics");
        }
        mia.response("/live").await.wrong_field("topics");
        let mut open = vec![];
        for _ in 0..20 {
            open.push(mia.open_stream("/live?topics=tasks").await);
        }
        mia.response("/live?topics=tasks").await.problem(429);
        drop(open);
        mia.open_stream("/live?topics=tasks").await;
    }
}
