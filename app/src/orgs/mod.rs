//! Organisations, and who is in them.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

/// An id out of a form; what is none belongs to nothing.
#[cfg(feature = "ssr")]
fn id_of<T: std::str::FromStr>(text: &str) -> Result<T, crate::outcome::Refusal> {
    use crate::outcome::{Kind, Refusal};
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}
