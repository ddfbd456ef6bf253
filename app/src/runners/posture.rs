//! What a runner's sandbox is made of, as the runner says and as people read it.
use crate::ui::{Badge, Meaning};
use leptos::prelude::*;
use serde::Deserialize;

/// The runner's own words; what it left out is empty or false, never better than it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Posture {
    /// bubblewrap's version; empty where it is not installed.
    pub bubblewrap: String,
    /// System calls are filtered.
    pub seccomp: bool,
    /// An ordinary user can make user namespaces.
    pub user_namespaces: bool,
    /// The machine's abstract Unix sockets are out of reach.
    pub sockets_scoped: bool,
    /// What holds tasks to their limits.
    pub limiter: String,
    /// What that means.
    pub limiter_note: String,
    /// Whom tasks run as, for the kernel.
    pub account: String,
    /// Why no task can be run there.
    pub unfit: Option<Unfit>,
}

/// Why no task can be run, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Unfit {
    /// Half a sentence.
    pub cause: String,
    /// A sentence.
    pub fix: String,
}

impl Posture {
    /// Reads what a runner said; `None` before it said anything.
    pub fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().filter(|said| *said != Self::default())
    }
}

/// Whether tasks can be run there, in a word.
#[component]
pub fn FitBadge(
    /// What the runner said.
    posture: Option<Posture>,
) -> impl IntoView {
    match posture {
        None => view! { <Badge meaning=Meaning::Stopped word=t!("runner-unknown") /> },
        Some(Posture { unfit: Some(_), .. }) => view! { <Badge meaning=Meaning::Bad word=t!("runner-unfit") /> },
        Some(_) => view! { <Badge meaning=Meaning::Good word=t!("runner-fit") /> },
    }
}

/// Each part, with what it means where it is missing.
#[component]
pub fn Parts(
    /// What the runner said.
    posture: Posture,
) -> impl IntoView {
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
        (posture.limiter != "resource limits", format!("{}: {}", posture.limiter, posture.limiter_note)),
    ];
    let line = |(good, text): (bool, String)| {
        let (meaning, word) =
            if good { (Meaning::Good, t!("runner-has")) } else { (Meaning::Waiting, t!("runner-lacks")) };
        view! { <li><Badge meaning=meaning word=word />" "{text}</li> }
    };
    view! {
        {posture.unfit.map(|unfit| view! { <p class="why-not">{t!("runner-unfit-text", cause = unfit.cause, fix = unfit.fix)}</p> })}
        <ul class="answers">{parts.into_iter().map(line).collect_view()}</ul>
        <p class="help">{t!("runner-account", account = posture.account)}</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_that_said_nothing_is_not_taken_for_a_good_one() {
        assert_eq!(Posture::read("{}"), None);
        let said = Posture::read(r#"{"bubblewrap":"0.8.0","limiter":"cgroup v2","more":1}"#).unwrap();
        assert!(!said.seccomp && !said.user_namespaces && said.unfit.is_none());
    }
}
