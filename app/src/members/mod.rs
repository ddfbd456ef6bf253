//! People: who may sign in, and as what.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod pages;

/// A person's id out of a form; what is none is nobody.
#[cfg(feature = "ssr")]
fn id_of(text: &str) -> Result<domain::PersonId, crate::outcome::Refusal> {
    use crate::outcome::{Kind, Refusal};
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// The address that sets a password with a token.
#[cfg(feature = "ssr")]
fn link(token: &crate::token::Token) -> String {
    let origin =
        leptos::prelude::use_context::<crate::assets::PublicOrigin>().map(|origin| origin.0).unwrap_or_default();
    format!("{origin}/password?token={}", token.text)
}
