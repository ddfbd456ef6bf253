//! Approvals that the runner verifies with passkeys that its operator pinned (X19).
use crate::{
    authenticator::{PasskeyCeremony, PasskeyDevice},
    client::{Credential, Response},
    html::{field, forms, text_between},
    people::{Browser, Person},
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use domain::{
    Actor, Principal, SignedInBy, TenantId, Timestamp,
    approval::{Answer, ApprovalState},
    role::Role,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use server::keys::{Keys, SecretsDir};
use std::{fs, path::PathBuf, process::Command, sync::Arc, time::Duration};
use store::{MasterKey, Settings, Store};
use testkit::{ADA, ADAM, MIA};

/// Replaces the rules with one that requires an approval of every task.
async fn demand(program: &Program, admin: &Browser, version: &str, passkey: bool) {
    let mut fields = vec![
        ("version", version),
        ("rules[0][name]", "everything"),
        ("rules[0][effect]", "ask"),
        ("rules[0][approvers]", "1"),
        ("rules[0][hours]", "24"),
    ];
    fields.extend(passkey.then_some(("rules[0][passkey]", "true")));
    program.act(Credential::Browser(admin), "rules/change", &fields).await.is(200);
}

/// Submits a task and returns its id and its approval request.
async fn ask(program: &Program, mia: &Person) -> (String, Value) {
    let task =
        program.submit_as(&mia.key, json!({ "script": "echo it runs", "title": "Test", "timeout_seconds": 60 })).await;
    let list = program.get(Credential::Key(&mia.key), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"].as_array().unwrap().iter().find(|approval| approval["task"] == task.as_str());
    (task, approval.unwrap().clone())
}

/// Returns the ceremony of the first passkey button in a page.
fn ceremony(page: &str) -> PasskeyCeremony {
    let page = page.replace("&quot;", "\"");
    let options = page.split_once("challenge").expect("the page has the options of a ceremony").1;
    let is_base64 = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let challenge: String = options.chars().skip_while(|c| !is_base64(c)).take_while(is_base64).collect();
    let options = json!({ "ceremony": "", "publicKey": { "challenge": challenge, "rpId": "localhost" } });
    PasskeyCeremony::of(&options.to_string())
}

/// Approves with the passkey button of the page.
async fn approve(program: &Program, ada: &Browser, approval: &Value, device: &PasskeyDevice) -> Response {
    let path = format!("/approvals/{}", approval["id"].as_str().unwrap());
    let page = program.get(Credential::Browser(ada), &path).await.is(200).body;
    let response = device.show(&ceremony(&page));
    let id = approval["id"].as_str().unwrap();
    let digest = approval["request_digest"].as_str().unwrap();
    let fields = [("id", id), ("request_digest", digest), ("reason", "reviewed"), ("passkey", response.as_str())];
    program.act(Credential::Browser(ada), "approvals/decide", &fields).await
}

/// Waits until a task fails and returns the reason.
async fn until_refused(program: &Program, mia: &Person, task: &str) -> String {
    let ended = until("the runner refuses", async || {
        let task = program.task(&mia.key, task).await;
        assert_ne!(task["state"], "succeeded", "{task:#}");
        (task["state"] == "failed").then_some(task)
    });
    ended.await.to_string()
}

/// Runs a command about the passkeys of the server's own runner, as its operator.
fn passkeys(program: &Program, arguments: &[&str]) -> String {
    let folder = fs::read_dir(program.data().join("runners")).unwrap().next().unwrap().unwrap().path();
    let runner = PathBuf::from(env!("CARGO_BIN_EXE_castellan")).with_file_name("castellan-runner");
    let output = Command::new(runner).arg("--data-dir").arg(folder).arg("passkeys").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the text for operators on the account page.
async fn text_for_operator(program: &Program, browser: &Browser) -> String {
    let page = program.get(Credential::Browser(browser), "/account").await.is(200).body;
    let text = text_between(&page, "<code class=\"break\">", "<");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_a_runner_runs_what_a_pinned_passkey_approved_and_nothing_else() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let (mia, ada) = (program.person(MIA, "acme"), program.person(ADA, "acme"));
    let adam = program.person(ADAM, "acme");
    program.start().await;
    let (admin, browser) = (program.sign_in(&adam.email).await, program.sign_in(&ada.email).await);
    demand(&program, &admin, "1", true).await;

    // Without a passkey, the server refuses.
    let (task, approval) = ask(&program, &mia).await;
    assert_eq!(approval["requires_passkey"], true);
    let path = format!("/api/v1/approvals/{}/approve", approval["id"].as_str().unwrap());
    let decision = json!({ "reason": "reviewed", "request_digest": approval["request_digest"] });
    let refused = program.post(Credential::Key(&ada.key), &path, &decision).await.is(403);
    assert!(refused.body.contains("require your passkey"), "{refused}");
    let digest = approval["request_digest"].as_str().unwrap();
    let plain = [("id", approval["id"].as_str().unwrap()), ("answer", "approve"), ("request_digest", digest)];
    let refused = program.act(Credential::Browser(&browser), "approvals/decide", &plain).await.is(403);
    assert!(refused.body.contains("require your passkey"), "{refused}");

    // With a passkey of another key or of another request, it refuses, too.
    let device = program.make_passkey(&browser).await;
    approve(&program, &browser, &approval, &device.forge()).await.is(409);
    approve(&program, &browser, &approval, &device.at("http://localhost.example")).await.is(409);

    // The server accepts the passkey; the runner trusts none yet.
    approve(&program, &browser, &approval, &device).await.is(200);
    let reason = until_refused(&program, &mia, &task).await;
    assert!(reason.contains("a passkey that is not trusted here"), "{reason}");

    // The operator pins it.
    let text = text_for_operator(&program, &browser).await;
    let file = program.data().join("passkey.json");
    fs::write(&file, text).unwrap();
    let pinned = passkeys(&program, &["add", file.to_str().unwrap()]);
    let fingerprint = text_between(&pinned, "fingerprint    ", "\n").to_owned();
    assert!(passkeys(&program, &["list"]).contains(&fingerprint));
    let (task, approval) = ask(&program, &mia).await;
    approve(&program, &browser, &approval, &device).await.is(200);
    program.until_succeeded(&mia.key, &task).await;
    let path = format!("/api/v1/approvals/{}", approval["id"].as_str().unwrap());
    let detail = program.get(Credential::Key(&ada.key), &path).await.is(200).json();
    assert_eq!(detail["decisions"][0]["passkey"], "Phone");
    let page = format!("/approvals/{}", approval["id"].as_str().unwrap());
    let page = program.get(Credential::Browser(&browser), &page).await.is(200).body;
    assert!(page.contains("Verified with the passkey “Phone”."), "{page}");
    assert!(program.verify_audit_log().contains("acme"));

    // A second passkey is trusted as soon as the first one signed it.
    let second = program.make_passkey(&browser).await;
    let (task, approval) = ask(&program, &mia).await;
    approve(&program, &browser, &approval, &second).await.is(200);
    assert!(until_refused(&program, &mia, &task).await.contains("a passkey that is not trusted here"));
    let page = program.get(Credential::Browser(&browser), "/account").await.is(200).body;
    let form = forms(&page, "factors/sign-passkey")[1];
    let (id, at) = (field(form, "id"), field(form, "at"));
    let sign = async |response: String| {
        let fields = [("id", id.as_str()), ("at", at.as_str()), ("passkey", response.as_str())];
        program.act(Credential::Browser(&browser), "factors/sign-passkey", &fields).await
    };
    sign(second.show(&ceremony(form))).await.is(409);
    sign(device.forge().show(&ceremony(form))).await.is(409);
    sign(device.show(&ceremony(form))).await.is(200);
    let (task, approval) = ask(&program, &mia).await;
    approve(&program, &browser, &approval, &second).await.is(200);
    program.until_succeeded(&mia.key, &task).await;

    // And no longer, once it is removed.
    passkeys(&program, &["remove", &fingerprint]);
    let (task, approval) = ask(&program, &mia).await;
    approve(&program, &browser, &approval, &device).await.is(200);
    assert!(until_refused(&program, &mia, &task).await.contains("a passkey that is not trusted here"));
}

/// A decision that the server signed with its real key, of an approver whose key was stolen: the server cannot tell the difference, and a
/// runner that demands pinned passkeys refuses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_a_decision_that_only_the_server_signed_is_refused_by_a_runner_that_demands_passkeys() {
    let mut program = Program::sqlite();
    program.wrap_runner_command("exec env CASTELLAN_RUNNER_REQUIRE_PASSKEY_APPROVAL=true");
    program.tenant("acme");
    let (mia, ada) = (program.person(MIA, "acme"), program.person(ADA, "acme"));
    let adam = program.person(ADAM, "acme");
    program.start().await;
    // What the rules let run at once does not run there, either.
    let free = program.submit(&mia.key, "echo it runs").await;
    assert!(until_refused(&program, &mia, &free).await.contains("nothing runs here without an approval"));
    let admin = program.sign_in(&adam.email).await;
    demand(&program, &admin, "1", false).await;
    let (task, approval) = ask(&program, &mia).await;
    let path = format!("/api/v1/approvals/{}/approve", approval["id"].as_str().unwrap());
    let decision = json!({ "reason": "reviewed", "request_digest": approval["request_digest"] });
    program.post(Credential::Key(&ada.key), &path, &decision).await.is(200);
    assert!(until_refused(&program, &mia, &task).await.contains("nothing runs here without an approval"));
    assert_eq!(program.printed(&mia.key, &task).await, "");

    let browser = program.sign_in(&ada.email).await;
    let device = program.make_passkey(&browser).await;
    let file = program.data().join("passkey.json");
    fs::write(&file, text_for_operator(&program, &browser).await).unwrap();
    passkeys(&program, &["add", file.to_str().unwrap()]);
    let (task, approval) = ask(&program, &mia).await;
    approve(&program, &browser, &approval, &device).await.is(200);
    program.until_succeeded(&mia.key, &task).await;
}

/// Approves with the keys and the database of the server, as an attacker who copied both could: everything is signed, recorded and in the
/// hash chain.
async fn forge_approval(program: &Program, approver: &Person, approval: &Value, tenant: TenantId) {
    let secrets = SecretsDir::open_or_create(&program.data().join("secrets")).unwrap();
    let keys = Keys::open_or_create(&secrets, None).unwrap();
    let now =
        serde_json::from_value::<Timestamp>(approval["created_at"].clone()).unwrap().after(Duration::from_millis(1));
    let settings = Settings {
        url: format!("sqlite:{}", program.data().join("castellan.db").display()),
        key: MasterKey::new(*keys.master.expose_secret()),
        signer: keys.grants,
        clock: Arc::new(move || now),
    };
    let store = Store::open(settings).await.unwrap();
    let organization = serde_json::from_value(approval["organization"].clone()).unwrap();
    let actor = Actor {
        principal: Principal::Person(approver.id.parse().unwrap()),
        roles: [(organization, Role::Approver)].into(),
        by: SignedInBy::Password,
        fresh: true,
        ..Actor::clock(tenant, now)
    };
    let id = serde_json::from_value(approval["id"].clone()).unwrap();
    let request = store.read(&actor).await.unwrap().approval(id).await.unwrap();
    let action = request.decide_action(Answer::Approve, "forged".into(), request.request_digest);
    let proof = store.authorize(&actor, action).await.unwrap();
    let mut write = store.write(&actor).await.unwrap();
    assert_eq!(write.decide(proof).await.unwrap(), ApprovalState::Approved);
    write.commit().await.unwrap();
}

/// The strongest attacker of the list in `SECURITY.md`: the server accepts what they forged, and the runner refuses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_an_approval_that_was_forged_with_the_keys_of_the_server_is_refused_by_the_runner() {
    let mut program = Program::sqlite();
    program.wrap_runner_command("exec env CASTELLAN_RUNNER_REQUIRE_PASSKEY_APPROVAL=true");
    program.tenant("acme");
    let (mia, ada) = (program.person(MIA, "acme"), program.person(ADA, "acme"));
    program.start().await;
    let body =
        json!({ "script": "echo it runs", "title": "Test", "network_policy": "unrestricted", "timeout_seconds": 60 });
    let task = program.submit_as(&mia.key, body).await;
    let list = program.get(Credential::Key(&mia.key), "/api/v1/approvals").await.is(200).json();
    let approval = list["items"][0].clone();
    let detail = format!("/api/v1/approvals/{}", approval["id"].as_str().unwrap());
    let detail = program.get(Credential::Key(&mia.key), &detail).await.is(200).json();
    let request: Value = serde_json::from_str(detail["request"].as_str().unwrap()).unwrap();
    let tenant = serde_json::from_value(request["tenant"].clone()).unwrap();
    program.stop(DEFAULT_TIMEOUT).await;
    forge_approval(&program, &ada, &approval, tenant).await;
    program.start().await;
    assert!(until_refused(&program, &mia, &task).await.contains("nothing runs here without an approval"));
    assert_eq!(program.printed(&mia.key, &task).await, "");
    assert!(program.verify_audit_log().contains("acme"), "the server's own check finds nothing");
}
