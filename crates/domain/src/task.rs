//! Tasks: submissions and the state machine.
use crate::{
    Invalid, OrganizationId, TaskId,
    label::Labels,
    limits::Limits,
    network::{Network, NetworkPolicy},
    string_enum::string_enum,
    visibility::Visibility,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The state of a task.
    TaskState, "state", {
        /// Recorded, rules not yet applied; never visible outside the transaction that submits.
        Submitted = "submitted",
        /// Waiting in the approval queue.
        AwaitingApproval = "awaiting_approval",
        /// Waiting for a runner.
        Queued = "queued",
        /// Assigned to a runner that has not reported its start yet.
        Assigned = "assigned",
        Running = "running",
        /// Ended with exit status 0.
        Succeeded = "succeeded",
        /// Ended with another status or a signal, or the runner could not start it.
        Failed = "failed",
        Cancelled = "cancelled",
        TimedOut = "timed_out",
        /// Denied by an approver or a rule.
        Denied = "denied",
        /// Not decided in time, or no runner could take it in time.
        Expired = "expired",
        /// Its runners disappeared more often than it can be restarted.
        Lost = "lost",
    }
}

impl TaskState {
    /// Returns the legal transitions. `Assigned` and `Running` return to `Queued` if their runner disappears; `Assigned` returns to
    /// `AwaitingApproval` or becomes `Denied` if the consent no longer holds when a runner claims the task.
    pub const fn next(self) -> &'static [Self] {
        use TaskState::*;
        match self {
            Submitted => &[AwaitingApproval, Queued, Denied],
            AwaitingApproval => &[Queued, Denied, Expired, Cancelled],
            Queued => &[Assigned, Cancelled, Expired],
            Assigned => &[Running, Queued, AwaitingApproval, Denied, Failed, Cancelled, TimedOut, Lost],
            Running => &[Succeeded, Failed, Cancelled, TimedOut, Queued, Lost],
            Succeeded | Failed | Cancelled | TimedOut | Denied | Expired | Lost => &[],
        }
    }

    /// Returns whether the transition to `to` is legal.
    ///
    /// ```
    /// use domain::task::TaskState;
    /// assert!(TaskState::Queued.can_become(TaskState::Assigned));
    /// assert!(!TaskState::Succeeded.can_become(TaskState::Queued));
    /// ```
    pub fn can_become(self, to: Self) -> bool {
        self.next().contains(&to)
    }

    /// Returns whether the task has ended.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

string_enum! {
    /// The interpreter of a task.
    Tool, "tool", {
        Bash = "bash",
    }
}

string_enum! {
    /// The order of queued tasks.
    #[derive(Default)]
    Priority, "priority", {
        Low = "low",
        #[default]
        Normal = "normal",
        High = "high",
    }
}

impl Priority {
    /// Returns the rank in the queue; a larger one is assigned first.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
        }
    }

    /// Returns the priority with this rank.
    pub fn from_rank(rank: i64) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().copied().find(|priority| priority.rank() == rank);
        found.ok_or_else(|| Invalid::new("priority", format!("has no rank {rank}")))
    }
}

/// The maximum number of starts of a task whose runners disappear (delivery is at least once).
pub const MAX_ATTEMPTS: u32 = 3;

/// The maximum number of lines of a script: the approval page renders each.
pub const MAX_SCRIPT_LINES: usize = 20_000;
/// The maximum number of hidden characters of a script: the approval page marks each.
pub const MAX_HIDDEN_CHARACTERS: usize = 20_000;

/// The maximum size of a script in bytes.
pub const MAX_SCRIPT: usize = 256 * 1024;

/// A validated submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submission {
    pub organization: OrganizationId,
    pub tool: Tool,
    /// 1 byte to 256 KiB without NUL.
    pub script: String,
    /// Derived from the script if not given.
    pub title: String,
    /// Whether the title says what the script does: it is given, or the script's leading comment. It is not stored.
    #[serde(skip)]
    pub has_title: bool,
    pub visibility: Visibility,
    pub network: Network,
    pub limits: Limits,
    pub labels: Labels,
    pub priority: Priority,
    /// Why it should run: up to 1,000 characters in lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The `http` or `https` URL of a ticket, up to 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The task that it repeats. It need not exist: it only chooses what approvers compare the submission with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<TaskId>,
}

impl Submission {
    /// Returns a submission without a script and title, with the default of every other field.
    pub fn blank(organization: OrganizationId) -> Self {
        Self {
            organization,
            tool: bash(),
            script: String::new(),
            title: String::new(),
            has_title: true,
            visibility: private(),
            network: Network { policy: isolated(), hosts: vec![] },
            limits: Limits::default(),
            labels: Labels::default(),
            priority: Priority::default(),
            purpose: None,
            ticket: None,
            rerun_of: None,
        }
    }
}

/// An unvalidated submission; omitted fields take the safest default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmissionForm {
    #[serde(default = "bash")]
    pub tool: Tool,
    /// Required; a missing one is refused as an empty one, together with the errors of other fields.
    #[serde(default)]
    pub script: String,
    #[serde(default)]
    pub title: String,
    /// Private by default (A-05).
    #[serde(default = "private")]
    pub visibility: Visibility,
    /// Isolated by default.
    #[serde(default = "isolated")]
    pub network_policy: NetworkPolicy,
    /// Only for `allow_list`.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// See [`Limits`]; flattened into the submission.
    #[serde(default)]
    pub timeout_seconds: Option<u32>,
    #[serde(default)]
    pub memory_mib: Option<u32>,
    #[serde(default)]
    pub cpu_millis: Option<u32>,
    #[serde(default)]
    pub processes: Option<u32>,
    #[serde(default)]
    pub disk_mib: Option<u32>,
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub priority: Priority,
    /// Defaults to the caller's organization if there is only one.
    #[serde(default)]
    pub organization: Option<OrganizationId>,
    #[serde(default)]
    pub purpose: String,
    #[serde(default)]
    pub ticket: String,
    #[serde(default)]
    pub rerun_of: Option<TaskId>,
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
    /// Validates every field.
    ///
    /// # Errors
    /// Fails with the first of [`Self::errors`].
    pub fn check(self, organization: OrganizationId) -> Result<Submission, Invalid> {
        check_script(&self.script)?;
        Ok(Submission {
            organization,
            tool: self.tool,
            title: self.checked_title()?,
            has_title: !self.title.trim().is_empty() || leading_comment(&self.script).is_some(),
            purpose: checked_purpose(&self.purpose)?,
            ticket: checked_ticket(&self.ticket)?,
            rerun_of: self.rerun_of,
            limits: self.limits().checked()?,
            network: Network::new(self.network_policy, self.allowed_hosts)?,
            script: self.script,
            visibility: self.visibility,
            labels: self.labels,
            priority: self.priority,
        })
    }

    /// Returns the errors of all fields.
    pub fn errors(&self) -> Vec<Invalid> {
        let network = Network::new(self.network_policy, self.allowed_hosts.clone());
        let errors = [
            check_script(&self.script).err(),
            self.checked_title().err(),
            checked_purpose(&self.purpose).err(),
            checked_ticket(&self.ticket).err(),
            network.err(),
        ];
        errors.into_iter().flatten().chain(self.limits().errors()).collect()
    }

    fn checked_title(&self) -> Result<String, Invalid> {
        match self.title.trim() {
            "" => Ok(title_of(&self.script)),
            given => crate::text::name("title", given, 120),
        }
    }

    fn limits(&self) -> Limits {
        let defaults = Limits::default();
        Limits {
            timeout_seconds: self.timeout_seconds.unwrap_or(defaults.timeout_seconds),
            memory_mib: self.memory_mib.unwrap_or(defaults.memory_mib),
            cpu_millis: self.cpu_millis.unwrap_or(defaults.cpu_millis),
            processes: self.processes.unwrap_or(defaults.processes),
            disk_mib: self.disk_mib.unwrap_or(defaults.disk_mib),
        }
    }
}

fn check_script(script: &str) -> Result<(), Invalid> {
    if script.trim().is_empty() || script.len() > MAX_SCRIPT || script.contains('\0') {
        return Err(Invalid::new("script", "must be 1 byte to 256 KiB of text without NUL"));
    }
    let (lines, hidden) = (script.lines().count(), crate::text::count_hidden(script));
    if lines > MAX_SCRIPT_LINES || hidden > MAX_HIDDEN_CHARACTERS {
        return Err(Invalid::new(
            "script",
            format!(
                "must have at most {MAX_SCRIPT_LINES} lines, and at most {MAX_HIDDEN_CHARACTERS} hidden characters"
            ),
        ));
    }
    Ok(())
}

fn checked_purpose(text: &str) -> Result<Option<String>, Invalid> {
    let text = crate::text::lines(text, 1_000);
    let text = text.ok_or_else(|| Invalid::new("purpose", "must be at most 1,000 visible characters"))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Other schemes than those of the web would be run by a browser that follows the link.
fn checked_ticket(text: &str) -> Result<Option<String>, Invalid> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    // A user name before an @ can look like the host.
    let has_host = |rest: &str| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains(['@', '\\'])
    };
    let is_url =
        text.len() <= 500 && rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_graphic()) && has_host(rest));
    match text.is_empty() || is_url {
        true => Ok((!text.is_empty()).then(|| text.to_owned())),
        false => Err(Invalid::new(
            "ticket",
            "must be a URL with https:// or http:// and a host without a user name, at most 500 characters",
        )),
    }
}

/// Commands that set up the shell and say nothing about a script.
const SHELL_SETUP: [&str; 4] = ["set", "shopt", "trap", "umask"];

/// Returns the lines that say what a script does: without the interpreter line, empty lines and the setup of the shell.
pub fn meaningful_lines(script: &str) -> impl Iterator<Item = &str> {
    let is_setup = |line: &str| line.split_whitespace().next().is_some_and(|command| SHELL_SETUP.contains(&command));
    script.lines().map(str::trim).filter(move |line| !line.is_empty() && !line.starts_with("#!") && !is_setup(line))
}

/// Returns the text of the comment before the first command, if it says something.
fn leading_comment(script: &str) -> Option<&str> {
    let comments = meaningful_lines(script).map_while(|line| line.strip_prefix('#'));
    let mut texts = comments.map(|text| text.trim_matches(|c: char| c == '#' || c.is_whitespace()));
    texts.find(|text| text.chars().any(char::is_alphanumeric) && !text.starts_with("shellcheck "))
}

/// Returns the leading comment or else the first command: at most 80 characters, without hidden ones.
fn title_of(script: &str) -> String {
    let command =
        || meaningful_lines(script).find(|line| !line.starts_with('#') && crate::text::visible(line).next().is_some());
    let line = leading_comment(script).or_else(command).unwrap_or("script");
    crate::text::visible(line).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_too_long_to_review_is_refused() {
        let check = |script: String| {
            let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
            form.check(OrganizationId(uuid::Uuid::nil())).map_err(|invalid| invalid.to_string())
        };
        for (piece, max) in [("a\n", MAX_SCRIPT_LINES), ("a\u{1}", MAX_HIDDEN_CHARACTERS), ("a\r\n", MAX_SCRIPT_LINES)]
        {
            check(piece.repeat(max)).unwrap();
            assert!(check(piece.repeat(max + 1)).unwrap_err().contains("20000 lines"), "{piece:?}");
        }
    }

    #[test]
    fn every_state_except_the_first_is_reachable_and_final_states_stay() {
        for state in TaskState::ALL {
            let is_reachable = TaskState::ALL.iter().any(|from| from.can_become(*state));
            assert_eq!(is_reachable, *state != TaskState::Submitted, "{state}");
            assert!(!state.can_become(TaskState::Submitted));
        }
        assert!(!TaskState::Succeeded.can_become(TaskState::Queued));
        assert!(TaskState::Denied.is_final() && !TaskState::Running.is_final());
    }

    #[test]
    fn a_05_the_defaults_are_private_and_isolated() {
        let form: SubmissionForm = serde_json::from_str(r##"{"script":"# hi\necho hi"}"##).unwrap();
        let organization = OrganizationId(uuid::Uuid::nil());
        let task = form.check(organization).unwrap();
        assert_eq!(task.visibility, Visibility::Private);
        assert_eq!(task.network.policy, NetworkPolicy::Isolated);
        assert_eq!(task.title, "hi");
        let (script, title) = (task.script.clone(), task.title.clone());
        assert_eq!(task, Submission { script, title, ..Submission::blank(organization) }, "the form starts with them");
    }

    #[test]
    fn d_04_a_title_is_the_leading_comment_or_a_command_but_never_the_setup_of_the_shell() {
        for (script, title, has_title) in [
            ("#!/bin/bash\nset -euo pipefail\n\n# Rotate certificates #\ncertbot renew", "Rotate certificates", true),
            ("##\n# shellcheck disable=SC2086\n# Drop \u{202e}database\ndropdb x", "Drop database", true),
            ("set -euo pipefail\ntrap 'rm x' EXIT\ndropdb x\n# later", "dropdb x", false),
            ("set -euo pipefail", "script", false),
            ("settle now", "settle now", false),
            ("# ---\n\u{7}", "script", false),
        ] {
            let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
            let task = form.check(OrganizationId(uuid::Uuid::nil())).unwrap();
            assert_eq!((task.title.as_str(), task.has_title), (title, has_title), "{script}");
        }
        let form: SubmissionForm = serde_json::from_str(r#"{"script":"dropdb x","title":" Drop "}"#).unwrap();
        assert!(form.check(OrganizationId(uuid::Uuid::nil())).unwrap().has_title);
    }

    #[test]
    fn a_priority_is_read_from_its_rank() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), Ok(*priority));
        }
        assert_eq!(Priority::from_rank(3).unwrap_err().field, "priority");
    }

    #[test]
    fn an_invalid_submission_names_the_field() {
        for (json, field) in [
            (r#"{"script":""}"#, "script"),
            (r#"{"script":"a\u0000b"}"#, "script"),
            (r#"{"script":"a","timeout_seconds":0}"#, "timeout_seconds"),
            (r#"{"script":"a","network_policy":"proxy"}"#, "network_policy"),
            (r#"{"script":"a","title":"\u202e"}"#, "title"),
            (r#"{"script":"a","purpose":"a\u202e"}"#, "purpose"),
            (r#"{"script":"a","ticket":"javascript:alert(1)"}"#, "ticket"),
            (r#"{"script":"a","ticket":"https://"}"#, "ticket"),
            (r#"{"script":"a","ticket":"https://a b"}"#, "ticket"),
            (r#"{"script":"a","ticket":"https://tickets.example@other.example/1"}"#, "ticket"),
        ] {
            let form: SubmissionForm = serde_json::from_str(json).unwrap();
            assert_eq!(form.errors()[0].field, field, "{json}");
            assert_eq!(form.check(OrganizationId(uuid::Uuid::nil())).unwrap_err().field, field, "{json}");
        }
        assert!(serde_json::from_str::<SubmissionForm>(r#"{"script":"a","sudo":true}"#).is_err());
    }

    #[test]
    fn a_submission_names_every_invalid_field_and_can_have_a_purpose_and_a_ticket() {
        let json = r#"{"script":"","title":"\u202e","purpose":"\u0007","ticket":"x","timeout_seconds":0}"#;
        let form: SubmissionForm = serde_json::from_str(json).unwrap();
        let fields: Vec<_> = form.errors().into_iter().map(|invalid| invalid.field).collect();
        assert_eq!(fields, ["script", "title", "purpose", "ticket", "timeout_seconds"]);
        let json = r#"{"script":"a","purpose":" One\nTwo ","ticket":"https://tickets.example/1?a=b"}"#;
        let form: SubmissionForm = serde_json::from_str(json).unwrap();
        let task = form.check(OrganizationId(uuid::Uuid::nil())).unwrap();
        assert_eq!(task.purpose.as_deref(), Some("One\nTwo"));
        assert_eq!(task.ticket.as_deref(), Some("https://tickets.example/1?a=b"));
    }
}
