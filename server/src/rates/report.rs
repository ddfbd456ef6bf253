//! Security event `rate_limit_exceeded` (K-05): in the server log for anonymous requests, in the tenant's audit log otherwise.
//! At most one event per subject and minute.
use super::{Class, Exceeded, ReportKind, Subject, meter::LimitStatus};
use crate::{anonymous_log, state::App};
use domain::{Actor, security::SecurityEvent};
use http::{Method, Uri};
use std::net::IpAddr;
use store::RateLimited;

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
