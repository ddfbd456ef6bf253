//! Another address for a person: asked for by them, confirmed by who reads what comes there, told to the one before.
use crate::{Error, Result, Write, column::record, conn::scoped, mail::Mail};
use domain::{Allowed, Email, PersonId, SessionId, account::Happened, audit::Outcome, policy::ChangeAddress};
use serde_json::Value;
use std::time::Duration;

/// How long the link works.
const LIFE: Duration = Duration::from_hours(24);

record! {
    /// An address that is waiting for its confirmation.
    pub struct Asked {
        /// Who wants it.
        pub person_id: PersonId,
        /// Which.
        pub email: Email,
    }
}

impl Write {
    /// Mails a link to the new address, and word of it to the present one. An earlier wish ends. Whether the address is
    /// somebody's already is not said here: only its reader learns that.
    pub async fn ask_address(
        &mut self,
        proof: Allowed<ChangeAddress>,
        email: &Email,
        token: &str,
        token_hash: [u8; 32],
    ) -> Result<()> {
        let owner = proof.action().owner;
        scoped!(self, execute, "delete from address_change where tenant_id = $1 and person_id = $2", owner)?;
        scoped!(
            self,
            execute,
            "insert into address_change (tenant_id, token_hash, person_id, email, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
            token_hash,
            owner,
            email.clone(),
            self.now,
            self.now.after(LIFE)
        )?;
        self.mail_address(owner, email, &Mail::ConfirmAddress { token: token.to_owned() }).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.happened(owner, Happened::AddressAsked, email.as_str()).await
    }

    /// The link was followed: the person has the new address, and their other sessions end. `NotFound` when it was used,
    /// replaced or is too old; a conflict when somebody else has the address.
    pub async fn confirm_address(&mut self, token_hash: [u8; 32], this: Option<SessionId>) -> Result<PersonId> {
        let asked = scoped!(
            self,
            Asked,
            fetch_one,
            "delete from address_change where tenant_id = $1 and token_hash = $2 and expires_at > $3
             returning person_id, email",
            token_hash,
            self.now
        )?;
        let (person, email) = (asked.person_id, asked.email);
        let told = Mail::Happened { happened: Happened::AddressChanged, detail: email.to_string() };
        self.mail_person(person, &told).await?; // to the address from before
        let changed = scoped!(
            self,
            execute,
            "update person set email = $3 where tenant_id = $1 and id = $2",
            person,
            email.clone()
        );
        match changed {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict("This address is in use already.")),
            other => other?,
        };
        scoped!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", person)?;
        self.note("person.address_changed", ("person", person.to_string()), Outcome::Done, Value::Null).await?;
        self.happened(person, Happened::AddressChanged, email.as_str()).await?;
        self.end_sessions(person, this).await?;
        Ok(person)
    }
}
