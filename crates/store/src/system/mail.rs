//! Mail queue of all tenants: one node takes each message and retries it until it is sent.
use super::System;
use crate::{
    Error, Mail, Result, Topic,
    db::{
        column::row_type,
        conn::{tenant_query, unscoped_query},
    },
    invitations::OrganizationIdRow,
    mail::place,
    system::due_work::DueAt,
};
use domain::{Actor, Email, TenantId, Timestamp};
use uuid::Uuid;

/// Number of attempts, over about ten hours, after which a mail is discarded.
const MAX_ATTEMPTS: i64 = 12;

row_type! {
    /// A queued mail.
    pub struct QueuedMail {
        pub tenant_id: TenantId,
        pub id: Uuid,
        pub recipient: Email,
        /// The encrypted content.
        pub sealed: Vec<u8>,
        /// Number of attempts including this one.
        pub attempts: i64,
    }
}

/// A mail to send now.
#[derive(Clone, Debug)]
pub struct DueMail {
    pub tenant: TenantId,
    pub id: Uuid,
    pub to: Email,
    pub mail: Mail,
    /// Whether the mail is discarded if this attempt fails.
    pub last: bool,
}

impl System<'_> {
    /// Returns when the next mail is due, in any tenant.
    pub async fn next_mail(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        Ok(unscoped_query!(conn, DueAt, fetch_one, "select min(next_at) as at from mail")?.at)
    }

    /// Returns the mail that has been due longest and delays its next attempt with increasing backoff, so that no other
    /// node takes it.
    pub async fn take_mail(&self) -> Result<Option<DueMail>> {
        let (mut conn, now) = (self.write().await?, self.now());
        let taken = unscoped_query!(
            conn,
            QueuedMail,
            fetch_optional,
            "update mail set attempts = attempts + 1, next_at = $1 + 60000000 * (attempts + 1) * (attempts + 1)
             where next_at <= $1 and id = (select m.id from mail m where m.next_at <= $1 order by m.next_at limit 1)
             returning tenant_id, id, recipient, sealed, attempts",
            now
        )?;
        conn.commit().await?;
        let Some(QueuedMail { tenant_id, id, recipient, sealed, attempts }) = taken else { return Ok(None) };
        let mut write = self.0.write(&Actor::clock(tenant_id, now)).await?;
        let mail = write.open(&place(id), &sealed).await?;
        let mail = serde_json::from_slice(&mail).map_err(|_| Error::Corrupt("a mail"))?;
        Ok(Some(DueMail { tenant: tenant_id, id, to: recipient, mail, last: attempts >= MAX_ATTEMPTS }))
    }

    /// Deletes a mail that was sent or discarded.
    pub async fn delete_mail(&self, tenant: TenantId, id: Uuid) -> Result<()> {
        let mut conn = self.write().await?;
        unscoped_query!(conn, execute, "delete from mail where tenant_id = $1 and id = $2", tenant, id)?;
        conn.commit().await
    }

    /// States on the invitation with this token why its mail is not delivered; `None` once it was.
    pub async fn set_invitation_mail_failure(
        &self,
        tenant: TenantId,
        token_hash: [u8; 32],
        failure: Option<&str>,
    ) -> Result<()> {
        let mut write = self.0.write(&Actor::clock(tenant, self.now())).await?;
        let changed = tenant_query!(
            write,
            OrganizationIdRow,
            fetch_optional,
            "update invitation set mail_failure = $3 where tenant_id = $1 and token_hash = $2
                and coalesce(mail_failure, '') <> coalesce($3, '') returning organization_id as id",
            token_hash,
            failure.map(str::to_owned)
        )?;
        if let Some(organization) = changed {
            write.publish(Topic::People, organization.id.0);
        }
        write.commit().await
    }
}
