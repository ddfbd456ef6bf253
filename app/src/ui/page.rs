//! A page: who am I, where am I, what can I do, what happened.
use super::{Address, LinkButton, Place, ctx, frame::framed, refused::Unsaid, status, title::TabTitle};
use crate::{
    login::ended::Ended,
    outcome::{Kind, Refusal},
};
use domain::Actor;
use leptos::prelude::*;
use std::future::Future;

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
pub fn page<F, R>(load: F) -> impl IntoView
where
    F: FnOnce(Actor) -> R + Send + 'static,
    R: Future<Output = Result<Page, Refusal>> + Send + 'static,
{
    Suspend::new(async move {
        let Ok(actor) = ctx::actor() else { return signed_out() };
        answer_status();
        let page = load(actor.clone()).await.unwrap_or_else(Page::refused);
        framed(actor, page).await
    })
}

/// Whoever only looks is sent to sign in; a form that was filled in meanwhile is not lost.
fn signed_out() -> AnyView {
    let here = ctx::here().to_string();
    let sign_in = Address::new("/sign-in").with("next", here.clone()).to_string();
    match ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|no| no.kind == Kind::SignedOut)) {
        Some(answered) => {
            answer_status();
            let body = view! { <Ended answered=answered page=here leave=sign_in /> }.into_any();
            view! { <Card title=t!("ended-title") body=body /> }.into_any()
        }
        None => {
            status::go_to(&sign_in);
            ().into_any()
        }
    }
}

/// A page without a frame, for who is not signed in: a card in the middle.
pub fn plain<F, R>(title: String, load: F) -> impl IntoView
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = Result<AnyView, Refusal>> + Send + 'static,
{
    Suspend::new(async move {
        answer_status();
        let body = load().await.unwrap_or_else(|refusal| {
            status::refused(&refusal);
            note_said(&refusal);
            view! { <p class="lead">{refusal.message}</p> <p class="after"><a href="/">{t!("not-found-home")}</a></p> }
                .into_any()
        });
        view! { <Card title=title body=body /> }
    })
}

#[component]
fn Card(title: String, body: AnyView) -> impl IntoView {
    view! {
        <TabTitle page=title.clone() />
        <main id="main" class="card" tabindex="-1">
            <p class="brand">{t!("product")}</p>
            <h1>{title}</h1>
            <Unsaid />
            {body}
        </main>
    }
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
