//! Streams of signed-in browsers: what a page hears, and when it hears no more.
use crate::world::{Answer, Listener, World, on_both};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    middleware::from_fn_with_state,
    routing::post,
};
use domain::{
    Actor, PersonId,
    policy::{AskToJoin, OpenToRequests, SetMembership},
    receipt::End,
    role::Role,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use server::{
    auth::{self, Hasher, SignIn, SignInRequest},
    live,
    state::App,
};
use std::time::Duration;
use tower::ServiceExt;
use tower_sessions::Session;

const PASSWORD: &str = "plover xyzzy colossal cave";

/// A page of the deployment: its streams, with somebody signed in.
struct Page {
    routes: Router,
    cookie: String,
}

async fn sign_in(
    State((app, hasher)): State<(App, Hasher)>,
    session: Session,
    Path(email): Path<String>,
) -> StatusCode {
    let service = auth::service(&app, hasher, "http://127.0.0.1:9876").unwrap();
    let sign_in = SignIn::new(service, SignInRequest::new(session, [127, 0, 0, 1].into(), "a test"));
    match sign_in.sign_in(email, PASSWORD.to_owned()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::FORBIDDEN,
    }
}

impl Page {
    async fn of(world: &World, console: &Actor, person: PersonId) -> Self {
        let (app, hasher) = (world.app.clone(), Hasher::new().unwrap());
        let hash = hasher.hash(PASSWORD.to_owned()).await.unwrap();
        world.change(console, async |write| write.set_password(person, &hash).await).await;
        let email = app.store.read(console).await.unwrap().person(person).await.unwrap().email;
        let routes = Router::new()
            .route("/sign-in/{email}", post(sign_in))
            .with_state((app.clone(), hasher))
            .merge(live::routes(app.clone()))
            .layer(from_fn_with_state(app.clone(), auth::identify))
            .layer(auth::session_layer(&app, false));
        let request = Request::post(format!("/sign-in/{email}")).body(Body::empty()).unwrap();
        let answer = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { routes, cookie }
    }

    async fn ask(&self, path: &str, last: Option<&str>) -> http::Response<Body> {
        let mut request = Request::get(path).header("cookie", &self.cookie);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The same person signs in once more, elsewhere: something happens to them that changes none of their rights.
    async fn sign_in_elsewhere(&self, world: &World, person: PersonId) {
        let email = world.app.store.read(&world.acme.console).await.unwrap().person(person).await.unwrap().email;
        let request = Request::post(format!("/sign-in/{email}")).body(Body::empty()).unwrap();
        assert_eq!(self.routes.clone().oneshot(request).await.unwrap().status(), 200);
    }

    async fn listen(&self, path: &str) -> Listener {
        Listener::to(self.ask(path, None).await)
    }

    async fn answer(&self, path: &str) -> Answer {
        Answer::of(self.ask(path, None).await).await
    }
}

/// That a stream ends by itself within two seconds.
async fn ends(listener: &mut Listener) {
    let end = async { while listener.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(2), end).await.expect("the stream ends within two seconds");
}

on_both! {
    /// M-11, A-05.
    async fn a_05_a_page_hears_of_what_its_reader_may_see_and_of_nothing_else(world) {
        let max = Page::of(world, &world.acme.console, world.acme.max).await;
        let mut heard = max.listen("/live?topics=tasks,approvals").await;
        let mia = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let foreign = world.key(&world.bolt, world.bolt.mia, "tasks:*").await;
        world.submit(&foreign, json!({ "script": "true", "visibility": "public", "network_policy": "unrestricted" })).await;
        world.submit(&mia, json!({ "script": "true", "network_policy": "unrestricted" })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let shared = world.submit(&mia, json!({ "script": "true", "visibility": "org" })).await;
        let told = heard.next().await.unwrap();
        assert_eq!((told.event.as_str(), told.data), ("tasks", shared.to_string()));

        let ada = Page::of(world, &world.acme.console, world.acme.ada).await;
        let mut queue = ada.listen("/live?topics=approvals").await;
        world.submit(&mia, json!({ "script": "true", "network_policy": "unrestricted" })).await;
        assert_eq!(queue.next().await.unwrap().event, "approvals");
    }

    /// D-03: owners hear at once that somebody asks to come in; who is no owner hears nothing of it.
    async fn d_03_owners_hear_of_who_asks_to_come_in(world) {
        let (acme, console) = (&world.acme, &world.acme.console);
        let owner = SetMembership { organization: acme.ops, person: acme.mia, role: Role::Owner };
        world.change(console, async |write| write.set_membership(console.may(owner)?).await).await;
        let open = OpenToRequests { organization: acme.ops, open: true };
        world.change(console, async |write| write.open_to_requests(console.may(open)?).await).await;
        let (mia, max) = (Page::of(world, console, acme.mia).await, Page::of(world, console, acme.max).await);
        let (mut hers, mut his) = (mia.listen("/live?topics=people").await, max.listen("/live?topics=people,tasks").await);
        let holder = world.app.store.system().holder(acme.tenant, acme.audrey).await.unwrap();
        let mut audrey = Actor::clock(acme.tenant, world.app.store.now());
        (audrey.principal, audrey.by) = (domain::Principal::Person(acme.audrey), domain::SignedInBy::Password);
        (audrey.name, audrey.roles) = (holder.name, holder.roles);
        let ask = AskToJoin { organization: acme.ops, person: acme.audrey, reason: String::new() };
        world.change(&audrey, async |write| write.ask_to_join(audrey.may(ask)?).await).await;
        let told = tokio::time::timeout(Duration::from_secs(1), hers.next()).await.expect("within a second");
        assert_eq!(told.unwrap().event, "people");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let key = world.key(acme, acme.ada, "tasks:*").await;
        world.submit(&key, json!({ "script": "true", "visibility": "org" })).await;
        assert_eq!(his.next().await.unwrap().event, "tasks", "nothing before that");
    }

    /// A page is read before its stream is open, and streams break: what happens meanwhile is told, and nothing that was shown.
    async fn a_stream_tells_what_happened_since_the_page_was_read(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let submit = async || world.submit(&key, json!({ "script": "true" })).await.to_string();
        submit().await;
        tokio::time::sleep(Duration::from_millis(300)).await; // until PostgreSQL has told it
        let read = format!("/live?topics=tasks&since={}", world.app.store.mark());
        let first = submit().await;
        let mut heard = mia.listen(&read).await;
        let told = heard.next().await.unwrap();
        assert_eq!(told.data, first, "nothing of before");
        let second = submit().await;
        let mut again = Listener::to(mia.ask(&read, Some(&told.id)).await);
        let told: Vec<_> = [again.next().await, heard.next().await].into_iter().map(|told| told.unwrap().data).collect();
        assert!(told.iter().all(|id| *id == second || *id == first) && told[1] == second, "{told:?}");

        let mut stranger = mia.listen("/live?topics=tasks,keys&since=1-1").await;
        let told = [stranger.next().await.unwrap(), stranger.next().await.unwrap()].map(|told| (told.event, told.data));
        assert_eq!(told, [("tasks".into(), "*".into()), ("keys".into(), "*".into())], "another process's mark");
        for garbage in ["", "x", "1", "1-", "-1"] {
            mia.answer(&format!("/live?topics=tasks&since={garbage}")).await.wrong_field("since");
        }
        let answer = Answer::of(mia.ask("/live?topics=tasks", Some("garbage")).await).await;
        answer.wrong_field("Last-Event-ID");
    }

    async fn many_changes_of_one_thing_are_told_together(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let mut heard = mia.listen("/live?topics=tasks").await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        world.submit(&key, json!({ "script": "true" })).await;
        let taken = world.start(&world.acme).await;
        world.print(&world.acme, &taken, 1, &["one"]).await;
        world.finish(&world.acme, &taken, End::Exited(0), "one\n").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        let last = world.submit(&key, json!({ "script": "false" })).await;
        let mut told = 0;
        while heard.next().await.unwrap().data != last.to_string() {
            told += 1;
        }
        assert!((1..=3).contains(&told), "{told} events for four changes");
    }

    /// D-01: colors are classes, markup is text, and who comes again goes on where it was.
    async fn d_01_a_page_gets_lines_as_text_and_goes_on_where_it_was_cut_off(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        world.submit(&key, json!({ "script": "true" })).await;
        let taken = world.start(&world.acme).await;
        world.print(&world.acme, &taken, 1, &["one", "\u{1b}[1;31m<b>two</b>\u{1b}]0;x\u{7}", "three"]).await;
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let path = format!("/tasks/{}/live", taken.task.id);
        let told = mia.listen(&format!("{path}?from=2&attempt=1")).await.until("lines").await;
        let [state, lines] = &told[..] else { panic!("{told:?}") };
        assert_eq!((state.event.as_str(), state.data.as_str()), ("state", "running"));
        let shown: Value = serde_json::from_str(&lines.data).unwrap();
        let two = json!({ "n": 2, "at": "2026-03-01T14:05:09Z", "s": "stdout",
            "spans": [{ "class": "ansi-fg-1 ansi-bold", "text": "<b>two</b>" }] });
        assert_eq!((&shown[0], &shown[1]["n"], &shown[2]), (&two, &json!(3), &Value::Null));

        world.print(&world.acme, &taken, 4, &["four"]).await;
        world.finish(&world.acme, &taken, End::Exited(0), "one\n\u{1b}[1;31m<b>two</b>\u{1b}]0;x\u{7}\nthree\nfour\n").await;
        let rest = Listener::to(mia.ask(&path, Some(&lines.id)).await).until("end").await;
        let events: Vec<_> = rest.iter().map(|it| it.event.as_str()).collect();
        assert_eq!(events, ["state", "lines", "end"]);
        assert_eq!(serde_json::from_str::<Value>(&rest[1].data).unwrap()[0]["n"], 4);

        // A page from before the task was started: it is told that lines begin.
        let told = mia.listen(&format!("{path}?from=1&attempt=0")).await.until("end").await;
        assert_eq!((told[0].event.as_str(), told[0].data.as_str()), ("attempt", "1"));
    }

    async fn the_output_is_given_as_a_file(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        world.submit(&key, json!({ "script": "true" })).await;
        let taken = world.start(&world.acme).await;
        world.print(&world.acme, &taken, 1, &["<script>alert(1)</script>"]).await;
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let file = mia.answer(&format!("/tasks/{}/log", taken.task.id)).await;
        assert_eq!(file.body, "<script>alert(1)</script>\n");
        assert_eq!(file.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(file.header("content-disposition").unwrap().starts_with("attachment; filename=\"task-"));
        let max = Page::of(world, &world.acme.console, world.acme.max).await;
        for path in ["/tasks/ID/log", "/tasks/ID/live"] {
            let hidden = max.answer(&path.replace("ID", &taken.task.id.to_string())).await;
            hidden.problem(404);
            assert_eq!(hidden, max.answer(&path.replace("ID", &uuid::Uuid::now_v7().to_string())).await);
            assert_eq!(hidden, max.answer(&path.replace("ID", "x")).await);
        }
    }

    /// D-01, A-05: any stretch of lines, the places of a text, and a part as a file.
    async fn d_01_the_viewer_gets_stretches_of_lines_and_the_places_of_a_text(world) {
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        world.submit(&key, json!({ "script": "true" })).await;
        let taken = world.start(&world.acme).await;
        world.print(&world.acme, &taken, 1, &["one", "\u{1b}[31mtwo\u{1b}[0m", "three", "two again"]).await;
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let log = format!("/tasks/{}/log", taken.task.id);
        let read = async |rest: &str| {
            let answer = mia.answer(&format!("{log}{rest}")).await;
            assert_eq!(answer.status, 200, "{rest}: {}", answer.body);
            serde_json::from_str::<Value>(&answer.body).unwrap()
        };
        let lines = read("/lines?attempt=1&from=2&until=4").await;
        assert_eq!((&lines["next"], &lines["lines"][0]["n"], &lines["lines"][2]), (&json!(5), &json!(2), &Value::Null));
        assert_eq!(lines["lines"][0]["spans"], json!([{ "class": "ansi-fg-1", "text": "two" }]));
        assert_eq!(read("/lines?attempt=1&from=9&until=99").await["lines"], json!([]));
        assert_eq!(read("/find?attempt=1&text=TWO").await, json!({ "total": 2, "lines": [2, 4] }));
        assert_eq!(read("/find?attempt=1&text=nowhere").await, json!({ "total": 0, "lines": [] }));
        assert_eq!(mia.answer(&format!("{log}?from=2&to=3&plain=true")).await.body, "two\nthree\n");
        assert_eq!(mia.answer(&format!("{log}?from=2&to=2")).await.body, "\u{1b}[31mtwo\u{1b}[0m\n", "byte for byte");
        for wrong in ["/lines?attempt=1&from=0&until=9", "/lines?attempt=1&from=9&until=8", "/lines?attempt=1&from=1&until=1002",
            "/find?attempt=1&text=", "?from=3&to=2", "?from=0"] {
            mia.answer(&format!("{log}{wrong}")).await.problem(422);
        }
        mia.answer(&format!("{log}/find?attempt=1&text={}", "x".repeat(201))).await.problem(422);
        let max = Page::of(world, &world.acme.console, world.acme.max).await;
        for hidden in ["/lines?attempt=1&from=1&until=9", "/find?attempt=1&text=two"] {
            max.answer(&format!("{log}{hidden}")).await.problem(404);
            max.answer(&format!("/tasks/x/log{hidden}")).await.problem(404);
        }
    }

    async fn a_stream_ends_with_its_session(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let task = world.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.listen("/live?topics=tasks").await;
        let mut follow = mia.listen(&format!("/tasks/{task}/live")).await;
        let holder = world.app.store.system().holder(world.acme.tenant, world.acme.mia).await.unwrap();
        let mut actor = Actor::clock(world.acme.tenant, world.app.store.now());
        (actor.principal, actor.name, actor.roles) = (domain::Principal::Person(world.acme.mia), holder.name, holder.roles);
        let session = world.app.store.read(&actor).await.unwrap().sessions().await.unwrap()[0].id;
        let end = domain::policy::EndBrowserSession { session, owner: world.acme.mia };
        world.change(&actor, async |write| write.end_browser_session(actor.may(end)?).await).await;
        tokio::join!(ends(&mut feed), ends(&mut follow));
        assert_eq!(mia.answer("/live?topics=tasks").await.status, 401);
    }

    /// Watching is no use of a session: who only watches is signed out like who does nothing.
    async fn a_stream_ends_with_a_session_that_nobody_used_for_too_long(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let mut feed = mia.listen("/live?topics=tasks,people").await;
        world.wait(world.app.config.sessions.idle - Duration::from_mins(1));
        mia.sign_in_elsewhere(world, world.acme.mia).await;
        assert_eq!(feed.next().await.unwrap().event, "people", "it lasts until then");
        world.wait(Duration::from_mins(2));
        mia.sign_in_elsewhere(world, world.acme.mia).await;
        ends(&mut feed).await;
        assert_eq!(mia.answer("/live?topics=tasks").await.status, 401);
    }

    /// However busy it is, a session ends, and its streams with it.
    async fn a_stream_ends_with_a_session_that_has_lasted_long_enough(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let task = world.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.listen("/live?topics=tasks").await;
        let (mut waited, step) = (Duration::ZERO, Duration::from_hours(8));
        while waited + step < world.app.config.sessions.absolute {
            world.wait(step);
            waited += step;
            assert_eq!(mia.answer(&format!("/tasks/{task}/log")).await.status, 200);
        }
        world.wait(step);
        mia.sign_in_elsewhere(world, world.acme.mia).await;
        ends(&mut feed).await;
    }

    /// A server that is told to stop would otherwise wait for its streams until the door loses patience.
    async fn a_stream_ends_when_the_server_stops(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let task = world.submit(&key, json!({ "script": "true" })).await;
        let mut feed = mia.listen("/live?topics=tasks").await;
        let mut follow = mia.listen(&format!("/tasks/{task}/live")).await;
        assert_eq!(follow.next().await.unwrap().event, "state");
        world.app.stop.cancel();
        tokio::join!(ends(&mut feed), ends(&mut follow));
    }

    async fn a_stream_ends_when_its_readers_rights_change(world) {
        let max = Page::of(world, &world.acme.console, world.acme.max).await;
        let mut feed = max.listen("/live?topics=tasks").await;
        let other = Page::of(world, &world.acme.console, world.acme.mia).await;
        let mut untouched = other.listen("/live?topics=tasks").await;
        let console = &world.acme.console;
        let demoted = SetMembership { organization: world.acme.ops, person: world.acme.max, role: Role::Viewer };
        world.change(console, async |write| write.set_membership(console.may(demoted)?).await).await;
        ends(&mut feed).await;
        let key = world.key(&world.acme, world.acme.mia, "tasks:*").await;
        let task = world.submit(&key, json!({ "script": "true" })).await;
        assert_eq!(untouched.next().await.unwrap().data, task.to_string());
    }

    async fn nobody_hears_anything_without_a_session_or_too_often(world) {
        let mia = Page::of(world, &world.acme.console, world.acme.mia).await;
        let stranger = Page { routes: mia.routes.clone(), cookie: "castellan=AAAAAAAAAAAAAAAAAAAAAA".into() };
        for path in live::PATHS {
            let path = format!("{}?topics=tasks", path.replace("{id}", &uuid::Uuid::nil().to_string()));
            assert_eq!(stranger.answer(&path).await.status, 401, "{path}");
        }
        for topics in ["", "log", "missed", "tasks,everything", "tasks, rules"] {
            mia.answer(&format!("/live?topics={}", topics.replace(' ', "%20"))).await.wrong_field("topics");
        }
        mia.answer("/live").await.wrong_field("topics");
        let mut open = vec![];
        for _ in 0..20 {
            open.push(mia.listen("/live?topics=tasks").await);
        }
        mia.answer("/live?topics=tasks").await.problem(429);
        drop(open);
        mia.listen("/live?topics=tasks").await;
    }
}
