//! Why a form was refused that does not stand on the page any more: what it was about has changed meanwhile.
use super::ctx;
use crate::outcome::Kind;
use leptos::prelude::*;

/// Nothing, or the refusal of a form that nothing on the page has spoken of: its row is gone, or the whole list with it.
/// Stands at the head of the page, and is made when all else of it is; the browser goes there first. What the page that asks
/// for a proof waits for is not refused.
#[component]
pub(super) fn Unsaid() -> impl IntoView {
    let answered = ctx::answered().filter(|answered| !answered.said.already())?;
    let refusal = answered.result.err().filter(|refusal| refusal.kind != Kind::Stale)?;
    answered.said.note();
    Some(view! {
        <div class="errors" role="alert" tabindex="-1" autofocus>
            <p>{refusal.message}</p>
        </div>
    })
}
