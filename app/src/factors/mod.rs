//! Second factors: showing one, setting one up, and proving again who one is.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod codes;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod passkeys;
#[cfg(feature = "ssr")]
pub mod proof;
#[cfg(feature = "ssr")]
mod qr;
#[cfg(feature = "ssr")]
pub mod settings;

/// Whose account it is: that of the person who asks.
#[cfg(feature = "ssr")]
pub(crate) fn owner(actor: &domain::Actor) -> Result<domain::PersonId, crate::outcome::Refusal> {
    use crate::outcome::{Kind, Refusal};
    actor.person().ok_or_else(|| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// Where somebody goes who set up a factor: on to where they were going, or back to their account.
#[cfg(feature = "ssr")]
pub(crate) fn onward(next: &str) -> String {
    match next {
        "" => "/account".into(),
        next => crate::ui::own_path(Some(next)),
    }
}
