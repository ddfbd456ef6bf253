//! Server functions that mark notifications as read and save preferences.
use super::PREFERENCES;
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{
    NotificationId,
    notification::{Channels, Notification},
};
use leptos::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Marks one entry of the inbox as read, or all up to `last`.
#[server(prefix = "/actions", endpoint = "notifications/read")]
pub async fn mark_read(
    last: String,
    #[server(default)] first: String,
    #[server(default)] event: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let event = if event.is_empty() { None } else { Some(event.parse::<Notification>()?) };
    let first = if first.is_empty() { NotificationId(Uuid::nil()) } else { ctx::id(&first)? };
    let last = ctx::id(&last)?;
    let mut write = store.write(&actor).await?;
    write.mark_notifications_read(event, first, last).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Saves the channels of all events; an unticked box is not submitted.
#[server(prefix = "/actions", endpoint = "notifications/preferences")]
pub async fn save_preferences(
    #[server(default)] inbox: BTreeMap<Notification, String>,
    #[server(default)] mail: BTreeMap<Notification, String>,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let channels = |event: &Notification| Channels { inbox: inbox.contains_key(event), mail: mail.contains_key(event) };
    let chosen = Notification::ALL.iter().map(|event| (*event, channels(event))).collect();
    let mut write = store.write(&actor).await?;
    write.set_notification_preferences(&chosen).await?;
    write.commit().await?;
    Ok(Done::GoTo(PREFERENCES.into()))
}
