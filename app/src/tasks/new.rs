//! The form for a new task, empty or filled with an earlier one.
use super::{actions::SubmitTask, words};
use crate::{
    outcome::Refusal,
    ui::{Button, Choice, Empty, Field, Form, LinkButton, Look, Page, Place, Select, Showing, TextArea, ctx, page},
};
use auth::Token;
use domain::{
    Actor, Invalid, OrganizationId,
    label::Labels,
    limits::Limits,
    network::NetworkPolicy,
    request::InputDigest,
    role::Role,
    rule::{Rules, Verdict},
    task::{Priority, Submission, Tool},
    visibility::Visibility,
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::str::FromStr;
use store::{Organization, Read};

/// The networks that this version can enforce.
const NETWORKS: [NetworkPolicy; 2] = [NetworkPolicy::Isolated, NetworkPolicy::Unrestricted];

/// Asking for a task: `/tasks/new`, or `/tasks/new?again=…` to start from one that was.
pub fn new() -> Showing {
    page(new_task)
}

async fn new_task(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let mut organizations = read.organizations().await?;
    organizations.retain(|organization| may_submit(&actor, organization.id));
    let page = Page::new(Place::Tasks, t!("task-new"));
    let Some(first) = organizations.first().map(|organization| organization.id) else {
        let empty = view! {
            <Empty title=t!("task-new-nowhere") text=t!("task-new-nowhere-text")>
                <LinkButton href="/organizations">{t!("nav-organizations")}</LinkButton>
            </Empty>
        };
        return Ok(page.body(empty));
    };
    let start = start(&mut read, first).await?;
    let rules = read.rules().await?.rules()?;
    let once = Token::new("")?.text;
    Ok(page
        .lead(t!("task-new-lead"))
        .body(view! { <TaskForm start=start organizations=organizations rules=rules once=once /> }))
}

/// What stands in the form at first, with its labels.
async fn start(read: &mut Read, organization: OrganizationId) -> Result<Submission, Refusal> {
    let Some(id) = ctx::here().get("again").map(str::to_owned) else { return Ok(blank(organization)) };
    let id = ctx::id(&id)?;
    let mut submission = read.task(id).await?.submission()?;
    submission.labels = read.labels(id).await?;
    Ok(submission)
}

fn blank(organization: OrganizationId) -> Submission {
    Submission {
        organization,
        tool: Tool::Bash,
        script: String::new(),
        title: String::new(),
        visibility: Visibility::Private,
        network: domain::network::Network { policy: NetworkPolicy::Isolated, hosts: vec![] },
        limits: Limits::default(),
        labels: Labels::default(),
        priority: Priority::Normal,
    }
}

#[component]
fn TaskForm(start: Submission, organizations: Vec<Organization>, rules: Rules, once: String) -> impl IntoView {
    let Submission { script, title, visibility, network, limits, labels, priority, organization, .. } = start;
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n");
    let networks = NETWORKS.map(|policy| Choice::new(policy.as_str(), crate::ui::words::network(policy)));
    let visibilities = Visibility::ALL.iter().map(|v| Choice::new(v.as_str(), words::visibility(*v))).collect();
    let priorities = Priority::ALL.iter().map(|p| Choice::new(p.as_str(), words::priority(*p))).collect();
    view! {
        <Form action=SubmitTask::PATH>
            <input type="hidden" name="once" value=once />
            <TextArea name="script" label=t!("task-script") help=t!("task-script-help") value=script rows=14 required=true mono=true />
            <Field name="title" label=t!("task-title") help=t!("task-title-help") value=title />
            <Where organizations=organizations chosen=organization />
            <Select name="network_policy" label=t!("task-network") help=t!("task-network-help") choices=networks.into() value=network.policy.as_str() />
            <Select name="visibility" label=t!("task-visibility") help=t!("task-visibility-help") choices=visibilities value=visibility.as_str() />
            <LimitFields limits=limits />
            <TextArea name="labels" label=t!("task-labels") help=t!("task-labels-help") value=labels rows=2 />
            <Select name="priority" label=t!("task-priority") choices=priorities value=priority.as_str() />
            <Consequence rules=rules />
            <Button look=Look::Main>{t!("task-submit")}</Button>
        </Form>
    }
}

/// Asked only where there is a choice. Where the task that is run again was in one that is in use no more, nothing is chosen:
/// other people would judge it.
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

/// What happens to a task of each network under the rules as they stand.
#[component]
fn Consequence(rules: Rules) -> impl IntoView {
    let line = |policy| {
        let probe = Submission {
            network: domain::network::Network { policy, hosts: vec![] },
            ..blank(OrganizationId(uuid::Uuid::nil()))
        };
        let (verdict, rule) = rules.judge(&probe);
        let rule = rule.to_owned();
        let what = match *verdict {
            Verdict::Run => t!("task-will-run", rule = rule),
            Verdict::Refuse => t!("task-will-refuse", rule = rule),
            Verdict::Ask { approvers, hours } => t!("task-will-ask", rule = rule, n = approvers, hours = hours),
        };
        view! { <li><strong>{crate::ui::words::network(policy)}</strong>": "{what}</li> }
    };
    view! {
        <div class="consequence">
            <p>{t!("task-will")}</p>
            <ul>{NETWORKS.map(line).collect_view()}</ul>
        </div>
    }
}

fn may_submit(actor: &Actor, organization: OrganizationId) -> bool {
    actor.role_in(organization) >= Some(Role::Member)
}

/// Where a form's task goes: where it says, or the one organization that there is for this person.
pub fn organization_for(actor: &Actor, text: &str) -> Result<OrganizationId, Invalid> {
    let mut mine = actor.roles.keys().copied().filter(|id| may_submit(actor, *id));
    let wrong = || Invalid::new("organization", t!("task-organization-choose"));
    match (text, mine.next(), mine.next()) {
        ("", Some(only), None) => Ok(only),
        _ => text.parse().map_err(|_| wrong()),
    }
}

/// A field that holds one of several words; `usual` where it is empty.
pub fn word<T: FromStr<Err = Invalid>>(field: &str, text: &str, usual: T) -> Result<T, Invalid> {
    match text {
        "" => Ok(usual),
        _ => text.parse().map_err(|wrong: Invalid| Invalid::new(field, wrong.reason)),
    }
}

/// A field that holds a number, or nothing for the usual one.
pub fn limit(field: &str, text: &str) -> Result<Option<u32>, Invalid> {
    match text.trim() {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| Invalid::new(field, t!("task-limit-number"))),
    }
}

/// The same content out of the same form is the same task; changed content out of it (one went back) is another.
pub fn idempotency_key(once: &str, submission: &Submission) -> Option<String> {
    let content = serde_json::to_vec(&(once, submission)).ok()?;
    (!once.is_empty()).then(|| format!("form-{}", InputDigest::of(&content)))
}
