//! Server functions for signing in and out.
use crate::{
    outcome::{Done, Refusal},
    ui::{Address, ctx, own_path},
};
use auth::{AfterPassword, PasskeyResponse};
use leptos::prelude::*;

/// Opens a browser session and redirects to the page that was requested first, or to the choice of a tenant.
#[server(prefix = "/actions", endpoint = "login/sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    let (after, next) = (ctx::sign_in()?.sign_in(email, password).await?, own_path(Some(&next)));
    Ok(Done::GoTo(match after {
        AfterPassword::SignedIn => next,
        AfterPassword::ChooseTenant => Address::new("/sign-in/tenant").with("next", next).to_string(),
    }))
}

/// Opens a browser session in the chosen tenant and redirects to the page that was requested first.
#[server(prefix = "/actions", endpoint = "login/choose-tenant")]
pub async fn choose_tenant(tenant: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    let tenant = tenant.parse().map_err(|_| auth::Error::SignInExpired)?;
    ctx::sign_in()?.choose_tenant(tenant).await?;
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
