//! Password changes, and links that reset a forgotten password.
use crate::{
    Error, Result, Write,
    db::{column::row_type, conn::tenant_query},
    mail::Mail,
};
use domain::{Allowed, BrowserSessionId, PersonId, account::AccountNotice, audit::Outcome, policy::ChangePassword};
use serde_json::Value;
use std::time::Duration;

/// Lifetime of a mailed link.
const MAILED_LINK_LIFETIME: Duration = Duration::from_hours(1);

row_type! {
    pub struct NameRow {
        pub name: String,
    }
}

impl Write {
    /// Stores a person's new password hash (Argon2, PHC form), ends their other sessions and invalidates their password
    /// links.
    pub async fn change_password(
        &mut self,
        proof: Allowed<ChangePassword>,
        hash: &str,
        this: Option<BrowserSessionId>,
    ) -> Result<()> {
        let owner = proof.action().owner;
        let set = tenant_query!(
            self,
            execute,
            "update person set password_hash = $3 where tenant_id = $1 and id = $2",
            owner,
            hash.to_owned()
        )?;
        if set == 0 {
            return Err(Error::NotFound);
        }
        let ended = self.end_browser_sessions(owner, this).await?;
        tenant_query!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", owner)?;
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await?;
        self.notify_person(owner, AccountNotice::PasswordChanged, "").await
    }

    /// Mails a single-use link that resets a forgotten password within the hour. Returns `NotFound` if the account has no
    /// password.
    pub async fn mail_password_link(&mut self, person: PersonId, token: &str, token_hash: [u8; 32]) -> Result<()> {
        tenant_query!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", person)?;
        let made = tenant_query!(
            self,
            execute,
            "insert into password_link (tenant_id, token_hash, person_id, created_at, expires_at)
             select p.tenant_id, $2, p.id, $4, $5 from person p
             where p.tenant_id = $1 and p.id = $3 and p.password_hash is not null",
            token_hash,
            person,
            self.now,
            self.now.after(MAILED_LINK_LIFETIME)
        )?;
        if made == 0 {
            return Err(Error::NotFound);
        }
        const TENANT: &str = "select tenant.name from person p join tenant on tenant.id = p.tenant_id where p.tenant_id = $1 and p.id = $2";
        let tenant = tenant_query!(self, NameRow, fetch_one, TENANT, person)?.name;
        self.mail_person(person, &Mail::PasswordLink { token: token.to_owned(), tenant }).await?;
        self.note("person.password_forgotten", ("person", person.to_string()), Outcome::Done, Value::Null).await
    }
}
