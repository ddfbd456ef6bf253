//! Timestamps: relative in the text, absolute on hover and for screen readers.
use super::ctx;
use domain::Timestamp;
use leptos::prelude::*;

/// A timestamp.
#[component]
pub fn TimeAgo(at: Timestamp) -> impl IntoView {
    let exact = at.exact();
    view! {
        <time datetime=at.to_string() title=exact.clone()>
            {label(relative(ctx::now(), at))}
            <span class="sr-only">{format!(" ({exact})")}</span>
        </time>
    }
}

/// The time of the last use, or "never".
#[component]
pub fn LastUsed(at: Option<Timestamp>) -> impl IntoView {
    at.map_or_else(|| t!("never").into_any(), |at| view! { <TimeAgo at=at /> }.into_any())
}

/// The distance of a time from now, in its largest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distance {
    Now,
    Ago(i64, Unit),
    In(i64, Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// Rounds down, so that nothing ends earlier than announced; days in the future are rounded to the nearest.
fn relative(now: Timestamp, at: Timestamp) -> Distance {
    let seconds = at.0.saturating_sub(now.0) / 1_000_000;
    let (n, unit) = match seconds.saturating_abs() {
        0..=4 => return Distance::Now,
        s @ 5..=59 => (s, Unit::Second),
        s @ 60..=3_599 => (s / 60, Unit::Minute),
        s @ 3_600..=172_799 => (s / 3_600, Unit::Hour),
        s if seconds > 0 => ((s + 43_200) / 86_400, Unit::Day),
        s => (s / 86_400, Unit::Day),
    };
    if seconds < 0 { Distance::Ago(n, unit) } else { Distance::In(n, unit) }
}

fn label(distance: Distance) -> String {
    match distance {
        Distance::Now => t!("time-now"),
        Distance::Ago(n, Unit::Second) => t!("time-seconds-ago", n = n),
        Distance::Ago(n, Unit::Minute) => t!("time-minutes-ago", n = n),
        Distance::Ago(n, Unit::Hour) => t!("time-hours-ago", n = n),
        Distance::Ago(n, Unit::Day) => t!("time-days-ago", n = n),
        Distance::In(n, Unit::Second) => t!("time-in-seconds", n = n),
        Distance::In(n, Unit::Minute) => t!("time-in-minutes", n = n),
        Distance::In(n, Unit::Hour) => t!("time-in-hours", n = n),
        Distance::In(n, Unit::Day) => t!("time-in-days", n = n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_of(seconds: i64) -> String {
        let now = Timestamp(1_772_373_909_000_000);
        label(relative(now, Timestamp(now.0 + seconds * 1_000_000)))
    }

    #[test]
    fn a_time_is_shown_in_its_largest_unit() {
        for (seconds, text) in [
            (0, "just now"),
            (-4, "just now"),
            (-59, "59 seconds ago"),
            (-60, "1 minute ago"),
            (-7_300, "2 hours ago"),
            (-172_800, "2 days ago"),
            (119, "in 1 minute"),
            (86_400, "in 24 hours"),
            (90 * 86_400, "in 90 days"),
            (90 * 86_400 - 1, "in 90 days"),
        ] {
            assert_eq!(label_of(seconds), text, "{seconds}");
        }
    }
}
