//! The form for a new task, empty or filled from an earlier one.
use super::{actions::SubmitTask, labels};
use crate::{
    approvals::deciders::{InviteLink, any_of},
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Choice, EmptyState, Field, Form, LinkButton, Page, PageFuture, Section, Select,
        TextArea, ctx, page,
    },
};
use auth::Token;
use domain::{
    Actor, OrganizationId, PersonId,
    limits::Limits,
    network::NetworkPolicy,
    rule::{Explanation, Facts, Rules, Verdict},
    task::{Priority, Submission},
    visibility::Visibility,
};
use leptos::{prelude::*, server_fn::ServerFn};
use store::{Decider, Organization, Read};

/// The limit of organizations whose approvers the form names.
const MAX_NAMED: usize = 5;

/// The network policies that runners can enforce so far.
const NETWORKS: [NetworkPolicy; 2] = [NetworkPolicy::Isolated, NetworkPolicy::Unrestricted];

/// `/tasks/new`, or `/tasks/new?again=…` to start from an earlier task.
pub fn new() -> PageFuture {
    page(new_task)
}

async fn new_task(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let mut organizations = read.organizations().await?;
    organizations.retain(|organization| actor.can_submit_in(organization.id));
    let page = Page::new(Section::Tasks, t!("task-new"));
    // That of the organization switcher, or the first one.
    let switched = ctx::here().get("organization").and_then(|id| id.parse().ok());
    let switched = organizations.iter().map(|organization| organization.id).find(|id| Some(*id) == switched);
    let Some(first) = switched.or_else(|| organizations.first().map(|organization| organization.id)) else {
        let empty = view! {
            <EmptyState title=t!("task-new-no-organization") text=t!("task-new-no-organization-text")>
                <LinkButton href="/organizations">{t!("nav-organizations")}</LinkButton>
            </EmptyState>
        };
        return Ok(page.body(empty));
    };
    let start = start(&mut read, first).await?;
    let rules = read.rules().await?.rules;
    let mut deciders = vec![];
    for organization in organizations.iter().take(MAX_NAMED) {
        deciders.push((organization.clone(), read.deciders_of_own(organization.id).await?));
    }
    let once = Token::new("")?.text;
    Ok(page.lead(t!("task-new-lead")).body(view! {
        <TaskForm start=start organizations=organizations rules=rules submitter=actor.person() deciders=deciders once=once />
    }))
}

/// Returns the initial values of the form.
async fn start(read: &mut Read, organization: OrganizationId) -> Result<Submission, Refusal> {
    let Some(id) = ctx::here().get("again").map(str::to_owned) else { return Ok(Submission::blank(organization)) };
    let id = ctx::id(&id)?;
    let mut submission = read.task(id).await?.submission()?;
    submission.labels = read.labels(id).await?;
    submission.rerun_of = Some(id);
    Ok(submission)
}

#[component]
fn TaskForm(
    start: Submission,
    organizations: Vec<Organization>,
    rules: Rules,
    submitter: Option<PersonId>,
    deciders: Vec<(Organization, Vec<Decider>)>,
    once: String,
) -> impl IntoView {
    let probe = Submission { script: String::new(), ..start.clone() };
    let Submission { script, title, visibility, network, limits, labels, priority, organization, .. } = start;
    let (purpose, ticket) = (start.purpose.unwrap_or_default(), start.ticket.unwrap_or_default());
    let rerun_of = start.rerun_of;
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n");
    let networks = NETWORKS.map(|policy| Choice::new(policy.as_str(), crate::ui::labels::network(policy)));
    let visibilities = Visibility::ALL.iter().map(|v| Choice::new(v.as_str(), labels::visibility(*v))).collect();
    let priorities = Priority::ALL.iter().map(|p| Choice::new(p.as_str(), labels::priority(*p))).collect();
    view! {
        <Form action=SubmitTask::PATH>
            <input type="hidden" name="once" value=once />
            {rerun_of.map(|id| view! { <input type="hidden" name="rerun_of" value=id.to_string() /> })}
            <TextArea name="script" label=t!("task-script") help=t!("task-script-help") value=script rows=14 required=true mono=true />
            <Field name="title" label=t!("task-title") help=t!("task-title-help") value=title />
            <TextArea name="purpose" label=t!("task-purpose") help=t!("task-purpose-help") value=purpose rows=2 />
            <Field name="ticket" label=t!("task-ticket") help=t!("task-ticket-help") kind="url" value=ticket />
            <Where organizations=organizations chosen=organization />
            <Select name="network_policy" label=t!("task-network") help=t!("task-network-help") choices=networks.into() value=network.policy.as_str() />
            <Select name="visibility" label=t!("task-visibility") help=t!("task-visibility-help") choices=visibilities value=visibility.as_str() />
            <LimitFields limits=limits />
            <TextArea name="labels" label=t!("task-labels") help=t!("task-labels-help") value=labels rows=2 />
            <Select name="priority" label=t!("task-priority") choices=priorities value=priority.as_str() />
            <Consequence rules=rules submitter=submitter.unwrap_or(PersonId(uuid::Uuid::nil())) probe=probe deciders=deciders />
            <Button variant=ButtonVariant::Primary>{t!("task-submit")}</Button>
        </Form>
    }
}

/// The organization field, if there is a choice. If the organization of the earlier task is no longer available, nothing is
/// preselected, because other people would decide.
#[component]
fn Where(organizations: Vec<Organization>, chosen: OrganizationId) -> impl IntoView {
    if let [only] = organizations.as_slice()
        && only.id == chosen
    {
        return view! { <input type="hidden" name="organization" value=only.id.to_string() /> }.into_any();
    }
    let gone = organizations.iter().all(|of| of.id != chosen).then(|| Choice::new("", t!("task-organization-choose")));
    let value = if gone.is_some() { String::new() } else { chosen.to_string() };
    let choices = gone.into_iter().chain(organizations.into_iter().map(|of| Choice::new(of.id.to_string(), of.name)));
    view! {
        <Select
            name="organization" label=t!("task-organization") help=t!("task-organization-help") choices=choices.collect()
            value=value
        />
    }
    .into_any()
}

#[component]
fn LimitFields(limits: Limits) -> impl IntoView {
    view! {
        <fieldset class="group">
            <legend>{t!("task-limits")}</legend>
            <div class="form-row">
                <Field name="timeout_seconds" label=t!("task-limit-time") help=t!("task-limit-time-help") kind="number" min=1 max=86_400 value=limits.timeout_seconds.to_string() />
                <Field name="memory_mib" label=t!("task-limit-memory") help=t!("task-limit-memory-help") kind="number" min=16 max=65_536 value=limits.memory_mib.to_string() />
                <Field name="cpu_millis" label=t!("task-limit-cpu") help=t!("task-limit-cpu-help") kind="number" min=50 max=64_000 value=limits.cpu_millis.to_string() />
                <Field name="processes" label=t!("task-limit-processes") help=t!("task-limit-processes-help") kind="number" min=2 max=4_096 value=limits.processes.to_string() />
                <Field name="disk_mib" label=t!("task-limit-disk") help=t!("task-limit-disk-help") kind="number" min=1 max=65_536 value=limits.disk_mib.to_string() />
            </div>
        </fieldset>
    }
}

/// The effect of the current rules on a task of each network policy.
#[component]
fn Consequence(
    rules: Rules,
    submitter: PersonId,
    probe: Submission,
    deciders: Vec<(Organization, Vec<Decider>)>,
) -> impl IntoView {
    let facts = |policy| Facts { network: policy, ..Facts::of(&probe, submitter, ctx::now()) };
    let asks = NETWORKS.iter().any(|policy| matches!(rules.judge(&facts(*policy)).0, Verdict::Ask { .. }));
    let line = |policy| {
        let Explanation { verdict, rule, requires_purpose, .. } = rules.explain(&facts(policy));
        let rule = rule.to_owned();
        let what = match verdict {
            Verdict::Run => t!("task-will-run", rule = rule),
            Verdict::Refuse => t!("task-will-refuse", rule = rule),
            Verdict::Ask { approvers, hours, passkey } => {
                let asks = t!("task-will-ask", rule = rule, n = approvers, hours = hours);
                let passkey = passkey.then(|| t!("task-will-ask-passkey"));
                let purpose = requires_purpose.then(|| t!("task-will-ask-purpose"));
                [Some(asks), passkey, purpose].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        };
        view! { <li><strong>{crate::ui::labels::network(policy)}</strong>": "{what}</li> }
    };
    view! {
        <div class="consequence">
            <p>{t!("task-will")}</p>
            <ul>{NETWORKS.map(line).collect_view()}</ul>
            {asks.then(|| view! { <Approvers deciders=deciders /> })}
        </div>
    }
}

/// Who could approve the task in each organization.
#[component]
fn Approvers(deciders: Vec<(Organization, Vec<Decider>)>) -> impl IntoView {
    let line = |(organization, people): (Organization, Vec<Decider>)| {
        let name = organization.name;
        match people.is_empty() {
            true => view! {
                <p>{t!("task-approvers-none", organization = name)}" "<InviteLink organization=organization.id /></p>
            }
            .into_any(),
            false => view! { <p>{t!("task-approvers", organization = name, names = any_of(&people))}</p> }.into_any(),
        }
    };
    deciders.into_iter().map(line).collect_view()
}
