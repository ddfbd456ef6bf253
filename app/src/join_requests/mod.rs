//! Requests to join organizations that accept them.

pub mod actions;
pub mod list;

/// Returns the refusal for actors that are not people.
fn not_a_person() -> crate::outcome::Refusal {
    use crate::outcome::{Kind, Refusal};
    Refusal::new(Kind::Forbidden, t!("refused-signed-out"))
}
