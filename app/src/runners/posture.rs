//! Sandbox posture, as a runner reports it and as people read it.
use crate::ui::{Badge, BadgeTone};
use leptos::prelude::*;
use serde::Deserialize;

/// A runner's report. Missing fields are empty or false, never better than reality.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Posture {
    /// bubblewrap's version; empty if it is not installed.
    pub bubblewrap: String,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// Whether unprivileged user namespaces are available.
    pub user_namespaces: bool,
    /// Whether the host's abstract Unix sockets are unreachable.
    pub sockets_scoped: bool,
    /// The mechanism that enforces resource limits.
    pub limiter: String,
    pub limiter_note: String,
    /// The users that tasks run as.
    pub account: String,
    /// Whether each task has a kernel user ID of its own.
    pub separate_ids: bool,
    pub ids_note: String,
    /// Why the runner cannot run tasks.
    pub unfit: Option<SandboxProblem>,
}

/// Why a runner cannot run tasks, and how to fix it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SandboxProblem {
    /// A clause without a period.
    pub cause: String,
    /// A sentence.
    pub fix: String,
}

impl Posture {
    /// Parses a report; `None` if the runner has not reported yet.
    pub fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().filter(|posture| *posture != Self::default())
    }
}

#[component]
pub fn SandboxBadge(posture: Option<Posture>) -> impl IntoView {
    match posture {
        None => view! { <Badge tone=BadgeTone::Stopped label=t!("runner-unknown") /> },
        Some(Posture { unfit: Some(_), .. }) => view! { <Badge tone=BadgeTone::Bad label=t!("runner-not-ready") /> },
        Some(_) => view! { <Badge tone=BadgeTone::Good label=t!("runner-ready") /> },
    }
}

/// The parts of the sandbox, with the consequence of each missing one.
#[component]
pub fn PostureList(posture: Posture) -> impl IntoView {
    let bubblewrap = match posture.bubblewrap.as_str() {
        "" => t!("runner-no-bubblewrap"),
        version => t!("runner-bubblewrap", version = version.to_owned()),
    };
    let parts = [
        (!posture.bubblewrap.is_empty(), bubblewrap),
        (
            posture.user_namespaces,
            if posture.user_namespaces { t!("runner-namespaces") } else { t!("runner-no-namespaces") },
        ),
        (posture.seccomp, if posture.seccomp { t!("runner-seccomp") } else { t!("runner-no-seccomp") }),
        (posture.sockets_scoped, if posture.sockets_scoped { t!("runner-sockets") } else { t!("runner-no-sockets") }),
        (posture.separate_ids, posture.ids_note),
        (posture.limiter != "resource limits", format!("{}: {}", posture.limiter, posture.limiter_note)),
    ];
    let line = |(good, text): (bool, String)| {
        let (tone, label) =
            if good { (BadgeTone::Good, t!("runner-has")) } else { (BadgeTone::Waiting, t!("runner-lacks")) };
        view! { <li><Badge tone=tone label=label />" "{text}</li> }
    };
    view! {
        {posture.unfit.map(|unfit| view! { <p class="why-not">{t!("runner-not-ready-text", cause = unfit.cause, fix = unfit.fix)}</p> })}
        <ul class="answers">{parts.into_iter().map(line).collect_view()}</ul>
        <p class="help">{t!("runner-account", account = posture.account)}</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_without_a_report_is_not_assumed_to_be_fit() {
        assert_eq!(Posture::read("{}"), None);
        let posture = Posture::read(r#"{"bubblewrap":"0.8.0","limiter":"cgroup v2","more":1}"#).unwrap();
        assert!(!posture.seccomp && !posture.user_namespaces && posture.unfit.is_none());
    }
}
