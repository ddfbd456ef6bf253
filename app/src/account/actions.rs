//! Server functions for the signed-in person's own account.
use crate::{
    outcome::{Done, Refusal},
    ui::{SuccessMessage, ctx},
};
use leptos::prelude::*;

/// Marks the person's account events up to `last` as seen.
#[server(prefix = "/actions", endpoint = "account/seen")]
pub async fn dismiss_events(last: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let last = ctx::id(&last)?;
    let mut write = store.write(&actor).await?;
    write.see_account_events(last).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

#[server(prefix = "/actions", endpoint = "account/password")]
pub async fn change_password(
    #[server(default)] old_password: String,
    #[server(default)] new_password: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.change_password(old_password, new_password).await?;
    Ok(SuccessMessage::PasswordChanged.at("/account"))
}

/// Mails a password reset link.
#[server(prefix = "/actions", endpoint = "login/forgot")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.mail_password_link(email).await?;
    Ok(Done::GoTo("/forgot?sent=1".into()))
}

/// Requests a change of the email address: confirmation links go to the new and the current address.
#[server(prefix = "/actions", endpoint = "account/address")]
pub async fn request_address_change(#[server(default)] email: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.request_address_change(email).await?;
    Ok(Done::GoTo("/account/address?sent=1".into()))
}

/// Confirms a change of address with the token from the new or the current address.
#[server(prefix = "/actions", endpoint = "account/confirm-address")]
pub async fn confirm_address(#[server(default)] token: String) -> Result<Done, Refusal> {
    let changed = ctx::sign_in()?.confirm_address(token).await?;
    Ok(Done::GoTo(if changed { "/account".into() } else { "/address?waits=1".into() }))
}
