//! Why a form was refused that does not stand on the page any more: what it was about has changed meanwhile.
use super::ctx;
use leptos::prelude::*;

/// Nothing, or the refusal of a form of `action`. Stands where that form would.
#[component]
pub fn Refused(
    /// The path of the server function.
    action: &'static str,
) -> impl IntoView {
    let answered = ctx::answered().filter(|answered| answered.action == action);
    answered.and_then(|answered| answered.result.err()).map(|refusal| {
        view! {
            <div class="errors" role="alert">
                <p>{refusal.message}</p>
            </div>
        }
    })
}
