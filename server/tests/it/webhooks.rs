//! Webhooks against a real HTTP receiver (D-10): signatures, retries, redirects, addresses and secret rotation.
use crate::test_env::{TestEnv, on_both};
use aws_lc_rs::hmac;
use axum::{Router, extract::State, response::IntoResponse, routing::post};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    WebhookId,
    notification::{Events, Notification, WebhookKind, webhook_host},
    policy::{ReadAudit, RedeliverWebhook, RotateWebhookSecret, SetWebhook, TestWebhook},
    task::SubmissionForm,
};
use http::{HeaderMap, StatusCode, header::LOCATION};
use serde_json::{Value, json};
use server::{config, state::App, webhooks::Webhooks};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Delivery, new_webhook_secret};

const ORIGIN: &str = "https://castellan.example";

/// A message as the receiver got it.
#[derive(Clone)]
struct Message {
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Verifies the signature as the specification of Standard Webhooks says, without its library.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let text = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
        let expected = format!("v1,{}", BASE64_STANDARD.encode(tag));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// Answers with the next of its statuses, and with 200 afterwards.
#[derive(Clone, Default)]
struct Receiver {
    messages: Arc<Mutex<Vec<Message>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    async fn open() -> (Self, String) {
        async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> impl IntoResponse {
            receiver.messages.lock().unwrap().push(Message { headers, body });
            let mut statuses = receiver.statuses.lock().unwrap();
            let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
            let length = if status == 299 { 300 * 1024 } else { 2 };
            (StatusCode::from_u16(status).unwrap(), [(LOCATION, "/elsewhere")], "x".repeat(length))
        }
        let receiver = Self::default();
        let routes = Router::new().route("/{*path}", post(receive).get(receive)).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        #[expect(clippy::disallowed_methods, reason = "a test's receiver needs no timeouts")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (receiver, address)
    }

    fn answer(&self, statuses: &[u16]) {
        *self.statuses.lock().unwrap() = statuses.to_vec();
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }
}

/// Returns a sender that may reach these networks.
fn sender(env: &TestEnv, allow: &str) -> Webhooks {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = [("CASTELLAN_OUTBOUND_ALLOW".to_owned(), allow.to_owned())];
    let config = config::load_from(None, settings.into_iter().filter(|(_, value)| !value.is_empty())).unwrap();
    Webhooks::open(&App { config: config.into(), ..env.app.clone() }, ORIGIN).unwrap()
}

async fn create(env: &TestEnv, kind: WebhookKind, url: &str, secret: &str) -> WebhookId {
    let (id, console) = (WebhookId(store::new_id()), &env.acme.console);
    let events = Events(Notification::ALL.iter().copied().collect());
    let new_host = webhook_host(url).map(str::to_owned);
    let set = SetWebhook { id, name: "receiver".into(), kind, events, enabled: true, new_host };
    let secret = (kind == WebhookKind::Generic).then(|| secret.to_owned());
    env.change(console, async |write| write.set_webhook(console.may(set)?, Some(url.into()), secret).await).await;
    id
}

async fn test(env: &TestEnv, id: WebhookId) {
    let console = &env.acme.console;
    env.change(console, async |write| write.test_webhook(console.may(TestWebhook { id })?).await).await;
}

async fn newest(env: &TestEnv, id: WebhookId) -> Delivery {
    let console = &env.acme.console;
    let proof = console.may(ReadAudit).unwrap();
    env.app.store.read(console).await.unwrap().deliveries(&proof, id, 1).await.unwrap().remove(0)
}

async fn submit(env: &TestEnv, title: &str) {
    let mia = testkit::person(&env.app.store, env.acme.id, env.acme.mia).await;
    let form = json!({ "script": "true", "title": title, "visibility": "org", "network_policy": "unrestricted" });
    let form: SubmissionForm = serde_json::from_value(form).unwrap();
    let submission = form.check(env.acme.ops).unwrap();
    let submit = domain::policy::SubmitTask { submission, idempotency_key: None };
    env.change(&mia, async |write| write.submit_task(mia.may(submit)?).await).await;
}

on_both! {
    async fn d_10_a_message_is_signed_and_links_to_its_subject(env) {
        let ((receiver, address), secret) = (Receiver::open().await, new_webhook_secret().unwrap());
        let webhooks = sender(env, "127.0.0.1");
        let id = create(env, WebhookKind::Generic, &format!("http://{address}/hook?x=1"), &secret).await;
        test(env, id).await;
        submit(env, "restart mail").await;
        webhooks.deliver_due().await.unwrap();
        let messages = receiver.messages();
        assert_eq!(messages.len(), 2);
        for message in &messages {
            assert!(message.is_signed_with(&secret) && !message.is_signed_with("whsec_b3RoZXI="));
            assert_eq!(message.header("content-type"), "application/json");
            assert_eq!(message.header("webhook-timestamp"), env.app.store.now().seconds().to_string());
        }
        let by_type = |name: &str| messages.iter().map(Message::json).find(|json| json["type"] == name).unwrap();
        assert_eq!(by_type("test")["data"], json!({}));
        let data = by_type("approval.requested")["data"].clone();
        assert_eq!((&data["title"], &data["state"]), (&json!("restart mail"), &json!("waiting")));
        assert_eq!(data["url"], format!("{ORIGIN}/approvals/{}", data["approval"].as_str().unwrap()));
        assert!(data["task"].as_str().unwrap().ends_with(data["reference"].as_str().unwrap()));
        let delivery = newest(env, id).await;
        assert_eq!((delivery.state.as_str(), delivery.result.as_str()), ("delivered", "200"));
    }

    async fn d_10_a_chat_message_is_a_text_without_signature(env) {
        let (receiver, address) = Receiver::open().await;
        let webhooks = sender(env, "127.0.0.1");
        create(env, WebhookKind::Slack, &format!("http://{address}/services/T1"), "").await;
        submit(env, "<!channel> restart").await;
        webhooks.deliver_due().await.unwrap();
        let [message] = &receiver.messages()[..] else { panic!() };
        let json = message.json();
        assert_eq!(json.as_object().unwrap().len(), 1);
        let text = json["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; restart") && text.contains(&format!("<{ORIGIN}/approvals/")), "{text}");
        assert!(!message.headers.contains_key("webhook-signature"));
    }

    async fn d_10_a_message_is_repeated_with_the_same_id_until_it_is_accepted(env) {
        let ((receiver, address), secret) = (Receiver::open().await, new_webhook_secret().unwrap());
        let webhooks = sender(env, "127.0.0.1");
        let id = create(env, WebhookKind::Generic, &format!("http://{address}/hook"), &secret).await;
        receiver.answer(&[500, 404, 299]);
        test(env, id).await;
        for result in ["500", "404"] {
            webhooks.deliver_due().await.unwrap();
            let delivery = newest(env, id).await;
            assert_eq!((delivery.state.as_str(), delivery.result.as_str()), ("waiting", result));
            webhooks.deliver_due().await.unwrap();
            env.advance_clock(Duration::from_mins(2));
        }
        webhooks.deliver_due().await.unwrap();
        let messages = receiver.messages();
        assert_eq!(messages.len(), 3, "not at once");
        assert!(messages.iter().all(|message| message.header("webhook-id") == messages[0].header("webhook-id")));
        assert_ne!(messages[0].header("webhook-timestamp"), messages[2].header("webhook-timestamp"));
        // The last response is longer than is read; what a receiver says after its status does not matter.
        let delivery = newest(env, id).await;
        assert_eq!((delivery.state.as_str(), delivery.result.as_str(), delivery.attempts), ("delivered", "299", 3));
    }

    async fn d_10_a_receiver_that_is_gone_gets_no_more_until_an_admin_delivers_again(env) {
        let ((receiver, address), secret) = (Receiver::open().await, new_webhook_secret().unwrap());
        let (webhooks, console) = (sender(env, "127.0.0.1"), &env.acme.console);
        let id = create(env, WebhookKind::Generic, &format!("http://{address}/hook"), &secret).await;
        receiver.answer(&[410]);
        test(env, id).await;
        webhooks.deliver_due().await.unwrap();
        let dead = newest(env, id).await;
        assert_eq!((dead.state.as_str(), dead.result.as_str()), ("dead", "410"));
        env.advance_clock(Duration::from_hours(24));
        webhooks.deliver_due().await.unwrap();
        assert_eq!(receiver.messages().len(), 1);
        let redeliver = RedeliverWebhook { id, delivery: dead.id };
        env.change(console, async |write| write.redeliver_webhook(console.may(redeliver)?).await).await;
        webhooks.deliver_due().await.unwrap();
        assert_eq!((receiver.messages().len(), newest(env, id).await.state.as_str()), (2, "delivered"));
    }

    async fn d_10_a_redirect_is_not_followed(env) {
        let ((receiver, address), secret) = (Receiver::open().await, new_webhook_secret().unwrap());
        let webhooks = sender(env, "127.0.0.1");
        let id = create(env, WebhookKind::Generic, &format!("http://{address}/hook"), &secret).await;
        for status in [301, 307] {
            receiver.answer(&[status]);
            test(env, id).await;
            webhooks.deliver_due().await.unwrap();
            assert_eq!(newest(env, id).await.result, "redirect");
        }
        assert_eq!(receiver.messages().len(), 2, "one request each");
    }

    async fn d_10_private_addresses_are_refused_by_number_and_by_name(env) {
        let (receiver, address) = Receiver::open().await;
        let port = address.rsplit_once(':').unwrap().1;
        let (closed, open) = (sender(env, ""), sender(env, "127.0.0.0/8"));
        for host in ["http://127.0.0.1", "https://127.0.0.1", "https://localhost", "https://[::ffff:127.0.0.1]", "https://[::1]", "https://10.0.0.1", "https://169.254.169.254", "https://2130706433", "http://localhost"] {
            let id = create(env, WebhookKind::Slack, &format!("{host}:{port}/hook"), "").await;
            test(env, id).await;
            closed.deliver_due().await.unwrap();
            let delivery = newest(env, id).await;
            assert_eq!((delivery.state.as_str(), delivery.result.as_str()), ("dead", "address"), "{host}");
        }
        for (host, result) in [("http://169.254.169.254", "address"), ("http://10.0.0.1", "address"), ("https://[::ffff:127.0.0.1]", "no_response"), ("http://[::ffff:127.0.0.1]", "200")] {
            let id = create(env, WebhookKind::Slack, &format!("{host}:{port}/hook"), "").await;
            test(env, id).await;
            open.deliver_due().await.unwrap();
            assert_eq!(newest(env, id).await.result, result, "{host}");
        }
        assert_eq!(receiver.messages().len(), 1);
    }

    async fn d_10_both_secrets_sign_during_a_rotation(env) {
        let ((receiver, address), old) = (Receiver::open().await, new_webhook_secret().unwrap());
        let (webhooks, console) = (sender(env, "127.0.0.1"), &env.acme.console);
        let id = create(env, WebhookKind::Generic, &format!("http://{address}/hook"), &old).await;
        let new = new_webhook_secret().unwrap();
        let rotate = RotateWebhookSecret { id };
        env.change(console, async |write| write.rotate_webhook_secret(console.may(rotate)?, new.clone()).await).await;
        test(env, id).await;
        webhooks.deliver_due().await.unwrap();
        env.advance_clock(store::SECRET_OVERLAP);
        test(env, id).await;
        webhooks.deliver_due().await.unwrap();
        let [during, after] = &receiver.messages()[..] else { panic!() };
        assert!(during.is_signed_with(&new) && during.is_signed_with(&old));
        assert!(after.is_signed_with(&new) && !after.is_signed_with(&old));
    }
}
