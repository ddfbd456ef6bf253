//! Outgoing mail: queued in the transaction that causes it, sealed, and deleted once it was sent.
use crate::{
    Result, Write,
    db::{conn::tenant_query, id::new_id, insert::insert},
};
use domain::{Email, PersonId, Timestamp, account::AccountNotice, notification::Notification};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The content of a mail; its text is rendered when it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    AccountNotice {
        happened: AccountNotice,
        detail: String,
    },
    /// A link that sets a forgotten password.
    PasswordLink {
        token: String,
        /// The name of the tenant of the account.
        tenant: String,
    },
    /// An invitation to an organization.
    Invitation {
        token: String,
        organization: String,
        inviter: String,
    },
    /// A confirmation link for an address change, sent to the current address.
    ReleaseAddress {
        token: String,
        /// The requested address.
        email: String,
    },
    /// A confirmation link for an address change, sent to the new address.
    ConfirmAddress {
        token: String,
    },
    /// Notifications of one kind; their rows contain the ID of this mail.
    Notifications {
        person: PersonId,
        event: Notification,
    },
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail")
    }
}

/// Returns the associated data that a mail is encrypted with.
pub(crate) fn place(id: Uuid) -> String {
    format!("mail/sealed/{id}")
}

impl Write {
    /// Queues a mail to a person at their current address. Does nothing if mail is disabled.
    pub(crate) async fn mail_person(&mut self, person: PersonId, mail: &Mail) -> Result<()> {
        if !self.store.is_mail_enabled() {
            return Ok(());
        }
        self.queue_mail(person, mail, self.now).await.map(drop)
    }

    /// Queues a mail to a person, which is due at a time, and returns its id.
    pub(crate) async fn queue_mail(&mut self, person: PersonId, mail: &Mail, due: Timestamp) -> Result<Uuid> {
        let (id, sealed) = self.sealed_mail(mail).await?;
        tenant_query!(
            self,
            execute,
            "insert into mail (tenant_id, id, recipient, sealed, created_at, next_at, attempts)
             select p.tenant_id, $2, p.email, $4, $5, $6, 0 from person p where p.tenant_id = $1 and p.id = $3",
            id,
            person,
            sealed,
            self.now,
            due
        )?;
        self.publish(crate::Topic::People, person.0);
        Ok(id)
    }

    /// Queues a mail to an address that belongs to no account yet. Does nothing if mail is disabled.
    pub(crate) async fn mail_address(&mut self, person: PersonId, to: &Email, mail: &Mail) -> Result<()> {
        if !self.store.is_mail_enabled() {
            return Ok(());
        }
        let (id, sealed) = self.sealed_mail(mail).await?;
        insert!(self, "mail" {
            id: id,
            recipient: to.clone(),
            sealed: sealed,
            created_at: self.now,
            next_at: self.now,
            attempts: 0_i64,
        })?;
        self.publish(crate::Topic::People, person.0);
        Ok(())
    }

    async fn sealed_mail(&mut self, mail: &Mail) -> Result<(Uuid, Vec<u8>)> {
        let id = new_id();
        let text = serde_json::to_vec(mail).map_err(|_| crate::Error::Corrupt("a mail"))?;
        Ok((id, self.seal(&place(id), &text).await?))
    }
}
