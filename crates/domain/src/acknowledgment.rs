//! Acknowledgment of a task's start that cannot be explained. It is signed with the checkpoint key, because an event that somebody
//! added to the audit log must excuse nothing (D-06, X5).
use crate::{TaskId, TenantId, consent::Statement, request::InputDigest};
use serde::{Deserialize, Serialize};

/// An acknowledged start. It excuses this problem of this task as long as the rows of the task stay the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgedStart {
    pub tenant: TenantId,
    pub task: TaskId,
    /// What differed.
    pub problem: String,
    /// The digest of the rows that differed.
    pub rows: InputDigest,
}

impl Statement for AcknowledgedStart {
    const LABEL: &'static [u8] = b"castellan-acknowledged-start-v1\0";
}
