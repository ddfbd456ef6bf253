//! Records that tests create: API keys, runners, leases and receipts.
use crate::START;
use domain::{
    Actor, Networks, PersonId, Principal, RunnerId,
    policy::CreateKey,
    receipt::{End, Receipt},
    request::OutputDigest,
};
use std::time::Duration;
use store::{Assignment, EnrolledRunner, Lease};

/// Returns the request for an API key without limits.
pub fn new_key(owner: PersonId, name: &str, scopes: &str) -> CreateKey {
    CreateKey {
        owner,
        name: name.into(),
        scopes: scopes.parse().unwrap(),
        expires_at: None,
        organization: None,
        networks: Networks::default(),
        responsible: None,
    }
}

/// Returns a runner for bash scripts whose certificate is valid for 90 days.
pub fn enrolled_runner(name: &str) -> EnrolledRunner {
    let id = RunnerId(store::new_id());
    EnrolledRunner {
        id,
        name: name.into(),
        version: "1".into(),
        capabilities: "bash".into(),
        serial: format!("serial of {name}"),
        public_key: id.0.as_bytes().to_vec(),
        expires_at: START.after(Duration::from_hours(24 * 90)),
    }
}

pub fn lease(assignment: &Assignment) -> Lease {
    assignment.lease
}

/// Returns the receipt of an attempt that started and ended when it was claimed, without output.
pub fn receipt(runner: &Actor, assignment: &Assignment, end: End) -> Receipt {
    let Principal::Runner(id) = runner.principal else { panic!("not a runner") };
    Receipt {
        tenant: runner.tenant,
        task: assignment.lease.task,
        attempt: assignment.lease.attempt,
        runner: id,
        request: assignment.request_digest,
        started_at: assignment.lease_until.before(store::LEASE),
        ended_at: assignment.lease_until.before(store::LEASE),
        end,
        output: OutputDigest::of(b""),
        output_bytes: 0,
        out_of_memory: false,
        replaced_bytes: 0,
        output_lines: 0,
    }
}
