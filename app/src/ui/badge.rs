//! State badges and traits: icon, text and color, never color alone.
use super::{Glyph, Icon};
use leptos::prelude::*;

/// The tone of a badge, which determines its color and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadgeTone {
    /// Action is required.
    Waiting,
    /// In progress.
    Running,
    Good,
    Bad,
    /// Finished, neither good nor bad.
    Stopped,
}

impl BadgeTone {
    const fn style(self) -> (&'static str, Glyph) {
        match self {
            Self::Waiting => ("badge bg-waiting-soft text-waiting", Glyph::Clock),
            Self::Running => ("badge bg-running-soft text-running", Glyph::Play),
            Self::Good => ("badge bg-good-soft text-good", Glyph::Tick),
            Self::Bad => ("badge bg-bad-soft text-bad", Glyph::Cross),
            Self::Stopped => ("badge bg-stopped-soft text-stopped", Glyph::Stop),
        }
    }
}

/// The state of a thing, as a pill.
#[component]
pub fn Badge(
    tone: BadgeTone,
    #[prop(into)] label: String,
    /// Replaces the default icon.
    #[prop(optional)]
    glyph: Option<Glyph>,
) -> impl IntoView {
    let (class, default) = tone.style();
    view! { <span class=class><Icon of=glyph.unwrap_or(default) />{label}</span> }
}

/// A property that is not a state, such as the network access of a task: an icon and a text.
#[component]
pub fn Trait(
    glyph: Glyph,
    #[prop(into)] label: String,
    /// Whether the property deserves attention because it is far-reaching.
    #[prop(optional)]
    alarming: bool,
) -> impl IntoView {
    let class = if alarming { "trait text-bad" } else { "trait" };
    view! { <span class=class><Icon of=glyph />{label}</span> }
}
