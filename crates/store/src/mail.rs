//! Outgoing mail: queued in the transaction that causes it, sealed, and deleted once it was sent.
use crate::{
    Result, Write,
    db::{conn::tenant_query, id::new_id, insert::insert},
};
use domain::{Email, PersonId, account::AccountNotice};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a mail says; the words are found when it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    /// Something happened with an account.
    AccountNotice {
        /// What.
        happened: AccountNotice,
        /// More about it.
        detail: String,
    },
    /// Somebody, most likely themselves, asked for a link that sets their password.
    PasswordLink {
        /// The token of the link.
        token: String,
    },
    /// Somebody invites whoever reads this to an organization.
    Invitation {
        /// The token of the link.
        token: String,
        /// What the organization is called.
        organization: String,
        /// Who invites.
        inviter: String,
    },
    /// Somebody wants another address for their account than the one that this goes to.
    ReleaseAddress {
        /// The token of the link that lets them.
        token: String,
        /// Which one they want.
        email: String,
    },
    /// Somebody wants this address for their account.
    ConfirmAddress {
        /// The token of the link that confirms it.
        token: String,
    },
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail")
    }
}

/// Where in the database a mail is sealed for.
pub(crate) fn place(id: Uuid) -> String {
    format!("mail/sealed/{id}")
}

impl Write {
    /// Queues a mail to a person of the tenant, at the address that they have now. Nothing where no mail is sent.
    pub(crate) async fn mail_person(&mut self, person: PersonId, mail: &Mail) -> Result<()> {
        if !self.store.is_mail_enabled() {
            return Ok(());
        }
        let (id, sealed) = self.sealed_mail(mail).await?;
        tenant_query!(
            self,
            execute,
            "insert into mail (tenant_id, id, recipient, sealed, created_at, next_at, attempts)
             select p.tenant_id, $2, p.email, $4, $5, $5, 0 from person p where p.tenant_id = $1 and p.id = $3",
            id,
            person,
            sealed,
            self.now
        )?;
        self.publish(crate::Topic::People, person.0);
        Ok(())
    }

    /// The same to an address that is nobody's yet.
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
