//! The refusal of a form that is no longer on the page, because its object has changed.
use super::ctx;
use crate::outcome::Kind;
use leptos::prelude::*;

/// The refusal, unless something on the page has shown it: the row of the form, or the whole list, may have been removed. It is at the top
/// of the page but must render last; it receives the focus. A form that waits for step-up authentication is not refused.
#[component]
pub(super) fn UnshownRefusal() -> impl IntoView {
    let answered = ctx::answered().filter(|answered| !answered.refusal_shown.is_shown())?;
    let refusal = answered.result.err().filter(|refusal| refusal.kind != Kind::Stale)?;
    answered.refusal_shown.mark_shown();
    Some(view! {
        <div class="errors" role="alert" tabindex="-1" autofocus>
            <p>{refusal.message}</p>
        </div>
    })
}
