//! Second factors: verification, enrollment, and step-up authentication.
pub mod actions;
pub mod pages;
pub mod passkeys;
mod qr;
pub mod recovery_codes;
pub mod runner_trust;
pub mod settings;
pub mod step_up;

/// Returns the person whose factors they are: the actor.
pub(crate) fn owner(actor: &domain::Actor) -> Result<domain::PersonId, crate::outcome::Refusal> {
    use crate::outcome::{Kind, Refusal};
    actor.person().ok_or_else(|| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// Returns where to go after enrollment: the page that was requested first, or the account.
pub(crate) fn after_enrollment(next: &str) -> String {
    match next {
        "" => "/account".into(),
        next => crate::ui::own_path(Some(next)),
    }
}
