//! Request classes: requests of similar cost and frequency share a rate limit.
use crate::config::{Limits, Rate};
use http::Method;

/// Class of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Pages, event streams and log downloads.
    Pages,
    /// API reads.
    ApiReads,
    /// Writes from pages and the API.
    Changes,
    /// Passwords, one-time links and other requests of the sign-in pages.
    SignIn,
    /// Runner enrollment.
    Enrollment,
}

impl Class {
    pub const ALL: &'static [Self] = &[Self::Pages, Self::ApiReads, Self::Changes, Self::SignIn, Self::Enrollment];

    /// Returns the name in headers, events and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::ApiReads => "api_reads",
            Self::Changes => "changes",
            Self::SignIn => "sign_in",
            Self::Enrollment => "enrollment",
        }
    }

    /// Returns the name of the limit per address.
    pub(super) const fn address_policy(self) -> &'static str {
        match self {
            Self::Pages => "pages_by_address",
            Self::ApiReads => "api_reads_by_address",
            Self::Changes => "changes_by_address",
            Self::SignIn => "sign_in_by_address",
            Self::Enrollment => "enrollment_by_address",
        }
    }

    /// Returns the name of the limit per IPv6 /48 network.
    pub(super) const fn site_policy(self) -> &'static str {
        match self {
            Self::Pages => "pages_by_network",
            Self::ApiReads => "api_reads_by_network",
            Self::Changes => "changes_by_network",
            Self::SignIn => "sign_in_by_network",
            Self::Enrollment => "enrollment_by_network",
        }
    }

    /// Returns whether the requests are unauthenticated, so only the address is counted.
    pub(super) const fn is_anonymous(self) -> bool {
        matches!(self, Self::SignIn | Self::Enrollment)
    }

    pub(super) const fn rate(self, limits: &Limits) -> Rate {
        match self {
            Self::Pages => limits.pages,
            Self::ApiReads => limits.api_reads,
            Self::Changes => limits.changes,
            Self::SignIn => limits.sign_in,
            Self::Enrollment => limits.enrollment,
        }
    }

    /// Returns the class of a request; assets and health checks have none.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let reads = method.is_safe();
        let below =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if below("/pkg") || below("/healthz") || below("/readyz") {
            return None;
        }
        Some(match path {
            "/actions/login/sign-out" => Self::Changes,
            "/api/v1/runners/enroll" => Self::Enrollment,
            "/actions/factors/ask-passkey" => Self::SignIn,
            _ if below("/actions/login") || below("/actions/setup") || path.starts_with("/sign-in/") => Self::SignIn,
            _ if reads && (below("/api") || below("/metrics")) => Self::ApiReads,
            _ if reads => Self::Pages,
            _ => Self::Changes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_07_every_request_has_the_class_of_what_it_costs() {
        for (method, path, class) in [
            (Method::GET, "/", Some(Class::Pages)),
            (Method::GET, "/sign-in", Some(Class::Pages)),
            (Method::GET, "/apiary", Some(Class::Pages)),
            (Method::HEAD, "/tasks", Some(Class::Pages)),
            (Method::GET, "/live", Some(Class::Pages)),
            (Method::GET, "/api/v1/tasks", Some(Class::ApiReads)),
            (Method::GET, "/metrics", Some(Class::ApiReads)),
            (Method::POST, "/api/v1/tasks", Some(Class::Changes)),
            (Method::DELETE, "/tasks", Some(Class::Changes)),
            (Method::POST, "/actions/tasks/submit", Some(Class::Changes)),
            (Method::POST, "/actions/login/sign-in", Some(Class::SignIn)),
            (Method::POST, "/actions/setup/set-password", Some(Class::SignIn)),
            (Method::POST, "/actions/login/sign-out", Some(Class::Changes)),
            (Method::GET, "/sign-in/elsewhere/back", Some(Class::SignIn)),
            (Method::POST, "/api/v1/runners/enroll", Some(Class::Enrollment)),
            (Method::GET, "/pkg/site.css", None),
            (Method::GET, "/healthz", None),
            (Method::GET, "/healthzz", Some(Class::Pages)),
        ] {
            assert_eq!(Class::of(&method, path), class, "{method} {path}");
        }
    }
}
