//! Actions on webhooks: only admins change them, because they send data of the tenant to other systems.
use super::{Action, DenialReason, require_admin};
use crate::{
    Actor, DeliveryId, WebhookId,
    notification::{Events, WebhookKind},
};
use serde_json::{Value, json};

actions! {
    /// Creates or changes a webhook. The address and the secret are never in the audit log.
    SetWebhook = "webhook.set" on "webhook" (|a| a.id.to_string()) {
        id: WebhookId,
        name: String,
        kind: WebhookKind,
        events: Events,
        enabled: bool,
        /// The host of a new address; `None` keeps the current one.
        new_host: Option<String>,
    } if |_, actor| require_admin(actor),
      detail |a| json!({ "name": a.name, "kind": a.kind, "events": a.events.to_string(), "enabled": a.enabled, "new_host": a.new_host }),
      step_up true;

    RemoveWebhook = "webhook.remove" on "webhook" (|a| a.id.to_string()) {
        id: WebhookId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;

    /// Replaces the secret; the previous one continues to sign for a while.
    RotateWebhookSecret = "webhook.rotate" on "webhook" (|a| a.id.to_string()) {
        id: WebhookId,
    } if |_, actor| require_admin(actor), step_up true;

    /// Queues a test message.
    TestWebhook = "webhook.test" on "webhook" (|a| a.id.to_string()) {
        id: WebhookId,
    } if |_, actor| require_admin(actor);

    /// Queues a message again that was not delivered.
    RedeliverWebhook = "webhook.redeliver" on "webhook" (|a| a.id.to_string()) {
        id: WebhookId,
        delivery: DeliveryId,
    } if |_, actor| require_admin(actor), detail |a| json!({ "delivery": a.delivery });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PersonId, Principal, TenantId, Timestamp, role::TenantRole};
    use uuid::Uuid;

    #[test]
    fn d_10_only_admins_change_webhooks_and_after_step_up() {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        actor.principal = Principal::Person(PersonId(Uuid::nil()));
        let id = WebhookId(Uuid::nil());
        let set = || SetWebhook {
            id,
            name: "chat".into(),
            kind: WebhookKind::Slack,
            events: Events::default(),
            enabled: true,
            new_host: None,
        };
        for role in [TenantRole::Person, TenantRole::Auditor] {
            actor.tenant_role = role;
            assert_eq!(actor.may(set()).unwrap_err().reason, DenialReason::AdminOnly);
            assert_eq!(actor.may(TestWebhook { id }).unwrap_err().reason, DenialReason::AdminOnly);
        }
        actor.tenant_role = TenantRole::Admin;
        assert!(actor.may(set()).is_ok() && actor.may(RotateWebhookSecret { id }).is_ok());
        actor.fresh = false;
        assert!(actor.may(set()).unwrap_err().stale && actor.may(RotateWebhookSecret { id }).unwrap_err().stale);
        assert!(actor.may(TestWebhook { id }).is_ok());
        actor.scopes = Some("tasks:*".parse().unwrap());
        assert_eq!(actor.may(TestWebhook { id }).unwrap_err().reason, DenialReason::BrowserOnly);
    }
}
