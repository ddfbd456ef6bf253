//! Webhooks of a tenant: their settings, secrets and messages. Addresses and secrets are write-only.
use crate::{
    Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        insert::insert,
        random::random,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Allowed, DeliveryId, Invalid, Timestamp, WebhookId,
    notification::{Events, WebhookKind, webhook_host},
    policy::{ReadAudit, RedeliverWebhook, RemoveWebhook, RotateWebhookSecret, SetWebhook, TestWebhook},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The event name of test messages.
pub const TEST_EVENT: &str = "test";

/// Maximum number of webhooks of a tenant. Each notification is written for all of them.
const MAX_WEBHOOKS: i64 = 50;

/// Time after a rotation in which the previous secret also signs.
pub const SECRET_OVERLAP: Duration = Duration::from_hours(24);

row_type! {
    /// A webhook without its address and secrets.
    pub struct Webhook {
        pub id: WebhookId,
        pub name: String,
        pub kind: WebhookKind,
        /// Host and port of the address.
        pub host: String,
        pub events: Events,
        pub enabled: bool,
        /// Until when the previous secret signs, too.
        pub overlap_until: Option<Timestamp>,
        pub changed_at: Timestamp,
        /// Number of messages that could not be delivered, up to 100.
        pub dead: i64,
    }
}

row_type! {
    /// A message to a webhook.
    pub struct Delivery {
        pub id: DeliveryId,
        /// Name of the event, or [`TEST_EVENT`].
        pub event: String,
        /// `waiting`, `delivered` or `dead`.
        pub state: String,
        pub attempts: i64,
        /// When the next attempt is due.
        pub next_at: Option<Timestamp>,
        /// Result of the last attempt.
        pub result: String,
        pub created_at: Timestamp,
        pub ended_at: Option<Timestamp>,
    }
}

row_type! {
    pub struct SealedWebhook {
        pub kind: WebhookKind,
        pub enabled: bool,
        pub sealed: Vec<u8>,
        pub overlap_until: Option<Timestamp>,
    }
}

/// The address and secrets of a webhook, which `Debug` omits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecrets {
    pub url: String,
    /// The signing secret of a generic webhook, `whsec_` and Base64.
    pub secret: Option<String>,
    /// The secret before the last rotation.
    pub previous: Option<String>,
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecrets")
    }
}

/// Returns a new signing secret: 32 random bytes, in the format of Standard Webhooks.
///
/// # Errors
/// Fails if the operating system gives no randomness.
pub fn new_webhook_secret() -> Result<String> {
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(random::<32>()?)))
}

/// Returns the associated data that the secrets of a webhook are encrypted with.
fn place(id: WebhookId) -> String {
    format!("webhook/sealed/{id}")
}

macro_rules! webhooks {
    () => {
        "select w.id, w.name, w.kind, w.host, w.events, w.enabled, w.overlap_until, w.changed_at,
            (select count(*) from (select 1 from webhook_delivery d where d.tenant_id = $1 and d.webhook_id = w.id and d.state = 'dead'
                limit 100) counted) as dead
         from webhook w where w.tenant_id = $1"
    };
}

impl Read {
    /// Returns the tenant's webhooks, oldest first.
    pub async fn webhooks(&mut self, _: &Allowed<ReadAudit>) -> Result<Vec<Webhook>> {
        tenant_query!(self, Webhook, fetch_all, concat!(webhooks!(), " order by w.id limit 50"))
    }

    /// Returns one webhook.
    pub async fn webhook(&mut self, _: &Allowed<ReadAudit>, id: WebhookId) -> Result<Webhook> {
        tenant_query!(self, Webhook, fetch_one, concat!(webhooks!(), " and w.id = $2"), id)
    }

    /// Returns the newest messages of a webhook.
    pub async fn deliveries(&mut self, _: &Allowed<ReadAudit>, id: WebhookId, limit: u32) -> Result<Vec<Delivery>> {
        tenant_query!(
            self,
            Delivery,
            fetch_all,
            "select d.id, d.event, d.state, d.attempts, d.next_at, d.result, d.created_at, d.ended_at from webhook_delivery d
             where d.tenant_id = $1 and d.webhook_id = $2 order by d.id desc limit $3",
            id,
            limit
        )
    }
}

impl Write {
    /// Creates or changes a webhook. Without `url`, the address remains. `secret` is the signing secret of a new webhook.
    pub async fn set_webhook(
        &mut self,
        proof: Allowed<SetWebhook>,
        url: Option<String>,
        secret: Option<String>,
    ) -> Result<()> {
        let SetWebhook { id, name, kind, events, enabled, .. } = proof.action();
        let (id, kind) = (*id, *kind);
        // First, as whatever notifies does; it also excludes other changes of the secrets.
        self.lock_audit_log().await?;
        let known = self.sealed_webhook(id).await?;
        let (secrets, host) = match (known.is_some(), url) {
            (true, url) => {
                let mut secrets = self.webhook_secrets(id).await?.1;
                secrets.url = url.unwrap_or(secrets.url);
                (secrets.clone(), secrets.url)
            }
            (false, Some(url)) if kind == WebhookKind::Slack || secret.is_some() => {
                const COUNT: &str = "select count(*) as n from webhook where tenant_id = $1";
                if tenant_query!(self, Number, fetch_one, COUNT)?.n >= MAX_WEBHOOKS {
                    return Err(Invalid::new("name", format!("a tenant has at most {MAX_WEBHOOKS} webhooks")).into());
                }
                (WebhookSecrets { url: url.clone(), secret, previous: None }, url)
            }
            // It was removed meanwhile.
            (false, _) => return Err(Error::NotFound),
        };
        let host = webhook_host(&host).unwrap_or_default().to_owned();
        let sealed = self.seal_webhook(id, &secrets).await?;
        let entry = self.entry(&proof)?;
        let set = insert!(self, "webhook" {
            id: id,
            name: name.clone(),
            kind: kind,
            host: host,
            events: events.clone(),
            enabled: *enabled,
            sealed: sealed,
            created_at: self.now,
            changed_at: self.now,
        },
            "on conflict (tenant_id, id) do update set name = excluded.name, host = excluded.host, events = excluded.events,
                enabled = excluded.enabled, sealed = excluded.sealed, changed_at = excluded.changed_at where webhook.kind = excluded.kind"
        )?;
        if set == 0 {
            return Err(Error::NotFound); // the format of a webhook does not change
        }
        self.publish(Topic::People, id.0);
        self.record(entry).await
    }

    /// Removes a webhook and its messages.
    pub async fn remove_webhook(&mut self, proof: Allowed<RemoveWebhook>) -> Result<()> {
        let id = proof.action().id;
        self.lock_audit_log().await?;
        tenant_query!(self, execute, "delete from webhook_delivery where tenant_id = $1 and webhook_id = $2", id)?;
        if tenant_query!(self, execute, "delete from webhook where tenant_id = $1 and id = $2", id)? == 0 {
            return Err(Error::NotFound);
        }
        self.publish(Topic::People, id.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Replaces the secret of a webhook. The previous one also signs for [`SECRET_OVERLAP`].
    pub async fn rotate_webhook_secret(&mut self, proof: Allowed<RotateWebhookSecret>, secret: String) -> Result<()> {
        let id = proof.action().id;
        self.lock_audit_log().await?;
        let (row, mut secrets) = self.webhook_secrets(id).await?;
        if row.kind != WebhookKind::Generic {
            return Err(Error::NotFound);
        }
        secrets.previous = secrets.secret.replace(secret);
        let sealed = self.seal_webhook(id, &secrets).await?;
        tenant_query!(
            self,
            execute,
            "update webhook set sealed = $3, overlap_until = $4, changed_at = $5 where tenant_id = $1 and id = $2",
            id,
            sealed,
            self.now.after(SECRET_OVERLAP),
            self.now
        )?;
        self.publish(Topic::People, id.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Queues a test message.
    pub async fn test_webhook(&mut self, proof: Allowed<TestWebhook>) -> Result<()> {
        let id = proof.action().id;
        let row = self.sealed_webhook(id).await?.ok_or(Error::NotFound)?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.queue_delivery(id, row.kind, TEST_EVENT, None).await
    }

    /// Queues a message again that was delivered or abandoned.
    pub async fn redeliver_webhook(&mut self, proof: Allowed<RedeliverWebhook>) -> Result<()> {
        let &RedeliverWebhook { id, delivery } = proof.action();
        let queued = tenant_query!(
            self,
            execute,
            "update webhook_delivery set state = 'waiting', attempts = 0, next_at = $4, ended_at = null
             where tenant_id = $1 and webhook_id = $2 and id = $3 and state <> 'waiting'",
            id,
            delivery,
            self.now
        )?;
        if queued == 0 {
            return Err(Error::NotFound);
        }
        self.publish(Topic::People, id.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    async fn sealed_webhook(&mut self, id: WebhookId) -> Result<Option<SealedWebhook>> {
        const SQL: &str = "select kind, enabled, sealed, overlap_until from webhook where tenant_id = $1 and id = $2";
        tenant_query!(self, SealedWebhook, fetch_optional, SQL, id)
    }

    /// Returns a webhook with its decrypted secrets. The previous secret is omitted once it no longer signs.
    pub(crate) async fn webhook_secrets(&mut self, id: WebhookId) -> Result<(SealedWebhook, WebhookSecrets)> {
        let row = self.sealed_webhook(id).await?.ok_or(Error::NotFound)?;
        let text = self.open(&place(id), &row.sealed).await?;
        let mut secrets: WebhookSecrets = serde_json::from_slice(&text).map_err(|_| Error::Corrupt("webhook"))?;
        secrets.previous = secrets.previous.filter(|_| row.overlap_until.is_some_and(|until| until > self.now));
        Ok((row, secrets))
    }

    async fn seal_webhook(&mut self, id: WebhookId, secrets: &WebhookSecrets) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(secrets).map_err(|_| Error::Corrupt("webhook"))?;
        self.seal(&place(id), &text).await
    }
}
