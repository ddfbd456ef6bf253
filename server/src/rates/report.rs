//! The event `rate_limit_exceeded` (K-05): in the log for everybody, in the tenant's audit log for whom it is known; one record
//! for each subject and minute, never one for each request.
use super::{Class, Exceeded, Subject, meter::Standing};
use crate::{anonymous_log, state::App};
use domain::{Actor, security::SecurityEvent};
use http::{Method, Uri};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::RateLimited;

const MINUTE: Duration = Duration::from_mins(1);
/// How many subjects are written down in a minute; of more there are figures at /metrics only.
const MOST: usize = 1_000;

/// What is written down of a subject once a minute: one does not hide another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// They asked too often.
    TooOften,
    /// Admin work is not allowed from where they are.
    HeldOff,
    /// A key was shown where it is not for.
    Elsewhere,
    /// They have to wait after too many wrong passwords or codes.
    HeldUp,
}

/// Who was written down lately, for each kind of news.
#[derive(Debug, Default)]
pub(super) struct Reports {
    too_often: Lately,
    admin_blocked: Lately,
    elsewhere: Lately,
    held_up: Lately,
}

type Lately = Mutex<HashMap<Subject, Instant>>;

impl Reports {
    /// Whether this of `subject` is worth a record now.
    pub(super) fn is_news(&self, news: News, subject: Subject, now: Instant) -> bool {
        let lately = match news {
            News::TooOften => &self.too_often,
            News::HeldOff => &self.admin_blocked,
            News::Elsewhere => &self.elsewhere,
            News::HeldUp => &self.held_up,
        };
        let mut known = lately.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&subject).is_some_and(|at| now.duration_since(*at) < MINUTE) {
            return false;
        }
        known.retain(|_, at| now.duration_since(*at) < MINUTE);
        known.len() < MOST && known.insert(subject, now).is_none()
    }
}

/// What was asked for, in few letters, for it is kept for a while; and without what may be secret in an address: one-time links
/// carry theirs in it.
pub(crate) fn target(method: &Method, uri: &Uri) -> String {
    let path = uri.path();
    let open = path.starts_with("/api/") || path.starts_with("/actions/");
    let shown = if open { path } else { path.get(1..).and_then(|rest| rest.split('/').next()).unwrap_or_default() };
    let shown = shown.trim_start_matches('/').chars().take(100).collect::<String>();
    format!("{method} /{shown}")
}

/// Writes down that `subject` asked too often, unless that was done within the last minute.
pub(super) fn report(
    app: &App,
    class: Class,
    subject: Subject,
    exceeded: &Exceeded,
    target: String,
    address: Option<IpAddr>,
    known: Option<(&Actor, Option<&str>)>,
) {
    if !app.rates.is_news(News::TooOften, subject) {
        return;
    }
    let Standing { quota, window, .. } = exceeded.standing;
    let Some((actor, prefix)) = known else {
        let reason = format!("more than {quota} in {window} s ({})", class.as_str());
        anonymous_log::refused(SecurityEvent::RateLimitExceeded, address, None, &target, &reason);
        return;
    };
    let (store, actor) = (app.store.clone(), actor.clone());
    let limited = RateLimited { class: class.as_str(), target, key_prefix: prefix.map(str::to_owned), quota, window };
    // In the background: whoever asks too often does not keep a request waiting for the disk.
    app.background.rare().write("that somebody asks too often", async move {
        let mut write = store.write(&actor).await?;
        write.note_rate_limited(limited).await?;
        write.commit().await
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_05_one_record_for_each_subject_and_minute_and_a_bounded_number_of_subjects() {
        let (reports, start) = (Reports::default(), Instant::now());
        let at = |n: u32| Subject::of(IpAddr::from(n.to_be_bytes()));
        let is_news = |subject, now| reports.is_news(News::TooOften, subject, now);
        assert!(is_news(at(1), start));
        assert!(!is_news(at(1), start + Duration::from_secs(59)));
        assert!(is_news(at(2), start + Duration::from_secs(59)));
        assert!(is_news(at(1), start + MINUTE));
        let written = (10..10_000).filter(|n| is_news(at(*n), start + MINUTE)).count();
        assert!(written < MOST, "{written}");
        for news in [News::HeldOff, News::Elsewhere, News::HeldUp] {
            assert!(reports.is_news(news, at(1), start + MINUTE), "{news:?} is hidden by who asks too often");
            assert!(!reports.is_news(news, at(1), start + MINUTE), "{news:?}");
        }
        assert!(is_news(at(3), start + MINUTE * 3));
    }

    #[test]
    fn k_05_a_one_time_link_is_not_written_down() {
        let shown = |path: &str| target(&Method::GET, &path.parse().unwrap());
        assert_eq!(shown("/setup?token=secret"), "GET /setup");
        assert_eq!(shown("/password/secret"), "GET /password");
        assert_eq!(shown("/api/v1/tasks?q=x"), "GET /api/v1/tasks");
        assert_eq!(shown("/"), "GET /");
    }

    #[test]
    fn k_05_of_a_long_path_the_beginning_is_kept() {
        let long = format!("/api/v1/tasks/{}", "x".repeat(60_000));
        let shown = target(&Method::GET, &long.parse().unwrap());
        assert_eq!(shown, format!("GET {}", &long[..101]));
        let short = "/api/v1/tasks/0191";
        assert_eq!(target(&Method::GET, &short.parse().unwrap()), format!("GET {short}"));
    }
}
