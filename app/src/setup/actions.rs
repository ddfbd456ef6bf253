//! Server functions behind one-time links.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use leptos::prelude::*;

/// Creates the first tenant, organization and admin.
#[server(prefix = "/actions", endpoint = "setup/set-up")]
pub async fn set_up(
    token: String,
    tenant: String,
    organization: String,
    name: String,
    email: String,
    password: String,
) -> Result<Done, Refusal> {
    let new = auth::FirstAdmin { tenant, organization, name, email, password };
    ctx::sign_in()?.set_up(token, new).await?;
    Ok(Done::GoTo("/".into()))
}

/// Sets a password with the token of a password link.
#[server(prefix = "/actions", endpoint = "setup/set-password")]
pub async fn set_password(token: String, password: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.set_password(token, password).await?;
    Ok(Done::GoTo("/".into()))
}
