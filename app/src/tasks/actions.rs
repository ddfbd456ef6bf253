//! Server functions that submit and cancel tasks.
use super::submission::{Fields, idempotency_key, limit, organization_for};
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{PersonId, label::Labels, network::NetworkPolicy, policy, task, visibility::Visibility};
use leptos::prelude::*;

/// Submits a task and redirects to its page. The form contains `once`, so that submitting it twice creates one task.
#[server(prefix = "/actions", endpoint = "tasks/submit")]
pub async fn submit_task(
    script: String,
    #[server(default)] title: String,
    #[server(default)] organization: String,
    #[server(default)] visibility: String,
    #[server(default)] network_policy: String,
    #[server(default)] timeout_seconds: String,
    #[server(default)] memory_mib: String,
    #[server(default)] cpu_millis: String,
    #[server(default)] processes: String,
    #[server(default)] disk_mib: String,
    #[server(default)] labels: String,
    #[server(default)] priority: String,
    #[server(default)] once: String,
    #[server(default)] purpose: String,
    #[server(default)] ticket: String,
    #[server(default)] rerun_of: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let mut fields = Fields::default();
    let form = task::SubmissionForm {
        tool: task::Tool::Bash,
        // Browsers submit line feeds as CR LF.
        script: script.replace("\r\n", "\n"),
        title,
        visibility: fields.value("visibility", &visibility, Visibility::Private),
        network_policy: fields.value("network_policy", &network_policy, NetworkPolicy::Isolated),
        allowed_hosts: vec![],
        timeout_seconds: fields.check(limit("timeout_seconds", &timeout_seconds)),
        memory_mib: fields.check(limit("memory_mib", &memory_mib)),
        cpu_millis: fields.check(limit("cpu_millis", &cpu_millis)),
        processes: fields.check(limit("processes", &processes)),
        disk_mib: fields.check(limit("disk_mib", &disk_mib)),
        labels: fields.check(Labels::parse(&labels)),
        priority: fields.value("priority", &priority, task::Priority::Normal),
        organization: fields.check(organization_for(&actor, &organization).map(Some)),
        purpose: purpose.replace("\r\n", "\n"),
        ticket,
        // A malformed id belongs to no task, so that nothing is compared with it.
        rerun_of: rerun_of.parse().ok(),
    };
    let rules = store.read(&actor).await?.rules().await?.rules;
    let submitter = actor.person().unwrap_or(PersonId(uuid::Uuid::nil()));
    let submission = fields.accept(form, &rules, submitter)?;
    let idempotency_key = idempotency_key(&once, &submission);
    let proof = store.authorize(&actor, policy::SubmitTask { submission, idempotency_key }).await?;
    let mut write = store.write(&actor).await?;
    let submitted = write.submit_task(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/tasks/{}", submitted.id)))
}

#[server(prefix = "/actions", endpoint = "tasks/cancel")]
pub async fn cancel_task(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let id = ctx::id(&id)?;
    let task = store.read(&actor).await?.task(id).await?;
    let action = policy::CancelTask { task: id, owner: task.owner_id, organization: task.organization_id };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.cancel_task(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
