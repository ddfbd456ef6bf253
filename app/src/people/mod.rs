//! People: who may sign in, and as what.

pub mod actions;
pub mod pages;

/// The address that sets a password with a token.
fn link(token: &auth::Token) -> String {
    let origin =
        leptos::prelude::use_context::<crate::assets::PublicOrigin>().map(|origin| origin.0).unwrap_or_default();
    format!("{origin}/password?token={}", token.text)
}
