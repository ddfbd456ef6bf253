//! Server functions that enroll and revoke runners.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use auth::Token;
use domain::{
    EnrollmentId,
    policy::{self, CreateEnrollment},
};
use leptos::prelude::*;

/// Creates a one-time enrollment token for a runner of this name and shows it once.
#[server(prefix = "/actions", endpoint = "runners/enroll")]
pub async fn enroll_runner(name: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let enrollment = EnrollmentId(store::new_id());
    let proof = store.authorize(&actor, CreateEnrollment { enrollment, name: name.trim().to_owned() }).await?;
    let token = Token::new("reg_")?;
    let mut write = store.write(&actor).await?;
    write.create_enrollment(proof, token.hash).await?;
    write.commit().await?;
    Ok(Done::Secret(token.text))
}

#[server(prefix = "/actions", endpoint = "runners/revoke")]
pub async fn revoke_runner(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let runner = ctx::id(&id)?;
    let proof = store.authorize(&actor, policy::RevokeRunner { runner }).await?;
    let mut write = store.write(&actor).await?;
    write.revoke_runner(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
