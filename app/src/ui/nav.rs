//! The navigation: sections in groups, only those that the person may use.
use super::{Glyph, Icon, Live};
use domain::Actor;
use leptos::prelude::*;

/// A section of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Tasks,
    Approvals,
    Runners,
    Rules,
    Organizations,
    People,
    Keys,
    Emergency,
    Audit,
    Anomalies,
    Account,
    Authentication,
    BrowserSessions,
    WaysIn,
    /// No section, for pages such as search and errors.
    Nowhere,
}

impl Place {
    pub const fn href(self) -> &'static str {
        match self {
            Self::Overview | Self::Nowhere => "/",
            Self::Tasks => "/tasks",
            Self::Approvals => "/approvals",
            Self::Runners => "/runners",
            Self::Rules => "/rules",
            Self::Organizations => "/organizations",
            Self::People => "/people",
            Self::Keys => "/keys",
            Self::Emergency => "/emergency",
            Self::Audit => "/audit",
            Self::Anomalies => "/anomalies",
            Self::Account => "/account",
            Self::Authentication => "/settings/authentication",
            Self::BrowserSessions => "/browser-sessions",
            Self::WaysIn => "/account/sign-in",
        }
    }

    pub fn label(self) -> String {
        match self {
            Self::Overview | Self::Nowhere => t!("nav-overview"),
            Self::Tasks => t!("nav-tasks"),
            Self::Approvals => t!("nav-approvals"),
            Self::Runners => t!("nav-runners"),
            Self::Rules => t!("nav-rules"),
            Self::Organizations => t!("nav-organizations"),
            Self::People => t!("nav-people"),
            Self::Keys => t!("nav-keys"),
            Self::Emergency => t!("nav-emergency"),
            Self::Audit => t!("nav-audit"),
            Self::Anomalies => t!("nav-anomalies"),
            Self::Account => t!("nav-own-account"),
            Self::Authentication => t!("nav-authentication"),
            Self::BrowserSessions => t!("nav-browser-sessions"),
            Self::WaysIn => t!("nav-ways-in"),
        }
    }

    const fn glyph(self) -> Glyph {
        match self {
            Self::Overview | Self::Nowhere => Glyph::House,
            Self::Tasks => Glyph::List,
            Self::Approvals => Glyph::Stamp,
            Self::Runners => Glyph::Machine,
            Self::Rules => Glyph::Rules,
            Self::Organizations => Glyph::Organization,
            Self::People => Glyph::People,
            Self::Keys => Glyph::Key,
            Self::Emergency => Glyph::Warning,
            Self::Authentication | Self::WaysIn => Glyph::Lock,
            Self::Account => Glyph::Person,
            Self::Audit => Glyph::Book,
            Self::BrowserSessions => Glyph::Globe,
            Self::Anomalies => Glyph::Search,
        }
    }

    /// Returns the key that goes there after `g`.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Overview | Self::Nowhere => "o",
            Self::Tasks => "t",
            Self::Approvals => "a",
            Self::Runners => "r",
            Self::Rules => "u",
            Self::Organizations => "g",
            Self::People => "p",
            Self::Keys => "k",
            Self::Emergency => "e",
            Self::Audit => "l",
            Self::Anomalies => "d",
            Self::Account => "y",
            Self::Authentication => "i",
            Self::BrowserSessions => "s",
            Self::WaysIn => "w",
        }
    }

    /// Returns the sections that an actor may use, in navigation order.
    pub fn open(actor: &Actor) -> Vec<Self> {
        groups(actor).into_iter().flat_map(|(_, places)| places).collect()
    }

    fn open_to(self, actor: &Actor) -> bool {
        match self {
            Self::People | Self::Audit | Self::Anomalies | Self::Authentication => actor.reads_everything(),
            Self::Emergency => actor.is_admin(),
            _ => true,
        }
    }
}

/// Returns the non-empty groups with the sections that the actor may use.
fn groups(actor: &Actor) -> Vec<(String, Vec<Place>)> {
    let all = [
        (t!("nav-work"), vec![Place::Overview, Place::Tasks, Place::Approvals]),
        (t!("nav-execution"), vec![Place::Runners, Place::Rules, Place::Emergency]),
        (t!("nav-organized"), vec![Place::Organizations, Place::People, Place::Keys]),
        (t!("nav-proof"), vec![Place::Audit, Place::Anomalies]),
        (t!("nav-settings"), vec![Place::Authentication]),
        (t!("nav-account"), vec![Place::Account, Place::WaysIn, Place::BrowserSessions]),
    ];
    let open = |(name, places): (String, Vec<Place>)| {
        (name, places.into_iter().filter(|place| place.open_to(actor)).collect::<Vec<_>>())
    };
    all.into_iter().map(open).filter(|(_, places)| !places.is_empty()).collect()
}

/// The navigation.
#[component]
pub(super) fn Nav(
    actor: Actor,
    /// The current section.
    place: Place,
    /// The number of approval requests that the actor can decide.
    waiting: i64,
    /// A prefix that keeps ids unique: the navigation is rendered twice.
    region: &'static str,
) -> impl IntoView {
    let link = move |to: Place| {
        view! {
            <li>
                <a class="nav-link" href=to.href() aria-current=(to == place).then_some("page")>
                    <Icon of=to.glyph() />
                    {to.label()}
                </a>
                {(to == Place::Approvals).then(|| view! { <Waiting count=waiting region=region /> })}
            </li>
        }
    };
    groups(&actor)
        .into_iter()
        .map(|(name, places)| {
            view! {
                <div class="nav-group">
                    <p aria-hidden="true">{name.clone()}</p>
                    <ul aria-label=name>{places.into_iter().map(link).collect_view()}</ul>
                </div>
            }
        })
        .collect_view()
}

#[component]
fn Waiting(count: i64, region: &'static str) -> impl IntoView {
    view! {
        <Live topics="approvals" region=region quiet=true>
            {(count > 0)
                .then(|| {
                    view! {
                        <span class="count">{count}<span class="sr-only">{t!("nav-waiting")}</span></span>
                    }
                })}
        </Live>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TenantId, Timestamp, role::TenantRole};

    #[test]
    fn the_navigation_shows_only_what_one_may_use() {
        let mut actor = Actor::clock(TenantId("00000000-0000-0000-0000-000000000001".parse().unwrap()), Timestamp(0));
        assert!(!Place::open(&actor).contains(&Place::Audit) && !Place::open(&actor).contains(&Place::People));
        actor.tenant_role = TenantRole::Auditor;
        assert!(Place::open(&actor).contains(&Place::Audit) && Place::open(&actor).contains(&Place::People));
    }
}
