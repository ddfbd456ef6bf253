//! The page of one runner: state, sandbox posture, revocation.
use super::{
    actions::RevokeRunner,
    posture::{Posture, PostureList},
    state::{LastSeen, RunnerState, RunnerStateBadge},
};
use crate::{
    access::AccessLink,
    emergency::pages::StopTasksButton,
    outcome::Refusal,
    ui::{Confirm, DescriptionItem, DescriptionList, Live, Page, PageFuture, Section, TimeAgo, ctx, page},
};
use domain::{Actor, RunnerId, access::Resource};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Runner;

/// `/runners/{id}`.
pub fn runner_page() -> PageFuture {
    page(load_runner)
}

async fn load_runner(actor: Actor) -> Result<Page, Refusal> {
    let id: RunnerId = ctx::param("id")?;
    let runner = ctx::store()?.read(&actor).await?.runner(id).await?;
    let (state, revocable) = (RunnerState::of(&runner, ctx::now()), actor.is_admin() && runner.revoked_at.is_none());
    let page = Page::new(Section::Runners, runner.name.clone());
    let page = page.action(view! { <AccessLink actor=actor resource=Resource::Runner(id) /> });
    let page = page.badge(view! {
        <Live topics="runners" region="runner-state" quiet=true>
            <RunnerStateBadge state=state />
        </Live>
    });
    let revoke = revocable.then(|| view! { <RunnerEmergency id=id name=runner.name.clone() /> });
    Ok(page.body(view! {
        <Live topics="runners" region="runner" quiet=true>
            <section>
                <h2>{t!("runner-sandbox")}</h2>
                {match Posture::read(&runner.posture) {
                    Some(posture) => view! { <PostureList posture=posture /> }.into_any(),
                    None => view! { <p>{t!("runner-no-report")}</p> }.into_any(),
                }}
            </section>
            <section>
                <h2>{t!("runner-facts")}</h2>
                <RunnerFacts runner=runner />
            </section>
        </Live>
        {revoke}
    }))
}

#[component]
fn RunnerFacts(runner: Runner) -> impl IntoView {
    view! {
        <DescriptionList>
            <DescriptionItem name=t!("runner-last-seen")><LastSeen at=runner.last_seen_at /></DescriptionItem>
            <DescriptionItem name=t!("runner-version")>{runner.version}</DescriptionItem>
            <DescriptionItem name=t!("runner-capabilities")>{runner.capabilities}</DescriptionItem>
            <DescriptionItem name=t!("runner-slots")>{runner.slots}</DescriptionItem>
            <DescriptionItem name=t!("runner-enrolled")><TimeAgo at=runner.created_at /></DescriptionItem>
            <DescriptionItem name=t!("runner-certificate-until")><TimeAgo at=runner.expires_at /></DescriptionItem>
            {runner.revoked_at.map(|at| view! { <DescriptionItem name=t!("runner-revoked")><TimeAgo at=at /></DescriptionItem> })}
            <DescriptionItem name=t!("runner-serial")><code class="break">{runner.serial}</code></DescriptionItem>
            <DescriptionItem name=t!("runner-id")><code class="break">{runner.id.to_string()}</code></DescriptionItem>
        </DescriptionList>
    }
}

/// Irreversible actions, in a section of their own.
#[component]
fn RunnerEmergency(id: RunnerId, name: String) -> impl IntoView {
    view! {
        <section class="danger">
            <h2>{t!("nav-emergency")}</h2>
            <Confirm
                label=t!("runner-revoke-open") about=name consequence=t!("runner-revoke-consequence") act=t!("runner-revoke")
                action=RevokeRunner::PATH hidden=vec![("id", id.to_string())]
            />
            <StopTasksButton consequence=t!("emergency-stop-runner-consequence") hidden=vec![("runner", id.to_string())] />
        </section>
    }
}
