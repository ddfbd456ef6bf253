//! Showing, setting up and removing second factors, and saying who must have one.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{Address, ctx, own_path},
};
use auth::{PasskeyPurpose, PasskeyResponse};
use domain::{
    account::Factor,
    policy::{self, RemoveFactor},
};
use leptos::prelude::*;

/// Shows a code of the authenticator app, or a recovery code, and goes on to the page that was asked for first.
#[server(prefix = "/actions", endpoint = "factors/show")]
pub async fn show_factor(#[server(default)] code: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.verify_code(code).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Begins to set up an authenticator app; takes along where to go on afterwards.
#[server(prefix = "/actions", endpoint = "factors/offer-totp")]
pub async fn offer_totp(#[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.start_totp().await?;
    let page = Address::new("/authenticator");
    let page = if next.is_empty() { page } else { page.with("next", own_path(Some(&next))) };
    Ok(Done::GoTo(page.to_string()))
}

/// Takes the app's first code; shows recovery codes where there were none.
#[server(prefix = "/actions", endpoint = "factors/confirm-totp")]
pub async fn confirm_totp(#[server(default)] code: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    let codes = ctx::sign_in()?.confirm_totp(code).await?;
    Ok(codes.map_or_else(|| Done::GoTo(super::onward(&next)), Done::Secret))
}

/// What the browser is to be asked for a passkey, as JSON for its script.
#[server(prefix = "/actions", endpoint = "factors/ask-passkey")]
pub async fn ask_passkey(#[server(default)] purpose: String) -> Result<Done, Refusal> {
    let purpose = PasskeyPurpose::parse(&purpose);
    let purpose = purpose.ok_or_else(|| domain::Invalid::new("purpose", "must be register, show or sign-in"))?;
    Ok(Done::Secret(ctx::sign_in()?.start_passkey(purpose).await?))
}

/// Adds a passkey; shows recovery codes where there were none.
#[server(prefix = "/actions", endpoint = "factors/add-passkey")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    let codes = ctx::sign_in()?.add_passkey(PasskeyResponse { ceremony, credential: passkey }, name).await?;
    Ok(codes.map_or_else(|| Done::GoTo(super::onward(&next)), Done::Secret))
}

/// Shows a passkey as the second step, and goes on to the page that was asked for first.
#[server(prefix = "/actions", endpoint = "factors/show-passkey")]
pub async fn show_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.verify_passkey(PasskeyResponse { ceremony, credential: passkey }).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Removes one of one's passkeys.
#[server(prefix = "/actions", endpoint = "factors/remove-passkey")]
pub async fn remove_passkey(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let id = ctx::id(&id)?;
    let owner = super::owner(&actor)?;
    let proof = store.authorize(&actor, RemoveFactor { owner, factor: Factor::Passkey }).await?;
    let mut write = store.write(&actor).await?;
    write.remove_passkey(proof, id, ctx::sign_in()?.session()).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Removes one's authenticator app.
#[server(prefix = "/actions", endpoint = "factors/remove-totp")]
pub async fn remove_totp() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let owner = super::owner(&actor)?;
    let proof = store.authorize(&actor, RemoveFactor { owner, factor: Factor::Totp }).await?;
    let mut write = store.write(&actor).await?;
    write.remove_totp(proof, ctx::sign_in()?.session()).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Makes new recovery codes and shows them once; those before are void.
#[server(prefix = "/actions", endpoint = "factors/recovery-codes")]
pub async fn recovery_codes() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let owner = super::owner(&actor)?;
    let factors = store.read(&actor).await?.factors().await?;
    if factors.totp.is_none() && factors.passkeys.is_empty() {
        return Err(Refusal::new(Kind::Conflict, t!("recovery-without-factor")));
    }
    let proof = store.authorize(&actor, policy::MakeRecoveryCodes { owner }).await?;
    let codes = auth::recovery_codes::RecoveryCodes::new()?;
    let mut write = store.write(&actor).await?;
    write.make_recovery_codes(proof, &codes.hashes).await?;
    write.commit().await?;
    Ok(Done::Secret(codes.text))
}

/// Goes back to a page once one has proved who one is; the proof itself is taken before any action.
#[server(prefix = "/actions", endpoint = "factors/prove")]
pub async fn prove(#[server(default)] next: String) -> Result<Done, Refusal> {
    match ctx::actor()?.fresh {
        true => Ok(Done::GoTo(own_path(Some(&next)))),
        false => Err(Refusal::new(Kind::Stale, t!("prove-lead"))),
    }
}

/// Says whether everybody in the tenant must have a second factor.
#[server(prefix = "/actions", endpoint = "factors/policy")]
pub async fn set_policy(#[server(default)] who: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let everybody = match who.as_str() {
        "everybody" => true,
        "nobody" => false,
        _ => return Err(domain::Invalid::new("who", t!("policy-unknown")).into()),
    };
    let proof = store.authorize(&actor, policy::SetFactorPolicy { everybody }).await?;
    let mut write = store.write(&actor).await?;
    write.set_factor_policy(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
