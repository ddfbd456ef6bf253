//! The switches for when something goes wrong, and what stands on other pages of them.
use super::actions::{EndSessions, FreezeTenant, LockPerson, StopTasks, ThawTenant, UnlockPerson};
use crate::{
    outcome::Refusal,
    ui::{Button, Confirm, Form, Live, Moment, Page, Place, Showing, ctx, page},
};
use domain::{Actor, PersonId, Timestamp};
use leptos::{prelude::*, server_fn::ServerFn};

/// All switches.
pub fn switches() -> Showing {
    page(incident)
}

async fn incident(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let frozen = ctx::store()?.read(&actor).await?.frozen_since().await?;
    Ok(Page::new(Place::Incident, t!("nav-incident")).lead(t!("incident-lead")).body(view! {
        <section>
            <h2>{t!("incident-freeze-title")}</h2>
            <Freeze since=frozen />
        </section>
        <section>
            <h2>{t!("incident-stop-title")}</h2>
            <p>{t!("incident-stop-text")}</p>
            <StopAll consequence=t!("incident-stop-all-consequence") hidden=vec![] />
        </section>
        <section>
            <h2>{t!("incident-sessions-title")}</h2>
            <p>{t!("incident-sessions-text")}</p>
            <Confirm
                label=t!("incident-sessions-open") consequence=t!("incident-sessions-consequence") act=t!("incident-sessions")
                action=EndSessions::PATH hidden=vec![]
            />
        </section>
        <section>
            <h2>{t!("incident-person-title")}</h2>
            <p>{t!("incident-person-text")}" "<a href="/people">{t!("nav-people")}</a></p>
        </section>
    }))
}

#[component]
fn Freeze(since: Option<Timestamp>) -> impl IntoView {
    match since {
        Some(at) => view! {
            <p>{t!("incident-frozen")}" "<Moment at=at /></p>
            <Form action=ThawTenant::PATH><Button>{t!("incident-thaw")}</Button></Form>
        }
        .into_any(),
        None => view! {
            <p>{t!("incident-freeze-text")}</p>
            <Confirm
                label=t!("incident-freeze-open") consequence=t!("incident-freeze-consequence") act=t!("incident-freeze")
                action=FreezeTenant::PATH hidden=vec![]
            />
        }
        .into_any(),
    }
}

/// Stops tasks: all that the hidden fields name.
#[component]
pub fn StopAll(
    /// Whose they are, and what becomes of them.
    #[prop(into)]
    consequence: String,
    /// `organization`, `runner` or `person` with its id; everybody's without.
    hidden: Vec<(&'static str, String)>,
) -> impl IntoView {
    view! {
        <Confirm
            label=t!("incident-stop-open") consequence=consequence act=t!("incident-stop") action=StopTasks::PATH hidden=hidden
        />
    }
}

/// What an admin does about one person.
#[component]
pub fn AboutPerson(
    /// Whom.
    id: PersonId,
    /// Since when they are locked out, if they are.
    locked_at: Option<Timestamp>,
) -> impl IntoView {
    let hidden = move |name| vec![(name, id.to_string())];
    let lock = match locked_at {
        Some(at) => view! {
            <p>{t!("incident-locked")}" "<Moment at=at /></p>
            <Form action=UnlockPerson::PATH hidden=hidden("id")><Button>{t!("incident-unlock")}</Button></Form>
        }
        .into_any(),
        None => view! {
            <Confirm
                label=t!("incident-lock-open") consequence=t!("incident-lock-consequence") act=t!("incident-lock")
                action=LockPerson::PATH hidden=hidden("id")
            />
            <Confirm
                label=t!("incident-end-open") consequence=t!("incident-end-consequence") act=t!("incident-end")
                action=EndSessions::PATH hidden=hidden("id")
            />
        }
        .into_any(),
    };
    view! {
        <section class="danger">
            <h2>{t!("nav-incident")}</h2>
            {lock}
            <StopAll consequence=t!("incident-stop-person-consequence") hidden=hidden("person") />
        </section>
    }
}

/// Says on every page that the tenant is frozen, from when it is until it is not.
#[component]
pub fn Frozen(
    /// Since when, if it is.
    since: Option<Timestamp>,
) -> impl IntoView {
    view! {
        <Live topics="runners" region="frozen" quiet=true>
            {since.map(|at| view! { <p class="banner" role="status">{t!("incident-banner")}" "<Moment at=at /></p> })}
        </Live>
    }
}
