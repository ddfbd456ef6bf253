//! Second factors: verification, enrollment, and step-up authentication.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(target_family = "wasm")]
mod browser;
pub mod islands;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod passkeys;
#[cfg(feature = "ssr")]
mod qr;
#[cfg(feature = "ssr")]
pub mod recovery_codes;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod step_up;

/// Returns the person whose factors they are: the actor.
#[cfg(feature = "ssr")]
pub(crate) fn owner(actor: &domain::Actor) -> Result<domain::PersonId, crate::outcome::Refusal> {
    use crate::outcome::{Kind, Refusal};
    actor.person().ok_or_else(|| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// Returns where to go after enrollment: the page that was requested first, or the account.
#[cfg(feature = "ssr")]
pub(crate) fn after_enrollment(next: &str) -> String {
    match next {
        "" => "/account".into(),
        next => crate::ui::own_path(Some(next)),
    }
}
