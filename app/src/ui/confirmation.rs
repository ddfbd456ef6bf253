//! Confirmation messages for forms whose effect their target page does not show. A query field names the message.
use super::{Address, ctx};
use crate::outcome::Done;
use leptos::prelude::*;
use store::Applied;

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
    ChangeRequested,
    ChangeConfirmed,
}

impl Confirmation {
    const ALL: [(Self, &str); 7] = [
        (Self::AllSessionsEnded, "all-sessions-ended"),
        (Self::SessionsEnded, "sessions-ended"),
        (Self::FactorsReset, "factors-reset"),
        (Self::AddressAsked, "address-asked"),
        (Self::PasswordChanged, "password-changed"),
        (Self::ChangeRequested, "change-requested"),
        (Self::ChangeConfirmed, "change-confirmed"),
    ];

    /// Redirects to a local path that shows the message.
    pub fn at(self, path: impl Into<String>) -> Done {
        let name = Self::ALL.iter().find(|(confirmation, _)| *confirmation == self).map_or("", |(_, name)| *name);
        Done::GoTo(Address::new(path).with(FIELD, name).to_string())
    }

    /// Returns this message, or that the change waits for confirmation.
    #[must_use]
    pub fn if_applied(self, applied: Applied) -> Self {
        if applied == Applied::Now { self } else { Self::ChangeRequested }
    }

    /// Shows the page of the form again, and says on `path` if the change waits for confirmation.
    pub fn stay_or_request(applied: Applied, path: impl Into<String>) -> Done {
        if applied == Applied::Now { Done::Stay } else { Self::ChangeRequested.at(path) }
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
            Self::ChangeRequested => t!("done-change-requested"),
            Self::ChangeConfirmed => t!("done-change-confirmed"),
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
