//! Labels of task states, network access and limits.
use crate::ui::{Badge, BadgeTone, Glyph, Trait, labels::network};
use domain::{
    limits::Limits,
    network::NetworkPolicy,
    pending_reason::PendingReason,
    receipt::End,
    task::{Priority, TaskState, Tool},
    visibility::Visibility,
};
use leptos::prelude::*;

#[component]
pub fn StateBadge(state: TaskState) -> impl IntoView {
    let (tone, glyph) = match state {
        TaskState::Submitted | TaskState::AwaitingApproval | TaskState::Queued => (BadgeTone::Waiting, Glyph::Clock),
        TaskState::Assigned | TaskState::Running => (BadgeTone::Running, Glyph::Play),
        TaskState::Succeeded => (BadgeTone::Good, Glyph::Tick),
        TaskState::Failed | TaskState::Denied => (BadgeTone::Bad, Glyph::Cross),
        TaskState::TimedOut | TaskState::Lost => (BadgeTone::Bad, Glyph::Clock),
        TaskState::Cancelled | TaskState::Expired => (BadgeTone::Stopped, Glyph::Stop),
    };
    view! { <Badge tone=tone glyph=glyph label=state_label(state) /> }
}

pub fn state_label(state: TaskState) -> String {
    match state {
        TaskState::Submitted => t!("task-state-submitted"),
        TaskState::AwaitingApproval => t!("task-state-awaiting-approval"),
        TaskState::Queued => t!("task-state-queued"),
        TaskState::Assigned => t!("task-state-assigned"),
        TaskState::Running => t!("task-state-running"),
        TaskState::Succeeded => t!("task-state-succeeded"),
        TaskState::Failed => t!("task-state-failed"),
        TaskState::Cancelled => t!("task-state-cancelled"),
        TaskState::TimedOut => t!("task-state-timed-out"),
        TaskState::Denied => t!("task-state-denied"),
        TaskState::Expired => t!("task-state-expired"),
        TaskState::Lost => t!("task-state-lost"),
    }
}

/// The network policy of a task, with an icon that marks policies that leave the sandbox.
#[component]
pub fn NetworkBadge(policy: NetworkPolicy) -> impl IntoView {
    let glyph = if domain::policy::reaches_out(policy) { Glyph::Globe } else { Glyph::Lock };
    view! { <Trait glyph=glyph label=network(policy) alarming=policy == NetworkPolicy::Unrestricted /> }
}

/// Explains what a task can reach.
pub fn network_explanation(policy: NetworkPolicy) -> String {
    match policy {
        NetworkPolicy::Isolated => t!("task-reach-isolated"),
        NetworkPolicy::AllowList => t!("task-reach-allow-list"),
        NetworkPolicy::Proxy => t!("task-reach-proxy"),
        NetworkPolicy::Unrestricted => t!("task-reach-unrestricted"),
    }
}

pub fn visibility(visibility: Visibility) -> String {
    match visibility {
        Visibility::Private => t!("task-visibility-private"),
        Visibility::Org => t!("task-visibility-org"),
        Visibility::Public => t!("task-visibility-public"),
    }
}

pub fn priority(priority: Priority) -> String {
    match priority {
        Priority::Low => t!("task-priority-low"),
        Priority::Normal => t!("task-priority-normal"),
        Priority::High => t!("task-priority-high"),
    }
}

pub fn end(end: &End) -> String {
    match end {
        End::Exited(status) => t!("task-end-exited", status = *status),
        End::Signaled(signal) => t!("task-end-signaled", signal = *signal),
        End::TimedOut => t!("task-end-timed-out"),
        End::Cancelled => t!("task-end-cancelled"),
        End::OutOfMemory => t!("task-end-out-of-memory"),
        End::NotStarted(why) => t!("task-end-not-started", why = why.clone()),
    }
}

/// Says that the output of a task is complete, and how the task ended.
pub fn output_ended(state: TaskState, end: Option<&End>) -> String {
    t!("task-log-ended", end = end.map_or_else(|| state_label(state), self::end))
}

/// Explains why no runner can take a task.
pub fn pending_reason(pending_reason: PendingReason, tool: Tool) -> String {
    match pending_reason {
        PendingReason::TenantFrozen => t!("task-pending-tenant-frozen"),
        PendingReason::NoRunnerConnected => t!("task-pending-no-runner-connected"),
        PendingReason::ToolMissing => t!("task-pending-tool-missing", tool = tool.to_string()),
    }
}

/// Describes the limits in a sentence.
pub fn limits(limits: &Limits) -> String {
    t!(
        "task-limits-sentence",
        memory = limits.memory_mib,
        cores = cores(limits.cpu_millis),
        processes = limits.processes,
        disk = limits.disk_mib,
        time = duration(limits.timeout_seconds),
    )
}

/// Formats millicores: `1 CPU core`, `0.25 CPU cores`.
pub fn cores(millis: u32) -> String {
    let (whole, rest) = (millis / 1_000, millis % 1_000);
    match (whole, rest) {
        (1, 0) => t!("task-core"),
        (_, 0) => t!("task-cores", n = whole.to_string()),
        _ => t!("task-cores", n = format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0'))),
    }
}

/// Formats a time limit: `5 min`, `1 h 30 min`.
pub fn duration(seconds: u32) -> String {
    let parts = [
        (seconds / 3_600, t!("task-unit-hours")),
        (seconds / 60 % 60, t!("task-unit-minutes")),
        (seconds % 60, t!("task-unit-seconds")),
    ];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}\u{a0}{unit}")).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_readable_units() {
        assert_eq!(cores(1_000), "1 CPU core");
        assert_eq!((cores(250), cores(2_050)), ("0.25 CPU cores".into(), "2.05 CPU cores".into()));
        assert_eq!(duration(5_400), "1\u{a0}h 30\u{a0}min");
        assert_eq!(duration(59), "59\u{a0}s");
    }
}
