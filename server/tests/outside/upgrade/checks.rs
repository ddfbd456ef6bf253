//! Checks of an upgraded deployment: everything that was there is shown, verified and continued.
use super::{
    archive::checkpoint_copy,
    contents::{Contents, RUNNER},
    deployment::{decide, now, totp_code},
    remote_runner::RemoteRunner,
};
use crate::{
    client::Credential, fake_clock::FakeClock, mail_server::MailServer, people::PASSWORD, program::Program,
    timeouts::DEFAULT_TIMEOUT,
};
use domain::{Actor, request::RequestDigest};
use serde_json::Value;
use server::{
    keys::{Keys, SecretsDir},
    receipts,
    state::App,
};
use store::Store;

/// Seconds between the last stop of the former version and the first start of this one: approval requests, certificates and sessions are
/// still valid.
const PAUSE: u64 = 600;

const ADMIN_PAGES: [&str; 21] = [
    "/",
    "/tasks",
    "/approvals",
    "/runners",
    "/audit",
    "/anomalies",
    "/organizations",
    "/people",
    "/reviews",
    "/keys",
    "/keys/service-accounts",
    "/emergency",
    "/rules",
    "/rules/edit",
    "/settings/authentication",
    "/settings/approvals",
    "/settings/backups",
    "/settings/retention",
    "/settings/second-factors",
    "/account",
    "/search?q=archive",
];

/// Starts the programs of this version on the data of a former one.
pub async fn upgrade(program: &mut Program, contents: &Contents) {
    let clock = FakeClock::install(program, true);
    let ahead = i64::try_from(contents.stopped_at + PAUSE).unwrap() - i64::try_from(now()).unwrap();
    clock.move_by(&format!("{ahead:+}"));
    let mail = MailServer::open().await;
    program.set("CASTELLAN_MAIL_SMTP", &mail.url);
    program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
    program.use_fixed_ports();
    program.configure("[local_runner]\nenabled = false\n");
    verify(program);
    diagnose(program);
    program.start().await;
    mail.mail(0).await; // it was in the queue
    sign_in(program, contents, ahead).await;
    show(program, contents).await;
    continue_tasks(program, contents).await;
    program.stop(DEFAULT_TIMEOUT).await;
    verify(program);
    read(program, contents).await;

    program.configure("");
    program.start().await;
    let task = program.submit(&contents.mia.key, "echo upgraded").await;
    let task = program.until_succeeded(&contents.mia.key, &task).await;
    assert_ne!(task["runner_name"], RUNNER, "{task:#}");
    program.stop(DEFAULT_TIMEOUT).await;
    verify(program);
}

/// Compares the audit log with all checkpoints, also with those that were copied.
fn verify(program: &Program) {
    let copy = checkpoint_copy(program).display().to_string();
    let result: Value =
        serde_json::from_str(&program.cli(&["audit", "verify", "--json", "--against", &copy], "")).unwrap();
    assert_eq!((&result["result"], result["tenants"].as_array().unwrap().len()), (&"verified".into(), 2), "{result:#}");
}

/// Checks that `castellan doctor` reports nothing except the identity provider, which does not exist.
fn diagnose(program: &Program) {
    let output = program.run(&["doctor", "--json"], "");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed = |check: &&Value| check["result"] != "ok" && check["name"] != "identity provider";
    let failed: Vec<_> = result["checks"].as_array().unwrap().iter().filter(failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Uses the sessions, passwords, second factors and API keys of the former version.
async fn sign_in(program: &Program, contents: &Contents, ahead: i64) {
    assert!(program.is_signed_in(&contents.session).await, "the session has ended");
    program.sign_in(&contents.bea.email).await;
    let half = program.sign_in(&contents.mia.email).await;
    assert!(!program.is_signed_in(&half.cookie()).await, "the second factor is not required");
    let code = totp_code(&contents.totp_secret, now().checked_add_signed(ahead).unwrap());
    program.act(Credential::Browser(&half), "factors/show", &[("code", &code)]).await.is(200);
    assert!(program.is_signed_in(&half.cookie()).await);
    program.try_sign_in(&contents.bea.email, &format!("{PASSWORD}?"), &[]).await.is(401);
    for person in [&contents.adam, &contents.mia, &contents.ada, &contents.bea] {
        let me = program.get(Credential::Key(&person.key), "/api/v1/me").await.is(200).body;
        assert!(me.contains(&person.id), "{me}");
    }
}

/// Opens the pages of everything that the former version made.
async fn show(program: &Program, contents: &Contents) {
    let admin = program.sign_in(&contents.adam.email).await;
    let page = async |path: &str| program.get(Credential::Browser(&admin), path).await.is(200).body;
    for path in ADMIN_PAGES {
        page(path).await;
    }
    for (path, text) in [
        ("/runners", RUNNER),
        ("/rules", "Scripts without network run"),
        ("/anomalies", "API key used from a new network"),
        ("/settings/authentication", "Acme ID"),
        ("/organizations", "Data platform"),
        ("/keys/service-accounts", "Build server"),
        ("/people", "audrey@acme.example"),
    ] {
        assert!(page(path).await.contains(text), "{path} without {text}");
    }
    for ended in &contents.ended {
        let task = program.task(&contents.mia.key, &ended.id).await;
        for (name, value) in
            [("title", &ended.title), ("state", &ended.state), ("request_digest", &ended.request_digest)]
        {
            assert_eq!(task[name], value.as_str(), "{task:#}");
        }
        assert_eq!(program.printed(&contents.mia.key, &ended.id).await, ended.output);
        let page = page(&format!("/tasks/{}", ended.id)).await;
        assert!(page.contains(&ended.title), "{page}");
        assert_eq!(page.contains("Signature verified"), ended.has_receipt, "{page}");
    }
    let foreign = format!("/tasks/{}", contents.of_bolt);
    program.get(Credential::Browser(&admin), &foreign).await.is(404);
    program.get(Credential::Key(&contents.bea.key), &format!("/api/v1{foreign}")).await.is(200);
}

/// Runs the queued task and, after an approval, the waiting one, with the runner that the former version enrolled.
async fn continue_tasks(program: &Program, contents: &Contents) {
    let (mia, ada) = (&contents.mia, &contents.ada);
    assert_eq!(program.task(&mia.key, &contents.queued).await["state"], "queued");
    let runner = RemoteRunner::start(program);
    let task = program.until_succeeded(&mia.key, &contents.queued).await;
    assert_eq!(program.printed(&mia.key, &contents.queued).await, "queued\n", "{task:#}");
    assert_eq!(program.task(&mia.key, &contents.waiting).await["state"], "awaiting_approval");
    decide(program, ada, &contents.waiting, "approve").await;
    program.until_succeeded(&mia.key, &contents.waiting).await;
    assert_eq!(program.printed(&mia.key, &contents.waiting).await, "approved\n");
    runner.stop();
}

/// Reads every canonical request and verifies every receipt.
async fn read(program: &Program, contents: &Contents) {
    let secrets = SecretsDir::open(&program.data().join("secrets")).unwrap();
    let keys = Keys::open_or_create(&secrets, None).unwrap();
    let file = format!("sqlite:{}", program.data().join("castellan.db").display());
    let url = program.database_url().map_or(file, str::to_owned);
    let store = Store::open(App::settings(&keys, url)).await.unwrap();
    let tenants = store.system().tenants().await.unwrap();
    let acme = tenants.iter().find(|tenant| tenant.name == "acme").unwrap();
    let mut read = store.read(&Actor::console(acme.id, store.now())).await.unwrap();
    let ended = contents.ended.iter().map(|task| (&task.id, task.has_receipt));
    for (id, has_receipt) in ended.chain([(&contents.queued, true), (&contents.waiting, true)]) {
        let task = read.task(id.parse().unwrap()).await.unwrap();
        task.read_request().unwrap();
        assert_eq!(RequestDigest::of(task.request.as_bytes()), task.request_digest);
        assert_eq!(receipts::check(&task), has_receipt.then_some(true));
    }
    drop(read);
    store.close().await;
}
