//! The emergency page, and the emergency sections on other pages.
use super::actions::{EndBrowserSessions, FreezeTenant, LockPerson, StopTasks, UnfreezeTenant, UnlockPerson};
use crate::{
    outcome::Refusal,
    ui::{Button, Confirm, Form, PLACEHOLDER, Page, PageFuture, Section, Sentence, TimeAgo, ctx, page},
};
use domain::{Actor, PersonId, Timestamp};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/emergency`.
pub fn emergency_page() -> PageFuture {
    page(load_emergency)
}

async fn load_emergency(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let frozen = ctx::store()?.read(&actor).await?.frozen_since().await?;
    Ok(Page::new(Section::Emergency, t!("nav-emergency")).lead(t!("emergency-lead")).body(view! {
        <section>
            <h2>{t!("emergency-freeze-title")}</h2>
            <FreezeSection since=frozen />
        </section>
        <section>
            <h2>{t!("emergency-stop-title")}</h2>
            <p>{t!("emergency-stop-text")}</p>
            <StopTasksButton consequence=t!("emergency-stop-all-consequence") hidden=vec![] />
        </section>
        <section>
            <h2>{t!("emergency-sessions-title")}</h2>
            <p>{t!("emergency-sessions-text")}</p>
            <Confirm
                label=t!("emergency-sessions-open") consequence=t!("emergency-sessions-consequence") act=t!("emergency-sessions")
                action=EndBrowserSessions::PATH hidden=vec![]
            />
        </section>
        <section>
            <h2>{t!("emergency-person-title")}</h2>
            <p>{t!("emergency-person-text")}" "<a href="/people">{t!("nav-people")}</a></p>
        </section>
    }))
}

#[component]
fn FreezeSection(since: Option<Timestamp>) -> impl IntoView {
    match since {
        Some(at) => view! {
            <p><Sentence text=t!("emergency-frozen", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence></p>
            <Form action=UnfreezeTenant::PATH><Button>{t!("emergency-unfreeze")}</Button></Form>
        }
        .into_any(),
        None => view! {
            <p>{t!("emergency-freeze-text")}</p>
            <Confirm
                label=t!("emergency-freeze-open") consequence=t!("emergency-freeze-consequence") act=t!("emergency-freeze")
                action=FreezeTenant::PATH hidden=vec![]
            />
        }
        .into_any(),
    }
}

/// A button that stops tasks, after a dialog.
#[component]
pub fn StopTasksButton(
    #[prop(into)] consequence: String,
    /// `organization`, `runner` or `person` with its id; empty for the whole tenant.
    hidden: Vec<(&'static str, String)>,
) -> impl IntoView {
    view! {
        <Confirm
            label=t!("emergency-stop-open") consequence=consequence act=t!("emergency-stop") action=StopTasks::PATH hidden=hidden
        />
    }
}

/// The emergency actions on a person's page.
#[component]
pub fn PersonEmergency(id: PersonId, locked_at: Option<Timestamp>) -> impl IntoView {
    let hidden = move |name| vec![(name, id.to_string())];
    let lock = match locked_at {
        Some(at) => view! {
            <p><Sentence text=t!("emergency-locked", ago = PLACEHOLDER)><TimeAgo at=at /></Sentence></p>
            <Form action=UnlockPerson::PATH hidden=hidden("id")><Button>{t!("emergency-unlock")}</Button></Form>
        }
        .into_any(),
        None => view! {
            <Confirm
                label=t!("emergency-lock-open") consequence=t!("emergency-lock-consequence") act=t!("emergency-lock")
                action=LockPerson::PATH hidden=hidden("id")
            />
            <Confirm
                label=t!("emergency-end-open") consequence=t!("emergency-end-consequence") act=t!("emergency-end")
                action=EndBrowserSessions::PATH hidden=hidden("id")
            />
        }
        .into_any(),
    };
    view! {
        <section class="danger">
            <h2>{t!("nav-emergency")}</h2>
            {lock}
            <StopTasksButton consequence=t!("emergency-stop-person-consequence") hidden=hidden("person") />
        </section>
    }
}
