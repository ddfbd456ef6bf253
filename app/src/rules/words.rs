//! Rules in words: a sentence for each.
use crate::ui::{Badge, BadgeTone, Glyph, UntrustedText, labels};
use domain::rule::{Condition, Effect, Rule, Step, Verdict};
use leptos::prelude::*;
use std::{collections::HashMap, hash::Hash};
use store::RuleNames;

/// Returns the conditions of a rule as a sentence.
pub fn conditions(rule: &Rule, names: &RuleNames) -> String {
    let of = |values: Vec<String>| values.join(&t!("rule-or"));
    let mut clauses = vec![];
    if !rule.networks.is_empty() {
        let list = of(rule.networks.iter().map(|policy| labels::network(*policy)).collect());
        clauses.push(t!("rule-has-network", list = list));
    }
    if !rule.organizations.is_empty() {
        let list = of(named(&rule.organizations, &names.organizations, &t!("rule-other-organization")));
        clauses.push(t!("rule-is-in", list = list));
    }
    if !rule.submitters.is_empty() {
        let list = of(named(&rule.submitters, &names.submitters, &t!("rule-other-submitter")));
        clauses.push(t!("rule-is-by", list = list));
    }
    if !rule.labels.is_empty() {
        let list = rule.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        let list = list.join(&t!("rule-and"));
        clauses.push(t!("rule-is-labeled", list = list));
    }
    if let Some(hours) = &rule.hours {
        let hour = |hour: u8| format!("{hour:02}:00");
        let (from, to, zone) = (hour(hours.from), hour(hours.to), hours.zone.to_string());
        clauses.push(t!("rule-is-between", from = from, to = to, zone = zone));
    }
    let task = match rule.tools.is_empty() {
        true => t!("rule-task"),
        false => t!("rule-tool-task", list = of(rule.tools.iter().map(|tool| labels::tool(*tool)).collect())),
    };
    match clauses.is_empty() {
        true => t!("rule-any-task", task = task),
        false => t!("rule-when", task = task, clauses = clauses.join(&t!("rule-and"))),
    }
}

/// Returns the names of these ids. An actor does not see all of them.
fn named<T: Eq + Hash>(ids: &[T], names: &HashMap<T, String>, other: &str) -> Vec<String> {
    ids.iter().map(|id| names.get(id).map_or_else(|| other.to_owned(), Clone::clone)).collect()
}

/// Returns a verdict in words.
pub fn verdict(verdict: Verdict) -> String {
    let Verdict::Ask { .. } = verdict else { return labels::effect(verdict.effect()) };
    format!("{}: {}", labels::effect(Effect::Ask), demands(verdict))
}

/// Returns what a verdict that requires approval demands; empty for others.
fn demands(verdict: Verdict) -> String {
    let Verdict::Ask { approvers, hours, passkey } = verdict else { return String::new() };
    let asks = t!("rule-asks", approvers = approvers, hours = hours);
    if passkey { format!("{asks}, {}", t!("rule-asks-passkey")) } else { asks }
}

/// Returns that a rule demands a purpose, if it does.
fn purpose(rule: &Rule) -> Option<String> {
    (rule.requires_purpose && rule.verdict.effect() == Effect::Ask).then(|| t!("rule-asks-purpose"))
}

/// Returns a rule with its name, its conditions and its verdict on one line.
pub fn line(rule: &Rule, names: &RuleNames) -> String {
    let purpose = purpose(rule).map_or(String::new(), |purpose| format!(", {purpose}"));
    format!("{}: {} → {}{purpose}", rule.name, conditions(rule, names), verdict(rule.verdict))
}

/// Returns the result of one rule in words.
pub fn step(step: Step) -> String {
    match step {
        Step::NotMet(Condition::Tool) => t!("rule-step-tool"),
        Step::NotMet(Condition::Network) => t!("rule-step-network"),
        Step::NotMet(Condition::Organization) => t!("rule-step-organization"),
        Step::NotMet(Condition::Submitter) => t!("rule-step-submitter"),
        Step::NotMet(Condition::Labels) => t!("rule-step-labels"),
        Step::NotMet(Condition::Hours) => t!("rule-step-hours"),
        Step::MadeStricter => t!("rule-step-stricter"),
        Step::AddedNothing => t!("rule-step-nothing"),
        Step::Decided => t!("rule-step-decided"),
        Step::NotReached => t!("rule-step-not-reached"),
    }
}

/// A verdict: its effect as a badge, then its demands.
#[component]
pub fn VerdictView(verdict: Verdict) -> impl IntoView {
    let (tone, glyph) = match verdict.effect() {
        Effect::Run => (BadgeTone::Good, Glyph::Play),
        Effect::Ask => (BadgeTone::Waiting, Glyph::Clock),
        Effect::Refuse => (BadgeTone::Bad, Glyph::Cross),
    };
    view! { <Badge tone=tone glyph=glyph label=labels::effect(verdict.effect()) />" "{demands(verdict)} }
}

/// Rules as a list of sentences, in the order in which they are evaluated.
#[component]
pub fn RuleList(rules: Vec<Rule>, names: RuleNames) -> impl IntoView {
    let row = move |(n, rule): (usize, Rule)| {
        let sentence = conditions(&rule, &names);
        let purpose = purpose(&rule).map(|purpose| format!(", {purpose}"));
        view! {
            <tr>
                <td>{n + 1}</td>
                <th scope="row"><UntrustedText text=rule.name /></th>
                <td><UntrustedText text=sentence /></td>
                <td><VerdictView verdict=rule.verdict />{purpose}</td>
            </tr>
        }
    };
    let headings = vec![t!("rule-number"), t!("rule-name"), t!("rule-condition"), t!("rule-effect")];
    view! {
        <crate::ui::Table caption=t!("nav-rules") headings=headings>
            {rules.into_iter().enumerate().map(row).collect_view()}
        </crate::ui::Table>
    }
}
