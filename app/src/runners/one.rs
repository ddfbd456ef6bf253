//! A runner's page: what it is, what its sandbox is made of, and sending it away.
use super::{
    actions::RevokeRunner,
    pages::{LastSeen, Standing, StandingBadge},
    posture::{Parts, Posture},
};
use crate::{
    access::AskedHere,
    emergency::pages::StopAll,
    outcome::Refusal,
    ui::{Confirm, Fact, Facts, Live, Moment, Page, Place, Showing, ctx, page},
};
use domain::{Actor, RunnerId, access::Resource};
use leptos::{prelude::*, server_fn::ServerFn};
use store::Runner;

/// One runner.
pub fn one() -> Showing {
    page(runner)
}

async fn runner(actor: Actor) -> Result<Page, Refusal> {
    let id: RunnerId = ctx::param("id")?;
    let runner = ctx::store()?.read(&actor).await?.runner(id).await?;
    let (state, revocable) = (Standing::of(&runner, ctx::now()), actor.is_admin() && runner.revoked_at.is_none());
    let page = Page::new(Place::Runners, runner.name.clone());
    let page = page.action(view! { <AskedHere actor=actor thing=Resource::Runner(id) /> });
    let page = page.beside(view! {
        <Live topics="runners" region="runner-state" quiet=true>
            <StandingBadge state=state />
        </Live>
    });
    let revoke = revocable.then(|| view! { <Revoke id=id name=runner.name.clone() /> });
    Ok(page.body(view! {
        <Live topics="runners" region="runner" quiet=true>
            <section>
                <h2>{t!("runner-sandbox")}</h2>
                {match Posture::read(&runner.posture) {
                    Some(posture) => view! { <Parts posture=posture /> }.into_any(),
                    None => view! { <p>{t!("runner-said-nothing")}</p> }.into_any(),
                }}
            </section>
            <section>
                <h2>{t!("runner-facts")}</h2>
                <About runner=runner />
            </section>
        </Live>
        {revoke}
    }))
}

#[component]
fn About(runner: Runner) -> impl IntoView {
    view! {
        <Facts>
            <Fact name=t!("runner-last-seen")><LastSeen at=runner.last_seen_at /></Fact>
            <Fact name=t!("runner-version")>{runner.version}</Fact>
            <Fact name=t!("runner-capabilities")>{runner.capabilities}</Fact>
            <Fact name=t!("runner-slots")>{runner.slots}</Fact>
            <Fact name=t!("runner-enrolled")><Moment at=runner.created_at /></Fact>
            <Fact name=t!("runner-certificate-until")><Moment at=runner.expires_at /></Fact>
            {runner.revoked_at.map(|at| view! { <Fact name=t!("runner-revoked")><Moment at=at /></Fact> })}
            <Fact name=t!("runner-serial")><code class="break">{runner.serial}</code></Fact>
            <Fact name=t!("runner-id")><code class="break">{runner.id.to_string()}</code></Fact>
        </Facts>
    }
}

/// Something that cannot be undone stands apart.
#[component]
fn Revoke(id: RunnerId, name: String) -> impl IntoView {
    view! {
        <section class="danger">
            <h2>{t!("nav-emergency")}</h2>
            <Confirm
                label=t!("runner-revoke-open") about=name consequence=t!("runner-revoke-consequence") act=t!("runner-revoke")
                action=RevokeRunner::PATH hidden=vec![("id", id.to_string())]
            />
            <StopAll consequence=t!("emergency-stop-runner-consequence") hidden=vec![("runner", id.to_string())] />
        </section>
    }
}
