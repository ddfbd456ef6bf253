//! Password links: single-use links that set a password. Only hashes of their tokens are stored.
use crate::{
    Applied, Error, Result, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
    dual_control::Maker,
};
use domain::{
    Allowed, PersonId,
    account::{AccountChange, AccountNotice},
    confirmation::ProtectedChange,
    policy::IssuePasswordLink,
};
use std::time::Duration;

/// Lifetime of a link.
const LIFETIME: Duration = Duration::from_hours(72);

row_type! {
    /// A link after its use, with those who could have kept it.
    pub struct UsedLink {
        pub person_id: PersonId,
        pub issuer_id: Option<PersonId>,
        pub confirmer_id: Option<PersonId>,
    }
}

impl Write {
    /// Stores a link's token hash for a person and invalidates their earlier links. A link for an approver may have to be confirmed:
    /// the person who confirms it then gets a link of their own.
    pub async fn issue_password_link(
        &mut self,
        proof: Allowed<IssuePasswordLink>,
        token_hash: [u8; 32],
    ) -> Result<Applied> {
        let person = proof.action().person;
        if self.access_awaits_confirmation(ProtectedChange::PasswordLink { person }).await? {
            return Ok(Applied::AfterConfirmation);
        }
        let (Maker { id: issuer, name: by }, confirmer) = (self.maker(), self.confirmer());
        tenant_query!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", person)?;
        let made = tenant_query!(
            self,
            execute,
            "insert into password_link (tenant_id, token_hash, person_id, issuer_id, confirmer_id, created_at, expires_at)
             select p.tenant_id, $2, p.id, $6, $7, $4, $5 from person p where p.tenant_id = $1 and p.id = $3 and p.responsible_id is null",
            token_hash,
            person,
            self.now,
            self.now.after(LIFETIME),
            issuer,
            confirmer
        )?;
        if made == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        let had = tenant_query!(
            self,
            Number,
            fetch_one,
            "select count(*) as n from person where tenant_id = $1 and id = $2 and password_hash is not null",
            person
        )?;
        if had.n > 0 {
            self.notify_person(person, AccountNotice::PasswordLink, &by).await?;
        }
        self.follow_access_to_account(person, AccountChange::PasswordLink).await?;
        Ok(Applied::Now)
    }

    /// Consumes a link, and starts the holds for those who issued and confirmed it again. Returns `NotFound` if it was used, replaced or has
    /// expired.
    pub async fn use_password_link(&mut self, token_hash: [u8; 32]) -> Result<PersonId> {
        let used = tenant_query!(
            self,
            UsedLink,
            fetch_one,
            "delete from password_link where tenant_id = $1 and token_hash = $2 and expires_at > $3
             returning person_id, issuer_id, confirmer_id",
            token_hash,
            self.now
        )?;
        if used.issuer_id.is_some() {
            let managers = self.managers().await?;
            for reader in [used.issuer_id, used.confirmer_id] {
                self.hold(used.person_id, reader, AccountChange::PasswordLink, &managers).await?;
            }
        }
        Ok(used.person_id)
    }
}
