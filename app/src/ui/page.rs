//! Page types and the two layouts: the console for signed-in people, and a card.
use super::{
    Address, LinkButton, Place, ctx,
    frame::{around, framed},
    refused::Unsaid,
    status,
};
use crate::{
    login::ended::Ended,
    outcome::{Kind, Refusal},
};
use domain::Actor;
use futures::future::join;
use leptos::prelude::*;
use std::{future::Future, pin::Pin};

/// The future of a page: reading comes first, then rendering.
pub type Showing = Pin<Box<dyn Future<Output = Shown> + Send>>;

/// A rendered page.
#[derive(Debug)]
pub struct Shown {
    /// The title of the browser tab.
    pub(crate) title: String,
    pub(crate) body: AnyView,
}

/// The content that a page passes to the layout.
#[derive(Debug)]
pub struct Page {
    pub(super) place: Place,
    pub(super) title: String,
    pub(super) trail: Vec<(String, String)>,
    pub(super) beside: Option<AnyView>,
    pub(super) action: Option<AnyView>,
    pub(super) lead: Option<String>,
    pub(super) body: AnyView,
}

impl Page {
    /// Creates a page in a section.
    pub fn new(place: Place, title: impl Into<String>) -> Self {
        let (trail, beside, action, lead) = (vec![], None, None, None);
        Self { place, title: title.into(), trail, beside, action, lead, body: ().into_any() }
    }

    /// Adds a breadcrumb between the section and the page.
    #[must_use]
    pub fn under(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.trail.push((href.into(), label.into()));
        self
    }

    /// Adds a badge or the like next to the title.
    #[must_use]
    pub fn beside(mut self, view: impl IntoView + 'static) -> Self {
        self.beside = Some(view.into_any());
        self
    }

    /// Sets the page's actions, at the right of the title.
    #[must_use]
    pub fn action(mut self, view: impl IntoView + 'static) -> Self {
        self.action = Some(view.into_any());
        self
    }

    /// Sets the sentence below the title.
    #[must_use]
    pub fn lead(mut self, text: impl Into<String>) -> Self {
        self.lead = Some(text.into());
        self
    }

    /// Sets the content.
    #[must_use]
    pub fn body(mut self, view: impl IntoView + 'static) -> Self {
        self.body = view.into_any();
        self
    }

    fn refused(refusal: Refusal) -> Self {
        status::refused(&refusal);
        note_said(&refusal);
        let title = match refusal.kind {
            Kind::NotFound => t!("not-found-title"),
            Kind::Forbidden => t!("forbidden-title"),
            _ => t!("unavailable-title"),
        };
        let home = view! { <LinkButton href="/">{t!("not-found-home")}</LinkButton> };
        Self::new(Place::Nowhere, title).lead(refusal.message).body(home)
    }
}

/// Renders a page for signed-in people; everybody else is redirected to sign in first.
pub fn page<F, R>(load: F) -> Showing
where
    F: FnOnce(Actor) -> R + Send + 'static,
    R: Future<Output = Result<Page, Refusal>> + Send + 'static,
{
    Box::pin(async move {
        let Ok(actor) = ctx::actor() else { return signed_out() };
        answer_status();
        let (page, around) = join(load(actor.clone()), around(&actor)).await;
        let page = page.unwrap_or_else(Page::refused);
        Shown { title: page.title.clone(), body: framed(actor, page, around) }
    })
}

/// Redirects to the sign-in page, unless a form was submitted: its values must not be lost.
fn signed_out() -> Shown {
    let here = ctx::here().to_string();
    let sign_in = Address::new("/sign-in").with("next", here.clone()).to_string();
    match ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|no| no.kind == Kind::SignedOut)) {
        Some(answered) => {
            answer_status();
            let body = view! { <Ended answered=answered page=here leave=sign_in /> }.into_any();
            card(t!("ended-title"), body)
        }
        None => {
            status::go_to(&sign_in);
            Shown { title: t!("sign-in"), body: ().into_any() }
        }
    }
}

/// Renders a page without navigation, as a card, for people who are not signed in.
pub fn plain<F, R>(title: String, load: F) -> Showing
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = Result<AnyView, Refusal>> + Send + 'static,
{
    Box::pin(async move {
        answer_status();
        let body = load().await.unwrap_or_else(|refusal| {
            status::refused(&refusal);
            note_said(&refusal);
            view! { <p class="lead">{refusal.message}</p> <p class="after"><a href="/">{t!("not-found-home")}</a></p> }
                .into_any()
        });
        card(title, body)
    })
}

fn card(title: String, body: AnyView) -> Shown {
    let body = view! {
        <main id="main" class="card" tabindex="-1">
            <p class="brand">{t!("product")}</p>
            <h1>{title.clone()}</h1>
            <Unsaid />
            {body}
        </main>
    };
    Shown { title, body: body.into_any() }
}

/// Keeps the layout from repeating the form's refusal, if the page is refused for the same reason.
fn note_said(refusal: &Refusal) {
    let answered = ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|said| said == refusal));
    if let Some(answered) = answered {
        answered.said.note();
    }
}

/// A page that answers a refused form has the status of the refusal.
fn answer_status() {
    if let Some(Err(refusal)) = ctx::answered().map(|answered| answered.result) {
        status::refused(&refusal);
    }
}
