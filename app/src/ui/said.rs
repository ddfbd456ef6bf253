//! What a form did that nobody sees on the page it leads to: said there once. Its word stands in the address.
use super::{Address, ctx};
use crate::outcome::Done;
use leptos::prelude::*;

/// The field in the address.
pub(super) const FIELD: &str = "said";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Everybody else has to sign in again.
    AllSessionsEnded,
    /// Somebody has to sign in again.
    SessionsEnded,
    /// Somebody has no second factor any more.
    FactorsReset,
    /// A mail is on its way to another address.
    AddressAsked,
    /// One's own password is another one.
    PasswordChanged,
}

impl Said {
    const ALL: [(Self, &str); 5] = [
        (Self::AllSessionsEnded, "all-sessions-ended"),
        (Self::SessionsEnded, "sessions-ended"),
        (Self::FactorsReset, "factors-reset"),
        (Self::AddressAsked, "address-asked"),
        (Self::PasswordChanged, "password-changed"),
    ];

    /// Goes on to a path of ours, and says it there.
    pub fn at(self, path: impl Into<String>) -> Done {
        let word = Self::ALL.iter().find(|(said, _)| *said == self).map_or("", |(_, word)| *word);
        Done::GoTo(Address::new(path).with(FIELD, word).to_string())
    }

    fn here() -> Option<Self> {
        let here = ctx::here();
        let word = here.get(FIELD)?;
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(said, _)| *said)
    }

    fn text(self) -> String {
        match self {
            Self::AllSessionsEnded => t!("said-all-sessions-ended"),
            Self::SessionsEnded => t!("said-sessions-ended"),
            Self::FactorsReset => t!("said-factors-reset"),
            Self::AddressAsked => t!("said-address-asked"),
            Self::PasswordChanged => t!("said-password-changed"),
        }
    }
}

/// What the form that led here did, if that is to be said. The browser goes there first, so that it is read out.
#[component]
pub(super) fn WhatWasDone() -> impl IntoView {
    let said = if ctx::answered().is_none() { Said::here() } else { None };
    said.map(|said| view! { <p class="notice" role="status" tabindex="-1" autofocus>{said.text()}</p> })
}
