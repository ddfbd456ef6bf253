//! The first-task offer for people who have none yet.
use crate::{
    tasks::actions::SubmitTask,
    ui::{Button, ButtonVariant, Form, LinkButton, Source},
};
use auth::Token;
use domain::{Actor, OrganizationId, role::Role};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Organization;

/// The sample script: isolated, a few seconds long, it shows what a task can see.
const SCRIPT: &str = r#"say() { printf '\033[2m%-18s\033[0m %s\n' "$1" "$2"; }
printf 'Hello from an isolated sandbox.\n\n'
say 'Who am I?' "$(id)"
say 'Where am I?' "$(pwd), with $(df -h --output=avail . | tail -1 | tr -d ' ') free"
say 'What do I see?' "$(ls -x /)"
say 'My processes' "$(ls -d /proc/[0-9]* | wc -l), counted from 1: this is number $$"
say 'Capabilities' "$(grep CapEff /proc/self/status | cut -f2)"
say 'Privileges' "no new ones: $(grep NoNewPrivs /proc/self/status | cut -f2), filters: $(grep Seccomp: /proc/self/status | cut -f2)"
say 'Any secrets?' "$(env | wc -l) variables: $(env | cut -d= -f1 | sort | tr '\n' ' ')"
printf '\033[2m%-18s\033[0m ' 'Any network?'
if (exec 3<>/dev/tcp/192.0.2.1/80) 2>/dev/null; then printf '\033[31myes\033[0m\n'; else printf '\033[32mno\033[0m\n'; fi
printf '\nOutput keeps its colors: '
for color in 1 2 3 4 5 6; do printf '\033[4%dm   \033[0m' "$color"; done
printf '\n'
for n in 3 2 1; do printf '%s …\n' "$n"; sleep 1; done
printf 'Lines on standard error are marked.\n' >&2
printf '\033[1;32mDone.\033[0m The receipt below shows the result, signed by the runner.\n'
"#;

/// Returns the organization of the actor's first task: the first one in which they may submit.
pub fn organization(actor: &Actor, organizations: &[Organization]) -> Option<OrganizationId> {
    let mut ids: Vec<_> = organizations.iter().map(|organization| organization.id).collect();
    ids.sort();
    ids.into_iter().find(|id| actor.role_in(*id) >= Some(Role::Member))
}

/// The sample script with a button that runs it.
#[component]
pub fn FirstTask(
    organization: OrganizationId,
    /// Whether the person can create accounts.
    admin: bool,
) -> impl IntoView {
    let once = Token::new("").map(|token| token.text).unwrap_or_default();
    view! {
        <section class="first">
            <h2>{t!("overview-first")}</h2>
            <p>{t!("overview-first-text")}</p>
            <details>
                <summary>{t!("overview-first-script")}</summary>
                <Source text=SCRIPT label=t!("overview-first-script") />
            </details>
            <Form action=SubmitTask::PATH>
                <input type="hidden" name="script" value=SCRIPT />
                <input type="hidden" name="title" value=t!("overview-first-title") />
                <input type="hidden" name="organization" value=organization.to_string() />
                <input type="hidden" name="once" value=once />
                <div class="form-buttons">
                    <Button variant=ButtonVariant::Primary>{t!("overview-first-run")}</Button>
                    <LinkButton href="/tasks/new">{t!("overview-first-own")}</LinkButton>
                </div>
            </Form>
            <p class="help">
                {t!("overview-first-approval")}
                " "
                {admin.then(|| view! { <a href="/people/new">{t!("overview-first-person")}</a> })}
            </p>
        </section>
    }
}
