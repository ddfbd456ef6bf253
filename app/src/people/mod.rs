//! People: accounts, tenant roles and memberships.

pub mod actions;
pub mod pages;

/// Returns the URL that sets a password with a token.
pub(crate) fn link(token: &auth::Token) -> String {
    let origin =
        leptos::prelude::use_context::<crate::assets::PublicOrigin>().map(|origin| origin.0).unwrap_or_default();
    format!("{origin}/password?token={}", token.text)
}
