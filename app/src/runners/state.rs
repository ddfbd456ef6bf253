//! Runner state: connected, disconnected, expired or revoked.
use crate::ui::{Badge, Meaning, TimeAgo};
use domain::Timestamp;
use leptos::prelude::*;
use store::Runner;

/// Whether a runner can receive tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerState {
    Connected,
    /// Disconnected; it may reconnect.
    Disconnected,
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
            _ => Self::Disconnected,
        }
    }
}

#[component]
pub fn RunnerStateBadge(state: RunnerState) -> impl IntoView {
    match state {
        RunnerState::Connected => view! { <Badge meaning=Meaning::Good label=t!("runner-connected") /> },
        RunnerState::Disconnected => view! { <Badge meaning=Meaning::Waiting label=t!("runner-disconnected") /> },
        RunnerState::Expired => view! { <Badge meaning=Meaning::Bad label=t!("runner-expired") /> },
        RunnerState::Revoked => view! { <Badge meaning=Meaning::Stopped label=t!("runner-revoked") /> },
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
