//! The navigation: sections in groups, only those that the person may use.
use super::{Glyph, Icon, Live};
use domain::Actor;
use leptos::prelude::*;

/// A section of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
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
    Backups,
    Retention,
    SecondFactors,
    Reviews,
    BrowserSessions,
    SignInMethods,
    /// No section, for pages such as search and errors.
    Other,
}

impl Section {
    pub const fn href(self) -> &'static str {
        match self {
            Self::Overview | Self::Other => "/",
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
            Self::Backups => "/settings/backups",
            Self::Retention => crate::retention::RETENTION_SETTINGS,
            Self::SecondFactors => "/settings/second-factors",
            Self::Reviews => "/reviews",
            Self::BrowserSessions => "/browser-sessions",
            Self::SignInMethods => "/account/sign-in",
        }
    }

    pub fn label(self) -> String {
        match self {
            Self::Overview | Self::Other => t!("nav-overview"),
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
            Self::Account => t!("nav-account-page"),
            Self::Authentication => t!("nav-authentication"),
            Self::Backups => t!("nav-backups"),
            Self::Retention => t!("nav-retention"),
            Self::SecondFactors => t!("policy-title"),
            Self::Reviews => t!("reviews-title"),
            Self::BrowserSessions => t!("nav-browser-sessions"),
            Self::SignInMethods => t!("nav-sign-in-methods"),
        }
    }

    pub(super) const fn glyph(self) -> Glyph {
        match self {
            Self::Overview | Self::Other => Glyph::House,
            Self::Tasks => Glyph::List,
            Self::Approvals => Glyph::Stamp,
            Self::Runners => Glyph::Machine,
            Self::Rules => Glyph::Rules,
            Self::Organizations => Glyph::Organization,
            Self::People => Glyph::People,
            Self::Keys => Glyph::Key,
            Self::Emergency => Glyph::Warning,
            Self::Authentication | Self::SignInMethods => Glyph::Lock,
            Self::Backups => Glyph::Archive,
            Self::Retention => Glyph::Clock,
            Self::SecondFactors => Glyph::Shield,
            Self::Reviews => Glyph::Tick,
            Self::Account => Glyph::Person,
            Self::Audit => Glyph::Book,
            Self::BrowserSessions => Glyph::Globe,
            Self::Anomalies => Glyph::Search,
        }
    }

    /// Returns the second key of the shortcut, after `g`.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Overview | Self::Other => "o",
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
            Self::Backups => "b",
            Self::Retention => "x",
            Self::SecondFactors => "f",
            Self::Reviews => "v",
            Self::BrowserSessions => "s",
            Self::SignInMethods => "w",
        }
    }

    /// Returns the sections that an actor may use, in navigation order.
    pub fn available(actor: &Actor) -> Vec<Self> {
        let sections = groups(actor).into_iter().flat_map(|(_, sections)| sections);
        let foot = Self::Emergency.is_available_to(actor).then_some(Self::Emergency);
        sections.chain(foot).chain(ACCOUNT).collect()
    }

    fn is_available_to(self, actor: &Actor) -> bool {
        match self {
            Self::People | Self::Audit | Self::Anomalies | Self::Authentication | Self::Retention | Self::Reviews => {
                actor.can_read_everything()
            }
            Self::Emergency | Self::Backups | Self::SecondFactors => actor.is_admin(),
            _ => true,
        }
    }
}

/// The sections of the person's own account, which are in their menu.
pub(super) const ACCOUNT: [Section; 3] = [Section::Account, Section::SignInMethods, Section::BrowserSessions];

/// Returns the non-empty groups with the sections that the actor may use.
fn groups(actor: &Actor) -> Vec<(String, Vec<Section>)> {
    let all = [
        (t!("nav-work"), vec![Section::Overview, Section::Tasks, Section::Approvals]),
        (t!("nav-execution"), vec![Section::Runners, Section::Rules]),
        (t!("nav-people-group"), vec![Section::Organizations, Section::People, Section::Keys]),
        (t!("nav-audit-group"), vec![Section::Audit, Section::Anomalies]),
        (
            t!("nav-settings"),
            vec![
                Section::Authentication,
                Section::SecondFactors,
                Section::Reviews,
                Section::Retention,
                Section::Backups,
            ],
        ),
    ];
    let available = |(name, sections): (String, Vec<Section>)| {
        (name, sections.into_iter().filter(|section| section.is_available_to(actor)).collect::<Vec<_>>())
    };
    all.into_iter().map(available).filter(|(_, sections)| !sections.is_empty()).collect()
}

/// The navigation, with the emergency page at its foot.
#[component]
pub(super) fn Nav(
    actor: Actor,
    /// The current section.
    section: Section,
    /// The number of approval requests that the actor can decide.
    waiting: i64,
    /// A prefix that keeps ids unique: the navigation is rendered twice.
    region: &'static str,
) -> impl IntoView {
    let link = move |to: Section| {
        view! {
            <li>
                <a class="nav-link" href=to.href() aria-current=(to == section).then_some("page")>
                    <Icon of=to.glyph() />
                    {to.label()}
                </a>
                {(to == Section::Approvals).then(|| view! { <PendingCount count=waiting region=region /> })}
            </li>
        }
    };
    let groups = groups(&actor).into_iter().map(|(name, sections)| {
        view! {
            <div class="nav-group">
                <p aria-hidden="true">{name.clone()}</p>
                <ul aria-label=name>{sections.into_iter().map(link).collect_view()}</ul>
            </div>
        }
    });
    let foot = Section::Emergency.is_available_to(&actor).then(|| link(Section::Emergency));
    view! { {groups.collect_view()} {foot.map(|link| view! { <ul class="nav-foot">{link}</ul> })} }
}

#[component]
fn PendingCount(count: i64, region: &'static str) -> impl IntoView {
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
    fn the_navigation_shows_only_sections_the_actor_may_use() {
        let mut actor = Actor::clock(TenantId("00000000-0000-0000-0000-000000000001".parse().unwrap()), Timestamp(0));
        assert!(
            !Section::available(&actor).contains(&Section::Audit)
                && !Section::available(&actor).contains(&Section::People)
        );
        actor.tenant_role = TenantRole::Auditor;
        assert!(
            Section::available(&actor).contains(&Section::Audit)
                && Section::available(&actor).contains(&Section::People)
        );
        assert!(!Section::available(&actor).contains(&Section::Emergency));
    }

    #[test]
    fn emergency_and_account_pages_are_outside_the_groups() {
        let mut actor = Actor::clock(TenantId("00000000-0000-0000-0000-000000000001".parse().unwrap()), Timestamp(0));
        actor.tenant_role = TenantRole::Admin;
        let grouped: Vec<_> = groups(&actor).into_iter().flat_map(|(_, sections)| sections).collect();
        let outside: Vec<_> =
            Section::available(&actor).into_iter().filter(|section| !grouped.contains(section)).collect();
        assert_eq!(outside, [Section::Emergency, Section::Account, Section::SignInMethods, Section::BrowserSessions]);
        assert!(grouped.contains(&Section::SecondFactors) && grouped.contains(&Section::Reviews));
    }
}
