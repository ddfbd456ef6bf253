//! Changes between two versions of the rules: in words, and on past tasks.
use super::words::{line, verdict};
use crate::{
    outcome::Refusal,
    ui::{RowLink, Table, UntrustedText},
};
use domain::{
    Timestamp,
    rule::{Rules, Verdict},
};
use leptos::prelude::*;
use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::time::Duration;
use store::{MAX_PAST_TASKS, PastTask, Read, RuleNames};

/// The time of the past tasks that a change is tried on.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// The maximum number of past tasks that a page lists.
const MAX_SHOWN: usize = 50;

/// A rule before or after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Unchanged(String),
    Added(String),
    Removed(String),
}

/// Returns the rules of both versions, in words and in order.
fn compare(old: &Rules, new: &Rules, names: &RuleNames) -> Vec<Line> {
    let lines = |rules: &Rules| rules.iter().map(|rule| line(rule, names)).collect::<Vec<_>>();
    let (before, after) = (lines(old), lines(new));
    let part = |lines: &[String], range: std::ops::Range<usize>| lines.get(range).unwrap_or_default().to_vec();
    let mut found = vec![];
    for op in capture_diff_slices(Algorithm::Myers, &before, &after) {
        if op.tag() == DiffTag::Equal {
            found.extend(part(&after, op.new_range()).into_iter().map(Line::Unchanged));
        } else {
            found.extend(part(&before, op.old_range()).into_iter().map(Line::Removed));
            found.extend(part(&after, op.new_range()).into_iter().map(Line::Added));
        }
    }
    found
}

/// The changes in words.
#[component]
pub fn Difference(old: Rules, new: Rules, names: RuleNames) -> impl IntoView {
    if old == new {
        return view! { <p>{t!("rules-unchanged")}</p> }.into_any();
    }
    let row = |line: Line| match line {
        Line::Unchanged(text) => view! { <li><span></span><span><UntrustedText text=text /></span></li> }.into_any(),
        Line::Added(text) => {
            let sign = view! { <span><span aria-hidden="true">"+"</span><span class="sr-only">{t!("rules-added")}</span></span> };
            view! { <li class="added">{sign}<ins><UntrustedText text=text /></ins></li> }.into_any()
        }
        Line::Removed(text) => {
            let sign = view! { <span><span aria-hidden="true">"−"</span><span class="sr-only">{t!("rules-removed")}</span></span> };
            view! { <li class="removed">{sign}<del><UntrustedText text=text /></del></li> }.into_any()
        }
    };
    let rows = compare(&old, &new, &names).into_iter().map(row).collect_view();
    view! { <div class="source diff" role="region" aria-label=t!("rules-changes") tabindex="0"><ol>{rows}</ol></div> }
        .into_any()
}

/// The past tasks that a change would have decided otherwise.
#[derive(Clone, Debug)]
pub struct Impact {
    tried: usize,
    changed: Vec<(PastTask, Verdict, Verdict)>,
}

impl Impact {
    /// Tries both rules on the tasks of the last week.
    pub async fn read(read: &mut Read, old: &Rules, new: &Rules, now: Timestamp) -> Result<Self, Refusal> {
        let tasks = read.past_tasks(now.before(WEEK)).await?;
        let tried = tasks.len();
        let judged = tasks.into_iter().map(|task| {
            let (before, after) = (old.judge(&task.facts()).0, new.judge(&task.facts()).0);
            (task, before, after)
        });
        Ok(Self { tried, changed: judged.filter(|(_, before, after)| before != after).collect() })
    }
}

/// How many tasks of the last week would have been decided otherwise, and which.
#[component]
pub fn ImpactView(impact: Impact) -> impl IntoView {
    let Impact { tried, changed } = impact;
    let (n, more) = (changed.len(), changed.len().saturating_sub(MAX_SHOWN));
    let capped = u32::try_from(tried).is_ok_and(|tried| tried >= MAX_PAST_TASKS);
    let headings = vec![t!("task-title"), t!("rules-submitter"), t!("rules-before"), t!("rules-after")];
    let row = |(task, before, after): (PastTask, Verdict, Verdict)| {
        view! {
            <tr>
                <RowLink href=format!("/tasks/{}", task.id)><UntrustedText text=task.title /></RowLink>
                <td><UntrustedText text=task.owner /></td>
                <td>{verdict(before)}</td>
                <td>{verdict(after)}</td>
            </tr>
        }
    };
    view! {
        <section>
            <h2>{t!("rules-impact")}</h2>
            <p>
                {if tried == 0 { t!("rules-impact-none") } else { t!("rules-impact-count", n = n, tried = tried) }}
                {capped.then(|| format!(" {}", t!("rules-impact-capped", limit = MAX_PAST_TASKS)))}
            </p>
            {(n > 0).then(|| view! {
                <Table caption=t!("rules-impact") headings=headings>
                    {changed.into_iter().take(MAX_SHOWN).map(row).collect_view()}
                </Table>
            })}
            {(more > 0).then(|| view! { <p class="help">{t!("rules-impact-more", n = more)}</p> })}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::rule::Rule;

    #[test]
    fn d_05_a_change_is_shown_by_rule() {
        let names = RuleNames::default();
        let old = Rules::new(vec![Rule::new("a", Verdict::Run), Rule::new("b", Verdict::Refuse)]).unwrap();
        let new = Rules::new(vec![Rule::new("a", Verdict::Refuse), Rule::new("b", Verdict::Refuse)]).unwrap();
        let shown = compare(&old, &new, &names);
        let (run, refuse) = ("a: Any task → Run immediately".to_owned(), "a: Any task → Refuse".to_owned());
        let last = Line::Unchanged("b: Any task → Refuse".into());
        assert_eq!(shown, [Line::Removed(run), Line::Added(refuse), last]);
    }
}
