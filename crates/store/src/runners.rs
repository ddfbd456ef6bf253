//! Runners: enrollment, registration, connection state and revocation.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
    keys::Revocation,
    leases::runner_id,
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
    pub struct Runner {
        pub id: RunnerId,
        /// Unique among active runners.
        pub name: String,
        pub version: String,
        /// The tools that it runs, separated by commas.
        pub capabilities: String,
        /// Sandbox capabilities as reported by the runner (JSON).
        pub posture: String,
        /// Number of tasks that it runs at the same time.
        pub slots: i64,
        /// Serial number of its certificate, in hex.
        pub serial: String,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        /// Last message, to ten seconds.
        pub last_seen_at: Option<Timestamp>,
        pub connected: bool,
        /// Whether its operator stopped it.
        pub stopped: bool,
        /// When it was reported as silent; `None` after it was seen again.
        pub silent_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        /// The public key of its receipts (SubjectPublicKeyInfo).
        pub public_key: Vec<u8>,
    }
}

row_type! {
    /// An enrollment token after use.
    pub struct Enrollment {
        pub id: EnrollmentId,
        /// Name of the runner to enroll.
        pub name: String,
    }
}

/// A runner to be stored at enrollment.
#[derive(Clone, Debug)]
pub struct EnrolledRunner {
    /// The id in its certificate.
    pub id: RunnerId,
    pub name: String,
    pub version: String,
    /// The tools that it runs, separated by commas.
    pub capabilities: String,
    /// Serial number of its certificate, in hex.
    pub serial: String,
    pub public_key: Vec<u8>,
    pub expires_at: Timestamp,
}

/// Lifetime of an enrollment token.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

macro_rules! columns {
    () => {
        "select id, name, version, capabilities, posture, slots, serial, created_at,
            coalesce(next_expires_at, expires_at) as expires_at, last_seen_at, connected, stopped, silent_at, revoked_at, public_key from runner where tenant_id = $1"
    };
}

impl Read {
    /// Returns the tenant's runners, newest first; every actor can see which runners could run their tasks.
    pub async fn runners(&mut self) -> Result<Vec<Runner>> {
        tenant_query!(self, Runner, fetch_all, concat!(columns!(), " order by id desc limit 500"))
    }

    /// Returns the active runner with this name.
    pub async fn runner_by_name(&mut self, name: &str) -> Result<Option<Runner>> {
        const SQL: &str = concat!(columns!(), " and name = $2 and revoked_at is null");
        tenant_query!(self, Runner, fetch_optional, SQL, name.to_owned())
    }

    /// Returns one runner.
    pub async fn runner(&mut self, id: RunnerId) -> Result<Runner> {
        tenant_query!(self, Runner, fetch_one, concat!(columns!(), " and id = $2"), id)
    }
}

impl Write {
    /// Stores the hash of a token that enrolls one runner with this name.
    pub async fn create_enrollment(&mut self, proof: Allowed<CreateEnrollment>, token_hash: [u8; 32]) -> Result<()> {
        let CreateEnrollment { enrollment, name } = proof.action();
        runner_name(name)?;
        insert!(self, "enrollment" {
            id: *enrollment,
            token_hash: token_hash,
            name: name.clone(),
            created_at: self.now,
            expires_at: self.now.after(TOKEN_LIFETIME),
        })?;
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Consumes an enrollment token (S-01). Returns `NotFound` if it is unknown, used or expired.
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

    /// Records the use of an invalid enrollment token.
    pub async fn note_refused_enrollment(&mut self, id: EnrollmentId) -> Result<()> {
        let detail = json!({ "reason": "the token was used before, or is too old" });
        self.note("runner.enroll", ("enrollment", id.to_string()), Outcome::Refused, detail).await
    }

    /// Stores an enrolled runner. The name of an active runner is a conflict, and so is the key
    /// of any runner of the deployment.
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
            Err(error) if error.is_duplicate_of("runner_key", "runner.public_key") => {
                return Err(Error::Conflict(Conflict::RunnerKeyTaken));
            }
            Err(error) if error.is_duplicate() => {
                return Err(Error::Conflict(Conflict::RunnerNameTaken));
            }
            other => other?,
        };
        self.note("runner.enroll", ("runner", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// Records that the runner connected, and its self-description.
    pub async fn runner_connected(
        &mut self,
        version: &str,
        capabilities: &str,
        posture: &Value,
        slots: u32,
    ) -> Result<()> {
        let id = runner_id(&self.actor)?;
        let known = tenant_query!(
            self,
            execute,
            "update runner set version = $3, capabilities = $4, posture = $5, slots = $6, connected = true, last_seen_at = $7,
                stopped = false, silent_at = null
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

    /// Stores a renewed certificate for the runner (S-05). The current one remains valid until the new one is used; an
    /// earlier renewal that was never used becomes invalid.
    pub async fn renew_runner(&mut self, serial: String, expires_at: Timestamp) -> Result<()> {
        let id = runner_id(&self.actor)?;
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

    /// Records the certificate that a runner connected with. If it is the renewed one, the previous one becomes invalid.
    pub async fn confirm_runner_certificate(&mut self, serial: &str) -> Result<()> {
        let id = runner_id(&self.actor)?;
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

    /// Records that the runner disconnected, and whether because its operator `stopped` it.
    pub async fn runner_disconnected(&mut self, stopped: bool) -> Result<()> {
        let id = runner_id(&self.actor)?;
        // Another node may record a broken connection of the same runner late.
        tenant_query!(
            self,
            execute,
            "update runner set connected = false, stopped = (stopped or $3) where tenant_id = $1 and id = $2",
            id,
            stopped
        )?;
        let detail = json!({ "stopped": stopped });
        self.note("runner.disconnect", ("runner", id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }

    /// Records a message from the runner. Returns `NotFound` if it is revoked.
    pub async fn touch_runner(&mut self) -> Result<()> {
        let id = runner_id(&self.actor)?;
        let known = tenant_query!(
            self,
            execute,
            "update runner set last_seen_at = $3, connected = true, stopped = false, silent_at = null where tenant_id = $1 and id = $2 and revoked_at is null",
            id,
            self.now
        )?;
        if known == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Revokes a runner: its certificate becomes invalid and its tasks are cancelled (S-13).
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
        self.cancel_tasks_of_runner(id).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Runners, id.0);
        Ok(())
    }
}
