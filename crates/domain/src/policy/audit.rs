//! Console actions on the audit log and on what is signed: acknowledging that a log is not the one that was signed, and
//! replacing the grant key.
use super::{Action, DenialReason, require};
use crate::{
    Actor, Principal, acknowledgment::AcknowledgedStart, checkpoint::Rollback, consent::Signed, succession::PublicKey,
};
use serde_json::{Value, json};

fn require_console(actor: &Actor) -> Result<(), DenialReason> {
    require(actor.principal == Principal::Console, DenialReason::ConsoleOnly)
}

/// The difference between the audit log and what was signed of it, as an admin acknowledged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Why the admin continues.
    pub reason: String,
    /// What verification found.
    pub findings: Vec<String>,
    /// The signed head that was abandoned, if the log was rolled back.
    pub rollback: Option<Rollback>,
    /// The number of events before this one.
    pub size: i64,
    /// Starts of tasks that cannot be explained, among the findings.
    pub starts: Vec<Signed<AcknowledgedStart>>,
}

impl Acknowledged {
    fn detail(&self) -> Value {
        let head = |size, hash: &[u8]| json!({ "size": size, "hash": hex::encode(hash) });
        json!({
            "reason": self.reason,
            "findings": self.findings,
            "old": self.rollback.map(|rollback| head(rollback.size, &rollback.hash)),
            "kept": self.rollback.map(|rollback| rollback.kept),
            "new": { "size": self.size },
            "starts": self.starts,
        })
    }
}

actions! {
    /// Continues with a log that was altered, after somebody investigated it.
    AcknowledgeAudit = "audit.acknowledge" on "tenant" (|_| String::new()) {
        change: Acknowledged,
    } if |_, actor| require_console(actor), detail |a| a.change.detail(), while_frozen true;

    /// Continues with the log of a restored backup.
    RestoreAudit = "audit.restore" on "tenant" (|_| String::new()) {
        change: Acknowledged,
    } if |_, actor| require_console(actor), detail |a| a.change.detail(), while_frozen true;

    /// Signs what can still start again, after the key that signs grants and consent was replaced.
    RotateGrantKey = "grant_key.rotate" on "tenant" (|_| String::new()) {
        key: PublicKey,
    } if |_, actor| require_console(actor), detail |a| json!({ "key": hex::encode(a.key) }), while_frozen true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TenantId, Timestamp, role::TenantRole};
    use uuid::Uuid;

    #[test]
    fn d_06_only_the_console_acknowledges_an_altered_log() {
        let change = Acknowledged { reason: "drill".into(), findings: vec![], rollback: None, size: 7, starts: vec![] };
        let console = Actor::console(TenantId(Uuid::nil()), Timestamp(0));
        assert!(console.may(AcknowledgeAudit { change: change.clone() }).is_ok());
        assert!(console.may(RestoreAudit { change: change.clone() }).is_ok());
        assert!(console.may(RotateGrantKey { key: [1; 32] }).is_ok());
        let mut admin = console;
        (admin.principal, admin.tenant_role) = (Principal::Clock, TenantRole::Admin);
        assert!(admin.may(AcknowledgeAudit { change: change.clone() }).is_err());
        assert!(admin.may(RestoreAudit { change }).is_err());
        assert!(admin.may(RotateGrantKey { key: [1; 32] }).is_err());
    }
}
