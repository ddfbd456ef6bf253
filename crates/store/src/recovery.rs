//! Recovery codes: shown once, stored as hashes, each valid for one sign-in without the second factor.
use crate::{
    Error, Result, Write,
    db::{column::Number, conn::tenant_query},
};
use domain::{Allowed, account::AccountNotice, audit::Outcome, policy::MakeRecoveryCodes};

impl Write {
    /// Stores the hashes of a person's new codes and invalidates the earlier ones.
    pub async fn make_recovery_codes(&mut self, proof: Allowed<MakeRecoveryCodes>, hashes: &[[u8; 32]]) -> Result<()> {
        let owner = proof.action().owner;
        tenant_query!(self, execute, "delete from recovery_code where tenant_id = $1 and person_id = $2", owner)?;
        for hash in hashes {
            tenant_query!(
                self,
                execute,
                "insert into recovery_code (tenant_id, person_id, code_hash, created_at) values ($1, $2, $3, $4)",
                owner,
                *hash,
                self.now
            )?;
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.notify_person(owner, AccountNotice::RecoveryCodesMade, "").await
    }

    /// Consumes one of the actor's own codes and returns the number left. Returns `NotFound` if the code is not valid.
    pub async fn use_recovery_code(&mut self, hash: [u8; 32]) -> Result<i64> {
        let person = self.viewer();
        const SQL: &str = "delete from recovery_code where tenant_id = $1 and person_id = $2 and code_hash = $3";
        if tenant_query!(self, execute, SQL, person, hash)? == 0 {
            return Err(Error::NotFound);
        }
        const LEFT: &str = "select count(*) as n from recovery_code where tenant_id = $1 and person_id = $2";
        let left = tenant_query!(self, Number, fetch_one, LEFT, person)?.n;
        let target = ("person", person.to_string());
        self.note("factor.recover", target, Outcome::Done, serde_json::json!({ "left": left })).await?;
        self.notify_person(person, AccountNotice::RecoveryCodeUsed, &left.to_string()).await?;
        Ok(left)
    }
}
