//! What the audit log calls what happens.
use super::{
    Action, CancelTask, Decide, ReadApprovals, ReadAudit, ReadTasks, StopTasks, SubmitTask, access, emergency, factors,
    identity, joining, organizations, people,
};

/// What no policy decides and is recorded all the same.
const NOTED: &[&str] = &[
    "admin.admin_blocked",
    "approval.expire",
    "database.transfer",
    "factor.recover",
    "factor.show",
    "key.use",
    "person.address_changed",
    "person.address_confirmed",
    "person.password_forgotten",
    "person.password_set",
    "rate_limit_exceeded",
    "runner.connect",
    "runner.disconnect",
    "runner.enroll",
    "runner.refuse",
    "runner.renew",
    "runner.renewed",
    "browser_session.open",
    "browser_session.prove",
    "task.assign",
    "task.end",
    "task.finish",
    "task.refuse",
    "task.release",
    "task.start",
    "task.stop",
    "anomaly.detect",
];

/// The names of all actions and of everything else that is recorded, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let written_out = [
        SubmitTask::NAME,
        CancelTask::NAME,
        Decide::NAME,
        ReadTasks::NAME,
        ReadApprovals::NAME,
        ReadAudit::NAME,
        StopTasks::NAME,
    ];
    let in_tables = [
        access::NAMES,
        factors::NAMES,
        identity::NAMES,
        emergency::NAMES,
        joining::NAMES,
        organizations::NAMES,
        people::NAMES,
    ];
    let mut all: Vec<_> = in_tables.into_iter().flatten().chain(NOTED).copied().chain(written_out).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::goes_on_while_frozen;

    #[test]
    fn what_goes_on_while_frozen_is_something_that_happens() {
        assert!(names().into_iter().filter(|name| goes_on_while_frozen(name)).count() > 20);
        assert!(!names().iter().any(|name| name.is_empty() || name.contains(' ')));
    }
}
