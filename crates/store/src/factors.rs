//! Second factors of a person: their list, the authenticator app, and the tenant's policy.
use crate::{
    Applied, Conflict, Error, PasskeyRow, Read, Result, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
};
use domain::{
    Allowed, BrowserSessionId, PersonId, Timestamp,
    account::{AccountChange, AccountNotice},
    audit::Outcome,
    confirmation::ProtectedChange,
    policy::{EnrollFactor, RemoveFactor, ResetFactors, SetFactorPolicy},
};
use serde_json::json;
use zeroize::Zeroizing;

/// A person's second factors.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    /// When the authenticator app was confirmed, if there is one.
    pub totp: Option<Timestamp>,
    pub passkeys: Vec<PasskeyRow>,
    /// Number of unused recovery codes.
    pub recovery_codes: i64,
}

/// The secret of an authenticator app; `Debug` omits it.
pub struct TotpSecret {
    pub secret: Zeroizing<Vec<u8>>,
    /// Whether a valid code has confirmed the app.
    pub confirmed: bool,
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpSecret").field("confirmed", &self.confirmed).finish_non_exhaustive()
    }
}

row_type! {
    pub struct TotpRow {
        /// The encrypted secret.
        pub sealed: Vec<u8>,
        /// When the app was confirmed; it does not count before.
        pub confirmed_at: Option<Timestamp>,
    }
}

row_type! {
    /// A tenant's policy on second factors.
    pub struct FactorPolicy {
        /// Whether every person must have a second factor.
        pub everybody: bool,
    }
}

impl Read {
    /// Returns the actor's own second factors.
    pub async fn factors(&mut self) -> Result<Factors> {
        let person = self.viewer();
        let totp = tenant_query!(
            self,
            TotpRow,
            fetch_optional,
            "select sealed, confirmed_at from totp where tenant_id = $1 and person_id = $2 and confirmed_at is not null",
            person
        )?;
        let codes = tenant_query!(
            self,
            Number,
            fetch_one,
            "select count(*) as n from recovery_code where tenant_id = $1 and person_id = $2",
            person
        )?;
        let passkeys = self.passkeys().await?;
        Ok(Factors { totp: totp.and_then(|row| row.confirmed_at), passkeys, recovery_codes: codes.n })
    }

    /// Returns whether every person in the tenant must have a second factor.
    pub async fn factor_policy(&mut self) -> Result<bool> {
        const SQL: &str = "select everybody from factor_policy where tenant_id = $1";
        Ok(tenant_query!(self, FactorPolicy, fetch_one, SQL)?.everybody)
    }
}

impl Write {
    /// Stores the secret for a new authenticator app and replaces one that was not confirmed.
    pub async fn begin_totp_enrollment(&mut self, proof: &Allowed<EnrollFactor>, secret: &[u8]) -> Result<()> {
        let person = proof.action().owner;
        let sealed = self.seal(&place(person), secret).await?;
        let kept = tenant_query!(
            self,
            execute,
            "insert into totp (tenant_id, person_id, sealed, last_step, created_at) values ($1, $2, $3, 0, $4)
             on conflict (tenant_id, person_id) do update set sealed = $3, created_at = $4 where totp.confirmed_at is null",
            person,
            sealed,
            self.now
        )?;
        match kept {
            0 => Err(Error::Conflict(Conflict::TotpExists)),
            _ => Ok(()),
        }
    }

    /// Returns the secret of the actor's own authenticator app, confirmed or not.
    pub async fn totp_secret(&mut self) -> Result<Option<TotpSecret>> {
        let person = self.viewer();
        const SQL: &str = "select sealed, confirmed_at from totp where tenant_id = $1 and person_id = $2";
        let Some(row) = tenant_query!(self, TotpRow, fetch_optional, SQL, person)? else { return Ok(None) };
        let secret = self.open(&place(person), &row.sealed).await?;
        Ok(Some(TotpSecret { secret, confirmed: row.confirmed_at.is_some() }))
    }

    /// Confirms the authenticator app with the code of time step `step`. Returns `NotFound` if no enrollment is in
    /// progress.
    pub async fn confirm_totp(&mut self, proof: Allowed<EnrollFactor>, step: i64) -> Result<()> {
        let owner = proof.action().owner;
        let confirmed = tenant_query!(
            self,
            execute,
            "update totp set confirmed_at = $3, last_step = $4
             where tenant_id = $1 and person_id = $2 and confirmed_at is null",
            owner,
            self.now,
            step
        )?;
        if confirmed == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.notify_person(owner, AccountNotice::TotpAdded, "").await
    }

    /// Marks the actor's code of a time step, and all earlier ones, as used. Returns `NotFound` if it was used before, so
    /// that of two concurrent uses only one succeeds.
    pub async fn use_totp_step(&mut self, step: i64) -> Result<()> {
        let person = self.viewer();
        let used = tenant_query!(
            self,
            execute,
            "update totp set last_step = $3
             where tenant_id = $1 and person_id = $2 and last_step < $3 and confirmed_at is not null",
            person,
            step
        )?;
        if used == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Removes the actor's authenticator app and ends their other sessions. Returns `NotFound` if there is none.
    pub async fn remove_totp(&mut self, proof: Allowed<RemoveFactor>, this: Option<BrowserSessionId>) -> Result<()> {
        let owner = proof.action().owner;
        let ended = self.end_browser_sessions(owner, this).await?;
        const SQL: &str = "delete from totp where tenant_id = $1 and person_id = $2 and confirmed_at is not null";
        if tenant_query!(self, execute, SQL, owner)? == 0 {
            return Err(Error::NotFound);
        }
        self.delete_unneeded_recovery_codes(owner).await?;
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await?;
        self.notify_person(owner, AccountNotice::TotpRemoved, "").await
    }

    /// Deletes the recovery codes of a person without a second factor.
    pub(crate) async fn delete_unneeded_recovery_codes(&mut self, person: PersonId) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "delete from recovery_code where tenant_id = $1 and person_id = $2
                and not exists (select 1 from totp t where t.tenant_id = $1 and t.person_id = $2 and t.confirmed_at is not null)
                and not exists (select 1 from passkey k where k.tenant_id = $1 and k.person_id = $2)",
            person
        )?;
        Ok(())
    }

    /// Records that the actor's second factor or re-authentication failed.
    pub async fn note_refused_factor(&mut self, reason: &str) -> Result<()> {
        let target = ("person", self.viewer().to_string());
        self.note("factor.show", target, Outcome::Refused, json!({ "reason": reason })).await?;
        match self.actor.person() {
            Some(person) => self.count_failure(person).await,
            None => Ok(()),
        }
    }

    /// Removes all second factors of a person, notifies them and ends their sessions. Returns `NotFound` if there is no
    /// such person. For an approver it may have to be confirmed.
    pub async fn reset_factors(&mut self, proof: Allowed<ResetFactors>) -> Result<Applied> {
        let person = proof.action().person;
        const SQL: &str = "select count(*) as n from person where tenant_id = $1 and id = $2";
        if tenant_query!(self, Number, fetch_one, SQL, person)?.n == 0 {
            return Err(Error::NotFound);
        }
        if self.access_awaits_confirmation(ProtectedChange::FactorsReset { person }).await? {
            return Ok(Applied::AfterConfirmation);
        }
        let ended = self.end_browser_sessions(person, None).await?;
        tenant_query!(self, execute, "delete from totp where tenant_id = $1 and person_id = $2", person)?;
        tenant_query!(self, execute, "delete from passkey where tenant_id = $1 and person_id = $2", person)?;
        tenant_query!(self, execute, "delete from recovery_code where tenant_id = $1 and person_id = $2", person)?;
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await?;
        let by = self.maker().name;
        self.notify_person(person, AccountNotice::FactorsReset, &by).await?;
        self.follow_access_to_account(person, AccountChange::FactorsReset).await?;
        Ok(Applied::Now)
    }

    /// Sets whether every person in the tenant must have a second factor.
    pub async fn set_factor_policy(&mut self, proof: Allowed<SetFactorPolicy>) -> Result<()> {
        const SQL: &str = "update factor_policy set everybody = $2 where tenant_id = $1";
        tenant_query!(self, execute, SQL, proof.action().everybody)?;
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }
}

fn place(person: PersonId) -> String {
    format!("totp/sealed/{person}")
}
