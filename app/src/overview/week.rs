//! Charts of the last seven days: finished tasks by state, and queue times.
use super::chart::{Bar, Chart};
use crate::{tasks::labels, ui::Table};
use domain::{Timestamp, task::TaskState};
use leptos::prelude::*;
use std::time::Duration;
use store::{FinishedTasks, MAX_TASKS_SCANNED};

/// Days in the charts, including today.
const DAYS: u8 = 7;

const DAY: Duration = Duration::from_hours(24);

/// Returns the midnight (UTC) at which the week starts.
pub fn week_start(now: Timestamp) -> Timestamp {
    let midnight = now.0 - now.0.rem_euclid(i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX));
    Timestamp(midnight).before(DAY.saturating_mul(u32::from(DAYS) - 1))
}

/// The totals of one day; times are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Day {
    /// Month and day: `03-01`.
    label: String,
    succeeded: i64,
    failed: i64,
    stopped: i64,
    started: i64,
    wait: i64,
    longest: i64,
}

impl Day {
    /// Returns the average queue time in microseconds.
    fn average(&self) -> i64 {
        self.wait / self.started.max(1)
    }
}

fn days(since: Timestamp, ended: &[FinishedTasks]) -> Vec<Day> {
    let day = |nth: u8| {
        let date = since.after(DAY.saturating_mul(nth.into())).exact();
        let mut day = Day { label: date.get(5..10).unwrap_or_default().to_owned(), ..Day::default() };
        for row in ended.iter().filter(|row| row.day_index == i64::from(nth)) {
            match row.state {
                TaskState::Succeeded => day.succeeded += row.n,
                TaskState::Failed | TaskState::TimedOut | TaskState::Lost => day.failed += row.n,
                _ => day.stopped += row.n,
            }
            day.started += row.started;
            day.wait += row.wait;
            day.longest = day.longest.max(row.longest);
        }
        day
    };
    (0..DAYS).map(day).collect()
}

/// Returns the number of succeeded and failed tasks.
pub fn totals(ended: &[FinishedTasks]) -> (i64, i64) {
    let of = |state: TaskState| ended.iter().filter(|row| row.state == state).map(|row| row.n).sum();
    (of(TaskState::Succeeded), of(TaskState::Failed))
}

/// Both charts.
#[component]
pub fn WeekCharts(since: Timestamp, ended: Vec<FinishedTasks>) -> impl IntoView {
    let days = days(since, &ended);
    let all: i64 = ended.iter().map(|row| row.n).sum();
    view! {
        <section>
            <h2>{t!("week")}</h2>
            {(all == 0).then(|| view! { <p class="muted">{t!("week-none")}</p> })}
            {(all > 0).then(|| view! { <div class="charts"><OutcomeChart days=days.clone() /><QueueTimeChart days=days /></div> })}
            {(all >= MAX_TASKS_SCANNED).then(|| view! { <p class="help">{t!("week-newest", n = MAX_TASKS_SCANNED)}</p> })}
        </section>
    }
}

#[component]
fn OutcomeChart(days: Vec<Day>) -> impl IntoView {
    let bar = |day: &Day| Bar {
        label: day.label.clone(),
        tooltip: t!("week-day", day = day.label.clone(), good = day.succeeded, bad = day.failed, stopped = day.stopped),
        parts: vec![("good", day.succeeded), ("bad", day.failed), ("stopped", day.stopped)],
    };
    let bars = days.iter().map(bar).collect();
    let row = |day: &Day| {
        view! { <tr><th scope="row">{day.label.clone()}</th><td>{day.succeeded}</td><td>{day.failed}</td><td>{day.stopped}</td></tr> }
    };
    let headings = vec![t!("week-date"), t!("task-state-succeeded"), t!("week-failed"), t!("week-stopped")];
    let legend =
        vec![("good", t!("task-state-succeeded")), ("bad", t!("week-failed")), ("stopped", t!("week-stopped"))];
    view! {
        <Chart title=t!("week-ended") href="/tasks" bars=bars legend=legend size_label=|n| t!("week-most", n = n)>
            <Table caption=t!("week-ended") headings=headings>{days.iter().map(row).collect_view()}</Table>
        </Chart>
    }
}

#[component]
fn QueueTimeChart(days: Vec<Day>) -> impl IntoView {
    let bar = |day: &Day| Bar {
        label: day.label.clone(),
        tooltip: t!("week-day-wait", day = day.label.clone(), wait = format_micros(day.average())),
        parts: vec![("running", day.average())],
    };
    let bars = days.iter().map(bar).collect();
    let row = |day: &Day| {
        view! { <tr><th scope="row">{day.label.clone()}</th><td>{day.started}</td><td>{format_micros(day.average())}</td><td>{format_micros(day.longest)}</td></tr> }
    };
    let headings = vec![t!("week-date"), t!("week-started"), t!("week-average"), t!("week-longest")];
    view! {
        <Chart title=t!("week-waits") href="/runners" bars=bars legend=vec![("running", t!("week-average"))] size_label=|n| t!("week-most-wait", wait = format_micros(n))>
            <Table caption=t!("week-waits") headings=headings>{days.iter().map(row).collect_view()}</Table>
        </Chart>
    }
}

/// Formats a duration in microseconds.
fn format_micros(micros: i64) -> String {
    match micros {
        ..1_000_000 => format!("{}\u{a0}ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{}.{}\u{a0}s", micros / 1_000_000, micros / 100_000 % 10),
        _ => labels::duration(u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_772_373_909_000_000);

    #[test]
    fn a_week_is_today_and_the_six_days_before_it_in_utc() {
        assert_eq!(week_start(NOW).exact(), "2026-02-23 00:00:00 UTC");
        let ended = |day_index, state, n| FinishedTasks {
            day_index,
            state,
            n,
            started: n,
            wait: 2_500_000 * n,
            longest: 9_000_000,
        };
        let week = [ended(0, TaskState::Lost, 1), ended(6, TaskState::Succeeded, 2), ended(6, TaskState::Denied, 3)];
        let days = days(week_start(NOW), &week);
        assert_eq!(days.len(), 7);
        assert_eq!((days[0].label.as_str(), days[0].failed), ("02-23", 1));
        assert_eq!((days[6].label.as_str(), days[6].succeeded, days[6].stopped), ("03-01", 2, 3));
        assert_eq!((days[6].average(), days[3].average(), days[6].longest), (2_500_000, 0, 9_000_000));
    }

    #[test]
    fn durations_have_readable_units() {
        assert_eq!((format_micros(250_000), format_micros(2_560_000)), ("250\u{a0}ms".into(), "2.5\u{a0}s".into()));
        assert_eq!(format_micros(90_000_000), "1\u{a0}min 30\u{a0}s");
    }
}
