//! Page layouts: the console for signed-in people, and a card for everyone else.
use super::{
    Address, ButtonVariant, LinkButton, Section, ctx,
    frame::{frame_data, render_frame},
    mark::Mark,
    page::{Page, PageFuture, RenderedPage},
    status,
    unshown_refusal::UnshownRefusal,
};
use crate::{
    login::expired_form::ExpiredForm,
    outcome::{Kind, Refusal},
};
use domain::Actor;
use futures::future::join;
use leptos::prelude::*;
use std::future::Future;

/// Renders a page for signed-in people; everyone else is redirected to sign in first.
pub fn page<F, R>(load: F) -> PageFuture
where
    F: FnOnce(Actor) -> R + Send + 'static,
    R: Future<Output = Result<Page, Refusal>> + Send + 'static,
{
    Box::pin(async move {
        let Ok(actor) = ctx::actor() else { return signed_out() };
        answer_status();
        let (page, data) = join(load(actor.clone()), frame_data(&actor)).await;
        let page = page.unwrap_or_else(refused_page);
        RenderedPage { title: page.title.clone(), body: render_frame(actor, page, data) }
    })
}

/// Redirects to the sign-in page, unless a form was submitted: its values must not be lost.
fn signed_out() -> RenderedPage {
    let here = ctx::here().to_string();
    let sign_in = Address::new("/sign-in").with("next", here.clone()).to_string();
    match ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|no| no.kind == Kind::SignedOut)) {
        Some(answered) => {
            answer_status();
            let body = view! { <ExpiredForm answered=answered page=here leave=sign_in /> }.into_any();
            card(t!("session-ended-title"), body)
        }
        None => {
            status::go_to(&sign_in);
            RenderedPage { title: t!("sign-in"), body: ().into_any() }
        }
    }
}

/// Renders a page without navigation, as a card, for people who are not signed in.
pub fn plain<F, R>(title: String, load: F) -> PageFuture
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = Result<AnyView, Refusal>> + Send + 'static,
{
    Box::pin(async move {
        answer_status();
        let body = load().await.unwrap_or_else(|refusal| {
            status::refused(&refusal);
            mark_shown(&refusal);
            view! { <p class="lead">{refusal.message}</p> <p class="after"><a href="/">{t!("not-found-home")}</a></p> }
                .into_any()
        });
        card(title, body)
    })
}

fn card(title: String, body: AnyView) -> RenderedPage {
    let body = view! {
        <main id="main" class="card" tabindex="-1">
            <p class="brand"><Mark /></p>
            <h1>{title.clone()}</h1>
            <UnshownRefusal />
            {body}
        </main>
    };
    RenderedPage { title, body: body.into_any() }
}

/// Keeps the layout from repeating the form's refusal, if the page is refused for the same reason.
fn mark_shown(refusal: &Refusal) {
    let answered = ctx::answered().filter(|answered| answered.result.as_ref().is_err_and(|shown| shown == refusal));
    if let Some(answered) = answered {
        answered.refusal_shown.mark_shown();
    }
}

/// A page that responds to a refused form has the status of the refusal.
fn answer_status() {
    if let Some(Err(refusal)) = ctx::answered().map(|answered| answered.result) {
        status::refused(&refusal);
    }
}

fn refused_page(refusal: Refusal) -> Page {
    status::refused(&refusal);
    mark_shown(&refusal);
    let title = match refusal.kind {
        Kind::NotFound => t!("not-found-title"),
        Kind::Forbidden => t!("forbidden-title"),
        _ => t!("unavailable-title"),
    };
    let ways = view! {
        <div class="form-buttons">
            <LinkButton href="/" variant=ButtonVariant::Primary>{t!("not-found-home")}</LinkButton>
            <LinkButton href="/search">{t!("search-everything")}</LinkButton>
        </div>
    };
    Page::new(Section::Other, title).lead(refusal.message).body(ways)
}
