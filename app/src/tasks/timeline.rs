//! Task timeline, derived from the task's audit trail.
use super::labels;
use crate::{
    audit::table::actor_name,
    ui::{Badge, BadgeTone, PLACEHOLDER, Sentence, TimeAgo, UntrustedText},
};
use domain::{
    Timestamp,
    audit::{Outcome, Record},
    receipt::End,
    task::{TaskState, Tool},
};
use leptos::prelude::*;
use serde_json::Value;
use store::{Approval, AuditRow, Task, Waiting};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    at: Timestamp,
    tone: BadgeTone,
    what: String,
    /// The reason that a person gave.
    reason: Option<String>,
}

/// The steps, oldest first, and what the task waits for.
#[component]
pub fn Timeline(
    task: Task,
    history: Vec<AuditRow>,
    /// The approval request, if there was one.
    approval: Option<Approval>,
    /// Why no runner can take it, if none can.
    waiting: Option<Waiting>,
) -> impl IntoView {
    let steps = history.iter().flat_map(|row| steps(&task, approval.as_ref(), row)).collect::<Vec<_>>();
    let step = |step: Step| {
        view! {
            <li>
                <Badge tone=step.tone label=step.what />
                " "
                <TimeAgo at=step.at />
                {step.reason.map(|reason| view! { <p class="said"><UntrustedText text=reason /></p> })}
            </li>
        }
    };
    view! {
        <ol class="timeline">
            {steps.into_iter().map(step).collect_view()}
            {match waiting {
                Some(waiting) => Some(view! { <Obstructed waiting=waiting tool=task.tool /> }.into_any()),
                None => next_step(&task).map(|text| view! { <li class="muted">{text}</li> }.into_any()),
            }}
        </ol>
    }
}

/// What a queued task lacks, and when it expires.
#[component]
fn Obstructed(waiting: Waiting, tool: Tool) -> impl IntoView {
    let expiry = waiting.expires_at.map(|at| {
        view! { <p class="help"><Sentence text=t!("task-queue-expires", time = PLACEHOLDER)><TimeAgo at=at /></Sentence></p> }
    });
    view! {
        <li>
            <Badge tone=BadgeTone::Waiting label=labels::pending_reason(waiting.pending_reason, tool) />
            {expiry}
        </li>
    }
}

/// Returns what an unfinished task waits for.
fn next_step(task: &Task) -> Option<String> {
    match task.state {
        TaskState::AwaitingApproval => Some(t!("task-next-approval")),
        TaskState::Queued => Some(t!("task-next-runner")),
        TaskState::Assigned => Some(t!("task-next-start")),
        TaskState::Running if task.cancel_requested => Some(t!("task-next-stop")),
        TaskState::Running => Some(t!("task-next-end")),
        _ => None,
    }
}

/// Converts an audit event to steps. Refused attempts of people changed nothing and have none.
fn steps(task: &Task, approval: Option<&Approval>, row: &AuditRow) -> Vec<Step> {
    let Ok(record) = serde_json::from_str::<Record>(&row.body) else { return vec![] };
    let step = |tone, what| vec![Step { at: row.at, tone, what, reason: None }];
    if row.altered {
        return step(BadgeTone::Bad, t!("task-step-altered", seq = row.seq));
    }
    let (who, detail) = (actor_name(row), &record.detail);
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if record.action == "task.reject" {
        return step(BadgeTone::Bad, t!("task-step-rejected", why = text("because")));
    }
    if record.outcome == Outcome::Refused {
        return vec![];
    }
    match record.action.as_str() {
        "task.submit" => {
            let mut steps = step(BadgeTone::Good, t!("task-step-submitted", who = who));
            let rule = text("rule");
            steps.extend(match (text("state").as_str(), approval) {
                ("awaiting_approval", Some(approval)) => {
                    step(BadgeTone::Waiting, t!("task-step-approval-requested", rule = rule, n = approval.needed))
                }
                ("awaiting_approval", None) => {
                    step(BadgeTone::Waiting, t!("task-step-approval-requested", rule = rule, n = 1))
                }
                ("denied", _) => step(BadgeTone::Bad, t!("task-step-refused-by-rule", rule = rule)),
                _ => step(BadgeTone::Good, t!("task-step-allowed", rule = rule)),
            });
            steps
        }
        "approval.decide" => {
            let (tone, what) = match text("answer").as_str() {
                "approve" => (BadgeTone::Good, t!("task-step-approved", who = who)),
                _ => (BadgeTone::Bad, t!("task-step-denied", who = who)),
            };
            let reason = Some(text("reason")).filter(|reason| !reason.is_empty());
            vec![Step { at: row.at, tone, what, reason }]
        }
        "approval.reopen" => {
            let (rule, n) = (text("rule"), detail.get("needed").and_then(Value::as_u64).unwrap_or(1));
            let what = match text("because").as_str() {
                "the_rules_changed" => t!("task-step-returned-by-new-rules", rule = rule, n = n),
                _ => t!("task-step-approval-lost", rule = rule, n = n),
            };
            step(BadgeTone::Waiting, what)
        }
        "task.deny" => step(BadgeTone::Bad, t!("task-step-refused-now", rule = text("rule"))),
        "approval.expire" => step(BadgeTone::Stopped, t!("task-step-expired")),
        "task.expire" => {
            let why =
                text("reason").parse().map(|reason| labels::pending_reason(reason, task.tool)).unwrap_or_default();
            step(BadgeTone::Stopped, t!("task-step-queue-expired", why = why))
        }
        "task.cancel" => step(BadgeTone::Stopped, t!("task-step-cancelled", who = who)),
        "task.assign" => {
            let attempt = detail.get("attempt").and_then(Value::as_i64).unwrap_or(1);
            let this = task.runner.clone().filter(|_| i64::from(task.attempt) == attempt);
            step(
                BadgeTone::Running,
                match (attempt, this) {
                    (1, Some(runner)) => t!("task-step-assigned", runner = runner),
                    (_, Some(runner)) => t!("task-step-assigned-again", runner = runner, attempt = attempt),
                    (_, None) => t!("task-step-assigned-before", attempt = attempt),
                },
            )
        }
        "task.start" => step(BadgeTone::Running, t!("task-step-started")),
        "task.refuse" => step(BadgeTone::Bad, t!("task-step-not-started", why = text("reason"))),
        "task.release" => {
            let mut steps = step(BadgeTone::Waiting, t!("task-step-released"));
            steps.extend(stop_reason(&text("because")).into_iter().flat_map(|why| step(BadgeTone::Stopped, why)));
            steps
        }
        "task.stop" => step(
            BadgeTone::Stopped,
            stop_reason(&text("because")).unwrap_or_else(|| t!("task-step-stopped", who = who)),
        ),
        "task.finish" => step(end_tone(&text("state")), t!("task-step-ended", how = end_label(detail))),
        _ => vec![],
    }
}

/// Returns why the system stopped a task.
fn stop_reason(because: &str) -> Option<String> {
    match because {
        store::OWNER_LEFT => Some(t!("task-step-owner-left")),
        store::OWNER_LOCKED => Some(t!("task-step-owner-locked")),
        store::OWNER_DEMOTED => Some(t!("task-step-owner-demoted")),
        store::KEY_REVOKED => Some(t!("task-step-key-revoked")),
        _ => None,
    }
}

fn end_label(detail: &Value) -> String {
    let end = detail.get("end").cloned().and_then(|end| serde_json::from_value::<End>(end).ok());
    end.as_ref().map_or_else(String::new, labels::end)
}

fn end_tone(state: &str) -> BadgeTone {
    match state.parse() {
        Ok(TaskState::Succeeded) => BadgeTone::Good,
        Ok(TaskState::Cancelled) => BadgeTone::Stopped,
        _ => BadgeTone::Bad,
    }
}
