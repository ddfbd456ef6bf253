//! What people do with their own accounts.
use crate::{
    outcome::{Done, Refusal},
    ui::{Said, ctx},
};
use leptos::prelude::*;

/// One has seen what happened with one's account, up to this.
#[server(prefix = "/actions", endpoint = "account/seen")]
pub async fn see_events(last: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let last = ctx::id(&last)?;
    let mut write = store.write(&actor).await?;
    write.see_account_events(last).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Changes one's own password.
#[server(prefix = "/actions", endpoint = "account/password")]
pub async fn change_password(
    #[server(default)] old_password: String,
    #[server(default)] new_password: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.change_password(old_password, new_password).await?;
    Ok(Said::PasswordChanged.at("/account"))
}

/// Mails a link to who forgot their password.
#[server(prefix = "/actions", endpoint = "login/forgot")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.mail_password_link(email).await?;
    Ok(Done::GoTo("/forgot?sent=1".into()))
}

/// Asks for another address: a link is mailed to it, and one to the present one.
#[server(prefix = "/actions", endpoint = "account/address")]
pub async fn ask_address(#[server(default)] email: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.request_address_change(email).await?;
    Ok(Done::GoTo("/account/address?sent=1".into()))
}

/// Follows the link that came to a new address, or to the present one.
#[server(prefix = "/actions", endpoint = "account/confirm-address")]
pub async fn confirm_address(#[server(default)] token: String) -> Result<Done, Refusal> {
    let changed = ctx::sign_in()?.confirm_address(token).await?;
    Ok(Done::GoTo(if changed { "/account".into() } else { "/address?waits=1".into() }))
}
