//! Outbox of the webhooks of all tenants: one node takes each message and repeats it until it is delivered or abandoned.
use super::System;
use crate::{
    Error, Result, Topic, WebhookSecrets,
    db::{
        column::row_type,
        conn::{tenant_query, unscoped_query},
        random::random,
    },
    metrics::Occurrence,
    system::due_work::DueAt,
};
use domain::{
    Actor, DeliveryId, TenantId, Timestamp, WebhookId,
    notification::{Item, WebhookKind},
};
use std::time::Duration;

/// Number of attempts, over three to seven hours, after which a message is abandoned.
pub const MAX_DELIVERY_ATTEMPTS: i64 = 12;
/// Time after which another node may take a message whose node has not reported a result.
const DELIVERY_LEASE: Duration = Duration::from_mins(2);
/// Delay after the first failure; it doubles with each one.
const FIRST_DELAY: Duration = Duration::from_secs(20);
const MAX_DELAY: Duration = Duration::from_hours(2);

row_type! {
    /// A message that was taken.
    pub struct TakenDelivery {
        pub tenant_id: TenantId,
        pub id: DeliveryId,
        pub webhook_id: WebhookId,
        pub event: String,
        pub items: String,
        /// Number of attempts including this one.
        pub attempts: i64,
        pub created_at: Timestamp,
    }
}

/// A message to deliver now.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub kind: WebhookKind,
    pub event: String,
    pub items: Vec<Item>,
    pub created_at: Timestamp,
    /// Number of the attempt, from 1.
    pub attempt: i64,
    /// `None` if the webhook was disabled.
    pub secrets: Option<WebhookSecrets>,
}

/// The result of an attempt, with a short text for admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    Delivered(String),
    Failed(String),
    /// Another attempt cannot succeed.
    Abandoned(String),
}

/// Returns the delay after a failed attempt: exponential, with jitter, so that messages that failed together are not repeated together.
fn delay(attempt: i64, jitter: u8) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or_default();
    let full = FIRST_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
    full / 2 + full / 2 * u32::from(jitter) / 255
}

impl System<'_> {
    /// Returns when the next message is due, in any tenant.
    pub async fn next_delivery(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        const SQL: &str = "select min(next_at) as at from webhook_delivery where next_at is not null";
        Ok(unscoped_query!(conn, DueAt, fetch_one, SQL)?.at)
    }

    /// Returns the message that has been due longest, so that no other node takes it for a while.
    pub async fn take_delivery(&self) -> Result<Option<DueDelivery>> {
        let (mut conn, now) = (self.write().await?, self.now());
        let taken = unscoped_query!(
            conn,
            TakenDelivery,
            fetch_optional,
            "update webhook_delivery set attempts = attempts + 1, next_at = $2
             where next_at <= $1 and id = (select d.id from webhook_delivery d where d.next_at <= $1 order by d.next_at limit 1)
             returning tenant_id, id, webhook_id, event, items, attempts, created_at",
            now,
            now.after(DELIVERY_LEASE)
        )?;
        conn.commit().await?;
        let Some(taken) = taken else { return Ok(None) };
        let TakenDelivery { tenant_id: tenant, id, webhook_id: webhook, event, items, attempts, created_at } = taken;
        let mut write = self.0.snapshot(&Actor::clock(tenant, now)).await?;
        let items = serde_json::from_str(&items).map_err(|_| Error::Corrupt("webhook delivery"));
        let read = write.webhook_secrets(webhook).await.and_then(|(row, secrets)| Ok((row, secrets, items?)));
        let (kind, secrets, items) = match read {
            Ok((row, secrets, items)) => (row.kind, Some(secrets).filter(|_| row.enabled), items),
            // It is abandoned, as that of a disabled webhook; otherwise it would be taken again and again.
            Err(error @ Error::Corrupt(_)) => {
                tracing::error!(%error, %webhook, delivery = %id, "a message to a webhook cannot be read");
                (WebhookKind::Generic, None, vec![])
            }
            Err(error) => return Err(error),
        };
        Ok(Some(DueDelivery { tenant, id, webhook, kind, event, items, created_at, attempt: attempts, secrets }))
    }

    /// Records the result of an attempt, and when the next one is due. A result of an earlier attempt has no effect.
    pub async fn finish_delivery(&self, due: &DueDelivery, attempt: Attempt) -> Result<()> {
        let mut write = self.0.write(&Actor::clock(due.tenant, self.now())).await?;
        let [jitter] = random()?;
        let (state, result) = match attempt {
            Attempt::Delivered(result) => ("delivered", result),
            Attempt::Failed(result) if due.attempt < MAX_DELIVERY_ATTEMPTS => ("waiting", result),
            Attempt::Failed(result) | Attempt::Abandoned(result) => ("dead", result),
        };
        let waits = state == "waiting";
        let changed = tenant_query!(
            write,
            execute,
            "update webhook_delivery set state = $4, result = $5, next_at = $6, ended_at = $7
             where tenant_id = $1 and id = $2 and attempts = $3 and state = 'waiting'",
            due.id,
            due.attempt,
            state.to_owned(),
            result,
            waits.then(|| write.now.after(delay(due.attempt, jitter))),
            (!waits).then_some(write.now)
        )?;
        if changed > 0 {
            write.count(Occurrence::WebhookAttempt(if waits { "failed" } else { state }));
            write.publish(Topic::People, due.webhook.0);
        }
        write.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_10_delays_double_with_jitter_up_to_a_limit() {
        assert_eq!((delay(1, 0), delay(1, 255)), (FIRST_DELAY / 2, FIRST_DELAY));
        assert_eq!((delay(3, 0), delay(3, 255)), (FIRST_DELAY * 2, FIRST_DELAY * 4));
        assert_eq!((delay(i64::MAX, 0), delay(i64::MAX, 255)), (MAX_DELAY / 2, MAX_DELAY));
        let all: Duration = (1..MAX_DELIVERY_ATTEMPTS).map(|attempt| delay(attempt, 255)).sum();
        assert!(all > Duration::from_hours(6) && all < Duration::from_hours(10), "{all:?}");
    }
}
