//! Server functions for signing in and out.
use crate::{
    outcome::{Done, Refusal},
    ui::{ctx, own_path},
};
use auth::PasskeyResponse;
use leptos::prelude::*;

/// Opens a browser session and redirects to the page that was requested first.
#[server(prefix = "/actions", endpoint = "login/sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_in(email, password).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Opens a browser session with a passkey alone and redirects to the page that was requested first.
#[server(prefix = "/actions", endpoint = "login/passkey")]
pub async fn sign_in_by_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_in_with_passkey(PasskeyResponse { ceremony, credential: passkey }).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Ends the current browser session.
#[server(prefix = "/actions", endpoint = "login/sign-out")]
pub async fn sign_out() -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_out().await?;
    Ok(Done::GoTo("/sign-in".into()))
}
