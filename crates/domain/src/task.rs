//! A task: what was asked for, and the states it may pass through.
use crate::{
    Invalid, OrganizationId,
    label::Labels,
    limits::Limits,
    network::{Network, NetworkPolicy},
    string_enum::string_enum,
    visibility::Visibility,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// Where a task stands.
    TaskState, "state", {
        /// Recorded; rules not yet applied. Never seen outside the transaction that submits.
        Submitted = "submitted",
        /// Waits in the approval queue.
        AwaitingApproval = "awaiting_approval",
        /// Waits for a runner.
        Queued = "queued",
        /// A runner has it, and has not said yet that it started.
        Assigned = "assigned",
        /// Runs.
        Running = "running",
        /// Ended with exit status 0.
        Succeeded = "succeeded",
        /// Ended otherwise, or the runner could not start it.
        Failed = "failed",
        /// Stopped by a person.
        Cancelled = "cancelled",
        /// Stopped at its time limit.
        TimedOut = "timed_out",
        /// A person said no, or a rule did.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// Its runner vanished more often than the task may be started.
        Lost = "lost",
    }
}

impl TaskState {
    /// The legal moves; everything else is an error. `Assigned` and `Running` go back to `Queued` when their runner vanishes.
    pub const fn next(self) -> &'static [Self] {
        use TaskState::*;
        match self {
            Submitted => &[AwaitingApproval, Queued, Denied],
            AwaitingApproval => &[Queued, Denied, Expired, Cancelled],
            Queued => &[Assigned, Cancelled],
            Assigned => &[Running, Queued, Failed, Cancelled, TimedOut, Lost],
            Running => &[Succeeded, Failed, Cancelled, TimedOut, Queued, Lost],
            Succeeded | Failed | Cancelled | TimedOut | Denied | Expired | Lost => &[],
        }
    }

    /// Whether a task may go from here to `to`.
    pub fn can_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }

    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

string_enum! {
    /// What a task runs in.
    Tool, "tool", {
        /// A script for `bash`.
        Bash = "bash",
    }
}

string_enum! {
    /// Which of the waiting tasks goes first.
    #[derive(Default)]
    Priority, "priority", {
        /// After the others.
        Low = "low",
        /// As usual.
        #[default]
        Normal = "normal",
        /// Before the others.
        High = "high",
    }
}

impl Priority {
    /// Larger goes first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
        }
    }
}

/// How often a task may be started in all when its runners vanish (delivery is at least once).
pub const MAX_ATTEMPTS: u32 = 3;

/// How many lines a script may have: each is one on the page of whoever approves it.
pub const MOST_LINES: usize = 20_000;
/// How many characters of it may be such that cannot be seen: each stands out there.
pub const MOST_HIDDEN: usize = 20_000;

/// The longest script, in bytes.
pub const MAX_SCRIPT: usize = 256 * 1024;

/// What a person or program asks for, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// Where it belongs.
    pub organization: OrganizationId,
    /// What runs it.
    pub tool: Tool,
    /// The script, as given; 1 byte to 256 KiB without NUL.
    pub script: String,
    /// A line to recognize it by; made from the script when empty.
    pub title: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// What it reaches.
    pub network: Network,
    /// What it may use.
    pub limits: Limits,
    /// For finding it again.
    pub labels: Labels,
    /// Its turn.
    pub priority: Priority,
}

/// A submission as it comes from outside, fields that were left out taking the careful default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmissionForm {
    /// See [`Submission::tool`].
    #[serde(default = "bash")]
    pub tool: Tool,
    /// See [`Submission::script`].
    pub script: String,
    /// See [`Submission::title`].
    #[serde(default)]
    pub title: String,
    /// Private unless said otherwise (A-05).
    #[serde(default = "private")]
    pub visibility: Visibility,
    /// Air-gapped unless said otherwise.
    #[serde(default = "isolated")]
    pub network_policy: NetworkPolicy,
    /// Hosts under `allow_list`.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// See [`Limits`]; flattened, so that the fields stand beside the others.
    #[serde(default)]
    pub timeout_seconds: Option<u32>,
    /// See [`Limits::memory_mib`].
    #[serde(default)]
    pub memory_mib: Option<u32>,
    /// See [`Limits::cpu_millis`].
    #[serde(default)]
    pub cpu_millis: Option<u32>,
    /// See [`Limits::processes`].
    #[serde(default)]
    pub processes: Option<u32>,
    /// See [`Limits::disk_mib`].
    #[serde(default)]
    pub disk_mib: Option<u32>,
    /// See [`Submission::labels`].
    #[serde(default)]
    pub labels: Labels,
    /// See [`Submission::priority`].
    #[serde(default)]
    pub priority: Priority,
    /// The organization's id; the caller's own where it has one only.
    #[serde(default)]
    pub organization: Option<OrganizationId>,
}

/// Whether a character of a script stands out by name where it is read; line ends of Windows do, one for each line.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t' && c != '\n') || crate::text::is_invisible(c)
}

const fn bash() -> Tool {
    Tool::Bash
}
const fn private() -> Visibility {
    Visibility::Private
}
const fn isolated() -> NetworkPolicy {
    NetworkPolicy::Isolated
}

impl SubmissionForm {
    /// Checks every field; `organization` is where it goes.
    pub fn check(self, organization: OrganizationId) -> Result<Submission, Invalid> {
        if self.script.trim().is_empty() || self.script.len() > MAX_SCRIPT || self.script.contains('\0') {
            return Err(Invalid::new("script", "must be 1 byte to 256 KiB of text without NUL"));
        }
        let (lines, hidden) = (self.script.lines().count(), self.script.chars().filter(|c| is_hidden(*c)).count());
        if lines > MOST_LINES || hidden > MOST_HIDDEN {
            return Err(Invalid::new(
                "script",
                format!(
                    "must have at most {MOST_LINES} lines, and at most {MOST_HIDDEN} characters that cannot be seen"
                ),
            ));
        }
        let title = match self.title.trim() {
            "" => title_of(&self.script),
            given => crate::text::name("title", given, 120)?,
        };
        let usual = Limits::default();
        let limits = Limits {
            timeout_seconds: self.timeout_seconds.unwrap_or(usual.timeout_seconds),
            memory_mib: self.memory_mib.unwrap_or(usual.memory_mib),
            cpu_millis: self.cpu_millis.unwrap_or(usual.cpu_millis),
            processes: self.processes.unwrap_or(usual.processes),
            disk_mib: self.disk_mib.unwrap_or(usual.disk_mib),
        }
        .checked()?;
        Ok(Submission {
            organization,
            tool: self.tool,
            title,
            script: self.script,
            visibility: self.visibility,
            network: Network::new(self.network_policy, self.allowed_hosts)?,
            limits,
            labels: self.labels,
            priority: self.priority,
        })
    }
}

/// The first line of a script that says something, at most 80 characters, hidden characters left out.
fn title_of(script: &str) -> String {
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let line = script.lines().map(str::trim).find(says).unwrap_or("script");
    line.chars().filter(|c| !c.is_control() && !crate::text::is_invisible(*c)).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_nobody_can_read_through_is_refused() {
        let check = |script: String| {
            let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
            form.check(OrganizationId(uuid::Uuid::nil())).map_err(|invalid| invalid.to_string())
        };
        for (piece, most) in [("a\n", MOST_LINES), ("a\u{1}", MOST_HIDDEN), ("a\r\n", MOST_LINES)] {
            check(piece.repeat(most)).unwrap();
            assert!(check(piece.repeat(most + 1)).unwrap_err().contains("20000 lines"), "{piece:?}");
        }
    }

    #[test]
    fn every_state_but_the_first_is_reached_and_ended_ones_stay() {
        for state in TaskState::ALL {
            let reached = TaskState::ALL.iter().any(|from| from.can_become(*state));
            assert_eq!(reached, *state != TaskState::Submitted, "{state}");
            assert!(!state.can_become(TaskState::Submitted));
        }
        assert!(!TaskState::Succeeded.can_become(TaskState::Queued));
        assert!(TaskState::Denied.is_final() && !TaskState::Running.is_final());
    }

    #[test]
    fn a_05_what_is_left_out_is_private_and_isolated() {
        let form: SubmissionForm = serde_json::from_str(r##"{"script":"# hi\necho hi"}"##).unwrap();
        let task = form.check(OrganizationId(uuid::Uuid::nil())).unwrap();
        assert_eq!(task.visibility, Visibility::Private);
        assert_eq!(task.network.policy, NetworkPolicy::Isolated);
        assert_eq!(task.title, "echo hi");
    }

    #[test]
    fn bad_submissions_name_their_field() {
        for (json, field) in [
            (r#"{"script":""}"#, "script"),
            (r#"{"script":"a\u0000b"}"#, "script"),
            (r#"{"script":"a","timeout_seconds":0}"#, "timeout_seconds"),
            (r#"{"script":"a","network_policy":"proxy"}"#, "network_policy"),
            (r#"{"script":"a","title":"\u202e"}"#, "title"),
        ] {
            let form: SubmissionForm = serde_json::from_str(json).unwrap();
            assert_eq!(form.check(OrganizationId(uuid::Uuid::nil())).unwrap_err().field, field, "{json}");
        }
        assert!(serde_json::from_str::<SubmissionForm>(r#"{"script":"a","sudo":true}"#).is_err());
    }
}
