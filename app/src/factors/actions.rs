//! Server functions that verify, enroll and remove second factors, and that set the second-factor policy.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{Address, ctx, own_path},
};
use auth::{PasskeyPurpose, PasskeyResponse};
use domain::{
    Timestamp,
    account::Factor,
    passkey::Assertion,
    policy::{self, RemoveFactor},
};
use leptos::prelude::*;

/// Verifies a TOTP or recovery code and redirects to the page that was requested first.
#[server(prefix = "/actions", endpoint = "factors/show")]
pub async fn verify_factor(#[server(default)] code: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.verify_code(code).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Starts the enrollment of an authenticator app; `next` is where it ends.
#[server(prefix = "/actions", endpoint = "factors/offer-totp")]
pub async fn start_totp_enrollment(#[server(default)] next: String) -> Result<Done, Refusal> {
    ctx::sign_in()?.start_totp().await?;
    let page = Address::new("/authenticator");
    let page = if next.is_empty() { page } else { page.with("next", own_path(Some(&next))) };
    Ok(Done::GoTo(page.to_string()))
}

/// Confirms the enrollment with the app's first code; shows recovery codes if the person had none.
#[server(prefix = "/actions", endpoint = "factors/confirm-totp")]
pub async fn confirm_totp(#[server(default)] code: String, #[server(default)] next: String) -> Result<Done, Refusal> {
    let codes = ctx::sign_in()?.confirm_totp(code).await?;
    Ok(codes.map_or_else(|| Done::GoTo(super::after_enrollment(&next)), Done::Secret))
}

/// Returns the WebAuthn options for the browser, as JSON for its script.
#[server(prefix = "/actions", endpoint = "factors/ask-passkey")]
pub async fn passkey_options(#[server(default)] purpose: String) -> Result<Done, Refusal> {
    let purpose = PasskeyPurpose::parse(&purpose);
    let purpose = purpose.ok_or_else(|| domain::Invalid::new("purpose", "must be register, show or sign-in"))?;
    Ok(Done::Secret(ctx::sign_in()?.start_passkey(purpose).await?))
}

/// Registers a passkey; shows recovery codes if the person had none.
#[server(prefix = "/actions", endpoint = "factors/add-passkey")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    let codes = ctx::sign_in()?.add_passkey(PasskeyResponse { ceremony, credential: passkey }, name).await?;
    Ok(codes.map_or_else(|| Done::GoTo(super::after_enrollment(&next)), Done::Secret))
}

/// Verifies a passkey as second factor and redirects to the page that was requested first.
#[server(prefix = "/actions", endpoint = "factors/show-passkey")]
pub async fn verify_passkey(
    #[server(default)] ceremony: String,
    #[server(default)] passkey: String,
    #[server(default)] next: String,
) -> Result<Done, Refusal> {
    ctx::sign_in()?.verify_passkey(PasskeyResponse { ceremony, credential: passkey }).await?;
    Ok(Done::GoTo(own_path(Some(&next))))
}

/// Signs one of the person's own passkeys with another one; `at` is the time in the signed statement, in microseconds.
#[server(prefix = "/actions", endpoint = "factors/sign-passkey")]
pub async fn sign_passkey(id: String, at: i64, #[server(default)] passkey: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (id, assertion) = (ctx::id(&id)?, Assertion::from_browser(&passkey)?);
    let owner = super::owner(&actor)?;
    let proof = store.authorize(&actor, policy::SignPasskey { owner }).await?;
    let mut write = store.write(&actor).await?;
    write.sign_passkey(proof, id, Timestamp(at), &assertion).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Removes one of the person's own passkeys.
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

/// Removes the person's own authenticator app.
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

/// Generates new recovery codes and shows them once; earlier codes become invalid.
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

/// Redirects to `next` after step-up authentication; the `proof_` fields are checked before any action runs.
#[server(prefix = "/actions", endpoint = "factors/prove")]
pub async fn step_up(#[server(default)] next: String) -> Result<Done, Refusal> {
    match ctx::actor()?.fresh {
        true => Ok(Done::GoTo(own_path(Some(&next)))),
        false => Err(Refusal::new(Kind::Stale, t!("confirm-identity-lead"))),
    }
}

/// Sets whether everyone in the tenant must have a second factor.
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
