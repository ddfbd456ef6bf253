//! Server functions for emergencies. Each is one action and one audit event (K-09).
use crate::{
    outcome::{Done, Refusal},
    ui::{SuccessMessage, ctx},
};
use domain::policy::{self, Stopped};
use leptos::prelude::*;

#[server(prefix = "/actions", endpoint = "emergency/freeze")]
pub async fn freeze_tenant() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::FreezeTenant {}).await?;
    let mut write = store.write(&actor).await?;
    write.freeze(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

#[server(prefix = "/actions", endpoint = "emergency/unfreeze")]
pub async fn unfreeze_tenant() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::UnfreezeTenant {}).await?;
    let mut write = store.write(&actor).await?;
    write.unfreeze(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Stops the tasks of the tenant, or of one organization, runner or person, and redirects to the stopped tasks.
#[server(prefix = "/actions", endpoint = "emergency/stop-tasks")]
pub async fn stop_tasks(
    #[server(default)] organization: String,
    #[server(default)] runner: String,
    #[server(default)] person: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let whose = match (organization.as_str(), runner.as_str(), person.as_str()) {
        ("", "", "") => Stopped::WholeTenant,
        (id, "", "") => Stopped::Of(ctx::id(id)?),
        ("", id, "") => Stopped::On(ctx::id(id)?),
        ("", "", id) => Stopped::By(ctx::id(id)?),
        _ => return Err(domain::Invalid::new("organization", t!("emergency-one-of")).into()),
    };
    loop {
        let proof = store.authorize(&actor, policy::StopTasks { whose }).await?;
        let mut write = store.write(&actor).await?;
        let stopped = write.stop_tasks(proof).await?;
        write.commit().await?;
        if stopped < store::MAX_TASKS_PER_STOP {
            break;
        }
    }
    Ok(Done::GoTo(match organization.as_str() {
        "" => "/tasks?state=cancelled".into(),
        id => format!("/tasks?state=cancelled&organization={id}"),
    }))
}

/// Ends all browser sessions of a person, or, without an id, everyone's except the current one.
#[server(prefix = "/actions", endpoint = "emergency/end-sessions")]
pub async fn end_browser_sessions(#[server(default)] id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let of = match id.as_str() {
        "" => None,
        id => Some(ctx::id(id)?),
    };
    let proof = store.authorize(&actor, policy::EndBrowserSessions { of }).await?;
    let mut write = store.write(&actor).await?;
    write.end_all_browser_sessions(proof, ctx::sign_in()?.session()).await?;
    write.commit().await?;
    Ok(match of {
        Some(person) => SuccessMessage::SessionsEnded.at(format!("/people/{person}")),
        None => SuccessMessage::AllSessionsEnded.at("/emergency"),
    })
}

/// Locks a person's account.
#[server(prefix = "/actions", endpoint = "emergency/lock")]
pub async fn lock_person(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::LockPerson { person: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.lock_person(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Unlocks a person's account.
#[server(prefix = "/actions", endpoint = "emergency/unlock")]
pub async fn unlock_person(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::UnlockPerson { person: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.unlock_person(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
