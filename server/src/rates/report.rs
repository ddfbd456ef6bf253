//! Security event `rate_limit_exceeded` (K-05): in the server log for anonymous requests, in the tenant's audit log otherwise.
//! At most one event per subject and minute.
use super::{Class, Exceeded, Subject, meter::LimitStatus};
use crate::{anonymous_log, state::App, sync::ignore_poison};
use domain::{Actor, security::SecurityEvent};
use http::{Method, Uri};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};
use store::RateLimited;

const MINUTE: Duration = Duration::from_mins(1);
/// Maximum number of subjects per minute; beyond it, only /metrics counts them.
const MAX_SUBJECTS: usize = 1_000;

/// Kinds of events that are audited at most once a minute per subject, independently of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Rate limit exceeded.
    TooOften,
    /// Admin permissions are not allowed from this network.
    AdminBlocked,
    /// API key used outside its allowed networks.
    Elsewhere,
    /// Throttled after too many wrong passwords or codes.
    Throttled,
}

/// Recently audited subjects by kind of event.
#[derive(Debug, Default)]
pub(super) struct Reports {
    too_often: RecentReports,
    admin_blocked: RecentReports,
    elsewhere: RecentReports,
    throttled: RecentReports,
}

type RecentReports = Mutex<HashMap<Subject, Instant>>;

impl Reports {
    /// Returns whether the event should be audited now.
    pub(super) fn is_report_due(&self, kind: ReportKind, subject: Subject, now: Instant) -> bool {
        let recent = match kind {
            ReportKind::TooOften => &self.too_often,
            ReportKind::AdminBlocked => &self.admin_blocked,
            ReportKind::Elsewhere => &self.elsewhere,
            ReportKind::Throttled => &self.throttled,
        };
        let mut known = ignore_poison(recent.lock());
        if known.get(&subject).is_some_and(|at| now.duration_since(*at) < MINUTE) {
            return false;
        }
        known.retain(|_, at| now.duration_since(*at) < MINUTE);
        known.len() < MAX_SUBJECTS && known.insert(subject, now).is_none()
    }
}

/// Returns the target of a request for the audit log, shortened and without secrets: one-time links contain one in the path.
pub(crate) fn target(method: &Method, uri: &Uri) -> String {
    let path = uri.path();
    let open = path.starts_with("/api/") || path.starts_with("/actions/");
    let shown = if open { path } else { path.get(1..).and_then(|rest| rest.split('/').next()).unwrap_or_default() };
    let shown = shown.trim_start_matches('/').chars().take(100).collect::<String>();
    format!("{method} /{shown}")
}

/// Records that `subject` exceeded a rate limit, unless that was recorded within the last minute.
pub(super) fn report(
    app: &App,
    class: Class,
    subject: Subject,
    exceeded: &Exceeded,
    target: String,
    address: Option<IpAddr>,
    known: Option<(&Actor, Option<&str>)>,
) {
    if !app.rates.is_report_due(ReportKind::TooOften, subject) {
        return;
    }
    let LimitStatus { quota, window, .. } = exceeded.status;
    let Some((actor, prefix)) = known else {
        let reason = format!("more than {quota} requests in {window} s ({})", class.as_str());
        anonymous_log::refused(SecurityEvent::RateLimitExceeded, address, None, &target, &reason);
        return;
    };
    let (store, actor) = (app.store.clone(), actor.clone());
    let limited = RateLimited { class: class.as_str(), target, key_prefix: prefix.map(str::to_owned), quota, window };
    // In the background, so that the response does not wait for the disk.
    app.background.rare().write("an audit event about an exceeded rate limit", async move {
        let mut write = store.write(&actor).await?;
        write.note_rate_limited(limited).await?;
        write.commit().await
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_05_events_are_limited_per_subject_and_minute_and_subjects_are_bounded() {
        let (reports, start) = (Reports::default(), Instant::now());
        let at = |n: u32| Subject::of(IpAddr::from(n.to_be_bytes()));
        let is_report_due = |subject, now| reports.is_report_due(ReportKind::TooOften, subject, now);
        assert!(is_report_due(at(1), start));
        assert!(!is_report_due(at(1), start + Duration::from_secs(59)));
        assert!(is_report_due(at(2), start + Duration::from_secs(59)));
        assert!(is_report_due(at(1), start + MINUTE));
        let written = (10..10_000).filter(|n| is_report_due(at(*n), start + MINUTE)).count();
        assert!(written < MAX_SUBJECTS, "{written}");
        for kind in [ReportKind::AdminBlocked, ReportKind::Elsewhere, ReportKind::Throttled] {
            assert!(reports.is_report_due(kind, at(1), start + MINUTE), "{kind:?} must not be hidden by another kind");
            assert!(!reports.is_report_due(kind, at(1), start + MINUTE), "{kind:?}");
        }
        assert!(is_report_due(at(3), start + MINUTE * 3));
    }

    #[test]
    fn k_05_one_time_links_are_not_recorded() {
        let shown = |path: &str| target(&Method::GET, &path.parse().unwrap());
        assert_eq!(shown("/setup?token=secret"), "GET /setup");
        assert_eq!(shown("/password/secret"), "GET /password");
        assert_eq!(shown("/api/v1/tasks?q=x"), "GET /api/v1/tasks");
        assert_eq!(shown("/"), "GET /");
    }

    #[test]
    fn k_05_long_paths_are_shortened() {
        let long = format!("/api/v1/tasks/{}", "x".repeat(60_000));
        let shown = target(&Method::GET, &long.parse().unwrap());
        assert_eq!(shown, format!("GET {}", &long[..101]));
        let short = "/api/v1/tasks/0191";
        assert_eq!(target(&Method::GET, &short.parse().unwrap()), format!("GET {short}"));
    }
}
