//! Signing in and out.
use crate::{
    outcome::{Done, Refusal},
    ui::{ctx, own_path},
};
use auth::PasskeyResponse;
use leptos::prelude::*;

/// Opens a session, and goes on to the page that was asked for first.
#[server(prefix = "/actions", endpoint = "login/sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_in(email, password).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Opens a session with a passkey and nothing else, and goes on to the page that was asked for first.
#[server(prefix = "/actions", endpoint = "login/passkey")]
pub async fn sign_in_by_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_in_with_passkey(PasskeyResponse { ceremony, credential: passkey }).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Ends this session.
#[server(prefix = "/actions", endpoint = "login/sign-out")]
pub async fn sign_out() -> Result<Done, Refusal> {
    ctx::sign_in()?.sign_out().await?;
    Ok(Done::GoTo("/sign-in".into()))
}
