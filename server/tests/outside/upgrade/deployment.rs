//! Small deployment with something of everything, made by the programs of this version.
use super::{
    archive::checkpoint_copy,
    contents::{Contents, EndedTask, RUNNER},
    remote_runner::RemoteRunner,
};
use crate::{
    client::{Credential, Response},
    html::totp_secret,
    people::{Browser, Person},
    ports::reserve_port,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use serde_json::{Value, json};
use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::{ADA, ADAM, AUDREY, MIA, OLGA};

/// Without the local runners, tasks stay in the queue.
const WITHOUT_LOCAL_RUNNERS: &str = "[local_runner]\nenabled = false\n";

/// Output with colors, an overwritten line, standard error and bytes that are not UTF-8.
const SCRIPT: &str =
    "printf '\\033[32mok\\033[0m  orders\\n'; printf '10%%\\r100%%\\n'; echo careful >&2; printf '\\377\\n'";

/// Returns the time in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the programs under test use the clock of the machine")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Returns the code of an authenticator app at this time.
pub fn totp_code(secret: &str, at: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(at).to_string()
}

/// Creates the deployment and stops it.
pub async fn create(program: &mut Program) -> Contents {
    program.use_fixed_ports();
    program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1");
    // Mail stays in the queue, because nothing listens there.
    program.set("CASTELLAN_MAIL_SMTP", &format!("smtp://127.0.0.1:{}", reserve_port()));
    program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
    program.tenant("acme");
    program.tenant("bolt");
    let [adam, mia, ada, olga, _] = [ADAM, MIA, ADA, OLGA, AUDREY].map(|person| program.person(person, "acme"));
    let bea = program.person_named("bea", MIA, "bolt");
    program.start().await;
    let admin = program.sign_in(&adam.email).await;
    change_rules(program, &admin, "1", "refuse").await;
    let refused = submit(program, &mia, "Download the archive", unrestricted("true")).await;
    change_rules(program, &admin, "2", "ask").await;
    let mut ended = run_tasks(program, &mia, &ada).await;
    let of_bolt = program.submit(&bea.key, "echo bolt").await;
    program.until_succeeded(&bea.key, &of_bolt).await;
    configure(program, &admin, &olga).await;
    let totp_secret = set_up_app(program, &mia).await;
    cause_anomaly(program, &admin, &mia).await;
    enroll_runner(program, &admin, &adam).await;
    program.stop(DEFAULT_TIMEOUT).await;

    fs::copy(program.data().join("checkpoints"), checkpoint_copy(program)).unwrap();
    for key in ["session-secret", "checkpoint-key", "grant-key"] {
        program.cli(&["admin", &format!("rotate-{key}")], "");
    }
    program.configure(WITHOUT_LOCAL_RUNNERS);
    program.start().await;
    let runner = RemoteRunner::start(program);
    let task = submit(program, &mia, "Report the time zone", json!({ "script": "date +%Z" })).await;
    program.until_succeeded(&mia.key, &task).await;
    for task in [refused, task] {
        ended.push(describe(program, &mia, &task).await);
    }
    runner.stop();
    let queued = submit(program, &mia, "Compact the archive", json!({ "script": "echo queued" })).await;
    let waiting = submit(program, &mia, "Renew the certificate", unrestricted("echo approved")).await;
    let session = program.sign_in(&ada.email).await.cookie();
    program.stop(DEFAULT_TIMEOUT).await;
    let (version, stopped_at) = (env!("CARGO_PKG_VERSION").to_owned(), now());
    Contents { version, stopped_at, adam, mia, ada, bea, totp_secret, session, ended, queued, waiting, of_bolt }
}

fn unrestricted(script: &str) -> Value {
    json!({ "script": script, "network_policy": "unrestricted" })
}

/// Submits a task that the organization sees.
async fn submit(program: &Program, mia: &Person, title: &str, mut task: Value) -> String {
    task["title"] = title.into();
    task["visibility"] = "org".into();
    task["labels"] = json!({ "service": "orders" });
    program.submit_as(&mia.key, task).await
}

/// Makes a version of the rules after `version`, with this effect on tasks with network access.
async fn change_rules(program: &Program, admin: &Browser, version: &str, effect: &str) {
    let fields = [
        ("version", version),
        ("rules[0][name]", "Scripts without network run"),
        ("rules[0][networks][]", "isolated"),
        ("rules[0][effect]", "run"),
        ("rules[1][name]", "All others"),
        ("rules[1][effect]", effect),
        ("rules[1][approvers]", "1"),
        ("rules[1][hours]", "24"),
    ];
    program.act(Credential::Browser(admin), "rules/change", &fields).await.is(200);
}

/// Decides the approval request of a task.
pub async fn decide(program: &Program, approver: &Person, task: &str, verb: &str) {
    let list = program.get(Credential::Key(&approver.key), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task).unwrap();
    let path = format!("/api/v1/approvals/{}/{verb}", approval["id"].as_str().unwrap());
    let decision = json!({ "reason": "reviewed", "request_digest": approval["request_digest"] });
    program.post(Credential::Key(&approver.key), &path, &decision).await.is(200);
}

/// Runs tasks to every kind of end.
async fn run_tasks(program: &Program, mia: &Person, ada: &Person) -> Vec<EndedTask> {
    let mut tasks = vec![];
    let script = json!({ "script": SCRIPT });
    tasks.push(submit(program, mia, "Check the backup", script).await);
    tasks.push(submit(program, mia, "Copy the archive", json!({ "script": "exit 3" })).await);
    let slow = json!({ "script": "sleep 60", "timeout_seconds": 1 });
    tasks.push(submit(program, mia, "Wait for the lock", slow).await);
    for (title, verb) in [("Rotate the certificate", "approve"), ("Delete the archive", "deny")] {
        let task = submit(program, mia, title, unrestricted("echo approved")).await;
        decide(program, ada, &task, verb).await;
        tasks.push(task);
    }
    let cancelled = submit(program, mia, "Restart the service", unrestricted("true")).await;
    program.post(Credential::Key(&mia.key), &format!("/api/v1/tasks/{cancelled}/cancel"), &json!({})).await.is(200);
    tasks.push(cancelled);
    let mut ended = vec![];
    for task in tasks {
        ended.push(describe(program, mia, &task).await);
    }
    let states: Vec<_> = ended.iter().map(|task| task.state.as_str()).collect();
    assert_eq!(states, ["succeeded", "failed", "timed_out", "succeeded", "denied", "cancelled"]);
    ended
}

/// Waits until a task has ended.
async fn describe(program: &Program, mia: &Person, id: &str) -> EndedTask {
    let task = until("the task ends", async || {
        let task = program.task(&mia.key, id).await;
        task["ended_at"].is_string().then_some(task)
    })
    .await;
    let text = |name: &str| task[name].as_str().unwrap().to_owned();
    let output = program.printed(&mia.key, id).await;
    let has_receipt = task["receipt"].is_string();
    let (title, state, request_digest) = (text("title"), text("state"), text("request_digest"));
    EndedTask { id: id.to_owned(), title, state, request_digest, output, has_receipt }
}

/// Configures an identity provider, an organization with an invitation, a service account, a passkey and an access review.
async fn configure(program: &Program, admin: &Browser, olga: &Person) {
    let act = async |action: &str, fields: &[(&str, &str)]| -> Response {
        program.act(Credential::Browser(admin), action, fields).await.is(200)
    };
    let provider = [
        ("kind", "oidc"),
        ("label", "Acme ID"),
        ("issuer", "https://id.acme.invalid"),
        ("client_id", "castellan"),
        ("client_secret", "a-secret-of-two"),
    ];
    act("providers/save", &provider).await;
    let created = act("organizations/create", &[("name", "Data platform")]).await.json();
    let organization = created["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1;
    let invitation = [
        ("organization", organization),
        ("role", "viewer"),
        ("uses", "5"),
        ("days", "7"),
        ("email", "new@acme.example"),
    ];
    act("organizations/invite", &invitation).await;
    act("reviews/start", &[]).await;
    let account = ["admin", "create-service-account", "--name", "Build server", "--responsible", &olga.email];
    let account = program.cli(&account, "");
    program.cli(&["admin", "create-key", "--user", &account, "--name", "builds", "--scopes", "tasks:*"], "");
    let browser = program.sign_in(&olga.email).await;
    program.make_passkey(&browser).await;
}

/// Sets up an authenticator app and returns its secret.
async fn set_up_app(program: &Program, mia: &Person) -> String {
    let browser = program.sign_in(&mia.email).await;
    let who = Credential::Browser(&browser);
    program.act(who, "factors/offer-totp", &[]).await.is(200);
    let secret = totp_secret(&program.get(who, "/authenticator").await.is(200).body);
    program.act(who, "factors/confirm-totp", &[("code", &totp_code(&secret, now()))]).await.is(200);
    secret
}

/// Uses an API key from several networks, which is reported.
async fn cause_anomaly(program: &Program, admin: &Browser, mia: &Person) {
    for address in ["203.0.113.1", "198.51.100.7"] {
        let request = program.client.get(format!("{}/api/v1/tasks", program.origin)).bearer_auth(&mia.key);
        Response::of(request.header("x-forwarded-for", address)).await.is(200);
    }
    until("the anomaly is reported", async || {
        let page = program.get(Credential::Browser(admin), "/anomalies").await.is(200).body;
        page.contains("API key used from a new network").then_some(())
    })
    .await;
}

/// Enrolls the runner, and stops it when it is connected.
async fn enroll_runner(program: &Program, admin: &Browser, adam: &Person) {
    let token = program.act(Credential::Browser(admin), "runners/enroll", &[("name", RUNNER)]).await.is(200).secret();
    let runner = RemoteRunner::enroll(program, &token);
    until("the runner is connected", async || {
        let list = program.get(Credential::Key(&adam.key), "/api/v1/runners").await.is(200).json();
        let runners = list["items"].as_array().unwrap();
        runners.iter().any(|runner| runner["name"] == RUNNER && runner["connected"] == true).then_some(())
    })
    .await;
    runner.stop();
}
