//! A state as icon, word and color: never color alone.
use super::{Glyph, Icon};
use leptos::prelude::*;

/// What a state means, which is what gives it its color and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody has to do something.
    Waiting,
    /// It goes on by itself.
    Running,
    /// It is as one wants it.
    Good,
    /// It is not.
    Bad,
    /// It is over, for neither better nor worse.
    Stopped,
}

impl Meaning {
    const fn look(self) -> (&'static str, Glyph) {
        match self {
            Self::Waiting => ("badge bg-waiting-soft text-waiting", Glyph::Clock),
            Self::Running => ("badge bg-running-soft text-running", Glyph::Play),
            Self::Good => ("badge bg-good-soft text-good", Glyph::Tick),
            Self::Bad => ("badge bg-bad-soft text-bad", Glyph::Cross),
            Self::Stopped => ("badge bg-stopped-soft text-stopped", Glyph::Stop),
        }
    }
}

/// A state.
#[component]
pub fn Badge(
    /// Gives color and icon.
    meaning: Meaning,
    /// Says it.
    #[prop(into)]
    word: String,
    /// Another icon than the meaning's.
    #[prop(optional)]
    glyph: Option<Glyph>,
) -> impl IntoView {
    let (class, usual) = meaning.look();
    view! { <span class=class><Icon of=glyph.unwrap_or(usual) />{word}</span> }
}
