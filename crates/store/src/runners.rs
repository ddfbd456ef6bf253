//! Runners: enrollment, registration, connection state and revocation.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
    keys::Revocation,
    leases::runner,
};
use domain::{
    Allowed, EnrollmentId, RunnerId, Timestamp,
    audit::Outcome,
    policy::{CreateEnrollment, RevokeRunner},
    text::runner_name,
};
use serde_json::{Value, json};
use std::time::Duration;

row_type! {
    /// A runner as it is listed.
    pub struct Runner {
        pub id: RunnerId,
        /// What people call it; unique among those that are not revoked.
        pub name: String,
        pub version: String,
        /// The tools that it runs, separated by commas.
        pub capabilities: String,
        /// What its sandbox is (JSON, as the runner says).
        pub posture: String,
        /// How many tasks it runs at once.
        pub slots: i64,
        /// Its certificate's serial number, in hex.
        pub serial: String,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        /// When it last said something, to ten seconds.
        pub last_seen_at: Option<Timestamp>,
        pub connected: bool,
        /// When it was revoked, if it was.
        pub revoked_at: Option<Timestamp>,
        /// The key that its receipts verify with (SubjectPublicKeyInfo).
        pub public_key: Vec<u8>,
    }
}

row_type! {
    /// A one-time token, as it is used.
    pub struct Enrollment {
        pub id: EnrollmentId,
        /// What the runner will be called.
        pub name: String,
    }
}

/// What is kept of a runner that enrolls.
#[derive(Clone, Debug)]
pub struct EnrolledRunner {
    /// The id that its certificate names.
    pub id: RunnerId,
    pub name: String,
    pub version: String,
    /// The tools that it runs, separated by commas.
    pub capabilities: String,
    /// Its certificate's serial number, in hex.
    pub serial: String,
    pub public_key: Vec<u8>,
    pub expires_at: Timestamp,
}

/// How long a token works.
const TOKEN_LIFE: Duration = Duration::from_hours(1);

macro_rules! columns {
    () => {
        "select id, name, version, capabilities, posture, slots, serial, created_at,
            coalesce(next_expires_at, expires_at) as expires_at, last_seen_at, connected, revoked_at, public_key from runner where tenant_id = $1"
    };
}

impl Read {
    /// The tenant's runners, newest first: everybody may know what could run their tasks.
    pub async fn runners(&mut self) -> Result<Vec<Runner>> {
        tenant_query!(self, Runner, fetch_all, concat!(columns!(), " order by id desc limit 500"))
    }

    /// The one of this name that is not revoked: there is one at most.
    pub async fn runner_by_name(&mut self, name: &str) -> Result<Option<Runner>> {
        const SQL: &str = concat!(columns!(), " and name = $2 and revoked_at is null");
        tenant_query!(self, Runner, fetch_optional, SQL, name.to_owned())
    }

    /// One of them.
    pub async fn runner(&mut self, id: RunnerId) -> Result<Runner> {
        tenant_query!(self, Runner, fetch_one, concat!(columns!(), " and id = $2"), id)
    }
}

impl Write {
    /// Makes the hash of a token good for enrolling one runner of this name.
    pub async fn create_enrollment(&mut self, proof: Allowed<CreateEnrollment>, token_hash: [u8; 32]) -> Result<()> {
        let CreateEnrollment { enrollment, name } = proof.action();
        runner_name(name)?;
        insert!(self, "enrollment" {
            id: *enrollment,
            token_hash: token_hash,
            name: name.clone(),
            created_at: self.now,
            expires_at: self.now.after(TOKEN_LIFE),
        })?;
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Uses a token up (S-01). One that is unknown, used or too old is not found; the attempt is recorded.
    pub async fn use_enrollment(&mut self, token_hash: [u8; 32]) -> Result<Enrollment> {
        let used = tenant_query!(
            self,
            Enrollment,
            fetch_optional,
            "update enrollment set used_at = $3 where tenant_id = $1 and token_hash = $2 and used_at is null and expires_at > $3
             returning id, name",
            token_hash,
            self.now
        )?;
        used.ok_or(Error::NotFound)
    }

    /// Records that a token was tried that does not work any more.
    pub async fn note_refused_enrollment(&mut self, id: EnrollmentId) -> Result<()> {
        let detail = json!({ "reason": "the token was used before, or is too old" });
        self.note("runner.enroll", ("enrollment", id.to_string()), Outcome::Refused, detail).await
    }

    /// Keeps a runner that enrolled. A name that an active runner has is a conflict.
    pub async fn enroll_runner(&mut self, new: EnrolledRunner) -> Result<()> {
        runner_name(&new.name)?;
        let (id, detail) = (new.id, json!({ "name": new.name, "serial": new.serial, "version": new.version }));
        let made = insert!(self, "runner" {
            id: id,
            name: new.name,
            version: new.version,
            capabilities: new.capabilities,
            posture: "{}".to_owned(),
            slots: 0_i64,
            serial: new.serial,
            public_key: new.public_key,
            created_at: self.now,
            expires_at: new.expires_at,
        });
        match made {
            Err(error) if error.is_duplicate() => {
                return Err(Error::Conflict(Conflict::RunnerNameTaken));
            }
            other => other?,
        };
        self.note("runner.enroll", ("runner", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// The runner says what it is, having connected.
    pub async fn runner_connected(
        &mut self,
        version: &str,
        capabilities: &str,
        posture: &Value,
        slots: u32,
    ) -> Result<()> {
        let id = runner(&self.actor)?;
        let known = tenant_query!(
            self,
            execute,
            "update runner set version = $3, capabilities = $4, posture = $5, slots = $6, connected = true, last_seen_at = $7
             where tenant_id = $1 and id = $2 and revoked_at is null",
            id,
            version.to_owned(),
            capabilities.to_owned(),
            posture.to_string(),
            slots,
            self.now
        )?;
        if known == 0 {
            return Err(Error::NotFound);
        }
        self.note("runner.connect", ("runner", id.to_string()), Outcome::Done, json!({ "version": version })).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// Issues the runner another certificate (S-05). The one that it shows counts on beside it, until the new one is shown; one
    /// that was issued before and never shown is void.
    pub async fn renew_runner(&mut self, serial: String, expires_at: Timestamp) -> Result<()> {
        let id = runner(&self.actor)?;
        let known = tenant_query!(
            self,
            execute,
            "update runner set next_serial = $3, next_expires_at = $4 where tenant_id = $1 and id = $2 and revoked_at is null",
            id,
            serial.clone(),
            expires_at
        )?;
        if known == 0 {
            return Err(Error::NotFound);
        }
        let detail = json!({ "serial": serial, "expires_at": expires_at });
        self.note("runner.renew", ("runner", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// The runner shows a certificate. If it is the one that was issued anew, it alone counts from now on.
    pub async fn confirm_runner_certificate(&mut self, serial: &str) -> Result<()> {
        let id = runner(&self.actor)?;
        let changed = tenant_query!(
            self,
            execute,
            "update runner set serial = next_serial, expires_at = next_expires_at, next_serial = null, next_expires_at = null
             where tenant_id = $1 and id = $2 and next_serial = $3 and revoked_at is null",
            id,
            serial.to_owned()
        )?;
        if changed == 0 {
            return Ok(());
        }
        let detail = json!({ "serial": serial });
        self.note("runner.renewed", ("runner", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// The runner's connection ended.
    pub async fn runner_disconnected(&mut self) -> Result<()> {
        let id = runner(&self.actor)?;
        tenant_query!(
            self,
            execute,
            "update runner set connected = false, last_seen_at = $3 where tenant_id = $1 and id = $2",
            id,
            self.now
        )?;
        self.note("runner.disconnect", ("runner", id.to_string()), Outcome::Done, Value::Null).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// The runner was heard. `NotFound` when it is revoked.
    pub async fn touch_runner(&mut self) -> Result<()> {
        let id = runner(&self.actor)?;
        let known = tenant_query!(
            self,
            execute,
            "update runner set last_seen_at = $3, connected = true where tenant_id = $1 and id = $2 and revoked_at is null",
            id,
            self.now
        )?;
        if known == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Revokes a runner: its certificate counts no more, and what it has is cancelled (S-13).
    pub async fn revoke_runner(&mut self, proof: Allowed<RevokeRunner>) -> Result<()> {
        let id = proof.action().runner;
        let was = tenant_query!(
            self,
            Revocation,
            fetch_one,
            "update runner set connected = false where tenant_id = $1 and id = $2 returning revoked_at",
            id
        )?;
        if was.revoked_at.is_some() {
            return Err(Error::Conflict(Conflict::RunnerRevoked));
        }
        const SQL: &str = "update runner set revoked_at = $3 where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, id, self.now)?;
        self.cancel_all_of(id).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }
}
