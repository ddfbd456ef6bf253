//! Pending reasons: why no runner can take a queued task.
use crate::{Invalid, string_enum::string_enum, task::Tool};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The reason why no runner can take a queued task.
    PendingReason, "reason", {
        /// Nothing starts in a frozen tenant.
        TenantFrozen = "tenant_frozen",
        NoRunnerConnected = "no_runner_connected",
        /// Runners are connected, and none of them has the tool.
        ToolMissing = "tool_missing",
    }
}

impl PendingReason {
    /// Returns the sentence for programs; pages have their own.
    pub fn explanation(self, tool: Tool) -> String {
        match self {
            Self::TenantFrozen => "The tenant is frozen, so no task starts.".into(),
            Self::NoRunnerConnected => "No runner is connected.".into(),
            Self::ToolMissing => format!("No connected runner has the tool {tool}."),
        }
    }
}
