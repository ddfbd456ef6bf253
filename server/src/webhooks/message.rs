//! Messages to webhooks: their bodies in both formats, and the signature of Standard Webhooks.
use app::notifications::messages;
use domain::{
    Timestamp,
    notification::{Notification, WebhookKind},
};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use store::{DueDelivery, WebhookSecrets};

/// Returns the body of a message, with links to `origin`. It is the same for each attempt.
pub(super) fn body(due: &DueDelivery, origin: &str) -> String {
    let event: Option<Notification> = due.event.parse().ok();
    match due.kind {
        WebhookKind::Slack => json!({ "text": messages::chat(event, &due.items, origin) }).to_string(),
        WebhookKind::Generic => {
            let data = due.items.first().zip(event).map_or_else(
                || json!({}),
                |(item, event)| {
                    let mut data = json!(item);
                    if let Value::Object(fields) = &mut data {
                        let reference = messages::reference(item.task.map_or(item.subject, |task| task.0));
                        fields.insert("reference".into(), json!(reference));
                        fields.insert("url".into(), json!(format!("{origin}{}", event.path(item.subject))));
                    }
                    data
                },
            );
            json!({ "type": due.event, "timestamp": due.created_at, "data": data }).to_string()
        }
    }
}

/// Returns the headers that identify and sign a message. After a rotation, the previous secret signs, too. Messages in Slack format are not signed.
pub(super) fn signature(
    due: &DueDelivery,
    secrets: &WebhookSecrets,
    now: Timestamp,
    body: &str,
) -> Vec<(&'static str, String)> {
    // The same for each attempt, so that a receiver recognizes a repetition.
    let (id, at) = (format!("msg_{}", due.id.0.simple()), now.seconds());
    let sign = |secret: &String| Webhook::new(secret).ok()?.sign(&id, at, body.as_bytes()).ok();
    let signatures: Vec<_> = [&secrets.secret, &secrets.previous].into_iter().flatten().filter_map(sign).collect();
    if signatures.is_empty() {
        return vec![];
    }
    vec![
        (HEADER_WEBHOOK_ID, id.clone()),
        (HEADER_WEBHOOK_TIMESTAMP, at.to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")),
    ]
}
