//! State badges of approval requests.
use crate::ui::{Badge, BadgeTone, Glyph};
use domain::approval::ApprovalState;
use leptos::prelude::*;

#[component]
pub fn ApprovalBadge(state: ApprovalState) -> impl IntoView {
    let ((tone, glyph), label) = badge_parts(state);
    view! { <Badge tone=tone glyph=glyph label=label /> }
}

/// Returns the tone, icon and label of a state.
pub fn badge_parts(state: ApprovalState) -> ((BadgeTone, Glyph), String) {
    match state {
        ApprovalState::Waiting => ((BadgeTone::Waiting, Glyph::Clock), t!("approval-state-waiting")),
        ApprovalState::Approved => ((BadgeTone::Good, Glyph::Tick), t!("approval-state-approved")),
        ApprovalState::Denied => ((BadgeTone::Bad, Glyph::Cross), t!("approval-state-denied")),
        ApprovalState::Expired => ((BadgeTone::Stopped, Glyph::Clock), t!("approval-state-expired")),
        ApprovalState::Withdrawn => ((BadgeTone::Stopped, Glyph::Stop), t!("approval-state-withdrawn")),
    }
}
