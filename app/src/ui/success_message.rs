//! Success messages of forms whose effect their target page does not show. A query field names the message.
use super::{Address, Glyph, Icon, ctx};
use crate::outcome::Done;
use leptos::prelude::*;
use store::Applied;

/// The query field.
pub(super) const FIELD: &str = "done";

/// A success message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuccessMessage {
    AllSessionsEnded,
    SessionsEnded,
    FactorsReset,
    AddressRequested,
    PasswordChanged,
    ChangeRequested,
    ChangeConfirmed,
}

impl SuccessMessage {
    const ALL: [(Self, &str); 7] = [
        (Self::AllSessionsEnded, "all-sessions-ended"),
        (Self::SessionsEnded, "sessions-ended"),
        (Self::FactorsReset, "factors-reset"),
        (Self::AddressRequested, "address-requested"),
        (Self::PasswordChanged, "password-changed"),
        (Self::ChangeRequested, "change-requested"),
        (Self::ChangeConfirmed, "change-confirmed"),
    ];

    /// Redirects to a local path that shows the message.
    pub fn at(self, path: impl Into<String>) -> Done {
        let name = Self::ALL.iter().find(|(message, _)| *message == self).map_or("", |(_, name)| *name);
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
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(message, _)| *message)
    }

    fn text(self) -> String {
        match self {
            Self::AllSessionsEnded => t!("done-all-sessions-ended"),
            Self::SessionsEnded => t!("done-sessions-ended"),
            Self::FactorsReset => t!("done-factors-reset"),
            Self::AddressRequested => t!("done-address-requested"),
            Self::PasswordChanged => t!("done-password-changed"),
            Self::ChangeRequested => t!("done-change-requested"),
            Self::ChangeConfirmed => t!("done-change-confirmed"),
        }
    }
}

/// The success message in the query, if any, as a toast. It receives the focus, so that screen readers announce it.
#[component]
pub(super) fn SuccessNotice() -> impl IntoView {
    let message = if ctx::answered().is_none() { SuccessMessage::here() } else { None };
    message.map(|message| {
        view! { <p class="toast" role="status" tabindex="-1" autofocus><Icon of=Glyph::Tick />{message.text()}</p> }
    })
}
