//! Recently audited subjects, so that each kind of event is audited at most once a minute per subject.
use super::Subject;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

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
pub(super) struct RecentReports {
    too_often: SubjectTimes,
    admin_blocked: SubjectTimes,
    elsewhere: SubjectTimes,
    throttled: SubjectTimes,
}

type SubjectTimes = Mutex<HashMap<Subject, Instant>>;

impl RecentReports {
    /// Returns whether the event should be audited now.
    pub(super) fn is_report_due(&self, kind: ReportKind, subject: Subject, now: Instant) -> bool {
        let recent = match kind {
            ReportKind::TooOften => &self.too_often,
            ReportKind::AdminBlocked => &self.admin_blocked,
            ReportKind::Elsewhere => &self.elsewhere,
            ReportKind::Throttled => &self.throttled,
        };
        let mut known = recent.lock();
        if known.get(&subject).is_some_and(|at| now.duration_since(*at) < MINUTE) {
            return false;
        }
        known.retain(|_, at| now.duration_since(*at) < MINUTE);
        known.len() < MAX_SUBJECTS && known.insert(subject, now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn k_05_events_are_limited_per_subject_and_minute_and_subjects_are_bounded() {
        let (reports, start) = (RecentReports::default(), Instant::now());
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
}
