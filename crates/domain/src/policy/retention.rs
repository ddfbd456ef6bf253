//! Actions on retention: the times of a tenant, and the legal hold that stops all deletion (M-16).
use super::{Action, DenialReason, require_admin};
use crate::{Actor, retention::RetentionTimes};
use serde_json::{Value, json};

actions! {
    /// Sets how long each kind of data is kept.
    SetRetention = "retention.set" on "tenant" (|_| String::new()) {
        times: RetentionTimes,
    } if |_, actor| require_admin(actor), detail |a| json!({ "days": a.times }), step_up true;

    /// Stops the deletion of expired data. It destroys nothing, so it needs no step-up authentication and is allowed while the tenant is frozen.
    SetLegalHold = "legal_hold.set" on "tenant" (|_| String::new()) {
        reason: String,
    } if |_, actor| require_admin(actor), detail |a| json!({ "reason": a.reason }), while_frozen true;

    /// Lets retention delete expired data again.
    LiftLegalHold = "legal_hold.lift" on "tenant" (|_| String::new()) {} if |_, actor| require_admin(actor), step_up true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PersonId, Principal, TenantId, Timestamp, role::TenantRole};
    use uuid::Uuid;

    #[test]
    fn m_16_only_admins_change_retention_and_only_a_hold_needs_no_step_up() {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        actor.principal = Principal::Person(PersonId(Uuid::nil()));
        let set = || SetRetention { times: RetentionTimes::default() };
        let hold = || SetLegalHold { reason: "a lawsuit".into() };
        for role in [TenantRole::Person, TenantRole::Auditor] {
            actor.tenant_role = role;
            let denied = [actor.may(set()).err(), actor.may(hold()).err(), actor.may(LiftLegalHold {}).err()];
            assert!(denied.into_iter().all(|denied| denied.unwrap().reason == DenialReason::AdminOnly));
        }
        actor.tenant_role = TenantRole::Admin;
        assert!(actor.may(set()).is_ok() && actor.may(hold()).is_ok() && actor.may(LiftLegalHold {}).is_ok());
        actor.fresh = false;
        assert!(actor.may(set()).unwrap_err().stale && actor.may(LiftLegalHold {}).unwrap_err().stale);
        assert!(actor.may(hold()).is_ok());
        actor.scopes = Some("tasks:*".parse().unwrap());
        assert_eq!(actor.may(hold()).unwrap_err().reason, DenialReason::BrowserOnly);
    }
}
