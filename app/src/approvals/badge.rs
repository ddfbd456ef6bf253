//! State badges of approval requests.
use crate::ui::{Badge, Glyph, Meaning};
use domain::approval::ApprovalState;
use leptos::prelude::*;

#[component]
pub fn ApprovalBadge(state: ApprovalState) -> impl IntoView {
    let ((meaning, glyph), label) = badge_parts(state);
    view! { <Badge meaning=meaning glyph=glyph label=label /> }
}

/// Returns meaning, icon and label of a state.
pub fn badge_parts(state: ApprovalState) -> ((Meaning, Glyph), String) {
    match state {
        ApprovalState::Waiting => ((Meaning::Waiting, Glyph::Clock), t!("approval-state-waiting")),
        ApprovalState::Approved => ((Meaning::Good, Glyph::Tick), t!("approval-state-approved")),
        ApprovalState::Denied => ((Meaning::Bad, Glyph::Cross), t!("approval-state-denied")),
        ApprovalState::Expired => ((Meaning::Stopped, Glyph::Clock), t!("approval-state-expired")),
        ApprovalState::Withdrawn => ((Meaning::Stopped, Glyph::Stop), t!("approval-state-withdrawn")),
    }
}
