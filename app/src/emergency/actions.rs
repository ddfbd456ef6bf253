//! The switches. Each is one act, and in the audit log (K-09).
use crate::{
    outcome::{Done, Refusal},
    ui::{Said, ctx},
};
use domain::policy::{self, Stopped};
use leptos::prelude::*;

/// Freezes the tenant.
#[server(prefix = "/actions", endpoint = "emergency/freeze")]
pub async fn freeze_tenant() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::FreezeTenant {}).await?;
    let mut write = store.write(&actor).await?;
    write.freeze(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Ends the freeze.
#[server(prefix = "/actions", endpoint = "emergency/thaw")]
pub async fn thaw_tenant() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::ThawTenant {}).await?;
    let mut write = store.write(&actor).await?;
    write.thaw(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Stops the tasks of everybody, or of one organization, runner or person, and goes on to what was stopped.
#[server(prefix = "/actions", endpoint = "emergency/stop-tasks")]
pub async fn stop_tasks(
    #[server(default)] organization: String,
    #[server(default)] runner: String,
    #[server(default)] person: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let whose = match (organization.as_str(), runner.as_str(), person.as_str()) {
        ("", "", "") => Stopped::Everybodys,
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
        if stopped < store::STOPPED_AT_ONCE {
            break;
        }
    }
    Ok(Done::GoTo(match organization.as_str() {
        "" => "/tasks?state=cancelled".into(),
        id => format!("/tasks?state=cancelled&organization={id}"),
    }))
}

/// Ends all sessions of a person; of everybody but this one, where nobody is named.
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
        Some(person) => Said::SessionsEnded.at(format!("/people/{person}")),
        None => Said::AllSessionsEnded.at("/emergency"),
    })
}

/// Locks somebody out.
#[server(prefix = "/actions", endpoint = "emergency/lock")]
pub async fn lock_person(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::LockPerson { person: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.lock_person(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Lets somebody in again.
#[server(prefix = "/actions", endpoint = "emergency/unlock")]
pub async fn unlock_person(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::UnlockPerson { person: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    write.unlock_person(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
