//! Server functions that preview and set retention times, and set and lift the legal hold.
use super::RETENTION_SETTINGS;
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{Address, ctx},
};
use domain::{
    Invalid, policy,
    retention::{RetentionKind, RetentionTimes},
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The days of each kind as typed; empty means forever.
type Typed = BTreeMap<RetentionKind, String>;

/// Returns the form field of a kind.
pub fn field(kind: &str) -> String {
    format!("days[{kind}]")
}

fn check(days: &Typed) -> Result<RetentionTimes, Refusal> {
    let times = RetentionTimes::read(|kind| days.get(&kind).map_or("", String::as_str));
    times.map_err(|wrong| {
        let fields = wrong.into_iter().map(|invalid| Invalid { field: field(&invalid.field), ..invalid }).collect();
        Refusal { kind: Kind::Invalid, message: t!("retention-invalid"), fields, wait: None }
    })
}

/// Shows what would be deleted under these times.
#[server(prefix = "/actions", endpoint = "retention/preview")]
pub async fn preview_retention(#[server(default)] days: Typed) -> Result<Done, Refusal> {
    ctx::admins_only(&ctx::actor()?)?;
    let times = check(&days)?;
    let preview = RetentionKind::ALL.iter().fold(Address::new(RETENTION_SETTINGS), |address, kind| {
        address.with(kind.as_str(), times.get(*kind).map(|days| days.to_string()).unwrap_or_default())
    });
    Ok(Done::GoTo(preview.to_string()))
}

/// Sets the retention times.
#[server(prefix = "/actions", endpoint = "retention/set")]
pub async fn set_retention(#[server(default)] days: Typed) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::SetRetention { times: check(&days)? }).await?;
    let mut write = store.write(&actor).await?;
    write.set_retention(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(RETENTION_SETTINGS.into()))
}

/// Stops the deletion of expired data.
#[server(prefix = "/actions", endpoint = "retention/set-hold")]
pub async fn set_legal_hold(#[server(default)] reason: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let reason = domain::text::name("reason", &reason, 500)?;
    let proof = store.authorize(&actor, policy::SetLegalHold { reason }).await?;
    let mut write = store.write(&actor).await?;
    write.set_legal_hold(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Lets retention delete expired data again.
#[server(prefix = "/actions", endpoint = "retention/lift-hold")]
pub async fn lift_legal_hold() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::LiftLegalHold {}).await?;
    let mut write = store.write(&actor).await?;
    write.lift_legal_hold(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
