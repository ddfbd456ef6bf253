//! Confirmation messages for forms whose effect their target page does not show. A query field names the message.
use super::{Address, ctx};
use crate::outcome::Done;
use leptos::prelude::*;

/// The query field.
pub(super) const FIELD: &str = "said";

/// A confirmation message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    AllSessionsEnded,
    SessionsEnded,
    FactorsReset,
    AddressAsked,
    PasswordChanged,
}

impl Confirmation {
    const ALL: [(Self, &str); 5] = [
        (Self::AllSessionsEnded, "all-sessions-ended"),
        (Self::SessionsEnded, "sessions-ended"),
        (Self::FactorsReset, "factors-reset"),
        (Self::AddressAsked, "address-asked"),
        (Self::PasswordChanged, "password-changed"),
    ];

    /// Redirects to a local path that shows the message.
    pub fn at(self, path: impl Into<String>) -> Done {
        let name = Self::ALL.iter().find(|(confirmation, _)| *confirmation == self).map_or("", |(_, name)| *name);
        Done::GoTo(Address::new(path).with(FIELD, name).to_string())
    }

    fn here() -> Option<Self> {
        let here = ctx::here();
        let name = here.get(FIELD)?;
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(confirmation, _)| *confirmation)
    }

    fn text(self) -> String {
        match self {
            Self::AllSessionsEnded => t!("done-all-sessions-ended"),
            Self::SessionsEnded => t!("done-sessions-ended"),
            Self::FactorsReset => t!("done-factors-reset"),
            Self::AddressAsked => t!("done-address-asked"),
            Self::PasswordChanged => t!("done-password-changed"),
        }
    }
}

/// The confirmation message in the query, if any. It receives the focus, so that screen readers announce it.
#[component]
pub(super) fn ConfirmationMessage() -> impl IntoView {
    let confirmation = if ctx::answered().is_none() { Confirmation::here() } else { None };
    confirmation
        .map(|confirmation| view! { <p class="notice" role="status" tabindex="-1" autofocus>{confirmation.text()}</p> })
}
