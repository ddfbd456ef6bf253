//! A page: who am I, where am I, what can I do, what happened.
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

/// A page that is on its way: what it shows is read first.
pub type Showing = Pin<Box<dyn Future<Output = Shown> + Send>>;

/// A page as it is shown.
#[derive(Debug)]
pub struct Shown {
    /// What the browser's tab calls it.
    pub(crate) title: String,
    /// All that one sees of it.
    pub(crate) body: AnyView,
}

/// What a page puts into the frame.
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
    /// A page at a place of the navigation.
    pub fn new(place: Place, title: impl Into<String>) -> Self {
        let (trail, beside, action, lead) = (vec![], None, None, None);
        Self { place, title: title.into(), trail, beside, action, lead, body: ().into_any() }
    }

    /// A page that lies between the place and this one.
    #[must_use]
    pub fn under(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.trail.push((href.into(), label.into()));
        self
    }

    /// What stands beside the title: a state, a visibility.
    #[must_use]
    pub fn beside(mut self, view: impl IntoView + 'static) -> Self {
        self.beside = Some(view.into_any());
        self
    }

    /// The main action, at the right; what stands beside it is given with it.
    #[must_use]
    pub fn action(mut self, view: impl IntoView + 'static) -> Self {
        self.action = Some(view.into_any());
        self
    }

    /// What the page is for, in a sentence.
    #[must_use]
    pub fn lead(mut self, text: impl Into<String>) -> Self {
        self.lead = Some(text.into());
        self
    }

    /// What the page is about.
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

/// A page of somebody who is signed in. Who is not is sent to sign in, and back here afterwards.
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

/// Whoever only looks is sent to sign in; a form that was filled in meanwhile is not lost.
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

/// A page without a frame, for who is not signed in: a card in the middle.
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

/// A page that cannot be shown for the reason for which the form was refused says so once.
fn note_said(refusal: &Refusal) {
    let answered = ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|said| said == refusal));
    if let Some(answered) = answered {
        answered.said.note();
    }
}

/// A page that answers a form that was refused has the refusal's status.
fn answer_status() {
    if let Some(Err(refusal)) = ctx::answered().map(|answered| answered.result) {
        status::refused(&refusal);
    }
}
