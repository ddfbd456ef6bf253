//! Runner state: connected, disconnected, stopped, silent, expired or revoked.
use crate::ui::{Badge, BadgeTone, TimeAgo};
use domain::Timestamp;
use leptos::prelude::*;
use store::Runner;

/// Whether a runner can receive tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerState {
    Connected,
    /// Disconnected; it may reconnect.
    Disconnected,
    /// Its operator stopped it.
    Stopped,
    /// It was reported because its heartbeats ended.
    Silent,
    /// Its certificate has expired.
    Expired,
    Revoked,
}

impl RunnerState {
    /// Returns the state of a runner at a time.
    pub fn of(runner: &Runner, now: Timestamp) -> Self {
        match runner {
            Runner { revoked_at: Some(_), .. } => Self::Revoked,
            Runner { connected: true, .. } => Self::Connected,
            Runner { expires_at, .. } if *expires_at <= now => Self::Expired,
            Runner { silent_at: Some(_), .. } => Self::Silent,
            Runner { stopped: true, .. } => Self::Stopped,
            _ => Self::Disconnected,
        }
    }
}

#[component]
pub fn RunnerStateBadge(state: RunnerState) -> impl IntoView {
    match state {
        RunnerState::Connected => view! { <Badge tone=BadgeTone::Good label=t!("runner-connected") /> },
        RunnerState::Disconnected => view! { <Badge tone=BadgeTone::Waiting label=t!("runner-disconnected") /> },
        RunnerState::Stopped => view! { <Badge tone=BadgeTone::Stopped label=t!("runner-stopped") /> },
        RunnerState::Silent => view! { <Badge tone=BadgeTone::Bad label=t!("runner-silent") /> },
        RunnerState::Expired => view! { <Badge tone=BadgeTone::Bad label=t!("runner-expired") /> },
        RunnerState::Revoked => view! { <Badge tone=BadgeTone::Stopped label=t!("runner-revoked") /> },
    }
}

/// The time of the last message of a runner.
#[component]
pub fn LastSeen(at: Option<Timestamp>) -> impl IntoView {
    match at {
        Some(at) => view! { <TimeAgo at=at /> }.into_any(),
        None => t!("runner-never-seen").into_any(),
    }
}
