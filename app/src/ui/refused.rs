//! Why a form was refused that does not stand on the page any more: what it was about has changed meanwhile.
use super::ctx;
use crate::outcome::{Answered, Kind};
use leptos::prelude::*;

/// Nothing, or the refusal of a form of `action`. Stands where that form would.
#[component]
pub fn Refused(
    /// The path of the server function.
    action: &'static str,
) -> impl IntoView {
    said(ctx::answered().filter(|answered| answered.action == action))
}

/// Nothing, or the refusal of a form that nothing on the page has spoken of: its row is gone, or the whole list with it.
/// Stands at the head of the page, and is made when all else of it is.
#[component]
pub(super) fn Unsaid() -> impl IntoView {
    said(ctx::answered().filter(|answered| !answered.said.already()))
}

/// What the page that asks for a proof waits for is not refused.
fn said(answered: Option<Answered>) -> Option<impl IntoView> {
    let answered = answered?;
    let refusal = answered.result.err().filter(|refusal| refusal.kind != Kind::Stale)?;
    answered.said.note();
    Some(view! {
        <div class="errors" role="alert">
            <p>{refusal.message}</p>
        </div>
    })
}
